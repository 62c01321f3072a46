package transport

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/hashicorp/raft"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sampleAppend() *raft.AppendEntriesRequest {
	return &raft.AppendEntriesRequest{
		RPCHeader: raft.RPCHeader{ProtocolVersion: 3, ID: []byte("n1"), Addr: []byte("a:1")},
		//lint:ignore SA1019 peers of Raft's own transport still read it
		Leader: []byte("a:1"),
		Term:   7, PrevLogEntry: 41, PrevLogTerm: 6, LeaderCommitIndex: 40,
		Entries: []*raft.Log{
			{Index: 42, Term: 7, Type: raft.LogCommand, Data: bytes.Repeat([]byte("x"), 5000),
				AppendedAt: time.Unix(5, 6)},
			{Index: 43, Term: 7, Type: raft.LogConfiguration, Data: []byte("c"),
				Extensions: []byte("ext")},
		},
	}
}

func frameOf(h header, bufs ...[]byte) []byte {
	body := bytes.Join(bufs, nil)
	h.length = len(body)
	h.crc = crcOf(body)
	b := make([]byte, headerSize)
	putHeader(b, &h)
	return append(b, body...)
}

func TestAppendRoundTrip(t *testing.T) {
	want := sampleAppend()
	bufs, err := encodeAppend(want)
	must(t, err)
	if &bufs[1][0] != &want.Entries[0].Data[0] {
		t.Error("the bytes of an entry were copied for sending")
	}
	var scratch [headerSize]byte
	var h header
	wire := frameOf(header{kind: kindAppend, group: 3, seq: 9}, bufs...)
	payload, err := readFrame(bytes.NewReader(wire), &scratch, maxFrame, &h)
	must(t, err)
	if h.kind != kindAppend || h.group != 3 || h.seq != 9 {
		t.Errorf("header %+v", h)
	}
	got, err := decodeAppend(payload)
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("decoded %+v, want %+v", got, want)
	}
	start := uintptr(unsafe.Pointer(&payload[0]))
	at := uintptr(unsafe.Pointer(&got.Entries[0].Data[0]))
	if at < start || at >= start+uintptr(len(payload)) {
		t.Error("the bytes of an entry were copied on receipt")
	}
	if !isHeartbeat(&raft.AppendEntriesRequest{Term: 3}) || isHeartbeat(want) {
		t.Error("heartbeats are not told from entries")
	}
}

func TestRequestsRoundTrip(t *testing.T) {
	h := raft.RPCHeader{ProtocolVersion: 3, ID: []byte("n1"), Addr: []byte("a:1")}
	for _, tc := range []struct {
		req, resp, empty any
	}{
		//lint:ignore SA1019 peers of Raft's own transport still read it
		{&raft.RequestVoteRequest{RPCHeader: h, Term: 1, Candidate: h.Addr, LastLogIndex: 2,
			LastLogTerm: 3, LeadershipTransfer: true},
			&raft.RequestVoteResponse{RPCHeader: h, Term: 4, Granted: true},
			&raft.RequestVoteResponse{}},
		{&raft.RequestPreVoteRequest{RPCHeader: h, Term: 1, LastLogIndex: 2, LastLogTerm: 3},
			&raft.RequestPreVoteResponse{RPCHeader: h, Term: 4, Granted: true},
			&raft.RequestPreVoteResponse{}},
		{&raft.TimeoutNowRequest{RPCHeader: h}, &raft.TimeoutNowResponse{RPCHeader: h},
			&raft.TimeoutNowResponse{}},
		{&raft.InstallSnapshotRequest{RPCHeader: h, SnapshotVersion: 1, Term: 1, Leader: h.Addr,
			LastLogIndex: 2, LastLogTerm: 3, Configuration: []byte("conf"), ConfigurationIndex: 4,
			Size: 5},
			&raft.InstallSnapshotResponse{RPCHeader: h, Term: 4, Success: true},
			&raft.InstallSnapshotResponse{}},
	} {
		kind, b := encodeRequest(tc.req)
		if kind == kindInstall {
			b = append(b, "bytes"...)
		}
		got, rest, err := decodeRequest(kind, b)
		must(t, err)
		if !reflect.DeepEqual(got, tc.req) || kind == kindInstall && string(rest) != "bytes" {
			t.Errorf("decoded %+v, want %+v", got, tc.req)
		}
		a, err := encodeAnswer(tc.resp)
		must(t, err)
		must(t, decodeAnswer(a, tc.empty))
		if !reflect.DeepEqual(tc.empty, tc.resp) {
			t.Errorf("decoded %+v, want %+v", tc.empty, tc.resp)
		}
		for cut := range a {
			if err := decodeAnswer(a[:cut], tc.empty); !errors.Is(err, ErrFrame) {
				t.Errorf("%T cut at %d gives %v", tc.resp, cut, err)
			}
		}
	}
}

