package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/millracedb/millrace/log"
)

// maxSnapshot bounds a snapshot that is installed through Raft. Ours are manifests of some KiB;
// the files that they name are fetched beside Raft.
const maxSnapshot = 64 << 20

// ErrStalled is returned instead of sending heartbeats or entries while the local disk hangs.
var ErrStalled = errors.New("the local disk does not answer")

// Raft is the transport of one Raft group.
type Raft struct {
	mux      *Mux
	group    log.GroupID
	consumer chan raft.RPC
	state    atomic.Pointer[State]
	done     chan struct{}
	once     sync.Once
}

// State is what a heartbeat is judged by; *raft.Raft implements it with atomic reads.
type State interface {
	CurrentTerm() uint64
	State() raft.RaftState
	LastIndex() uint64
}

var (
	_ raft.Transport   = (*Raft)(nil)
	_ raft.WithPreVote = (*Raft)(nil)
	_ raft.WithClose   = (*Raft)(nil)
	_ State            = (*raft.Raft)(nil)
)

func newSectionReader(b []byte) io.Reader { return bytes.NewReader(b) }

// Raft returns the transport of the group, a new one each time: after Raft's shutdown, which
// closes its transport, a restarted Raft takes another.
func (m *Mux) Raft(group log.GroupID) *Raft {
	g := &Raft{mux: m, group: group, consumer: make(chan raft.RPC), done: make(chan struct{})}
	m.mu.Lock()
	m.groups[group] = g
	m.mu.Unlock()
	return g
}

func (m *Mux) group(id log.GroupID) *Raft {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.groups[id]
}

// Attach lets heartbeats be acknowledged beside Raft's main loop. Without it they all go through
// the main loop, which under load costs elections.
func (g *Raft) Attach(s State) { g.state.Store(&s) }

// Close implements raft.WithClose: the group is gone, the Mux stays.
func (g *Raft) Close() error {
	g.once.Do(func() { close(g.done) })
	g.mux.mu.Lock()
	defer g.mux.mu.Unlock()
	if g.mux.groups[g.group] == g {
		delete(g.mux.groups, g.group)
	}
	return nil
}

// fastAck answers a heartbeat if Raft's main loop would do so without changing its state: the
// term is the current one and this node follows already. Both are atomic reads; the term is read
// first, so that the answer is true for the moment of that read.
func (g *Raft) fastAck(a *raft.AppendEntriesRequest) *raft.AppendEntriesResponse {
	p := g.state.Load()
	if p == nil {
		return nil
	}
	s := *p
	if s.CurrentTerm() != a.Term || s.State() != raft.Follower {
		return nil
	}
	return &raft.AppendEntriesResponse{
		RPCHeader: raft.RPCHeader{
			ProtocolVersion: raft.ProtocolVersionMax,
			ID:              []byte(g.mux.opts.NodeID), Addr: []byte(g.mux.addr),
		},
		Term: a.Term, LastLog: s.LastIndex(), Success: true,
	}
}

// Consumer implements raft.Transport.
func (g *Raft) Consumer() <-chan raft.RPC { return g.consumer }

// LocalAddr implements raft.Transport.
func (g *Raft) LocalAddr() raft.ServerAddress { return raft.ServerAddress(g.mux.addr) }

// EncodePeer implements raft.Transport.
func (g *Raft) EncodePeer(_ raft.ServerID, a raft.ServerAddress) []byte { return []byte(a) }

// DecodePeer implements raft.Transport.
func (g *Raft) DecodePeer(b []byte) raft.ServerAddress { return raft.ServerAddress(b) }

// SetHeartbeatHandler implements raft.Transport and does nothing, see the package comment.
func (g *Raft) SetHeartbeatHandler(func(raft.RPC)) {}

// AppendEntries implements raft.Transport.
func (g *Raft) AppendEntries(id raft.ServerID, target raft.ServerAddress,
	a *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	if err := g.refuseStalled(); err != nil {
		return err
	}
	l, timeout := laneData, g.mux.opts.DataTimeout
	if isHeartbeat(a) {
		l, timeout = laneControl, g.mux.opts.ControlTimeout
	}
	bufs, err := encodeAppend(a)
	if err != nil {
		return err
	}
	return g.roundTrip(id, target, l, kindAppend, timeout, resp, bufs...)
}

// refuseStalled keeps a leader whose disk hangs silent: every message, even one without entries,
// tells the followers that it lives.
func (g *Raft) refuseStalled() error {
	if !g.mux.stalled() {
		return nil
	}
	g.mux.metrics.withheld.Add(1)
	return ErrStalled
}

// RequestVote implements raft.Transport.
func (g *Raft) RequestVote(id raft.ServerID, target raft.ServerAddress,
	a *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	kind, b := encodeRequest(a)
	return g.roundTrip(id, target, laneControl, kind, g.mux.opts.ControlTimeout, resp, b)
}

// RequestPreVote implements raft.WithPreVote.
func (g *Raft) RequestPreVote(id raft.ServerID, target raft.ServerAddress,
	a *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	kind, b := encodeRequest(a)
	return g.roundTrip(id, target, laneControl, kind, g.mux.opts.ControlTimeout, resp, b)
}

// TimeoutNow implements raft.Transport.
func (g *Raft) TimeoutNow(id raft.ServerID, target raft.ServerAddress,
	a *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	kind, b := encodeRequest(a)
	return g.roundTrip(id, target, laneControl, kind, g.mux.opts.ControlTimeout, resp, b)
}

// InstallSnapshot implements raft.Transport.
func (g *Raft) InstallSnapshot(id raft.ServerID, target raft.ServerAddress,
	a *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	if a.Size < 0 || a.Size > maxSnapshot || len(a.Configuration) > 1<<16-1 {
		return fmt.Errorf("snapshot of %d bytes cannot be sent, the limit is %d", a.Size, maxSnapshot)
	}
	body := make([]byte, a.Size)
	if _, err := io.ReadFull(data, body); err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	kind, head := encodeRequest(a)
	return g.roundTrip(id, target, laneData, kind, g.mux.opts.SnapshotTimeout, resp, head, body)
}

// roundTrip sends a request and decodes the answer into resp.
func (g *Raft) roundTrip(id raft.ServerID, target raft.ServerAddress, l lane, kind frameKind,
	timeout time.Duration, resp any, bufs ...[]byte) error {
	ctx := g.mux.ctx
	c, err := g.mux.connect(ctx, string(id), string(target), l)
	if err != nil {
		return err
	}
	r := newReply()
	seen := c.reads.Load()
	seq, err := c.request(header{kind: kind, group: uint32(g.group)}, r, bufs...)
	if err != nil {
		return err
	}
	b, err := g.mux.await(ctx, c, seq, r, seen, timeout)
	if err != nil {
		return err
	}
	return decodeAnswer(b, resp)
}
