package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// like copies the columns of another relation, and what INCLUDING says.
func (d *definition) like(l sql.TableLike) error {
	src, err := d.b.relation(l.Table, l.Pos())
	if err != nil {
		return err
	}
	with := func(word string) bool {
		return (slices.Contains(l.Including, word) || slices.Contains(l.Including, "ALL")) &&
			!slices.Contains(l.Excluding, word)
	}
	at := map[int]int{} // the new ordinal of a column
	for _, ord := range src.Visible() {
		c := src.Columns[ord]
		identity := c.Identity
		if !with("DEFAULTS") && !c.Generated || c.Generated && !with("GENERATED") || identity != 0 {
			c.Default, c.Generated, c.Identity = "", false, 0
		}
		if !with("COMMENTS") {
			c.Comment = ""
		}
		c.Missing, c.Former = nil, nil // of rows that are not copied
		if d.rel.ColumnIndex(c.Name) >= 0 {
			return sqlerr.New(sqlerr.DuplicateColumn,
				"column \"%s\" specified more than once", c.Name).At(l.Pos())
		}
		at[ord] = len(d.rel.Columns)
		d.rel.Columns = append(d.rel.Columns, c)
		if identity != 0 && with("IDENTITY") {
			d.copyIdentity(src, ord, at[ord], identity)
		}
	}
	if with("CONSTRAINTS") {
		d.rel.Checks = append(d.rel.Checks, src.Checks...)
	}
	if with("INDEXES") && src.Kind == catalog.KindTable {
		d.copyIndexes(src, at)
	}
	return nil
}

// copyIdentity makes a column an identity column with a sequence like another one's.
func (d *definition) copyIdentity(src *catalog.Relation, from, to int, kind byte) {
	for _, x := range d.b.env.Snapshot.OwnedSequences(src.OID) {
		if x.Sequence.OwnedColumn != from {
			continue
		}
		seq := *x.Sequence
		seq.Origin = origin(x.Sequence)
		seq.Start, seq.OwnedBy = seq.Origin, 0
		d.rel.Columns[to].Identity = kind
		d.ownSequence(&seq, to)
	}
}

// copyIndexes copies the primary key and the indexes of a table: what they have of columns
// is at other places.
func (d *definition) copyIndexes(src *catalog.Relation, at map[int]int) {
	key, primary := d.b.primaryColumns(src)
	if len(key) > 0 {
		d.likeKey = nil
		for _, k := range key {
			d.likeKey = append(d.likeKey, src.Columns[k].Name)
		}
	}
	for _, x := range d.b.env.Snapshot.Indexes(src.OID) {
		if x == primary {
			continue
		}
		c := catalog.Relation{Schema: d.rel.Schema, Kind: catalog.KindIndex, Unique: x.Unique,
			Bare: x.Bare, NullsSame: x.NullsSame, IndexExprs: x.IndexExprs, Predicate: x.Predicate,
			Options: x.Options, TimeColumn: -1, GraceMicros: -1, Owner: d.rel.Owner}
		var names []string
		for i, o := range x.IndexColumns {
			if o < 0 {
				c.IndexColumns = append(c.IndexColumns, -1)
				names = append(names, expressionName(x.IndexExprs[i]))
				continue
			}
			c.IndexColumns = append(c.IndexColumns, at[o])
			names = append(names, src.Columns[o].Name)
		}
		for _, o := range x.IndexReads {
			c.IndexReads = append(c.IndexReads, at[o])
		}
		suffix := "idx"
		if x.Unique && !x.Bare {
			suffix = "key"
		}
		c.Name = d.freeIndexName(names, suffix)
		d.companions = append(d.companions, c)
	}
}

// expressionName is what an expression is called in the name of an index.
func expressionName(text string) string {
	x, err := parseExpr(text)
	if err != nil {
		return "expr"
	}
	if n, _ := figureName(x); n != "" {
		return n
	}
	return "expr"
}

// ofType gives the definition of a table OF a composite type.
func (b *builder) ofType(s *sql.CreateTable) (*sql.Definition, error) {
	u := b.userTypeNamed(s.Of)
	switch {
	case u == nil:
		return nil, sqlerr.New(sqlerr.UndefinedObject, "type \"%s\" does not exist", s.Of).At(s.Pos())
	case u.Base.Kind != types.Record:
		return nil, sqlerr.New(sqlerr.WrongObjectType, "type %s is not a composite type", s.Of).
			At(s.Pos())
	}
	out := s.Definition
	out.Columns = nil
	for _, f := range u.Base.Fields {
		x, err := parseExpr("CAST(NULL AS " + f.Type.String() + ")")
		if err != nil {
			return nil, err
		}
		c := &sql.ColumnDef{Loc: sql.NoLoc, Name: f.Name}
		for _, more := range s.Columns {
			if more.Name == f.Name {
				copied := *more
				c = &copied
			}
		}
		c.Type = x.(*sql.Cast).Type
		out.Columns = append(out.Columns, c)
	}
	for _, c := range s.Columns {
		if u.Base.FieldIndex(c.Name) < 0 {
			return nil, sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" does not exist", c.Name)
		}
	}
	return &out, nil
}
