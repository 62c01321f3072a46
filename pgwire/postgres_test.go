package pgwire

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestPostgresTranscripts plays testdata/pgwire/postgres_*.test on PostgreSQL 15, in a
// database of its own, when MILLRACE_PG is set to a connection string. It must answer
// what the files say, but where a comment of the case says that it "differs:", and why.
func TestPostgresTranscripts(t *testing.T) {
	url := os.Getenv("MILLRACE_PG")
	if url == "" || url == "none" {
		t.Skip("MILLRACE_PG is not set")
	}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(testdata, "postgres_*.test"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".test")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			database := freshDatabase(t, cfg, "millrace_"+name)
			c := dialPostgres(t, cfg.Host, cfg.Port)
			c.startup("user", cfg.User, "database", database)
			p := &player{t: t, c: c}
			p.replies(1)
			comparePostgres(t, p, string(text))
		})
	}
}

// freshDatabase makes an empty database.
func freshDatabase(t *testing.T, cfg *pgx.ConnConfig, name string) string {
	t.Helper()
	admin, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(t.Context())
	for _, s := range []string{"DROP DATABASE IF EXISTS ", "CREATE DATABASE "} {
		if _, err := admin.Exec(t.Context(), s+name); err != nil {
			t.Fatal(err)
		}
	}
	return name
}

func dialPostgres(t *testing.T, host string, port uint16) *client {
	t.Helper()
	network, addr := pgconn.NetworkAddress(host, port)
	nc, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return &client{t: t, nc: nc, r: bufio.NewReader(nc)}
}

// comparePostgres plays the cases of a file and compares the answers.
func comparePostgres(t *testing.T, p *player, text string) {
	t.Helper()
	equal, other := 0, 0
	for _, block := range strings.Split(strings.TrimRight(text, "\n"), "\n\n") {
		in, want, isCase := strings.Cut(block, "\n----")
		if !isCase {
			continue
		}
		got := p.play(strings.Split(in, "\n"))
		switch {
		case saysDifferent(in):
			other++
		case !sameAnswer(strings.TrimPrefix(want, "\n"), got):
			t.Errorf("%s\n---- PostgreSQL\n%s\n---- Millrace%s", in, got, want)
		default:
			equal++
		}
	}
	t.Logf("%d cases are equal, %d differ and say why", equal, other)
}

// saysDifferent tells whether a comment of a case says why PostgreSQL answers otherwise.
func saysDifferent(in string) bool {
	return slices.ContainsFunc(strings.Split(in, "\n"), func(line string) bool {
		return strings.HasPrefix(line, "#") && strings.Contains(line, "differs:")
	})
}

// sameAnswer compares replies. Three things may differ: PostgreSQL reports parameters, it
// sends columns and rows before an error that comes while it runs, and we may give a place, a
// detail or a hint where it gives none.
func sameAnswer(ours, theirs string) bool {
	a, b := replyList(ours), replyList(theirs)
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].head != b[i].head {
			return false
		}
		for k, v := range b[i].fields {
			if a[i].fields[k] != v {
				return false
			}
		}
		if a[i].fields["WHERE"] != b[i].fields["WHERE"] {
			return false
		}
	}
	return true
}

// reply is a reply of a transcript with the fields of an error or notice.
type reply struct {
	head   string
	fields map[string]string
}

func replyList(text string) (list []reply) {
	field := ""
	for _, line := range strings.Split(text, "\n") {
		name, value, isField := strings.Cut(strings.TrimPrefix(line, "  "), ": ")
		switch {
		case strings.HasPrefix(line, "Parameter "):
		case strings.HasPrefix(line, "    "):
			list[len(list)-1].fields[field] += "\n" + line
		case strings.HasPrefix(line, "  ") && isField:
			field = name
			list[len(list)-1].fields[field] = value
		default:
			for strings.HasPrefix(line, "Error ") && len(list) > 0 &&
				(strings.HasPrefix(list[len(list)-1].head, "Columns ") ||
					strings.HasPrefix(list[len(list)-1].head, "Row ")) {
				list = list[:len(list)-1]
			}
			list = append(list, reply{line, map[string]string{}})
		}
	}
	return list
}
