package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/millracedb/millrace/log/transport/memnet"
)

func openMux(t testing.TB, n *memnet.Network, name string, change func(*Options)) *Mux {
	t.Helper()
	o := Options{Network: n.Host(name), Listen: name, NodeID: name, Cluster: "test", Now: time.Now}
	if change != nil {
		change(&o)
	}
	m, err := Open(o)
	must(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

// pair runs f in virtual time with two connected nodes.
func pair(t *testing.T, f func(t *testing.T, net *memnet.Network, a, b *Mux)) {
	synctest.Test(t, func(t *testing.T) {
		net := memnet.New()
		f(t, net, openMux(t, net, "a", nil), openMux(t, net, "b", nil))
	})
}

func TestCall(t *testing.T) {
	pair(t, func(t *testing.T, _ *memnet.Network, a, b *Mux) {
		b.Handle(1, func(_ context.Context, req []byte) ([]byte, error) {
			if len(req) == 0 {
				return nil, errors.New("nothing to say")
			}
			return bytes.ToUpper(req), nil
		})
		got, err := a.Call(t.Context(), "b", "b", 1, []byte("hello"))
		if err != nil || string(got) != "HELLO" {
			t.Fatalf("call gives %q, %v", got, err)
		}
		var remote *RemoteError
		if _, err := a.Call(t.Context(), "b", "b", 1, nil); !errors.As(err, &remote) ||
			remote.Text != "nothing to say" || remote.Node != "b" {
			t.Fatalf("a handler's error arrives as %v", err)
		}
		if _, err := a.Call(t.Context(), "b", "b", 2, nil); !errors.As(err, &remote) {
			t.Fatalf("a call that nobody serves gives %v", err)
		}
		large := bytes.Repeat([]byte("z"), 20<<20)
		got, err = a.Call(t.Context(), "", "b", 1, large)
		if err != nil || len(got) != len(large) {
			t.Fatalf("20 MiB come back as %d bytes, %v", len(got), err)
		}
		if d := a.Stats().Dials; d != 1 {
			t.Errorf("%d dials for one peer and lane", d)
		}
	})
}

func TestCallsRunSideBySideAndAreCancelled(t *testing.T) {
	pair(t, func(t *testing.T, _ *memnet.Network, a, b *Mux) {
		var cancelled atomic.Bool
		b.Handle(1, func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			cancelled.Store(true)
			return nil, ctx.Err()
		})
		b.Handle(2, func(context.Context, []byte) ([]byte, error) { return []byte("now"), nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		slow := make(chan error, 1)
		go func() {
			_, err := a.Call(ctx, "b", "b", 1, nil)
			slow <- err
		}()
		synctest.Wait()
		if got, err := a.Call(t.Context(), "b", "b", 2, nil); err != nil || string(got) != "now" {
			t.Fatalf("beside a slow call: %q, %v", got, err)
		}
		if err := <-slow; !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a cancelled call gives %v", err)
		}
		synctest.Wait()
		if !cancelled.Load() {
			t.Fatal("the handler was not told that its caller has gone")
		}
		if a.Stats().Dials != 1 {
			t.Fatal("a slow call cost the connection")
		}
	})
}

func TestWrongNodeAndCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := memnet.New()
		a := openMux(t, net, "a", nil)
		openMux(t, net, "b", nil)
		openMux(t, net, "c", func(o *Options) { o.Cluster = "other" })
		if _, err := a.Call(t.Context(), "x", "b", 1, nil); !errors.Is(err, ErrWrongNode) {
			t.Errorf("b asked for x gives %v", err)
		}
		if _, err := a.Call(t.Context(), "c", "c", 1, nil); !errors.Is(err, ErrWrongNode) {
			t.Errorf("a node of another cluster gives %v", err)
		}
		if _, err := a.Call(t.Context(), "d", "d", 1, nil); err == nil {
			t.Error("a node that is not there answers")
		}
	})
}

func TestReconnects(t *testing.T) {
	pair(t, func(t *testing.T, net *memnet.Network, a, b *Mux) {
		b.Handle(1, func(_ context.Context, req []byte) ([]byte, error) { return req, nil })
		for range 5 {
			if _, err := a.Call(t.Context(), "b", "b", 1, []byte("x")); err != nil {
				t.Fatal(err)
			}
			net.Reset("a", "b")
			synctest.Wait()
		}
		net.Cut("a", "b")
		if _, err := a.Call(t.Context(), "b", "b", 1, nil); err == nil {
			t.Fatal("a call passed a cut")
		}
		net.Heal("a", "b")
		if _, err := a.Call(t.Context(), "b", "b", 1, nil); err != nil {
			t.Fatal(err)
		}
	})
}

