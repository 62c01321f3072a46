package replica

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/millracedb/millrace/log/transport"
)

// kindForward is the kind of calls that carry transactions to a group's leader; the
// group's number is added.
const kindForward transport.Kind = 0x100

func (c *Config) kind() transport.Kind { return kindForward + transport.Kind(c.Group) }

// useMux fills in what a Mux gives.
func (c *Config) useMux() {
	m, kind := c.Mux, c.kind()
	c.Transport = m.Raft(c.Group)
	c.Forward = func(ctx context.Context, id, addr string, txn []byte) ([]byte, error) {
		return m.Call(ctx, id, addr, kind, txn)
	}
	c.Fetch = muxFetcher{m, filePrefix(uint32(c.Group))}
}

func filePrefix(group uint32) string { return fmt.Sprintf("group-%d/", group) }

// serveMux takes forwarded transactions and ships files.
func (r *Replica) serveMux() {
	r.cfg.Mux.Handle(r.cfg.kind(), func(ctx context.Context, txn []byte) ([]byte, error) {
		return r.HandleForward(ctx, txn), nil
	})
	prefix := filePrefix(uint32(r.cfg.Group))
	r.cfg.Mux.ServeFiles(func(name string) (transport.File, int64, error) {
		name, ok := strings.CutPrefix(name, prefix)
		if !ok {
			return nil, 0, fmt.Errorf("file %s is not of this group", name)
		}
		f, err := r.set.OpenForShipping(name)
		if err != nil {
			return nil, 0, err
		}
		info, err := f.Stat()
		if err != nil {
			_ = f.Close() // nothing was written
			return nil, 0, err
		}
		return f, info.Size(), nil
	})
}

type muxFetcher struct {
	m      *transport.Mux
	prefix string
}

// Fetch implements FileFetcher.
func (f muxFetcher) Fetch(ctx context.Context, node, addr, name string) (io.ReadCloser, error) {
	return f.m.Fetch(ctx, node, addr, f.prefix+name)
}
