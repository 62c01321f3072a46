//go:build record

package expr

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millracedb/millrace/sql/types"
)

var (
	diffCount = flag.Int("cases", 20000, "number of expressions to compare")
	diffSeed  = flag.Uint64("seed", 1, "seed of the expressions")
	diffOnly  = flag.String("only", "", "only functions whose name contains this")
)

// literals has values of each type: ordinary ones, edges, NULL.
var literals = map[string][]string{
	"bool": {"true", "false", "NULL::bool"},
	"int2": {"0::int2", "1::int2", "(-1)::int2", "32767::int2", "(-32768)::int2", "7::int2", "NULL::int2"},
	"int4": {"0", "1", "(-1)", "2147483647", "(-2147483648)", "7", "3", "100", "NULL::int4"},
	"int8": {"0::int8", "1::int8", "(-5)::int8", "9223372036854775807", "(-9223372036854775808)",
		"1000000007::int8", "NULL::int8"},
	"oid": {"0::oid", "1::oid", "4294967295::oid"},
	"float4": {"0::float4", "1.5::float4", "(-2.25)::float4", "1e30::float4", "'NaN'::float4",
		"'Infinity'::float4"},
	"float8": {"0::float8", "1::float8", "(-1.5)::float8", "0.5::float8", "2.5::float8", "1e300::float8",
		"1e-300::float8", "'NaN'::float8", "'-Infinity'::float8", "123456.789::float8", "NULL::float8"},
	"numeric": {"0::numeric", "1.50", "(-2.5)", "123456789.123456789", "0.00001", "1e20::numeric",
		"'NaN'::numeric", "'Infinity'::numeric", "3::numeric", "(-7.25)", "NULL::numeric",
		"99999999999999999999999999999999999999.5"},
	"text": {"''::text", "'abc'::text", "'A b C'::text", "'é日本語'::text", "'%_x'::text", "'123'::text",
		"' x '::text", "'a,b,,c'::text", "'b'::text", "','::text", "'hello world hello'::text", "NULL::text"},
	"bpchar": {"'ab '::char(4)", "'ab'::bpchar", "''::bpchar"},
	"name":   {"'abc'::name", "'Def'::name"},
	"char":   {"'a'::\"char\"", "'b'::\"char\""},
	"bytea":  {"''::bytea", "'\\x00ff10'::bytea", "'abc'::bytea", "NULL::bytea"},
	"date": {"date '2024-02-29'", "date '1970-01-01'", "date '1999-12-31'", "date '0044-03-15 BC'",
		"date 'infinity'", "date '-infinity'", "NULL::date"},
	"time":   {"time '00:00'", "time '12:34:56.789'", "time '23:59:59.999999'", "time '24:00'"},
	"timetz": {"timetz '00:00+00'", "timetz '12:34:56.789-05'", "timetz '23:59:59+05:30'"},
	"timestamp": {"timestamp '2024-02-29 12:34:56.789'", "timestamp '1969-12-31 23:59:59.5'",
		"timestamp '2000-01-01'", "timestamp '0044-03-15 BC'", "timestamp 'infinity'", "NULL::timestamp"},
	"timestamptz": {"timestamptz '2024-02-29 12:34:56.789+00'", "timestamptz '1969-12-31 23:59:59.5+00'",
		"timestamptz '2000-07-01 00:00+02'", "timestamptz '-infinity'"},
	"interval": {"interval '0'", "interval '1 day'", "interval '1 month -3 days 04:05:06.7'",
		"interval '-1 year 25 hours'", "interval '36 hours'", "interval '40 days'", "NULL::interval"},
	"uuid": {"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "'00000000-0000-0000-0000-000000000000'::uuid"},
	"json": {"'{\"a\": 1, \"b\": [1, null, \"x\"]}'::json", "'[1, {\"a\":2}, null]'::json", "'\"s\"'::json",
		"'null'::json", "'{}'::json"},
	"jsonb": {"'{\"a\": 1, \"b\": [1, null, \"x\"]}'::jsonb", "'[1, {\"a\": 2}, null]'::jsonb",
		"'\"s\"'::jsonb", "'null'::jsonb", "'{}'::jsonb", "'[]'::jsonb", "'12.50'::jsonb", "NULL::jsonb"},
	"text[]": {"'{}'::text[]", "'{a,b,NULL}'::text[]", "'{a,1}'::text[]", "'{0}'::text[]", "NULL::text[]"},
	"int4[]": {"'{}'::int[]", "'{1,2,3}'::int[]", "'{1,NULL,2,1}'::int[]",
		"'[0:1]={5,6}'::int[]", "'{{1,2},{3,4}}'::int[]"},
	"float8[]": {"'{0.5}'::float8[]"},
	"xid":      {"'1'::xid"},
}

var words = map[string][]string{
	"field": {"'year'", "'month'", "'day'", "'hour'", "'minute'", "'second'", "'epoch'", "'dow'", "'isodow'",
		"'week'", "'quarter'", "'century'", "'decade'", "'millennium'", "'milliseconds'", "'microseconds'", "'doy'",
		"'isoyear'", "'julian'", "'timezone'", "'foo'", "''"},
	"zone":  {"'UTC'", "'America/New_York'", "'Asia/Kolkata'", "'EST'", "'+05'", "'nowhere'"},
	"regex": {"'b'", "'[a-c]+'", "'^h'", "'(l+)o'", "'\\s+'", "'x*'", "'o|w'", "'('", "''", "'(\\w)(\\w)'"},
	"enc":   {"'hex'", "'base64'", "'escape'", "'foo'"},
	"like":  {"'%'", "'a%'", "'%b%'", "'_b_'", "'%日%'", "''", "'a\\_'"},
	"num":   {"'999'", "'9,999.99'", "'FM999.990'", "'S0999.9'", "'999PR'", "'0.99'"},
	"small": {"0", "1", "(-1)", "3", "7", "20"},
	"dims":  {"'{2,3}'::int[]", "'{1}'::int[]", "'{}'::int[]", "'{0}'::int[]", "NULL::int[]"},
	"tfmt":  {"'YYYY-MM-DD HH24:MI:SS.US'", "'Day, DD Mon YYYY'", "'FMMonth Q WW IW J'", "'HH12 AM TZ'"},
}

// argument gives a literal for a parameter of f.
func argument(rng *rand.Rand, f *Func, i int, elem string) string {
	t := f.Args[min(i, len(f.Args)-1)]
	pool := literals[poolName(t, elem)]
	if w := wordPool(f, i, t); w != "" {
		pool = words[w]
	}
	if len(pool) == 0 {
		return ""
	}
	return pool[rng.IntN(len(pool))]
}

func wordPool(f *Func, i int, t types.Type) string {
	switch f.Name {
	case "repeat", "lpad", "rpad", "generate_series", "array_fill":
		if t.Kind == types.Int4 || t.Kind == types.Int8 || t.Kind == types.Numeric {
			return "small"
		}
		if t.Kind == types.Array {
			return "dims"
		}
	}
	if t.Kind != types.Text {
		return ""
	}
	switch n := f.Name; {
	case (n == "extract" || n == "date_part" || n == "date_trunc") && i == 0:
		return "field"
	case n == "timezone" && i == 0 || n == "date_trunc" && i == 2 || n == "make_timestamptz":
		return "zone"
	case strings.HasPrefix(n, "regexp") && i == 1, (n == "~" || n == "~*" || n == "!~" || n == "!~*") && i == 1:
		return "regex"
	case (n == "encode" || n == "decode") && i == 1:
		return "enc"
	case strings.Contains(n, "~~") && i == 1:
		return "like"
	case (n == "to_char" || n == "to_number") && i == 1:
		if k := f.Args[0].Kind; k == types.Timestamp || k == types.Timestamptz || k == types.Interval {
			return "tfmt"
		}
		return "num"
	}
	return ""
}

func poolName(t types.Type, elem string) string {
	if isPoly(t) {
		if t.Kind == types.Array {
			return elem + "[]"
		}
		return elem
	}
	if t.Kind == types.Array {
		return t.Elem.Kind.String() + "[]"
	}
	return t.Kind.String()
}

// randomCall writes a call of f, "" when a parameter has no literals.
func randomCall(rng *rand.Rand, f *Func) string {
	n := len(f.Args)
	if f.Variadic {
		n += rng.IntN(3)
	}
	elem := []string{"int4", "text"}[rng.IntN(2)]
	args := make([]string, n)
	for i := range args {
		if args[i] = argument(rng, f, i, elem); args[i] == "" {
			return ""
		}
	}
	switch {
	case f.Operator && n == 2:
		return args[0] + " " + f.Name + " " + args[1]
	case f.Operator:
		return f.Name + " " + args[0]
	case f.Name == "position":
		return "position(" + args[1] + " in " + args[0] + ")"
	case f.Name == "greatest" || f.Name == "least":
		return f.Name + "(" + strings.Join(args, ", ") + ")"
	case f.Name == "overlaps":
		return fmt.Sprintf("(%s, %s) overlaps (%s, %s)", args[0], args[1], args[2], args[3])
	case f.Name == "trim" || f.Name == "array" || f.Name == "row" || f.Name == "extract" && n == 2:
		if f.Name == "extract" {
			return "extract(" + args[0] + " from " + args[1] + ")"
		}
		return ""
	}
	return "pg_catalog." + f.Name + "(" + strings.Join(args, ", ") + ")"
}

// closeFloats: C's library and Go's differ in the last bit of some functions.
func closeFloats(got, want string) bool {
	a, okA := strings.CutPrefix(got, "double precision: ")
	b, okB := strings.CutPrefix(want, "double precision: ")
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return okA && okB && err1 == nil && err2 == nil && math.Abs(x-y) <= 1e-14*math.Abs(y)
}

func comparable2(f *Func) bool {
	switch f.Name {
	case "array_get", "array_slice", "struct_get", "map_get", "record_get", "struct", "map", "like",
		"pg_column_size", "gen_random_uuid", "random", "version", "unistr", "now",
		"transaction_timestamp", "statement_timestamp", "timeofday", "row_to_json", "convert_from",
		"convert_to":
		return false
	case "generate_series":
		return false
	case "age":
		return len(f.Args) == 2
	}
	return !f.Session && f.Volatility != Volatile && (*diffOnly == "" || strings.Contains(f.Name, *diffOnly))
}

// TestDifferential compares random calls with a PostgreSQL 15 server:
//
//	go test -tags record ./sql/expr -run TestDifferential -record postgres://... -cases 20000 -seed 1
func TestDifferential(t *testing.T) {
	if *recordURL == "" {
		t.Skip("no -record")
	}
	t.Logf("seed %d", *diffSeed)
	ctx := context.Background()
	conn, err := pgconn.Connect(ctx, *recordURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SET timezone = 'UTC'; SET statement_timeout = '2s'").ReadAll(); err != nil {
		t.Fatal(err)
	}
	var fs []*Func
	for _, f := range Funcs() {
		if comparable2(f) {
			fs = append(fs, f)
		}
	}
	rng := rand.New(rand.NewPCG(*diffSeed, 0))
	compared, shown := 0, map[*Func]int{}
	bad := 0
	for tries := 0; compared < *diffCount && tries < 10**diffCount; tries++ {
		f := fs[rng.IntN(len(fs))]
		text := randomCall(rng, f)
		if text == "" {
			continue
		}
		want := ask(ctx, conn, text)
		if foreign(want) {
			continue
		}
		compared++
		if got := answer(text); got != want && !closeFloats(got, want) {
			bad++
			if shown[f]++; shown[f] <= 2 {
				t.Errorf("%s\n got %s\nwant %s", text, got, want)
			}
		}
	}
	t.Logf("%d of %d differ", bad, compared)
}
