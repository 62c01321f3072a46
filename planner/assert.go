package planner

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// assert answers ksqlDB's ASSERT. Statements take effect at once and for all
// sessions, so that there is nothing to wait for: TIMEOUT is accepted.
func (b *builder) assert(stmt sql.Statement) (*plan.Plan, error) {
	var err error
	switch s := stmt.(type) {
	case *sql.AssertTopic:
		err = b.assertTopic(s)
	case *sql.AssertRelation:
		err = b.assertRelation(s)
	case *sql.AssertSchema:
		err = sqlerr.Unsupported("ASSERT SCHEMA", "There is no schema registry: ASSERT STREAM and "+
			"ASSERT TABLE compare the columns of a stream or table.").At(s.Pos())
	default:
		err = sqlerr.Unsupported("ASSERT VALUES", "Read the rows with SELECT, or the log with "+
			"millrace.changelog('name').").At(stmt.Pos())
	}
	return &plan.Plan{Tag: "ASSERT"}, err
}

// topic finds what a topic of ksqlDB is here: a stream or table of that name, or one
// that was declared over it.
func (b *builder) topic(name sql.Name) *catalog.Relation {
	if rel := b.find(name); rel != nil && rel.Kind.Stored() {
		return rel
	}
	for _, schema := range b.path {
		for _, rel := range b.env.Snapshot.RelationsIn(schema) {
			if t := optionOf(rel, "kafka_topic"); t != "" && t == name.Last() {
				return rel
			}
		}
	}
	return nil
}

func (b *builder) assertTopic(s *sql.AssertTopic) error {
	rel := b.topic(s.Name)
	switch {
	case s.Not && rel != nil:
		return sqlerr.New(sqlerr.DuplicateTable, "topic \"%s\" exists", s.Name.Last()).At(s.Pos()).
			WithDetail("It belongs to %s \"%s\".", kindWord(rel.Kind), rel.Name)
	case s.Not:
		return nil
	case rel == nil:
		return sqlerr.New(sqlerr.UndefinedTable, "topic \"%s\" does not exist",
			s.Name.Last()).At(s.Pos()).WithHint("SHOW TOPICS lists them.")
	}
	for _, o := range s.Options {
		switch name := lower(o.Name); name {
		case "partitions":
			n, err := optionInt(o, 1, maxPartitions)
			if err != nil {
				return err
			}
			if int(n) != rel.Partitions {
				return sqlerr.New(sqlerr.InvalidTableDefinition,
					"topic \"%s\" has %d partitions, not %d", s.Name.Last(), rel.Partitions, n).
					At(o.Pos())
			}
		case "replicas":
			b.notice("every node has all rows: option \"replicas\" is ignored")
		default:
			return unknownOption(name, o.Pos())
		}
	}
	return nil
}

// assertRelation compares a stream or table with a definition.
func (b *builder) assertRelation(s *sql.AssertRelation) error {
	word, kind := "stream", catalog.KindStream
	if s.Kind == sql.ObjTable {
		word, kind = "table", catalog.KindTable
	}
	rel, err := b.relationOf(s.Name, s.Pos(), word)
	if err != nil {
		return err
	}
	if rel.Kind != kind {
		return sqlerr.New(sqlerr.WrongObjectType, "\"%s\" is no %s", rel.Name, word).At(s.Pos())
	}
	if len(s.Columns) == 0 {
		return b.assertOptions(s, rel)
	}
	p, err := b.asserted(s)
	if err != nil {
		return err
	}
	want := &p.Command.(*catalog.CreateRelation).Relation
	if err := sameColumns(rel, want); err != nil {
		return err.At(s.Pos())
	}
	return b.assertOptions(s, rel)
}

// asserted plans the definition as if it were to be made, in its dialect but
// without its options.
func (b *builder) asserted(s *sql.AssertRelation) (*plan.Plan, error) {
	var with []sql.Option
	for _, o := range s.With {
		if contains(ksqlMarks, lower(o.Name)) {
			with = []sql.Option{{Loc: o.Loc, Name: "dialect",
				Value: &sql.Const{Loc: o.Loc, Kind: sql.StrConst, Val: ksqlDialect}}}
		}
	}
	if s.Kind == sql.ObjTable {
		return b.createTable(&sql.CreateTable{Extent: s.Extent, Name: s.Name,
			Definition: s.Definition, With: with})
	}
	return b.createStream(&sql.CreateStream{Extent: s.Extent, Name: s.Name,
		Definition: s.Definition, With: with})
}

// sameColumns compares columns by name and type, and the key.
func sameColumns(rel, want *catalog.Relation) *sqlerr.Error {
	differs := func(format string, args ...any) *sqlerr.Error {
		return sqlerr.New(sqlerr.InvalidTableDefinition, "%s \"%s\" is defined otherwise",
			kindWord(rel.Kind), rel.Name).WithDetail(format, args...)
	}
	seen := 0
	for _, o := range want.Visible() {
		w := &want.Columns[o]
		i := rel.ColumnIndex(w.Name)
		if i < 0 {
			return differs("It has no column \"%s\".", w.Name)
		}
		c := &rel.Columns[i]
		if c.Type.String() != w.Type.String() {
			return differs("Column \"%s\" is of type %s, not %s.", c.Name, c.Type, w.Type)
		}
		if containsInt(rel.Key, i) != containsInt(want.Key, o) {
			return differs("Column \"%s\" is %s part of the key.", c.Name,
				map[bool]string{true: "a", false: "no"}[containsInt(rel.Key, i)])
		}
		seen++
	}
	if n := len(rel.Visible()); n != seen {
		return differs("It has %d columns, not %d.", n, seen)
	}
	return nil
}

// assertOptions compares the options that the assertion names.
func (b *builder) assertOptions(s *sql.AssertRelation, rel *catalog.Relation) error {
	for _, o := range s.With {
		name := lower(o.Name)
		want, err := optionText(o)
		if err != nil {
			return err
		}
		got := b.asserting(rel, name)
		if got == "" && strings.HasSuffix(name, "format") {
			continue // of a result whose query has ended: every format is stored alike
		}
		if got != want && lower(got) != lower(want) {
			return sqlerr.New(sqlerr.InvalidTableDefinition, "%s \"%s\" is defined otherwise",
				kindWord(rel.Kind), rel.Name).At(o.Pos()).
				WithDetail("Option \"%s\" is '%s', not '%s'.", name, got, want)
		}
	}
	return nil
}

// asserting gives the value of an option as it holds, given or not: the topic of a relation
// has its name, and a result the formats of what it reads.
func (b *builder) asserting(rel *catalog.Relation, name string) string {
	v := optionOf(rel, name)
	switch {
	case name == "partitions":
		return strconv.Itoa(rel.Partitions)
	case v != "":
		return v
	case name == "kafka_topic":
		return rel.Name
	case name == "value_format", name == "key_format":
		if v = optionOf(rel, "format"); v != "" {
			return v
		}
	case name == "format":
		v = b.asserting(rel, "value_format")
		if key := b.asserting(rel, "key_format"); key != "kafka" && lower(key) != lower(v) {
			return ""
		}
		return v
	}
	for _, oid := range rel.DependsOn {
		if src := b.env.Snapshot.Relation(oid); src != nil && strings.HasSuffix(name, "_format") {
			return b.asserting(src, name)
		}
	}
	if name == "key_format" {
		return "kafka"
	}
	return ""
}