func TestRefusesUnsendableEntries(t *testing.T) {
	a := &raft.AppendEntriesRequest{Entries: []*raft.Log{{Index: 1, Type: 0xff}}}
	if _, err := encodeAppend(a); err == nil {
		t.Error("an entry of no type of Raft's was sent")
	}
}

// TestHostileFrames: wrong bytes are refused without panic, and a length alone claims no memory.
func TestHostileFrames(t *testing.T) {
	bufs, err := encodeAppend(sampleAppend())
	must(t, err)
	good := frameOf(header{kind: kindAppend}, bufs...)
	for at := range good[:200] {
		bad := bytes.Clone(good)
		bad[at] ^= 0x10
		if err := readAll(bad); !errors.Is(err, ErrFrame) {
			t.Errorf("byte %d flipped: %v", at, err)
		}
	}
	for cut := 1; cut < len(good); cut += 7 {
		if err := readAll(good[:cut]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	b := make([]byte, headerSize)
	putHeader(b, &header{kind: kindAppend, length: maxFrame})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := readAll(b); err == nil {
		t.Error("a frame without its payload was read")
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 2*trustedBytes {
		t.Errorf("a length alone made the reader allocate %d bytes", n)
	}
	putHeader(b, &header{kind: kindAppend, length: maxFrame + 1})
	if err := readAll(b); !errors.Is(err, ErrFrame) {
		t.Errorf("a frame over the limit gives %v", err)
	}
	// A count of entries that the message cannot hold.
	lie := putRaftHeader(nil, &raft.RPCHeader{})
	lie = append(lie, make([]byte, 32)...)
	lie = append(lie, 0xff, 0xff, 0xff, 0xff)
	if _, err := decodeAppend(lie); !errors.Is(err, ErrFrame) {
		t.Errorf("4 billion entries in %d bytes give %v", len(lie), err)
	}
}

// readAll reads and decodes one frame as a served connection does.
func readAll(b []byte) error {
	var scratch [headerSize]byte
	var h header
	payload, err := readFrame(bytes.NewReader(b), &scratch, maxFrame, &h)
	if err != nil {
		return err
	}
	switch h.kind {
	case kindAppend:
		_, err = decodeAppend(payload)
	case kindVote, kindPreVote, kindTimeoutNow, kindInstall:
		_, _, err = decodeRequest(h.kind, payload)
	case kindAnswer:
		for _, resp := range []any{&raft.AppendEntriesResponse{}, &raft.RequestVoteResponse{},
			&raft.RequestPreVoteResponse{}, &raft.TimeoutNowResponse{},
			&raft.InstallSnapshotResponse{}} {
			err = decodeAnswer(payload, resp)
		}
	case kindCall:
		_, err = servePiece(func(string) (File, int64, error) { return nil, 0, io.EOF }, payload)
	}
	return err
}

func FuzzFrame(f *testing.F) {
	small := sampleAppend()
	small.Entries[0].Data = []byte("rows") // large seeds make the fuzzer's minimizing slow
	bufs, err := encodeAppend(small)
	must(f, err)
	f.Add(bytes.Join(bufs, nil), uint8(kindAppend))
	_, vote := encodeRequest(&raft.RequestVoteRequest{Term: 3})
	f.Add(vote, uint8(kindVote))
	_, install := encodeRequest(&raft.InstallSnapshotRequest{Size: 3})
	f.Add(append(install, "abc"...), uint8(kindInstall))
	f.Add(encodeAppendAnswer(&raft.AppendEntriesResponse{Term: 3}), uint8(kindAnswer))
	f.Add((&hello{lane: laneData, cluster: "c", node: "n"}).encode(), uint8(0))
	f.Fuzz(func(t *testing.T, body []byte, kind uint8) {
		// Once as it is, once behind a header that passes, so that the decoders are reached.
		readAll(body)
		readAll(frameOf(header{kind: frameKind(kind)}, body))
		if h, err := readHello(bytes.NewReader(body)); err == nil {
			again, err := readHello(bytes.NewReader(h.encode()))
			if err != nil || *again != *h {
				t.Fatalf("greeting %+v comes back as %+v (%v)", h, again, err)
			}
		}
	})
}
