package transport

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// entryHead is the fixed part of an entry in an append message: index, term, time, type, length
// of the data, length of the extensions.
const entryHead = 8 + 8 + 8 + 1 + 4 + 2

func putRaftHeader(b []byte, h *raft.RPCHeader) []byte {
	b = append(b, byte(h.ProtocolVersion))
	b = putBytes(b, h.ID)
	return putBytes(b, h.Addr)
}

func (d *decoder) raftHeader() (h raft.RPCHeader) {
	h.ProtocolVersion = raft.ProtocolVersion(d.u8())
	h.ID, h.Addr = d.bytes(), d.bytes()
	return h
}

func flag(on bool, bit byte) byte {
	if on {
		return bit
	}
	return 0
}

// isHeartbeat says whether the message only says that the leader is there.
func isHeartbeat(a *raft.AppendEntriesRequest) bool {
	return len(a.Entries) == 0 && a.PrevLogEntry == 0 && a.PrevLogTerm == 0 &&
		a.LeaderCommitIndex == 0
}

// encodeAppend gives the head of the message and the entries' bytes, which are not copied.
func encodeAppend(a *raft.AppendEntriesRequest) ([][]byte, error) {
	le := binary.LittleEndian
	size := 48 + len(a.ID) + len(a.Addr) + entryHead*len(a.Entries)
	b := putRaftHeader(make([]byte, 0, size), &a.RPCHeader)
	b = le.AppendUint64(b, a.Term)
	b = le.AppendUint64(b, a.PrevLogEntry)
	b = le.AppendUint64(b, a.PrevLogTerm)
	b = le.AppendUint64(b, a.LeaderCommitIndex)
	b = le.AppendUint32(b, uint32(len(a.Entries)))
	bufs := make([][]byte, 1, 1+len(a.Entries))
	for _, e := range a.Entries {
		if e.Type > raft.LogConfiguration || len(e.Extensions) > 1<<16-1 {
			// A log answers with such a type for an entry of which it has the term only.
			return nil, fmt.Errorf("entry %d of type %d cannot be sent", e.Index, e.Type)
		}
		b = le.AppendUint64(b, e.Index)
		b = le.AppendUint64(b, e.Term)
		at := int64(0)
		if !e.AppendedAt.IsZero() {
			at = e.AppendedAt.UnixNano()
		}
		b = le.AppendUint64(b, uint64(at))
		b = append(b, byte(e.Type))
		b = le.AppendUint32(b, uint32(len(e.Data)))
		b = le.AppendUint16(b, uint16(len(e.Extensions)))
		if len(e.Data) > 0 {
			bufs = append(bufs, e.Data)
		}
		if len(e.Extensions) > 0 {
			bufs = append(bufs, e.Extensions)
		}
	}
	bufs[0] = b
	return bufs, nil
}

// decodeAppend is the inverse; the entries alias b.
func decodeAppend(b []byte) (*raft.AppendEntriesRequest, error) {
	d := decoder{b: b}
	a := &raft.AppendEntriesRequest{RPCHeader: d.raftHeader()}
	//lint:ignore SA1019 peers of Raft's own transport still read it
	a.Leader = a.Addr
	a.Term, a.PrevLogEntry = d.u64(), d.u64()
	a.PrevLogTerm, a.LeaderCommitIndex = d.u64(), d.u64()
	n := int(d.u32())
	heads := d.take(n * entryHead)
	if d.bad {
		return nil, d.end()
	}
	if n == 0 {
		return a, d.end()
	}
	logs := make([]raft.Log, n)
	a.Entries = make([]*raft.Log, n)
	for i := range logs {
		h := decoder{b: heads[i*entryHead : (i+1)*entryHead]}
		e := &logs[i]
		e.Index, e.Term = h.u64(), h.u64()
		if at := int64(h.u64()); at != 0 {
			e.AppendedAt = time.Unix(0, at)
		}
		e.Type = raft.LogType(h.u8())
		size := int(h.u32())
		ext := int(binary.LittleEndian.Uint16(h.take(2)))
		e.Data = d.take(size)
		if ext > 0 {
			e.Extensions = d.take(ext)
		}
		if e.Type > raft.LogConfiguration {
			return nil, fmt.Errorf("%w: entry of type %d", ErrFrame, e.Type)
		}
		a.Entries[i] = e
	}
	return a, d.end()
}

func encodeAppendAnswer(r *raft.AppendEntriesResponse) []byte {
	b := putRaftHeader(make([]byte, 0, 64), &r.RPCHeader)
	b = binary.LittleEndian.AppendUint64(b, r.Term)
	b = binary.LittleEndian.AppendUint64(b, r.LastLog)
	return append(b, flag(r.Success, 1)|flag(r.NoRetryBackoff, 2))
}

func decodeAppendAnswer(b []byte, r *raft.AppendEntriesResponse) error {
	d := decoder{b: b}
	r.RPCHeader = d.raftHeader()
	r.Term, r.LastLog = d.u64(), d.u64()
	f := d.u8()
	r.Success, r.NoRetryBackoff = f&1 != 0, f&2 != 0
	return d.end()
}