// TestFrozenPath: a path that loses everything is given up, so that a new connection can be made
// as soon as it is whole again.
func TestFrozenPath(t *testing.T) {
	pair(t, func(t *testing.T, net *memnet.Network, a, b *Mux) {
		b.Handle(1, func(_ context.Context, req []byte) ([]byte, error) { return req, nil })
		call := func(d time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			_, err := a.Call(ctx, "b", "b", 1, []byte("x"))
			return err
		}
		must(t, call(time.Second))
		net.Freeze("b", "a")
		if err := call(time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("over a frozen path: %v", err)
		}
		time.Sleep(2 * time.Second) // the probe gives up
		if s := a.peers[peerKey{"b", laneCalls}]; s.usable("b") != nil {
			t.Fatal("the dead connection is still in use")
		}
		net.Heal("b", "a")
		must(t, call(time.Second))
	})
}

func TestTooManyConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := memnet.New()
		b := openMux(t, net, "b", func(o *Options) { o.MaxConns = 2 })
		host := net.Host("x")
		var open []io.Closer
		for range 3 {
			c, err := host.Dial(t.Context(), "b")
			must(t, err)
			open = append(open, c)
		}
		synctest.Wait()
		if r := b.Stats().Refused; r != 1 {
			t.Fatalf("%d connections refused, want 1", r)
		}
		time.Sleep(3 * time.Second) // strangers who say nothing are sent away
		if r := b.Stats().Refused; r != 3 {
			t.Fatalf("%d connections refused, want 3", r)
		}
		for _, c := range open {
			c.Close()
		}
	})
}

func TestGarbageIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := memnet.New()
		b := openMux(t, net, "b", nil)
		for _, say := range []string{
			"GET / HTTP/1.1\r\n\r\n", strings.Repeat("\x00", 64), strings.Repeat("\xff", 64),
			string((&hello{lane: 9, cluster: "test", node: "x"}).encode()),
		} {
			c, err := net.Host("x").Dial(t.Context(), "b")
			must(t, err)
			go c.Write([]byte(say))
			if _, err := io.ReadAll(c); err == nil {
				t.Logf("closed after %q", say[:4])
			}
			c.Close()
		}
		c, err := net.Host("x").Dial(t.Context(), "b")
		must(t, err)
		_, err = c.Write((&hello{lane: laneControl, cluster: "test", node: "x"}).encode())
		must(t, err)
		_, err = readHello(c)
		must(t, err)
		bad := make([]byte, headerSize)
		putHeader(bad, &header{kind: kindVote, length: maxControl + 1})
		_, err = c.Write(bad)
		must(t, err)
		if n, err := c.Read(make([]byte, 1)); err == nil {
			t.Fatalf("an oversize frame is answered with %d bytes", n)
		}
		synctest.Wait()
		if s := b.Stats(); s.BadFrames != 1 || s.Refused != 4 {
			t.Fatalf("%d bad frames, %d refused; want 1, 4", s.BadFrames, s.Refused)
		}
	})
}

type memFile struct{ *bytes.Reader }

func (memFile) Close() error { return nil }

func TestFetch(t *testing.T) {
	pair(t, func(t *testing.T, _ *memnet.Network, a, b *Mux) {
		files := map[string][]byte{"empty": nil, "dir/small": []byte("some bytes"),
			"large": make([]byte, 5*filePiece+123)}
		for i := range files["large"] {
			files["large"][i] = byte(i * 7 / 3)
		}
		b.ServeFiles(func(name string) (File, int64, error) {
			f, ok := files[name]
			if !ok {
				return nil, 0, fmt.Errorf("no file %s", name)
			}
			return memFile{bytes.NewReader(f)}, int64(len(f)), nil
		})
		for name, want := range files {
			r, err := a.Fetch(t.Context(), "b", "b", name)
			must(t, err)
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(want), err)
			}
			must(t, r.Close())
		}
		r, err := a.FetchRange(t.Context(), "b", "b", "large", filePiece-5, filePiece+10)
		must(t, err)
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, files["large"][filePiece-5:2*filePiece+5]) {
			t.Errorf("range: %d bytes, %v", len(got), err)
		}
		must(t, r.Close())
		for _, name := range []string{"missing", "../etc/passwd", "/etc/passwd", "a//b", "", "a/.."} {
			if _, err := a.Fetch(t.Context(), "b", "b", name); err == nil {
				t.Errorf("file %q was served", name)
			}
		}
		r, err = a.Fetch(t.Context(), "b", "b", "large")
		must(t, err)
		must(t, r.Close()) // with pieces still under way
	})
}

