package planner

import (
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// verifyRows asks, before a constraint is added, whether some row violates it. Between
// the question and the change others may write; such rows stay, as with NOT VALID.
func (b *builder) verifyRows(rel *catalog.Relation, list, tail string, err *sqlerr.Error) {
	err.Schema, err.Table = rel.Schema, rel.Name
	text := "SELECT " + list + " FROM " + sql.Name{rel.Schema, rel.Name}.String() + tail +
		" LIMIT 1"
	// A column that the same statement adds is not there yet, and has one value.
	if s, perr := parse.ParseOne(text); perr != nil || newBuilder(b.env).refuses(s) {
		return
	}
	b.verify = append(b.verify, plan.Verify{Error: err, Query: text})
}

// refuses tells whether a statement cannot be planned.
func (b *builder) refuses(s sql.Statement) bool {
	_, err := b.statement(s)
	return err != nil
}

func (b *builder) verifyNotNull(rel *catalog.Relation, column string) {
	err := sqlerr.New(sqlerr.NotNullViolation, "column \"%s\" of relation \"%s\" contains null values",
		column, rel.Name)
	err.Column = column
	b.verifyRows(rel, "1", " WHERE "+sql.QuoteIdent(column)+" IS NULL", err)
}

func (b *builder) verifyCheck(rel *catalog.Relation, c catalog.Check) {
	err := sqlerr.New(sqlerr.CheckViolation,
		"check constraint \"%s\" of relation \"%s\" is violated by some row", c.Name, rel.Name)
	err.Constraint = c.Name
	b.verifyRows(rel, "1", " WHERE NOT ("+c.Expr+")", err)
}

func (b *builder) verifyUnique(rel *catalog.Relation, columns []int, name string) {
	var names, given []string
	for _, o := range columns {
		n := sql.QuoteIdent(rel.Columns[o].Name)
		names, given = append(names, n), append(given, n+" IS NOT NULL")
	}
	list := strings.Join(names, ", ")
	err := sqlerr.New(sqlerr.UniqueViolation, "could not create unique index \"%s\"", name).
		WithDetail("Some values of (%s) are duplicated.", list)
	err.Constraint = name
	b.verifyRows(rel, list, " WHERE "+strings.Join(given, " AND ")+" GROUP BY "+list+
		" HAVING count(*) > 1", err)
}
