package replica

import (
	"fmt"

	"github.com/millracedb/millrace/log"
)

// refuseWhenFull refuses rows while the disk's reserve is touched, before Raft has
// them: a store that refuses costs the leadership. Commands and trims, by which
// space is freed, may use the reserve.
func (c *committer) refuseWhenFull(batch []*pending) []*pending {
	err := c.r.diskFull(c.pressed)
	if err == nil {
		c.pressed = false
		return batch
	}
	keep, frees := batch[:0], false
	for _, p := range batch {
		if len(p.txn.Blocks) == 0 && (p.txn.Command != nil || len(p.txn.Trims) > 0) {
			keep, frees = append(keep, p), true
			continue
		}
		c.answer(p, outcome{err: err})
	}
	if s, ok := c.r.store.(interface{ ReleaseReserve() error }); ok && frees {
		if err := s.ReleaseReserve(); err != nil {
			c.r.log.Warn("the disk reserve cannot be released", "error", err)
		}
	}
	c.pressed = true
	return keep
}

// diskFull gives ErrDiskFull if less than the reserve is free; when it was so
// before, rows are taken again once twice as much is free.
func (r *Replica) diskFull(before bool) error {
	need := r.cfg.ReserveBytes
	if need <= 0 {
		return nil
	}
	if before {
		need *= 2
	}
	u, err := r.cfg.FS.GetDiskUsage(r.cfg.Dir)
	if err != nil || u.AvailBytes >= uint64(need) {
		// A file system that cannot tell is asked by the store, when it writes.
		return nil
	}
	return fmt.Errorf("%w: %d bytes are free, %d are kept in reserve", log.ErrDiskFull,
		u.AvailBytes, need)
}
