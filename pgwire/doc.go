// Package pgwire speaks PostgreSQL's protocol 3.0 with clients: frames, start-up
// and authentication, the simple and the extended protocol, COPY, cancellation.
// What the messages mean is package session's.
//
// Layers, from the socket up: intake (bytes as they come, bounded), frames (one
// message, limited before it is stored), check (bodies that pgproto3 may decode),
// conn (what a message does), and for the way back writer and rows. Invariant: no
// byte that a client can send makes the server panic, hang or allocate more than
// the limit of its state, and whatever happens to one connection, others do not
// notice.
package pgwire
