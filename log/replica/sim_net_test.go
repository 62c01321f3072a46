package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/millracedb/millrace/log"
)

// simNet is the network between the nodes of a simulation: it loses, delays and
// cuts. Messages of one pair may overtake each other.
type simNet struct {
	mu    sync.Mutex
	rnd   *rand.Rand
	trans map[raft.ServerAddress]*raft.InmemTransport
	nodes map[raft.ServerAddress]*simNode
	cut   map[[2]raft.ServerAddress]bool // one way
	loss  float64
}

// rpcTimeout is what a lost message costs its sender.
const rpcTimeout = 300 * time.Millisecond

var errLost = errors.New("message lost")

// pass lets a message travel from a to b, after a delay, or says that it is lost.
func (n *simNet) pass(a, b raft.ServerAddress) error {
	n.mu.Lock()
	lost := n.cut[[2]raft.ServerAddress{a, b}] || n.rnd.Float64() < n.loss
	delay := time.Duration(n.rnd.IntN(3000)) * time.Microsecond
	n.mu.Unlock()
	if lost {
		time.Sleep(rpcTimeout)
		return errLost
	}
	time.Sleep(delay)
	return nil
}

// simTransport is one node's end.
type simTransport struct {
	*raft.InmemTransport
	net  *simNet
	addr raft.ServerAddress
}

// join makes a new end for an address, in the place of an older one.
func (n *simNet) join(addr raft.ServerAddress) *simTransport {
	_, t := raft.NewInmemTransportWithTimeout(addr, rpcTimeout)
	n.mu.Lock()
	defer n.mu.Unlock()
	for other, o := range n.trans {
		if other != addr {
			o.Connect(addr, t)
			t.Connect(other, o)
		}
	}
	n.trans[addr] = t
	return &simTransport{t, n, addr}
}

func (t *simTransport) call(to raft.ServerAddress, f func() error) error {
	if err := t.net.pass(t.addr, to); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	return t.net.pass(to, t.addr)
}

func (t *simTransport) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (
	raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

func (t *simTransport) AppendEntries(id raft.ServerID, to raft.ServerAddress,
	args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	return t.call(to, func() error { return t.InmemTransport.AppendEntries(id, to, args, resp) })
}

func (t *simTransport) RequestVote(id raft.ServerID, to raft.ServerAddress,
	args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return t.call(to, func() error { return t.InmemTransport.RequestVote(id, to, args, resp) })
}

func (t *simTransport) RequestPreVote(id raft.ServerID, to raft.ServerAddress,
	args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return t.call(to, func() error { return t.InmemTransport.RequestPreVote(id, to, args, resp) })
}

func (t *simTransport) InstallSnapshot(id raft.ServerID, to raft.ServerAddress,
	args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, r io.Reader) error {
	return t.call(to, func() error {
		return t.InmemTransport.InstallSnapshot(id, to, args, resp, r)
	})
}

// SetHeartbeatHandler does nothing: heartbeats go through Raft's main loop.
func (t *simTransport) SetHeartbeatHandler(func(raft.RPC)) {}

// forwardFrom gives a node's way to the leader.
func (n *simNet) forwardFrom(from raft.ServerAddress) Forward {
	return func(ctx context.Context, _, addr string, txn []byte) ([]byte, error) {
		to := raft.ServerAddress(addr)
		if err := n.pass(from, to); err != nil {
			return nil, err
		}
		r := n.replica(to)
		if r == nil {
			return nil, log.ErrNotLeader
		}
		reply := r.HandleForward(ctx, txn)
		return reply, n.pass(to, from)
	}
}

func (n *simNet) replica(addr raft.ServerAddress) *Replica {
	n.mu.Lock()
	defer n.mu.Unlock()
	if node := n.nodes[addr]; node != nil {
		return node.replica
	}
	return nil
}

// simFetcher fetches files from another node's set.
type simFetcher struct {
	net  *simNet
	from raft.ServerAddress
}

func (f *simFetcher) Fetch(_ context.Context, _, addr, name string) (io.ReadCloser, error) {
	to := raft.ServerAddress(addr)
	if err := f.net.pass(f.from, to); err != nil {
		return nil, err
	}
	r := f.net.replica(to)
	if r == nil {
		return nil, fmt.Errorf("node %s is down", addr)
	}
	return r.Partitions().OpenForShipping(name)
}

// isolate cuts a node from all others, in both directions or in one.
func (n *simNet) isolate(addr raft.ServerAddress, in, out bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for other := range n.trans {
		if other != addr {
			n.cut[[2]raft.ServerAddress{other, addr}] = in
			n.cut[[2]raft.ServerAddress{addr, other}] = out
		}
	}
}

func (n *simNet) heal() {
	n.mu.Lock()
	clear(n.cut)
	n.loss = 0
	n.mu.Unlock()
}
