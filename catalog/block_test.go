package catalog

import (
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// blockTest is two machines that apply the same bytes.
type blockTest struct {
	t       *testing.T
	a, b    *Machine
	version Version
	drafts  Version
}

func newBlockTest(t *testing.T) *blockTest {
	return &blockTest{t: t, a: NewMachine(), b: NewMachine()}
}

// apply applies a command on both and compares what comes out.
func (x *blockTest) apply(c Command) (Change, error) {
	x.t.Helper()
	enc, err := EncodeCommand(c)
	if err != nil {
		x.t.Fatal(err)
	}
	x.version++
	before := x.encoded(x.a)
	change, err := x.a.Apply(x.version, enc)
	_, twin := x.b.Apply(x.version, enc)
	if (err == nil) != (twin == nil) || x.encoded(x.a) != x.encoded(x.b) {
		x.t.Fatalf("machines differ: %v, %v", err, twin)
	}
	if err != nil && x.encoded(x.a) != before {
		x.t.Fatalf("a refused command changed the catalog: %v", err)
	}
	return change, err
}

func (x *blockTest) encoded(m *Machine) string {
	x.t.Helper()
	b, err := m.Encode()
	if err != nil {
		x.t.Fatal(err)
	}
	return string(b)
}

func (x *blockTest) must(c Command) Change {
	x.t.Helper()
	change, err := x.apply(c)
	if err != nil {
		x.t.Fatal(err)
	}
	return change
}

// draft begins a block with so many OIDs.
func (x *blockTest) draft(oids uint32) *Draft {
	x.t.Helper()
	d := NewDraft(x.a.Current(), func() Version {
		x.drafts++
		return 1<<63 | x.drafts
	})
	d.Reserve(x.must(&ReserveOIDs{Count: oids}).OID, oids)
	return d
}

func (x *blockTest) add(d *Draft, c Command) Change {
	x.t.Helper()
	change, need, err := d.Apply(c)
	if err != nil || need > 0 {
		x.t.Fatalf("%T: need %d, %v", c, need, err)
	}
	return change
}

// refused demands a serialization failure with a detail.
func (x *blockTest) refused(c Command, detail string) {
	x.t.Helper()
	_, err := x.apply(c)
	if e := sqlerr.As(err); err == nil || e.Code != sqlerr.SerializationFailure ||
		!strings.Contains(e.Detail, detail) {
		x.t.Errorf("got %v, want 40001 about %q", err, detail)
	}
}

func table(name string, columns ...string) Relation {
	r := Relation{Schema: PublicSchema, Name: name, Kind: KindTable, TimeColumn: -1, Partitions: 1}
	for _, c := range columns {
		r.Columns = append(r.Columns, Column{Name: c, Type: types.Of(types.Int4)})
	}
	return r
}

func withColumn(r *Relation, name string) *AlterRelation {
	next := *r
	next.Columns = append(append([]Column(nil), r.Columns...),
		Column{Name: name, Type: types.Of(types.Text)})
	return &AlterRelation{Relation: next, From: r.SchemaVersion}
}

// TestBlock: what a block saw is what is there after its commit, whatever others did
// to other objects meanwhile.
func TestBlock(t *testing.T) {
	x := newBlockTest(t)
	old := x.must(&CreateRelation{Relation: table("old", "a")}).OID
	d := x.draft(16)
	made := x.add(d, &CreateRelation{Relation: table("new", "a"), Companions: []Relation{
		{Schema: PublicSchema, Name: "new_seq", Kind: KindSequence, TimeColumn: -1,
			Sequence: &Sequence{Start: 1, Increment: 1, Min: 1, Max: 100}}}}).OID
	x.add(d, withColumn(d.Now().Relation(made), "b"))
	x.add(d, withColumn(d.Now().Relation(old), "b"))
	mark := d.Mark()
	x.add(d, &DropObjects{Kind: KindTable, Names: []QualifiedName{{PublicSchema, "old"}}})
	x.add(d, &CreateSchema{Name: "s"})
	if d.Now().Relation(old) != nil || d.Base().Relation(old) == nil {
		t.Fatal("the draft does not show what was dropped")
	}
	d.Restore(mark)
	x.add(d, &SetComment{Class: "relation", OID: old, Column: -1, Comment: "c"})
	x.must(&CreateRelation{Relation: table("another", "a")})

	change := x.must(d.Block([]OID{old}))
	if len(change.Created) != 2 || len(change.Altered) != 1 || len(change.Dropped) != 0 {
		t.Errorf("change %s", describeChange(change))
	}
	now := x.a.Current()
	for _, oid := range []OID{old, made, made + 1} {
		got, want := *now.Relation(oid), *d.Now().Relation(oid)
		want.Created = got.Created
		if sumOf(&got) != sumOf(&want) {
			t.Errorf("relation %d is %+v, the block saw %+v", oid, got, want)
		}
	}
	if now.Schema("s") != nil {
		t.Error("what a savepoint undid is there")
	}
	if r := x.must(&CreateRelation{Relation: table("last", "a")}); r.OID <= made+1 {
		t.Errorf("OID %d is given twice", r.OID)
	}
}

// TestBlockRefused: a block is refused as a whole when what it relies on has changed.
func TestBlockRefused(t *testing.T) {
	begin := func() (*blockTest, *Draft, OID) {
		x := newBlockTest(t)
		old := x.must(&CreateRelation{Relation: table("old", "a")}).OID
		x.must(&CreateSchema{Name: "s"})
		d := x.draft(16)
		x.add(d, &CreateRelation{Relation: table("new", "a")})
		x.add(d, withColumn(d.Now().Relation(old), "b"))
		return x, d, old
	}
	dropOld := &DropObjects{Kind: KindTable, Names: []QualifiedName{{PublicSchema, "old"}}}

	x, d, _ := begin()
	x.must(&CreateRelation{Relation: table("new", "z")})
	x.refused(d.Block(nil), `relation "new" already exists`)

	x, d, _ = begin()
	x.must(dropOld)
	x.refused(d.Block(nil), "dropped")

	x, d, old := begin()
	x.must(withColumn(x.a.Current().Relation(old), "c"))
	x.refused(d.Block(nil), "was changed")

	// A constraint leaves the version of the rows as it is.
	x, d, old = begin()
	checked := *x.a.Current().Relation(old)
	checked.Checks = []Check{{Name: "c", Expr: "a > 0"}}
	x.must(&AlterRelation{Relation: checked, From: checked.SchemaVersion})
	x.refused(d.Block(nil), "was changed")

	// Rows for a relation that was changed.
	x = newBlockTest(t)
	old = x.must(&CreateRelation{Relation: table("old", "a")}).OID
	d = x.draft(16)
	x.add(d, &CreateSchema{Name: "s"})
	x.must(withColumn(x.a.Current().Relation(old), "c"))
	x.refused(d.Block([]OID{old}), "was changed")

	// IF NOT EXISTS of what is there by now would shift what comes after.
	x = newBlockTest(t)
	d = x.draft(16)
	x.add(d, &CreateRelation{Relation: table("new", "a"), IfNotExists: true})
	x.must(&CreateRelation{Relation: table("new", "z")})
	x.refused(d.Block(nil), "there already")

	if _, err := x.apply(&Block{Steps: []Step{{Command: &CreateSchema{Name: "q"}, From: 1 << 27,
		To: 1<<27 + 1}}}); err == nil {
		t.Error("OIDs that nobody reserved are taken")
	}
}

// TestBlockNumbers: a block that changes a sequence leaves what others take of it
// meanwhile alone, unless it says where the sequence goes on.
func TestBlockNumbers(t *testing.T) {
	x := newBlockTest(t)
	oid := x.must(&CreateRelation{Relation: Relation{Schema: PublicSchema, Name: "q",
		Kind: KindSequence, TimeColumn: -1, Sequence: &Sequence{Start: 1, Increment: 1, Min: 1, Max: 1000}}}).OID
	set := func(snap *Snapshot, start, limit int64) *AlterRelation {
		r := *snap.Relation(oid)
		seq := *r.Sequence
		seq.Start, seq.Max, r.Sequence = start, limit, &seq
		return &AlterRelation{Relation: r, From: r.SchemaVersion}
	}
	d := x.draft(1)
	x.add(d, set(d.Now(), 1, 5000))
	x.must(set(x.a.Current(), 100, 1000))
	x.must(d.Block(nil))
	if s := x.a.Current().Relation(oid).Sequence; s.Start != 100 || s.Max != 5000 {
		t.Errorf("the sequence goes on at %d up to %d", s.Start, s.Max)
	}
	d = x.draft(1)
	x.add(d, set(d.Now(), 7, 5000))
	x.must(d.Block(nil))
	if s := x.a.Current().Relation(oid).Sequence; s.Start != 7 {
		t.Errorf("the sequence goes on at %d", s.Start)
	}
}

// TestDraftReserves: a draft asks for the OIDs that it needs, and does nothing before.
func TestDraftReserves(t *testing.T) {
	x := newBlockTest(t)
	d := NewDraft(x.a.Current(), func() Version { return 1 << 63 })
	_, need, err := d.Apply(&CreateRelation{Relation: table("t", "a"), Companions: []Relation{
		{Schema: PublicSchema, Name: "i", Kind: KindIndex, TimeColumn: -1,
			IndexColumns: []int{0}}}})
	if err != nil || need != 2 || !d.Empty() || d.Now() != d.Base() {
		t.Errorf("need %d, %v, empty %v", need, err, d.Empty())
	}
}
