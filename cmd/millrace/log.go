package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/spf13/cobra"

	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/log/wal"
)

func newLogCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "log",
		Short: "Look into the log on disk",
		Long:  "Log looks into the files of a data directory, without a server.",
		Example: `  millrace log dump --data ./millrace-data
  millrace log dump --data ./millrace-data --json`,
	}
	c.AddCommand(newLogDumpCommand())
	return c
}

// dumpOptions are the flags of `millrace log dump`.
type dumpOptions struct {
	data   string
	from   uint64
	asJSON bool
	blocks bool
}

func newLogDumpCommand() *cobra.Command {
	o := dumpOptions{data: "./millrace-data"}
	c := &cobra.Command{
		Use:   "dump",
		Short: "Print the records of the log",
		Long: `Dump prints the records of Raft's log as they are on disk, one per line, without
changing anything. Records that a power cut left behind are shown too: the dump is
for eyes, not for recovery. Damage is shown and makes the exit code 1.

Use it on a stopped node, or on a copy: a running one writes while it is read.`,
		Example: `  millrace log dump --data ./millrace-data
  millrace log dump --data ./millrace-data --json --from 100`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runLogDump(cmd.Context(), o, cmd.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&o.data, "data", o.data, "the data directory")
	f.Uint64Var(&o.from, "from", 0, "leave out entries before this index")
	f.BoolVar(&o.asJSON, "json", false, "print one object per line")
	f.BoolVar(&o.blocks, "blocks", false, "print the blocks of rows in each entry too")
	return c
}

// dumpedRecord is a record as --json prints it.
type dumpedRecord struct {
	File   string      `json:"file"`
	Offset int64       `json:"offset"`
	Kind   string      `json:"kind"`
	Index  uint64      `json:"index,omitempty"`
	Term   uint64      `json:"term,omitempty"`
	Type   string      `json:"type,omitempty"`
	Time   *time.Time  `json:"time,omitempty"`
	Bytes  int         `json:"bytes"`
	Txns   int         `json:"transactions,omitempty"`
	Rows   int         `json:"rows,omitempty"`
	Blocks []dumpBlock `json:"blocks,omitempty"`
	Error  string      `json:"error,omitempty"`
}

type dumpBlock struct {
	Partition string `json:"partition"`
	Rows      int    `json:"rows"`
}

func runLogDump(ctx context.Context, o dumpOptions, out io.Writer) error {
	dir := filepath.Join(o.data, "log", "wal")
	if _, err := vfs.Default.Stat(dir); err != nil {
		return fmt.Errorf("%s is not a data directory: %w", o.data, err)
	}
	w := bufio.NewWriter(out)
	damaged := 0
	err := wal.Dump(vfs.Default, dir, func(r wal.Record) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if r.Err == nil && r.Index < o.from {
			return nil
		}
		d := describeRecord(r, o.blocks)
		if d.Error != "" {
			damaged++
		}
		if o.asJSON {
			return json.NewEncoder(w).Encode(d)
		}
		return printRecord(w, d)
	})
	if err == nil {
		err = w.Flush()
	}
	if err == nil && damaged > 0 {
		err = fmt.Errorf("%d places are damaged", damaged)
	}
	return err
}

func describeRecord(r wal.Record, blocks bool) dumpedRecord {
	d := dumpedRecord{File: r.File, Offset: r.Offset, Kind: r.Kind, Index: r.Index, Term: r.Term,
		Bytes: len(r.Data)}
	if !r.Time.IsZero() {
		t := r.Time.UTC()
		d.Time = &t
	}
	if r.Err != nil {
		d.Error = r.Err.Error()
		return d
	}
	if r.Kind != "entry" {
		return d
	}
	d.Type = r.Type.String()
	if len(r.Data) == 0 || d.Type != "LogCommand" {
		return d
	}
	e, err := log.DecodeEntry(r.Data)
	if err != nil {
		d.Error = err.Error()
		return d
	}
	d.Txns = len(e.Txns)
	for _, t := range e.Txns {
		for _, b := range t.Blocks {
			d.Rows += int(b.Rows)
			if blocks {
				d.Blocks = append(d.Blocks, dumpBlock{b.Partition.String(), int(b.Rows)})
			}
		}
	}
	return d
}

func printRecord(w io.Writer, d dumpedRecord) error {
	when := "-"
	if d.Time != nil {
		when = d.Time.Format("2006-01-02T15:04:05.000000Z")
	}
	_, err := fmt.Fprintf(w, "%s @%-10d %-8s", d.File, d.Offset, d.Kind)
	if d.Kind == "entry" && err == nil {
		_, err = fmt.Fprintf(w, " index=%d term=%d %s %s bytes=%d txns=%d rows=%d",
			d.Index, d.Term, d.Type, when, d.Bytes, d.Txns, d.Rows)
	}
	for _, b := range d.Blocks {
		if err == nil {
			_, err = fmt.Fprintf(w, " %s:%d", b.Partition, b.Rows)
		}
	}
	if d.Error != "" && err == nil {
		_, err = fmt.Fprintf(w, " ERROR %s", d.Error)
	}
	if err == nil {
		_, err = fmt.Fprintln(w)
	}
	return err
}
