package pgwire

import (
	"context"
	"testing"

	"github.com/millracedb/millrace/pgwire/session"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// void is a client that takes everything.
type void struct{}

func (void) Columns(*session.Result) error    { return nil }
func (void) Rows(*batch.Batch) error          { return nil }
func (void) Flush() error                     { return nil }
func (void) Notice(*session.Notice) error     { return nil }
func (void) Complete(string) error            { return nil }
func (void) Empty() error                     { return nil }
func (void) Suspended() error                 { return nil }
func (void) CopyOut(session.CopyHeader) error { return nil }
func (void) CopyData([]byte) error            { return nil }
func (void) CopyDone() error                  { return nil }
func (void) CopyIn(context.Context, session.CopyHeader) (session.CopyReader, error) {
	return nil, sqlerr.Unsupported("COPY", "It is not measured here.")
}

// BenchmarkStatements measures statements that come again, in one session: the log is
// in memory, so that what is measured is the way to it and back.
func BenchmarkStatements(b *testing.B) {
	n := startNode(b, nil)
	s, err := n.server.Host().Open(session.Options{User: "millrace", Database: "millrace", Door: "http"})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for _, text := range []string{"create table t (id int primary key, v text)",
		"create stream s (id int, v text)", "insert into t select i, 'v' from generate_series(1, 1000) i"} {
		if err := s.Query(text, void{}); err != nil {
			b.Fatal(err)
		}
	}
	for _, bench := range []struct{ name, text string }{
		{"select", "select 1"}, {"point", "select v from t where id = 7"},
		{"insert", "insert into s values (1, 'abc')"}, {"begin", "begin; commit"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Query(bench.text, void{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
