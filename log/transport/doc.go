// Package transport carries everything that nodes say to each other: Raft's messages, calls such as
// a write forwarded to the leader, and sealed files. One listener serves it all.
//
// It is not a cluster: it knows no members, elects nobody and retries nothing. A caller names the
// node and its address; a failure is returned, and the next call dials anew.
//
// Each node dials three connections ("lanes") to a peer when it first needs them: control for
// heartbeats and votes, data for Raft's entries, calls for the rest. Bulk on one lane cannot delay
// another. Requests go from the dialer to the acceptor, answers back, matched by a sequence number.
//
// Its one invariant: Raft's state changes only on Raft's own main loop. The transport ignores
// SetHeartbeatHandler, because the handler would change term and state beside the main loop. So
// that a busy main loop does not cost the leadership, the transport itself acknowledges a heartbeat
// when two atomic reads say that the main loop would: same term, and a follower already. While the
// local disk hangs it sends neither heartbeats nor entries and acknowledges no heartbeat, so that
// a leader which cannot write is replaced.
//
// Ownership: entries of a received message alias the buffer it was read into, which belongs to
// them from then on. Bytes given to Call are copied; bytes returned belong to the caller.
//
// Goroutines: one accept loop, one reader per connection, one worker per served Raft lane, one per
// call being served. Close ends and awaits them all.
//
// The byte layout is in FORMAT.md.
package transport
