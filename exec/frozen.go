package exec

import "github.com/millracedb/millrace/catalog"

// Frozen is a view of the transaction as it is now: what is written to the relations later
// is not seen through it. It is for reading only, while t is open.
func (t *Txn) Frozen(sources []catalog.OID) *Txn {
	f := *t
	f.rels, f.order = make(map[catalog.OID]*overlay, len(sources)), nil
	for _, oid := range sources {
		if o := t.rels[oid]; o != nil {
			f.rels[oid] = o.clone()
		}
	}
	return &f
}
