package replica

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/millracedb/millrace/log"
)

// leaderWatch wakes those who wait for a leader. Its goroutine ends with stop.
type leaderWatch struct {
	mu       sync.Mutex
	ch       chan struct{} // guarded by mu; closed at each change
	events   chan raft.Observation
	quit     chan struct{}
	done     chan struct{}
	observer *raft.Observer
}

func (w *leaderWatch) init() { w.ch = make(chan struct{}) }

func (w *leaderWatch) watch(r *Replica) {
	w.events = make(chan raft.Observation, 16)
	w.quit, w.done = make(chan struct{}), make(chan struct{})
	w.observer = raft.NewObserver(w.events, false, func(o *raft.Observation) bool {
		switch o.Data.(type) {
		case raft.LeaderObservation, raft.RaftState:
			return true
		}
		return false
	})
	r.raft.RegisterObserver(w.observer)
	go func() {
		defer close(w.done)
		for {
			select {
			case <-w.events:
				w.mu.Lock()
				close(w.ch)
				w.ch = make(chan struct{})
				w.mu.Unlock()
			case <-w.quit:
				return
			}
		}
	}()
}

func (w *leaderWatch) stop(r *Replica) {
	r.raft.DeregisterObserver(w.observer)
	close(w.quit)
	<-w.done
}

// changed gives a channel that is closed at the next change.
func (w *leaderWatch) changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ch
}

// wait returns when the leader has changed since ch was taken, or ErrNotLeader
// after Limits.LeaderWait without.
func (w *leaderWatch) wait(ctx context.Context, r *Replica, ch <-chan struct{}) error {
	timer := time.NewTimer(r.cfg.Limits.LeaderWait)
	defer timer.Stop()
	select {
	case <-ch:
		return nil
	case <-timer.C:
		return log.ErrNotLeader
	case <-ctx.Done():
		return ctx.Err()
	case <-r.closed:
		return r.stopped()
	}
}

// Leader gives the leader's ID and address as this node knows them; ok is false
// while there is none.
func (r *Replica) Leader() (id, addr string, ok bool) {
	a, i := r.raft.LeaderWithID()
	return string(i), string(a), a != ""
}

// IsLeader tells whether this node leads.
func (r *Replica) IsLeader() bool { return r.raft.State() == raft.Leader }

// WaitLeader returns when a leader is known.
func (r *Replica) WaitLeader(ctx context.Context) error {
	for {
		ch := r.leader.changed()
		if _, _, ok := r.Leader(); ok {
			return nil
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return ctx.Err()
		case <-r.closed:
			return r.stopped()
		}
	}
}

// AwaitLead returns when this node leads.
func (r *Replica) AwaitLead(ctx context.Context) error {
	for {
		ch := r.leader.changed()
		if r.IsLeader() {
			return nil
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return ctx.Err()
		case <-r.closed:
			return r.stopped()
		}
	}
}

// Member is a member of the group as the newest configuration has it.
type Member struct {
	ID, Addr string
	Voter    bool
	Leader   bool
}

// Members lists the members in the order of the configuration.
func (r *Replica) Members() ([]Member, error) {
	f := r.raft.GetConfiguration()
	if err := f.Error(); err != nil {
		return nil, fmt.Errorf("read the group's members: %w", err)
	}
	_, leader := r.raft.LeaderWithID()
	var out []Member
	for _, s := range f.Configuration().Servers {
		out = append(out, Member{
			ID: string(s.ID), Addr: string(s.Address),
			Voter: s.Suffrage == raft.Voter, Leader: s.ID == leader,
		})
	}
	return out, nil
}

// memberTimeout bounds a change of members; Raft allows one at a time.
const memberTimeout = 30 * time.Second

// AddVoter adds a member that votes. The leader alone can.
func (r *Replica) AddVoter(id, addr string) error {
	f := r.raft.AddVoter(raft.ServerID(id), raft.ServerAddress(addr), 0, memberTimeout)
	return r.memberError("add voter "+id, f.Error())
}

// AddNonvoter adds a member that only follows.
func (r *Replica) AddNonvoter(id, addr string) error {
	f := r.raft.AddNonvoter(raft.ServerID(id), raft.ServerAddress(addr), 0, memberTimeout)
	return r.memberError("add member "+id, f.Error())
}

// RemoveServer takes a member out of the group.
func (r *Replica) RemoveServer(id string) error {
	f := r.raft.RemoveServer(raft.ServerID(id), 0, memberTimeout)
	return r.memberError("remove member "+id, f.Error())
}

// TransferLeadership hands the leadership to another voter, for a planned stop.
func (r *Replica) TransferLeadership() error {
	return r.memberError("transfer leadership", r.raft.LeadershipTransfer().Error())
}

func (r *Replica) memberError(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, translate(err))
}

// Status is what system views show of a member.
type Status struct {
	NodeID, State, LeaderID, LeaderAddr    string
	Term, CommitIndex, LastIndex, Applied  uint64
	FirstIndex                             uint64
	Epoch                                  log.Epoch
	Clock                                  int64
	Checksum                               uint64
	CheckpointEpoch                        log.Epoch
	LastContactMicros                      int64
	EntriesCommitted, TxnsCommitted, Bytes int64
	// Installs counts the checkpoints of leaders that were installed here.
	Installs int64
}

// Status gives the numbers of this member.
func (r *Replica) Status() Status {
	st := Status{
		NodeID: r.cfg.NodeID, State: r.raft.State().String(),
		Term: r.raft.CurrentTerm(), CommitIndex: r.raft.CommitIndex(),
		LastIndex: r.raft.LastIndex(), Applied: r.raft.AppliedIndex(),
		EntriesCommitted: r.commit.entries.Load(), TxnsCommitted: r.commit.txns.Load(),
		Bytes: r.commit.bytes.Load(), CheckpointEpoch: r.snaps.epoch(),
		Installs: r.snaps.installs.Load(),
	}
	st.LeaderID, st.LeaderAddr, _ = r.Leader()
	if first, err := r.store.FirstIndex(); err == nil {
		st.FirstIndex = first
	}
	if !r.IsLeader() {
		if t := r.raft.LastContact(); !t.IsZero() {
			st.LastContactMicros = time.Since(t).Microseconds()
		}
	}
	r.fsm.mu.Lock()
	st.Epoch, st.Clock, st.Checksum = r.fsm.epoch, r.fsm.clock, r.fsm.sum
	r.fsm.mu.Unlock()
	return st
}
