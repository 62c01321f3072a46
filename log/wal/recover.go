package wal

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	segmentSuffix = ".wal"
	tempSuffix    = ".tmp"
)

func segmentName(epoch uint64) string { return fmt.Sprintf("%016x%s", epoch, segmentSuffix) }

// parseSegmentName is the inverse of segmentName.
func parseSegmentName(name string) (epoch uint64, ok bool) {
	if len(name) != 16+len(segmentSuffix) {
		return 0, false
	}
	if _, err := fmt.Sscanf(name, "%016x"+segmentSuffix, &epoch); err != nil {
		return 0, false
	}
	return epoch, segmentName(epoch) == name
}

// found is a segment file on its way through recovery.
type found struct {
	*segment
	start frame // the frame that links it to the one before
	used  bool  // start is sound: the segment is part of the log
}

// recover reads the files, cuts a torn tail and refuses damage. It changes nothing on disk but
// files that hold no entries.
func (s *Store) recover() error {
	l, ok := decodeLayout(s.stable.get(keyLayout))
	if !ok {
		return &CorruptionError{File: s.stable.path, Reason: "layout record has a wrong size"}
	}
	s.layout = l
	s.boundary, s.boundTerm, s.last = l.boundary, l.boundaryTerm, l.boundary
	files, err := s.listSegments()
	if err != nil {
		return err
	}
	if len(files) == 0 {
		if l.ready {
			return &CorruptionError{File: s.dir, Reason: "the segment files are missing"}
		}
		return s.initialize()
	}
	chain, err := s.sortFiles(files)
	if err != nil {
		return err
	}
	if err := s.checkChain(chain); err != nil {
		return err
	}
	for i, c := range chain {
		var next *found
		if i+1 < len(chain) {
			next = chain[i+1]
		}
		if err := s.replay(c, next); err != nil {
			return err
		}
	}
	return s.adoptBoundary()
}

// initialize makes the first segment file of a new store.
func (s *Store) initialize() error {
	s.nextEpoch = max(s.nextEpoch, s.layout.firstEpoch)
	g, err := s.makeSpare(s.opts.SegmentBytes)
	if err != nil {
		return err
	}
	s.spares = append(s.spares, g)
	l := s.layout
	l.ready = true
	return s.setLayout(l)
}

// listSegments opens the segment files in order of epoch and removes unfinished ones. Files of
// dead epochs go to the recycler.
func (s *Store) listSegments() ([]*segment, error) {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", s.dir, err)
	}
	slices.Sort(names)
	var live []*segment
	s.nextEpoch = s.layout.firstEpoch
	for _, name := range names {
		path := s.fs.PathJoin(s.dir, name)
		if strings.HasSuffix(name, tempSuffix) {
			if err := s.fs.Remove(path); err != nil {
				return nil, fmt.Errorf("remove %s: %w", path, err)
			}
			continue
		}
		epoch, ok := parseSegmentName(name)
		if !ok {
			continue
		}
		g, err := openSegment(s.fs, s.opts.Opener, path, epoch)
		if err != nil {
			return nil, err
		}
		s.nextEpoch = max(s.nextEpoch, epoch+1)
		if epoch < s.layout.firstEpoch {
			if h, reason, err := readFileHeader(g.file, g.size); err == nil && reason == "" {
				s.nextEpoch = max(s.nextEpoch, h+1) // it was about to be renamed to that
			}
			s.dead = append(s.dead, g)
			continue
		}
		live = append(live, g)
	}
	return live, nil
}

func openSegment(fs vfs.FS, o Opener, path string, epoch uint64) (*segment, error) {
	st, err := fs.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("stat %s: %w", path, err)
	}
	f, err := o.OpenLog(fs, path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &segment{epoch: epoch, path: path, file: f, size: st.Size(), end: fileHeader}, nil
}

// sortFiles tells the segments of the log from the spares.
func (s *Store) sortFiles(files []*segment) ([]*found, error) {
	var chain, rest []*found
	var errs error
	for _, g := range files {
		c := &found{segment: g}
		if errs = s.probe(c); errs != nil {
			break
		}
		if c.used {
			chain = append(chain, c)
		} else {
			rest = append(rest, c)
		}
	}
	if errs != nil {
		s.dead = append(s.dead, files...) // so that Open closes them
		return nil, errs
	}
	for _, c := range chain {
		s.segs = append(s.segs, c.segment)
	}
	return chain, s.sortSpares(rest, chain)
}

