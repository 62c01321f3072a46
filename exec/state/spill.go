package state

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/zeebo/xxh3"
)

// frameBytes is the unit in which memory moves to the spill file and back: a
// random look-up costs one read of this size, not of a whole page.
const (
	frameShift = 12
	frameBytes = 1 << frameShift
)

// spillFile is where memory goes that the budget has no room for. It is scratch:
// never synced, of no meaning after a restart, which starts from the checkpoint.
// Each region has a place of its own size in it.
type spillFile struct {
	fs   vfs.FS
	path string

	mu   sync.Mutex
	f    vfs.File        // nil until first needed; guarded by mu
	end  int64           // guarded by mu
	free map[int][]int64 // places to be used again, by size; guarded by mu
}

func newSpillFile(fs vfs.FS, path string) *spillFile {
	return &spillFile{fs: fs, path: path, free: map[int][]int64{}}
}

// reserve gives a place of n bytes.
func (s *spillFile) reserve(n int) (vfs.File, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.f == nil {
		_ = s.fs.Remove(s.path) // an older process's; Create would keep its size
		f, err := s.fs.OpenReadWrite(s.path, vfs.WriteCategoryUnspecified)
		if err != nil {
			return nil, 0, fmt.Errorf("open spill file: %w", err)
		}
		s.f = f
	}
	if l := s.free[n]; len(l) > 0 {
		s.free[n] = l[:len(l)-1]
		return s.f, l[len(l)-1], nil
	}
	at := s.end
	s.end += int64(n)
	return s.f, at, nil
}

func (s *spillFile) giveBack(at int64, n int) {
	s.mu.Lock()
	s.free[n] = append(s.free[n], at)
	s.mu.Unlock()
}

func (s *spillFile) close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.f == nil {
		return nil
	}
	f := s.f
	s.f = nil
	if err := f.Close(); err != nil {
		return fmt.Errorf("close spill file: %w", err)
	}
	if err := s.fs.Remove(s.path); err != nil {
		return fmt.Errorf("delete spill file: %w", err)
	}
	return nil
}

// region is memory of which some frames may be in the spill file only. Loading
// is safe for concurrent readers; everything else is the owner's alone.
type region struct {
	mem  *Memory
	to   *spillFile
	file vfs.File
	buf  []byte
	at   int64 // place in the file

	mu    sync.Mutex      // held while frames are loaded
	gone  []atomic.Uint64 // bitmap: frames that are in the file only
	hot   []atomic.Uint64 // bitmap: frames looked at since eviction passed
	sums  []uint64        // of the frames' copies in the file
	saved []uint64        // bitmap: frames with a copy in the file
	out   atomic.Int64    // frames gone
}

// newRegion makes a region of buf, whole frames, all of them in memory.
func newRegion(mem *Memory, buf []byte) (*region, error) {
	to := mem.spill.Load()
	if to == nil {
		return nil, fmt.Errorf("the spill file is closed")
	}
	f, at, err := to.reserve(len(buf))
	if err != nil {
		return nil, err
	}
	mem.useSmallPages()
	n := len(buf) >> frameShift
	words := (n + 63) / 64
	return &region{
		mem: mem, to: to, file: f, buf: buf, at: at,
		gone: make([]atomic.Uint64, words), hot: make([]atomic.Uint64, words),
		sums: make([]uint64, n), saved: make([]uint64, words),
	}, nil
}

func (g *region) isGone(f int) bool { return g.gone[f>>6].Load()>>(f&63)&1 != 0 }

func (g *region) isHot(f int) bool { return g.hot[f>>6].Load()>>(f&63)&1 != 0 }

func (g *region) isSaved(f int) bool { return g.saved[f>>6]>>(f&63)&1 != 0 }

// one makes sure that a frame is in memory.
func (g *region) one(f int) {
	if g.gone[f>>6].Load()>>(f&63)&1 != 0 {
		g.load(f, f+1)
	}
	if w, bit := &g.hot[f>>6], uint64(1)<<(f&63); w.Load()&bit == 0 {
		w.Or(bit)
	}
}

