package replica

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/log/transport"
)

// The codes of a forwarded transaction's answer.
const (
	replyOK = iota
	replyMachine
	replyOther
	replyErrors // replyErrors + i is wireErrors[i]
)

// wireErrors are the errors that keep their identity on the way. Append only: the
// place is the code.
var wireErrors = []error{
	log.ErrConflict, log.ErrNotLeader, log.ErrTooLarge, log.ErrDiskFull, log.ErrStopped,
	log.ErrUnknownOutcome, log.ErrNoPartition, context.DeadlineExceeded, context.Canceled,
}

// forward sends a transaction to the leader and waits until its epoch is applied
// here too.
func (r *Replica) forward(ctx context.Context, id, addr string, t *log.Txn) (log.Result, error) {
	buf := log.AppendEntry(nil, 0, []*log.Txn{t})
	reply, err := r.cfg.Forward(ctx, id, addr, buf)
	if err != nil {
		if errors.Is(err, log.ErrNotLeader) {
			return log.Result{}, err
		}
		if errors.Is(err, transport.ErrUnreachable) {
			return log.Result{}, fmt.Errorf("forward to %s: %w: %w", id, log.ErrNotLeader, err)
		}
		return log.Result{}, fmt.Errorf("forward to %s: %w: %w", id, log.ErrUnknownOutcome, err)
	}
	res, err := r.decodeReply(reply)
	if err != nil {
		return res, err
	}
	if err := r.WaitApplied(ctx, res.Epoch); err != nil {
		// It is committed; but this node cannot show it.
		return res, fmt.Errorf("%w: committed as epoch %d, not applied here: %w",
			log.ErrUnknownOutcome, res.Epoch, err)
	}
	return res, nil
}

// HandleForward commits a transaction that another member forwarded. It never
// forwards again.
func (r *Replica) HandleForward(ctx context.Context, txn []byte) []byte {
	e, err := log.DecodeEntry(txn)
	if err == nil && len(e.Txns) != 1 {
		err = fmt.Errorf("%w: %d transactions forwarded", log.ErrBadEntry, len(e.Txns))
	}
	if err != nil {
		return r.encodeReply(log.Result{}, err)
	}
	size, err := r.check(e.Txns[0])
	if err != nil {
		return r.encodeReply(log.Result{}, err)
	}
	if !r.IsLeader() {
		return r.encodeReply(log.Result{}, log.ErrNotLeader)
	}
	return r.encodeReply(r.commit.propose(ctx, e.Txns[0], size))
}

func (r *Replica) encodeReply(res log.Result, err error) []byte {
	if err == nil {
		b := binary.LittleEndian.AppendUint64([]byte{replyOK}, uint64(res.Epoch))
		b = binary.LittleEndian.AppendUint64(b, uint64(res.Clock))
		return append(b, res.Output...)
	}
	for i, known := range wireErrors {
		if errors.Is(err, known) {
			return append([]byte{byte(replyErrors + i)}, err.Error()...)
		}
	}
	if r.cfg.Errors != nil {
		return append([]byte{replyMachine}, r.cfg.Errors.EncodeError(err)...)
	}
	return append([]byte{replyOther}, err.Error()...)
}

func (r *Replica) decodeReply(b []byte) (log.Result, error) {
	if len(b) == 0 {
		return log.Result{}, fmt.Errorf("%w: empty answer", log.ErrUnknownOutcome)
	}
	code, rest := int(b[0]), b[1:]
	switch {
	case code == replyOK && len(rest) >= 16:
		res := log.Result{
			Epoch: log.Epoch(binary.LittleEndian.Uint64(rest)),
			Clock: int64(binary.LittleEndian.Uint64(rest[8:])),
		}
		if len(rest) > 16 {
			res.Output = rest[16:]
		}
		return res, nil
	case code == replyMachine && r.cfg.Errors != nil:
		return log.Result{}, r.cfg.Errors.DecodeError(rest)
	case code >= replyErrors && code-replyErrors < len(wireErrors):
		return log.Result{}, &remoteError{string(rest), wireErrors[code-replyErrors]}
	case code == replyOther || code == replyMachine:
		return log.Result{}, errors.New(string(rest))
	}
	return log.Result{}, fmt.Errorf("%w: answer with code %d", log.ErrUnknownOutcome, code)
}

// remoteError is an error of the leader, with the text it had there.
type remoteError struct {
	text string
	kind error
}

// Error implements error.
func (e *remoteError) Error() string { return e.text }

// Unwrap gives the error's identity.
func (e *remoteError) Unwrap() error { return e.kind }
