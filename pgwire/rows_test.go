package pgwire

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/millracedb/millrace/pgwire/session"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// nowhere is a connection that takes everything.
type nowhere struct{ net.Conn }

func (nowhere) Write(b []byte) (int, error)      { return len(b), nil }
func (nowhere) SetWriteDeadline(time.Time) error { return nil }

// fourColumns is a batch of int8, timestamptz, float8 and text.
func fourColumns(rows int) (*batch.Batch, *session.Result) {
	kinds := []types.Kind{types.Int8, types.Timestamptz, types.Float8, types.Text}
	var ts []types.Type
	r := &session.Result{Values: &types.Env{Zone: time.UTC}, FloatDigits: 1}
	for _, k := range kinds {
		t := types.Of(k)
		ts = append(ts, t)
		r.Columns = append(r.Columns, session.Column{Name: "c", Type: t, OID: t.OID()})
	}
	b := batch.New(ts, rows)
	for i := range rows {
		b.AppendDatums([]types.Datum{types.IntDatum(int64(i) * 1000), types.IntDatum(
			1_700_000_000_000_000 + int64(i)*1_000_037), types.FloatDatum(float64(i) / 8),
			types.TextDatum("a text of twenty b.")}, 1)
	}
	return b, r
}

func newRowWriter(r *session.Result) *rowWriter {
	w := &rowWriter{w: &writer{conn: nowhere{}, sent: func(int) {}}}
	w.reset(r)
	return w
}

func TestRowsAllocateNothing(t *testing.T) {
	b, r := fourColumns(batch.MaxRows)
	for format := range int16(2) {
		for i := range r.Columns {
			r.Columns[i].Format = format
		}
		w := newRowWriter(r)
		if err := w.write(b); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(5, func() { _ = w.write(b) }); n > 1 {
			t.Errorf("format %d: %v allocations for %d rows", format, n, b.N)
		}
	}
}

func BenchmarkRows(b *testing.B) {
	for _, format := range []struct {
		name string
		code int16
	}{{"text", 0}, {"binary", 1}} {
		b.Run(format.name, func(b *testing.B) {
			rows, r := fourColumns(batch.MaxRows)
			for i := range r.Columns {
				r.Columns[i].Format = format.code
			}
			w := newRowWriter(r)
			b.ReportAllocs()
			for b.Loop() {
				if err := w.write(rows); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*batch.MaxRows/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func TestWriterSendsPieces(t *testing.T) {
	a, z := net.Pipe()
	w := &writer{conn: a, sent: func(int) {}}
	got := make(chan int)
	go func() {
		n, _ := io.Copy(io.Discard, z)
		got <- int(n)
	}()
	const messages, size = 100, 10_000
	for range messages {
		w.begin('d')
		w.buf = append(w.buf, make([]byte, size)...)
		if err := w.end(); err != nil {
			t.Fatal(err)
		}
		if len(w.buf) >= writeBytes {
			t.Fatalf("%d bytes are kept back", len(w.buf))
		}
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	a.Close()
	if n := <-got; n != messages*(size+5) {
		t.Errorf("%d bytes came", n)
	}
}