// sortSpares keeps the files that nothing has been written to in this life and removes those
// where a write was torn.
func (s *Store) sortSpares(rest, chain []*found) error {
	var torn []*segment
	last := uint64(0)
	if len(chain) > 0 {
		last = chain[len(chain)-1].epoch
	}
	searched := false
	for i, c := range rest {
		// Spares are used in order of epoch, so only the first one behind the log can have
		// been written to; searching all of them would read them whole at every start.
		search := !searched && c.epoch > last
		searched = searched || search
		virgin, err := s.checkSpare(c, chain, search)
		if err != nil {
			for _, r := range rest[i:] {
				err = errors.Join(err, r.file.Close())
			}
			return err
		}
		if virgin {
			s.spares = append(s.spares, c.segment)
		} else {
			torn = append(torn, c.segment)
		}
	}
	if len(chain) == 0 && len(s.spares) == 0 {
		// There must be a file at all times: their absence means damage.
		if err := s.initialize(); err != nil {
			return err
		}
	}
	for _, g := range torn {
		if err := s.discard(g); err != nil {
			return err
		}
	}
	return nil
}

// probe reads the file header and the first frame.
func (s *Store) probe(c *found) error {
	// What the page cache still holds of a killed process must not be believed and then lost.
	if err := c.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", c.path, err)
	}
	epoch, reason, err := readFileHeader(c.file, c.size)
	if err != nil {
		return fmt.Errorf("read %s: %w", c.path, err)
	}
	if reason == "" && epoch != c.epoch {
		reason = fmt.Sprintf("file header is of epoch %d", epoch)
	}
	if reason != "" {
		return &CorruptionError{File: c.path, Reason: reason}
	}
	_, ok, err := newScanner(c.file, c.size, s.key(c.epoch)).next(&c.start)
	if err != nil {
		return fmt.Errorf("read %s: %w", c.path, err)
	}
	c.used = ok && c.start.kind == kindStart
	return nil
}

// checkSpare says whether a file without a sound first frame has not been written to at all and
// can still be used. It refuses damage. search makes it look at the whole file.
func (s *Store) checkSpare(c *found, chain []*found, search bool) (virgin bool, err error) {
	sc := newScanner(c.file, c.size, s.key(c.epoch))
	first, err := sc.headerAt(fileHeader)
	if err != nil {
		return false, fmt.Errorf("read %s: %w", c.path, err)
	}
	dirty := false
	if search {
		var damaged bool
		var at int64
		if damaged, at, dirty, err = sc.evidence(fileHeader); err != nil {
			return false, fmt.Errorf("read %s: %w", c.path, err)
		}
		if damaged {
			return false, &CorruptionError{File: c.path, Offset: fileHeader,
				Reason: fmt.Sprintf("first frame is not sound, but one at %d came later", at)}
		}
	}
	last := uint64(0)
	for _, u := range chain {
		last = max(last, u.epoch)
		if u.start.term == c.epoch && u.epoch != s.layout.firstEpoch {
			return false, &CorruptionError{File: c.path, Offset: fileHeader,
				Reason: "first frame is not sound, but another segment follows this one"}
		}
	}
	return !dirty && !first && c.epoch > last, nil
}

// checkChain demands that no segment is missing.
func (s *Store) checkChain(chain []*found) error {
	at := s.layout.atEpoch
	if at != 0 && !slices.ContainsFunc(chain, func(c *found) bool { return c.epoch == at }) {
		return &CorruptionError{File: s.fs.PathJoin(s.dir, segmentName(at)),
			Reason: "the segment or its first frame is missing"}
	}
	for i, c := range chain {
		switch {
		case i == 0 && c.epoch == s.layout.firstEpoch:
		case i == 0 && c.start.term == 0 && s.layout.firstEpoch == 1: // the first one ever
		case i > 0 && c.start.term == chain[i-1].epoch:
		default:
			return &CorruptionError{File: c.path, Offset: fileHeader, Reason: fmt.Sprintf(
				"segment %s before it is missing", segmentName(c.start.term))}
		}
	}
	return nil
}

