package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/millracedb/millrace/cmd/internal/client"
	"github.com/millracedb/millrace/cmd/internal/gen"
)

func newBenchIngest() *cobra.Command {
	return newBenchmark(benchmark{
		name: "ingest", short: "COPY rows of 100 bytes into a stream",
		long: `Ingest loads rows of 100 bytes with four columns by COPY in text format, and counts
until the last row is acknowledged, which is when it is on disk.`,
		example: `  millrace bench ingest --rows 20000
  millrace bench ingest --rows 20000 --clients 2 --json`,
		defaults: benchOptions{rows: 3_000_000, clients: 1},
		uses:     []string{"rows", "clients"},
		run:      benchIngest,
	})
}

// ingestRowBytes is the length of a row with its end of line.
const ingestRowBytes = 100

// ingestRows makes rows of four columns: id, sensor, value and a text that fills
// the row up.
func ingestRows(seed uint64, n int) []byte {
	rnd := gen.NewRandom(seed + 1)
	buf := make([]byte, 0, n*ingestRowBytes)
	for i := range n {
		from := len(buf)
		buf = strconv.AppendInt(buf, int64(i), 10)
		buf = append(buf, '\t')
		buf = strconv.AppendInt(buf, rnd.Below(10_000), 10)
		buf = append(buf, '\t')
		buf = strconv.AppendFloat(buf, float64(rnd.Below(1_000_000))/1000, 'f', 3, 64)
		buf = append(buf, '\t')
		for len(buf)-from < ingestRowBytes-1 {
			buf = append(buf, byte('a'+rnd.Below(26)))
		}
		buf = append(buf, '\n')
	}
	return buf
}

// repeated gives a block again and again until size bytes have been given.
type repeated struct {
	block []byte
	left  int64
	at    int
	bar   *progress
}

// Read implements io.Reader.
func (r *repeated) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), r.left)], r.block[r.at:])
	r.at = (r.at + n) % len(r.block)
	r.left -= int64(n)
	r.bar.add(int64(n / ingestRowBytes))
	return n, nil
}

// distinctRows is how many different rows a client sends: 50 MB, more than any
// cache or window of a compressor holds.
const distinctRows = 500_000

func benchIngest(b *bench) error {
	conn, err := b.connect()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := b.fresh(conn, `DROP STREAM IF EXISTS bench_ingest`,
		`CREATE STREAM bench_ingest (id bigint, sensor int, value double precision, note text)`); err != nil {
		return err
	}
	per := max(b.rows/int64(b.clients), 1)
	blocks := make([][]byte, b.clients)
	for i := range blocks {
		blocks[i] = ingestRows(uint64(i), int(min(per, distinctRows)))
	}
	bar := newProgress(b.errOut, per*int64(b.clients), "rows")
	took, err := b.eachClient(func(i int, conn *client.Conn) error {
		n, err := conn.CopyFrom(b.ctx, `COPY bench_ingest FROM STDIN`,
			&repeated{block: blocks[i], left: per * ingestRowBytes, bar: bar})
		if err == nil && n != per {
			err = fmt.Errorf("%d rows acknowledged of %d", n, per)
		}
		return err
	})
	bar.end()
	if err != nil {
		return err
	}
	rows := float64(per * int64(b.clients))
	b.report.add("rows", rows, "")
	b.report.add("time", took.Seconds(), "s")
	b.report.add("ingest", rows/took.Seconds(), "rows_per_s")
	b.report.add("ingest", rows*ingestRowBytes/took.Seconds()/1e6, "mb_per_s")
	return b.checkCount(conn, "bench_ingest", per*int64(b.clients))
}

// checkCount makes sure that what was measured was stored.
func (b *bench) checkCount(conn *client.Conn, relation string, want int64) error {
	got, err := conn.Value(b.ctx, "SELECT count(*) FROM "+relation)
	if err != nil {
		return err
	}
	if got != strconv.FormatInt(want, 10) {
		return fmt.Errorf("%s has %s rows, %d were acknowledged", relation, got, want)
	}
	return nil
}

// loadIngest fills a stream with the rows of ingest.
func (b *bench) loadIngest(conn *client.Conn, stream string, rows int64) error {
	block := ingestRows(0, int(min(rows, distinctRows)))
	bar := newProgress(b.errOut, rows, "rows")
	defer bar.end()
	var in io.Reader = &repeated{block: block, left: rows * ingestRowBytes, bar: bar}
	if rows <= distinctRows {
		in = bytes.NewReader(block)
	}
	_, err := conn.CopyFrom(b.ctx, "COPY "+stream+" FROM STDIN", in)
	return err
}
