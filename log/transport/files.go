package transport

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	// filePiece is how much of a file one message carries: large enough that a 64 MiB file
	// takes 256 of them, small enough not to hold up the calls between them.
	filePiece = 256 << 10
	// fileAhead is how many pieces are asked for before the first is consumed.
	fileAhead = 4
)

// File is what a node ships. It must not change while it has a name that is asked for.
type File interface {
	io.ReaderAt
	io.Closer
}

// OpenFile opens a file by the name that a peer asked for and tells its size. The name is relative
// and without "..", "." or empty elements; the function decides what may be had.
type OpenFile func(name string) (f File, size int64, err error)

// ServeFiles lets peers fetch files.
func (m *Mux) ServeFiles(open OpenFile) {
	m.Handle(kindFile, func(_ context.Context, req []byte) ([]byte, error) {
		return servePiece(open, req)
	})
}

// servePiece answers with the size of the file and a piece of it.
func servePiece(open OpenFile, req []byte) (out []byte, err error) {
	d := decoder{b: req}
	name := string(d.bytes())
	off, n := int64(d.u64()), int64(d.u32())
	if err := d.end(); err != nil {
		return nil, err
	}
	if !localName(name) || off < 0 || n > filePiece {
		return nil, fmt.Errorf("file %q cannot be asked for like that", name)
	}
	f, size, err := open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	n = max(min(n, size-off), 0)
	out = make([]byte, 8+n)
	binary.LittleEndian.PutUint64(out, uint64(size))
	if got, err := f.ReadAt(out[8:], off); int64(got) < n {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return out, nil
}

// localName says whether the name stays below the directory it is used in.
func localName(name string) bool {
	if name == "" || strings.ContainsAny(name, "\\\x00") {
		return false
	}
	for e := range strings.SplitSeq(name, "/") {
		if e == "" || e == "." || e == ".." {
			return false
		}
	}
	return true
}

// Fetch reads a file of another node from its beginning to its end. The reader checks that the
// size stays the same; whether the bytes are right is for their own checksums to say.
func (m *Mux) Fetch(ctx context.Context, node, addr, name string) (io.ReadCloser, error) {
	return m.FetchRange(ctx, node, addr, name, 0, -1)
}

// FetchRange reads n bytes of a file from off on; a negative n means up to the end. The first
// piece is fetched before it returns, so that a missing file is an error here.
func (m *Mux) FetchRange(ctx context.Context, node, addr, name string,
	off, n int64) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	r := &remoteFile{
		m: m, ctx: ctx, cancel: cancel, node: node, addr: addr, name: name, asked: off, size: -1,
	}
	if n >= 0 {
		r.limit, r.limited = off+n, true
	}
	p := r.ask()
	<-p.done
	if p.err != nil {
		cancel()
		return nil, fmt.Errorf("fetch %s from %s: %w", name, addr, p.err)
	}
	r.size = p.size
	if !r.limited || r.limit > r.size {
		r.limit = r.size
	}
	r.current = p.data
	for range fileAhead - 1 {
		r.askNext()
	}
	return r, nil
}

// remoteFile reads pieces ahead. One goroutine uses it.
type remoteFile struct {
	m                *Mux
	ctx              context.Context
	cancel           context.CancelFunc
	node, addr, name string
	size             int64 // of the file, -1 while unknown
	asked            int64 // everything before has been asked for
	limit            int64 // end of what is wanted
	limited          bool
	current          []byte // what is left of the piece being read
	ahead            []*piece
}

type piece struct {
	done chan struct{}
	data []byte
	size int64
	err  error
}

// ask requests the next piece.
func (r *remoteFile) ask() *piece {
	n := int64(filePiece)
	if r.limited || r.size >= 0 {
		n = min(n, r.limit-r.asked)
	}
	req := putBytes(nil, []byte(r.name))
	req = binary.LittleEndian.AppendUint64(req, uint64(r.asked))
	req = binary.LittleEndian.AppendUint32(req, uint32(n))
	r.asked += n
	p := &piece{done: make(chan struct{})}
	go func() { // ends with the call, which Close cancels
		defer close(p.done)
		b, err := r.m.Call(r.ctx, r.node, r.addr, kindFile, req)
		if err == nil && len(b) < 8 {
			err = fmt.Errorf("%w: piece of %d bytes", ErrFrame, len(b))
		}
		if err != nil {
			p.err = err
			return
		}
		p.size, p.data = int64(binary.LittleEndian.Uint64(b)), b[8:]
		if int64(len(p.data)) > n {
			p.err = fmt.Errorf("%w: piece of %d bytes where %d were asked for", ErrFrame,
				len(p.data), n)
		}
	}()
	return p
}

func (r *remoteFile) askNext() {
	if r.asked < r.limit {
		r.ahead = append(r.ahead, r.ask())
	}
}

// Read implements io.Reader.
func (r *remoteFile) Read(b []byte) (int, error) {
	for len(r.current) == 0 {
		if len(r.ahead) == 0 {
			return 0, io.EOF
		}
		p := r.ahead[0]
		<-p.done
		switch {
		case p.err != nil:
			return 0, fmt.Errorf("fetch %s from %s: %w", r.name, r.addr, p.err)
		case p.size != r.size || len(p.data) == 0:
			return 0, fmt.Errorf("fetch %s from %s: the file changed", r.name, r.addr)
		}
		r.current = p.data
		r.ahead = r.ahead[1:]
		r.askNext()
	}
	n := copy(b, r.current)
	r.current = r.current[n:]
	return n, nil
}

// Close implements io.Closer.
func (r *remoteFile) Close() error {
	r.cancel()
	for _, p := range r.ahead {
		<-p.done
	}
	r.ahead = nil
	return nil
}
