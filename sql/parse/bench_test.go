package parse

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

const benchShort = "SELECT id, name, price * 2 FROM items WHERE price > 10 AND name <> 'x'"

const benchLong = `WITH recent AS (
  SELECT o.id, o.customer, o.total, o.placed_at
  FROM orders o
  WHERE o.placed_at > now() - INTERVAL '30 days' AND o.state NOT IN ('void', 'draft')
), spend AS (
  SELECT r.customer, count(*) AS orders, sum(r.total) AS total,
         avg(r.total) FILTER (WHERE r.total > 100) AS big_avg,
         max(r.placed_at) AS last_at
  FROM recent r
  GROUP BY r.customer
  HAVING count(*) > 2
), ranked AS (
  SELECT s.*, row_number() OVER (PARTITION BY c.region ORDER BY s.total DESC) AS place,
         c.region, c.name
  FROM spend s
  JOIN customers c ON c.id = s.customer
  LEFT JOIN regions g ON g.code = c.region AND g.active
)
SELECT k.region, k.name, k.total, k.orders,
       CASE WHEN k.total > 10000 THEN 'gold' WHEN k.total > 1000 THEN 'silver' ELSE 'base' END AS tier,
       coalesce(k.big_avg, 0)::numeric(12,2) AS big_avg,
       (SELECT string_agg(t.tag, ', ' ORDER BY t.tag) FROM tags t WHERE t.customer = k.customer) AS tags
FROM ranked k
WHERE k.place <= 10
  AND EXISTS (SELECT 1 FROM visits v WHERE v.customer = k.customer AND v.at > k.last_at)
  AND k.name ~* '^[a-m]'
ORDER BY k.region NULLS LAST, k.total DESC
LIMIT 100`

func tidbTree(text string) (ast.StmtNode, error) {
	o := newOutline(&parser{lexer: lexer{toks: make([]token, 1)}})
	o.text = append(o.text, text...)
	var st ast.StmtNode
	err := Config{}.with("", func(*parser) { st = o.structure() })
	return st, err
}

func benchParse(b *testing.B, text string) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseShort has the outline cached; BenchmarkParseShortCold has not.
func BenchmarkParseShort(b *testing.B) { benchParse(b, benchShort) }

func BenchmarkParseShortCold(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		outlines.mu.Lock()
		outlines.young, outlines.old = nil, nil
		outlines.mu.Unlock()
		if _, err := Parse(benchShort); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseLong(b *testing.B) { benchParse(b, benchLong) }

func BenchmarkInsert1(b *testing.B) {
	benchParse(b, "INSERT INTO orders (id, customer, total, note) VALUES (17, 42, 99.95, 'by hand')")
}

func BenchmarkInsert1000(b *testing.B) {
	var s strings.Builder
	s.WriteString("INSERT INTO orders (id, customer, total, note) VALUES ")
	for i := range 1000 {
		if i > 0 {
			s.WriteString(", ")
		}
		fmt.Fprintf(&s, "(%d, %d, %d.95, 'note %d')", i, i*7, i, i)
	}
	benchParse(b, s.String())
}

func BenchmarkLex(b *testing.B) {
	b.SetBytes(int64(len(benchLong)))
	var p parser
	for b.Loop() {
		p.begin(benchLong)
	}
}

func BenchmarkFingerprint(b *testing.B) {
	for b.Loop() {
		Fingerprint(benchShort)
	}
}