// need makes sure that the frames [from, to) are in memory.
func (g *region) need(from, to int) {
	for f := from; f < to; {
		if !g.isGone(f) {
			g.one(f)
			f++
			continue
		}
		lo := f
		for f < to && g.isGone(f) {
			f++
		}
		g.load(lo, f)
	}
}

// load reads the frames [lo, hi) back, checked. What is damaged is never looked
// at: the owner's query fails.
func (g *region) load(lo, hi int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for lo < hi && !g.isGone(lo) { // another reader was first
		lo++
	}
	for f := lo; f < hi; f++ {
		if !g.isGone(f) {
			g.read(lo, f)
			lo = f + 1
		}
	}
	if lo < hi {
		g.read(lo, hi)
	}
}

func (g *region) read(lo, hi int) {
	if lo == hi {
		return
	}
	b := g.buf[lo<<frameShift : hi<<frameShift]
	if _, err := g.file.ReadAt(b, g.at+int64(lo)<<frameShift); err != nil {
		Fail(fmt.Errorf("read spill file: %w", err))
	}
	for f := lo; f < hi; f++ {
		if xxh3.Hash(g.frame(f)) != g.sums[f] {
			Fail(fmt.Errorf("spill file, offset %d: checksum differs: %w",
				g.at+int64(f)<<frameShift, ErrCorrupt))
		}
	}
	for f := lo; f < hi; f++ {
		g.hot[f>>6].Or(1 << (f & 63))
		g.gone[f>>6].And(^(uint64(1) << (f & 63)))
	}
	g.count(-(hi - lo))
	g.mem.loaded.Add(int64(len(b)))
}

// count notes that n frames more are gone.
func (g *region) count(n int) {
	g.out.Add(int64(n))
	g.mem.out.Add(int64(n) << frameShift)
	g.mem.away.Add(int64(n) << frameShift)
	g.mem.add(-(n << frameShift))
}

func (g *region) frame(f int) []byte { return g.buf[f<<frameShift : (f+1)<<frameShift] }

// evict moves up to max of the first n frames out: those that were not looked at
// since it passed last.
func (g *region) evict(n, max int) (moved int, err error) {
	for f := 0; f < n && moved < max; {
		if g.isGone(f) {
			f++
			continue
		}
		if g.isHot(f) {
			g.hot[f>>6].And(^(uint64(1) << (f & 63)))
			f++
			continue
		}
		lo := f
		for f < n && f-lo < max-moved && !g.isGone(f) && !g.isHot(f) {
			f++
		}
		if err := g.move(lo, f); err != nil {
			return moved, err
		}
		moved += f - lo
	}
	return moved, nil
}

// move writes the frames [lo, hi) out, those that the file does not have as they
// are, and gives their memory back.
func (g *region) move(lo, hi int) error {
	from := lo // first of a run to be written
	for f := lo; f <= hi; f++ {
		clean := false
		if f < hi {
			sum := xxh3.Hash(g.frame(f))
			clean = g.isSaved(f) && g.sums[f] == sum
			g.sums[f] = sum
		}
		if f < hi && !clean {
			g.saved[f>>6] &^= 1 << (f & 63) // until it is written
			continue
		}
		if err := g.write(from, f); err != nil {
			return err
		}
		from = f + 1
	}
	b := g.buf[lo<<frameShift : hi<<frameShift]
	if !dropMemory(b) {
		return fmt.Errorf("the system does not take memory back")
	}
	for f := lo; f < hi; f++ {
		g.gone[f>>6].Or(1 << (f & 63))
	}
	g.count(hi - lo)
	return nil
}

func (g *region) write(lo, hi int) error {
	if lo >= hi {
		return nil
	}
	b := g.buf[lo<<frameShift : hi<<frameShift]
	if _, err := g.file.WriteAt(b, g.at+int64(lo)<<frameShift); err != nil {
		return fmt.Errorf("write spill file: %w", err)
	}
	for f := lo; f < hi; f++ {
		g.saved[f>>6] |= 1 << (f & 63)
	}
	g.mem.moved.Add(int64(len(b)))
	return nil
}

// drop ends the region; the frames that are gone read as zeros. Its memory is
// the caller's again, and counted in full.
func (g *region) drop() {
	if g == nil {
		return
	}
	g.count(-int(g.out.Load()))
	g.to.giveBack(g.at, len(g.buf))
}
