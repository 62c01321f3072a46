package transport

import (
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// maxInFlight is how many messages of a pipeline may be unanswered. With more, batches get
// smaller and each waits longer: 130 in flight made the commit latency ten times as long.
const maxInFlight = 2

// pipeline sends entries without waiting for the answer to the ones before. Failed messages never
// reach Consumer: Raft would take them for a sign of life. It notices at its next send.
type pipeline struct {
	group  *Raft
	conn   *conn
	window chan struct{} // one token per message in flight
	ready  chan raft.AppendFuture
	done   chan struct{}
	once   sync.Once
}

// AppendEntriesPipeline implements raft.Transport.
func (g *Raft) AppendEntriesPipeline(id raft.ServerID,
	target raft.ServerAddress) (raft.AppendPipeline, error) {
	c, err := g.mux.connect(g.mux.ctx, string(id), string(target), laneData)
	if err != nil {
		return nil, err
	}
	return &pipeline{
		group: g, conn: c, done: make(chan struct{}),
		window: make(chan struct{}, maxInFlight), ready: make(chan raft.AppendFuture, maxInFlight),
	}, nil
}

// Consumer implements raft.AppendPipeline.
func (p *pipeline) Consumer() <-chan raft.AppendFuture { return p.ready }

// Close implements raft.AppendPipeline. The connection stays for the next one.
func (p *pipeline) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// AppendEntries implements raft.AppendPipeline; it waits while maxInFlight are unanswered.
func (p *pipeline) AppendEntries(a *raft.AppendEntriesRequest,
	resp *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	m := p.group.mux
	if err := p.group.refuseStalled(); err != nil {
		return nil, err
	}
	bufs, err := encodeAppend(a)
	if err != nil {
		return nil, err
	}
	start := m.opts.Now()
	if err := p.enter(start); err != nil {
		return nil, err
	}
	f := &future{p: p, start: start, req: a, resp: resp, ch: make(chan struct{})}
	_, err = p.conn.request(header{kind: kindAppend, group: uint32(p.group.group)}, f, bufs...)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// enter takes a place in the window.
func (p *pipeline) enter(start time.Time) error {
	select {
	case p.window <- struct{}{}:
		return nil
	default:
	}
	m := p.group.mux
	t := time.NewTimer(m.opts.DataTimeout)
	defer t.Stop()
	select {
	case p.window <- struct{}{}:
		return nil
	case <-p.done:
		return raft.ErrPipelineShutdown
	case <-p.conn.down:
		return fmt.Errorf("pipeline to %s: connection lost", p.conn.peer)
	case <-p.group.done:
		return raft.ErrPipelineShutdown
	case <-t.C:
		m.metrics.timeouts.Add(1)
		p.conn.fail(fmt.Errorf("pipeline to %s: no answer", p.conn.peer))
		return fmt.Errorf("pipeline to %s: no answer in %v", p.conn.peer, m.opts.DataTimeout)
	}
}

// future is one message of a pipeline, and takes its answer.
type future struct {
	p     *pipeline
	start time.Time
	req   *raft.AppendEntriesRequest
	resp  *raft.AppendEntriesResponse
	ch    chan struct{}
	err   error
}

var _ raft.AppendFuture = (*future)(nil)

func (f *future) answer(h *header, payload []byte, err error) {
	switch {
	case err != nil:
	case h.kind == kindError:
		err = &RemoteError{Node: f.p.conn.peer, Text: string(payload)}
	default:
		err = decodeAppendAnswer(payload, f.resp)
	}
	f.err = err
	close(f.ch)
	if err != nil {
		// What follows in the pipeline builds on this message.
		f.p.conn.fail(fmt.Errorf("pipeline to %s: %w", f.p.conn.peer, err))
		return
	}
	select {
	case f.p.ready <- f:
		// The place is free only now, so that ready never holds more than it has room for.
	case <-f.p.done:
	}
	<-f.p.window
}

func (f *future) Error() error                          { <-f.ch; return f.err }
func (f *future) Start() time.Time                      { return f.start }
func (f *future) Request() *raft.AppendEntriesRequest   { return f.req }
func (f *future) Response() *raft.AppendEntriesResponse { return f.resp }
