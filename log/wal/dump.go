package wal

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
)

// Record is what Dump tells about one frame.
type Record struct {
	File    string // name within the directory
	Offset  int64
	Epoch   uint64
	Kind    string // start, entry, truncate, reset, mark, close
	Type    raft.LogType
	Index   uint64
	Term    uint64
	Commit  uint64
	Durable int64 // the file was durable up to here when the frame was written
	Time    time.Time
	Data    []byte // valid during the call only
	// Err is set for a place where no sound frame lies although the file goes on; the file's
	// later frames are not visited.
	Err error
}

var kindNames = [...]string{
	kindStart: "start", kindEntry: "entry", kindTruncate: "truncate", kindReset: "reset",
	kindMark: "mark", kindClose: "close",
}

// Dump calls fn for every frame of every segment file in dir, in order of epoch, without changing
// anything. It shows dead and torn frames as well, so it is for eyes, not for recovery.
func Dump(fs vfs.FS, dir string, fn func(Record) error) error {
	names, err := fs.List(dir)
	if err != nil {
		return fmt.Errorf("list %s: %w", dir, err)
	}
	slices.Sort(names)
	for _, name := range names {
		epoch, ok := parseSegmentName(name)
		if !ok {
			continue
		}
		if err := dumpFile(fs, fs.PathJoin(dir, name), name, epoch, fn); err != nil {
			return err
		}
	}
	return nil
}

func dumpFile(fs vfs.FS, path, name string, epoch uint64, fn func(Record) error) (err error) {
	file, err := fs.Open(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	st, err := file.Stat()
	if err != nil {
		return fmt.Errorf("stat %s: %w", path, err)
	}
	have, reason, err := readFileHeader(file, st.Size())
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if reason != "" {
		return fn(Record{File: name, Err: &CorruptionError{File: path, Reason: reason}})
	}
	sc := newScanner(file, st.Size(), have)
	var f frame
	for {
		at := sc.pos
		payload, ok, err := sc.next(&f)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		if !ok {
			return dumpEnd(sc, name, path, epoch, fn)
		}
		r := Record{
			File: name, Offset: at, Epoch: have, Kind: kindNames[f.kind], Type: f.logType,
			Index: f.index, Term: f.term, Commit: f.commit, Durable: int64(f.durable),
			Data: payload[:f.length-f.extLen],
		}
		if f.appended != 0 {
			r.Time = time.Unix(0, f.appended)
		}
		if err := fn(r); err != nil {
			return err
		}
	}
}

// dumpEnd reports damage where the frames of a file end.
func dumpEnd(sc *scanner, name, path string, epoch uint64, fn func(Record) error) error {
	damaged, at, _, err := sc.evidence(sc.pos)
	if err != nil || !damaged {
		return err
	}
	return fn(Record{File: name, Offset: sc.pos, Epoch: epoch, Err: &CorruptionError{
		File: path, Offset: sc.pos,
		Reason: fmt.Sprintf("no sound frame, but one at %d was written after it was durable", at),
	}})
}
