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
	b.verifyIn(sql.Name{rel.Schema, rel.Name}.String(), list, tail, err)
}

// verifyIn is verifyRows of another FROM item.
func (b *builder) verifyIn(from, list, tail string, err *sqlerr.Error) {
	text := "SELECT " + list + " FROM " + from + tail + " LIMIT 1"
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
	err := nullsIn(rel, column)
	b.verifyRows(rel, "1", " WHERE "+sql.QuoteIdent(column)+" IS NULL", err)
}

func (b *builder) verifyCheck(rel *catalog.Relation, c catalog.Check) {
	err := sqlerr.New(sqlerr.CheckViolation,
		"check constraint \"%s\" of relation \"%s\" is violated by some row", c.Name, rel.Name)
	err.Constraint = c.Name
	b.verifyRows(rel, "1", " WHERE NOT ("+c.Expr+")", err)
}

// verifyUnique asks whether rows of a table have the same values of a unique index.
func (b *builder) verifyUnique(rel, x *catalog.Relation) {
	b.verifyUniqueIn(sql.Name{rel.Schema, rel.Name}.String(), rel, x)
}

// verifyUniqueIn asks it of rows of another FROM item.
func (b *builder) verifyUniqueIn(from string, rel, x *catalog.Relation) {
	var labels, list, given, values []string
	for i, o := range x.IndexColumns {
		label := ""
		if o >= 0 {
			label = sql.QuoteIdent(rel.Columns[o].Name)
		} else {
			label = "(" + x.IndexExprs[i] + ")"
		}
		labels, list = append(labels, label), append(list, label)
		if given = append(given, label+" IS NOT NULL"); o < 0 && isCallText(x.IndexExprs[i]) {
			labels[i] = x.IndexExprs[i]
		}
		values = append(values, "coalesce(("+label+")::text, 'null')")
	}
	err := sqlerr.New(sqlerr.UniqueViolation, "could not create unique index \"%s\"", x.Name)
	err.Constraint = x.Name
	if x.NullsSame {
		given = nil
	}
	if x.Predicate != "" {
		given = append(given, "("+x.Predicate+")")
	}
	tail := " GROUP BY " + strings.Join(list, ", ") + " HAVING count(*) > 1"
	if given != nil {
		tail = " WHERE " + strings.Join(given, " AND ") + tail
	}
	n := len(b.verify)
	err.Schema, err.Table = rel.Schema, rel.Name
	b.verifyIn(from, sql.QuoteString("Key ("+strings.Join(labels, ", ")+")=(")+" || "+
		strings.Join(values, " || ', ' || ")+" || ') is duplicated.'", tail, err)
	if len(b.verify) > n {
		b.verify[n].Detail = true
	}
}

// isCallText tells whether an expression's text is the call of a function.
func isCallText(text string) bool {
	x, err := parseExpr(text)
	_, call := x.(*sql.Call)
	return err == nil && call
}

func nullsIn(rel *catalog.Relation, column string) *sqlerr.Error {
	err := sqlerr.New(sqlerr.NotNullViolation, "column \"%s\" of relation \"%s\" contains null values",
		column, rel.Name)
	err.Column = column
	return err
}