// replay takes the entries of one segment into the index. next is the segment after it, nil for
// the last one.
func (s *Store) replay(c, next *found) error {
	limit := c.size
	if next != nil {
		limit = int64(next.start.extra)
	}
	if len(s.segs) > 0 && s.segs[0] == c.segment {
		s.last = c.start.index
	}
	c.base = s.last + 1
	sc := newScanner(c.file, c.size, s.key(c.epoch))
	var f frame
	var lastKind frameKind
	for sc.pos < limit {
		at := sc.pos
		_, ok, err := sc.next(&f)
		if err != nil {
			return fmt.Errorf("read %s: %w", c.path, err)
		}
		if !ok {
			break
		}
		if err := s.apply(c.segment, &f, at); err != nil {
			return err
		}
		lastKind = f.kind
	}
	c.end = sc.pos
	if next != nil {
		if c.end != limit {
			return &CorruptionError{File: c.path, Offset: c.end, Reason: fmt.Sprintf(
				"no sound frame, but the log was durable up to %d", limit)}
		}
		return nil
	}
	return s.endOfLog(c, sc, lastKind == kindClose)
}

// endOfLog decides whether what lies behind the last sound frame is a torn write or damage.
func (s *Store) endOfLog(c *found, sc *scanner, clean bool) error {
	if c.epoch == s.layout.atEpoch && c.end < s.layout.atPos {
		return &CorruptionError{File: c.path, Offset: c.end, Reason: fmt.Sprintf(
			"no sound frame, but the log was durable up to %d", s.layout.atPos)}
	}
	damaged, at, dirty, err := sc.evidence(c.end)
	if err != nil {
		return fmt.Errorf("read %s: %w", c.path, err)
	}
	if damaged {
		return &CorruptionError{File: c.path, Offset: c.end, Reason: fmt.Sprintf(
			"no sound frame, but one at %d was written after it was durable", at)}
	}
	s.active = c.segment
	// Frames of a torn write may lie behind the end and could be taken for what follows a new
	// frame. Only a clean close excludes them; else the log goes on in a new file.
	s.needRoll = !clean || dirty
	return nil
}

// apply takes one sound frame into the index.
func (s *Store) apply(g *segment, f *frame, at int64) error {
	bad := func(why string, args ...any) error {
		return &CorruptionError{File: g.path, Offset: at, Reason: fmt.Sprintf(why, args...)}
	}
	s.commit = max(s.commit, f.commit)
	switch f.kind {
	case kindStart:
		if at != fileHeader {
			return bad("a second first frame")
		}
	case kindEntry:
		if f.index != s.last+1 {
			return bad("entry %d follows entry %d", f.index, s.last)
		}
		if len(g.pos) == 0 {
			g.base = f.index
		}
		g.pos = append(g.pos, uint32(at))
		s.last = f.index
	case kindTruncate:
		if f.index > s.last+1 || f.index == 0 {
			return bad("entries from %d on are void, but the log ends at %d", f.index, s.last)
		}
		s.truncateLocked(f.index)
	case kindReset:
		s.resetLocked(f.index, f.term)
		if s.layout.before(g.epoch, at) {
			s.layout.boundary, s.layout.boundaryTerm = f.index, f.term
		}
	}
	return nil
}

// before says whether the layout was written when the log ended at or before that place.
func (l layout) before(epoch uint64, pos int64) bool {
	return l.atEpoch < epoch || l.atEpoch == epoch && l.atPos <= pos
}

// adoptBoundary drops what retention had dropped already.
func (s *Store) adoptBoundary() error {
	l := s.layout
	if s.last < l.boundary {
		return &CorruptionError{File: s.dir, Reason: fmt.Sprintf(
			"the log ends at %d, before its boundary %d", s.last, l.boundary)}
	}
	if len(s.segs) > 0 && s.segs[0].base > l.boundary+1 && s.last > l.boundary {
		return &CorruptionError{File: s.segs[0].path, Reason: fmt.Sprintf(
			"the log begins at %d, not at %d", s.segs[0].base, l.boundary+1)}
	}
	s.boundary, s.boundTerm = l.boundary, l.boundaryTerm
	return nil
}