// fixedState is a Raft that stands still.
type fixedState struct {
	term  uint64
	state raft.RaftState
}

func (s *fixedState) CurrentTerm() uint64   { return s.term }
func (s *fixedState) State() raft.RaftState { return s.state }
func (s *fixedState) LastIndex() uint64     { return 12 }

// TestHeartbeats: the transport answers itself only where Raft's main loop would change nothing.
func TestHeartbeats(t *testing.T) {
	pair(t, func(t *testing.T, _ *memnet.Network, a, b *Mux) {
		ra, rb := a.Raft(0), b.Raft(0)
		asked := 0
		go func() {
			for {
				select {
				case rpc := <-rb.Consumer():
					asked++
					rpc.Respond(&raft.AppendEntriesResponse{Term: 9, LastLog: 1}, nil)
				case <-t.Context().Done():
					return
				}
			}
		}()
		beat := func() (resp raft.AppendEntriesResponse) {
			t.Helper()
			must(t, ra.AppendEntries("b", "b", &raft.AppendEntriesRequest{Term: 5}, &resp))
			synctest.Wait()
			return resp
		}
		if r := beat(); r.Success || r.Term != 9 {
			t.Errorf("without a state the main loop has to answer: %+v", r)
		}
		s := &fixedState{term: 5, state: raft.Follower}
		rb.Attach(s)
		if r := beat(); !r.Success || r.Term != 5 || r.LastLog != 12 {
			t.Errorf("a follower of that term is asked: %+v", r)
		}
		if asked != 2 {
			t.Errorf("the main loop heard of %d heartbeats, want 2", asked)
		}
		for _, s.state = range []raft.RaftState{raft.Candidate, raft.Leader, raft.Shutdown} {
			if r := beat(); r.Success {
				t.Errorf("a %v acknowledged a heartbeat", s.state)
			}
		}
		s.state = raft.Follower
		for _, s.term = range []uint64{4, 6} {
			if r := beat(); r.Success {
				t.Errorf("a follower of term %d acknowledged term 5", s.term)
			}
		}
		if f := b.Stats().FastAcks; f != 1 {
			t.Errorf("%d fast answers, want 1", f)
		}
		must(t, rb.Close())
	})
}

// TestBusyMainLoop: heartbeats are acknowledged while the main loop hangs in a write, until the
// write hangs for longer than a healthy disk would.
func TestBusyMainLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := memnet.New()
		a := openMux(t, net, "a", nil)
		var stall atomic.Int64
		stalled := func() time.Duration { return time.Duration(stall.Load()) }
		b := openMux(t, net, "b", func(o *Options) { o.Stalled = stalled })
		ra, rb := a.Raft(0), b.Raft(0)
		rb.Attach(&fixedState{term: 5, state: raft.Follower}) // nobody reads its Consumer
		beat := func(r *Raft, id raft.ServerID) error {
			var resp raft.AppendEntriesResponse
			return r.AppendEntries(id, raft.ServerAddress(id),
				&raft.AppendEntriesRequest{Term: 5}, &resp)
		}
		for range 50 {
			must(t, beat(ra, "b"))
		}
		stall.Store(int64(4 * time.Second))
		if err := beat(ra, "b"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a node whose disk hangs answers a heartbeat: %v", err)
		}
		if err := beat(rb, "a"); !errors.Is(err, ErrStalled) {
			t.Errorf("a node whose disk hangs sends heartbeats: %v", err)
		}
		stall.Store(0)
		must(t, beat(ra, "b"))
	})
}

func TestUnknownGroup(t *testing.T) {
	pair(t, func(t *testing.T, _ *memnet.Network, a, b *Mux) {
		var resp raft.RequestVoteResponse
		err := a.Raft(4).RequestVote("b", "b", &raft.RequestVoteRequest{Term: 1}, &resp)
		var remote *RemoteError
		if !errors.As(err, &remote) {
			t.Fatalf("a vote for an unknown group gives %v", err)
		}
	})
}