// encodeRequest encodes the small requests; the kind tells which.
func encodeRequest(req any) (frameKind, []byte) {
	le := binary.LittleEndian
	b := make([]byte, 0, 128)
	switch r := req.(type) {
	case *raft.RequestVoteRequest:
		b = putRaftHeader(b, &r.RPCHeader)
		b = le.AppendUint64(b, r.Term)
		b = le.AppendUint64(b, r.LastLogIndex)
		b = le.AppendUint64(b, r.LastLogTerm)
		return kindVote, append(b, flag(r.LeadershipTransfer, 1))
	case *raft.RequestPreVoteRequest:
		b = putRaftHeader(b, &r.RPCHeader)
		b = le.AppendUint64(b, r.Term)
		b = le.AppendUint64(b, r.LastLogIndex)
		return kindPreVote, le.AppendUint64(b, r.LastLogTerm)
	case *raft.TimeoutNowRequest:
		return kindTimeoutNow, putRaftHeader(b, &r.RPCHeader)
	case *raft.InstallSnapshotRequest:
		b = putRaftHeader(b, &r.RPCHeader)
		b = append(b, byte(r.SnapshotVersion))
		b = le.AppendUint64(b, r.Term)
		b = le.AppendUint64(b, r.LastLogIndex)
		b = le.AppendUint64(b, r.LastLogTerm)
		b = le.AppendUint64(b, r.ConfigurationIndex)
		b = le.AppendUint64(b, uint64(r.Size))
		return kindInstall, putBytes(b, r.Configuration)
	}
	panic(fmt.Sprintf("transport: no encoding for %T", req))
}

// decodeRequest is the inverse; rest is what follows an InstallSnapshotRequest.
func decodeRequest(kind frameKind, b []byte) (req any, rest []byte, err error) {
	d := decoder{b: b}
	h := d.raftHeader()
	switch kind {
	case kindVote:
		//lint:ignore SA1019 peers of Raft's own transport still read it
		r := &raft.RequestVoteRequest{RPCHeader: h, Candidate: h.Addr}
		r.Term, r.LastLogIndex, r.LastLogTerm = d.u64(), d.u64(), d.u64()
		r.LeadershipTransfer = d.u8()&1 != 0
		return r, nil, d.end()
	case kindPreVote:
		r := &raft.RequestPreVoteRequest{RPCHeader: h}
		r.Term, r.LastLogIndex, r.LastLogTerm = d.u64(), d.u64(), d.u64()
		return r, nil, d.end()
	case kindTimeoutNow:
		return &raft.TimeoutNowRequest{RPCHeader: h}, nil, d.end()
	case kindInstall:
		r := &raft.InstallSnapshotRequest{RPCHeader: h, Leader: h.Addr}
		r.SnapshotVersion = raft.SnapshotVersion(d.u8())
		r.Term, r.LastLogIndex, r.LastLogTerm = d.u64(), d.u64(), d.u64()
		r.ConfigurationIndex, r.Size = d.u64(), int64(d.u64())
		r.Configuration = d.bytes()
		if r.Size != int64(len(d.b)) {
			d.bad = true
		}
		rest, d.b = d.b, nil
		return r, rest, d.end()
	}
	return nil, nil, fmt.Errorf("%w: kind %d is not a request of Raft", ErrFrame, kind)
}

// encodeAnswer encodes Raft's answer to any request.
func encodeAnswer(resp any) ([]byte, error) {
	le := binary.LittleEndian
	b := make([]byte, 0, 64)
	switch r := resp.(type) {
	case *raft.AppendEntriesResponse:
		return encodeAppendAnswer(r), nil
	case *raft.RequestVoteResponse:
		b = putRaftHeader(b, &r.RPCHeader)
		b = le.AppendUint64(b, r.Term)
		return append(b, flag(r.Granted, 1)), nil
	case *raft.RequestPreVoteResponse:
		b = putRaftHeader(b, &r.RPCHeader)
		b = le.AppendUint64(b, r.Term)
		return append(b, flag(r.Granted, 1)), nil
	case *raft.TimeoutNowResponse:
		return putRaftHeader(b, &r.RPCHeader), nil
	case *raft.InstallSnapshotResponse:
		b = putRaftHeader(b, &r.RPCHeader)
		b = le.AppendUint64(b, r.Term)
		return append(b, flag(r.Success, 1)), nil
	}
	return nil, fmt.Errorf("no encoding for the answer %T", resp)
}

// decodeAnswer fills resp, which says what is expected.
func decodeAnswer(b []byte, resp any) error {
	d := decoder{b: b}
	switch r := resp.(type) {
	case *raft.AppendEntriesResponse:
		return decodeAppendAnswer(b, r)
	case *raft.RequestVoteResponse:
		r.RPCHeader = d.raftHeader()
		r.Term, r.Granted = d.u64(), d.u8()&1 != 0
	case *raft.RequestPreVoteResponse:
		r.RPCHeader = d.raftHeader()
		r.Term, r.Granted = d.u64(), d.u8()&1 != 0
	case *raft.TimeoutNowResponse:
		r.RPCHeader = d.raftHeader()
	case *raft.InstallSnapshotResponse:
		r.RPCHeader = d.raftHeader()
		r.Term, r.Success = d.u64(), d.u8()&1 != 0
	default:
		return fmt.Errorf("no decoding for the answer %T", resp)
	}
	return d.end()
}
