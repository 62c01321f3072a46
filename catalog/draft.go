package catalog

import (
	"maps"
	"slices"
)

// Draft is the catalog as an open transaction block sees it: a snapshot, and over it the
// commands of the block, which nobody else knows of before they are committed as one
// Block. It belongs to one session.
//
// Invariant: applying Block to the snapshot that it began with gives Now, but for the
// version; OIDs and all.
type Draft struct {
	base, now *Snapshot
	version   func() Version
	steps     []Step
	// touched are the relations of base that the commands change.
	touched map[OID]bool
	// next and end are the reserved OIDs that are left.
	next, end OID
}

// NewDraft begins a draft. version numbers its snapshots: each gets another number,
// which no snapshot of a Machine has.
func NewDraft(base *Snapshot, version func() Version) *Draft {
	return &Draft{base: base, now: base, version: version, touched: map[OID]bool{}}
}

// Base is what the draft began with, Now what the commands have made of it.
func (d *Draft) Base() *Snapshot { return d.base }

// Now is the snapshot for the next statement of the block.
func (d *Draft) Now() *Snapshot { return d.now }

// Empty tells whether there are no commands.
func (d *Draft) Empty() bool { return len(d.steps) == 0 }

// Reserve gives the draft OIDs for new objects: n from first on.
func (d *Draft) Reserve(first OID, n uint32) { d.next, d.end = first, first+OID(n) }

// Apply adds a command. Where more OIDs are needed than are reserved, nothing is done
// and need says how many.
func (d *Draft) Apply(cmd Command) (change Change, need uint32, err error) {
	from := *d.now
	from.nextOID = d.next
	now, change, err := from.Apply(d.version(), cmd)
	if err != nil {
		return Change{}, 0, err
	}
	if now.nextOID > d.end {
		return Change{}, uint32(now.nextOID - d.next), nil
	}
	step := Step{Command: cmd, From: d.next, To: now.nextOID}
	for _, r := range change.Altered {
		if d.base.Relation(r.OID) == nil {
			continue
		}
		d.touched[r.OID] = true
		was := d.now.Relation(r.OID)
		if r.Sequence != nil && was != nil && was.Sequence.Start == r.Sequence.Start {
			step.Keep = append(step.Keep, r.OID)
		}
	}
	d.steps = append(d.steps, step)
	d.now, d.next = now, now.nextOID
	return change, 0, nil
}

// Mark remembers what the draft is, for Restore.
func (d *Draft) Mark() Draft {
	m := *d
	m.touched = maps.Clone(d.touched)
	return m
}

// Restore makes the draft what it was; OIDs that were given since are not given again.
func (d *Draft) Restore(m Draft) {
	d.now, d.steps, d.touched = m.now, slices.Clip(m.steps), maps.Clone(m.touched)
}

// Block is the command that commits the draft. written are the relations that rows of
// the transaction are for, or that it has checked as a whole.
func (d *Draft) Block(written []OID) *Block {
	b := &Block{Steps: d.steps}
	var oids []OID
	for _, oid := range written {
		if d.base.Relation(oid) != nil && d.now.Relation(oid) != nil {
			oids = append(oids, oid)
		}
	}
	oids = append(oids, slices.Collect(maps.Keys(d.touched))...)
	slices.Sort(oids)
	for _, oid := range slices.Compact(oids) {
		r := d.base.Relation(oid)
		u := Use{OID: oid, SchemaVersion: r.SchemaVersion}
		if d.touched[oid] {
			u.Sum = sumOf(r)
		}
		b.Uses = append(b.Uses, u)
	}
	return b
}
