package system

import (
	"strings"

	"github.com/millracedb/millrace/catalog"
)

// constraintRow is one row of pg_constraint.
type constraintRow struct {
	oid    catalog.OID
	schema string
	name   string
	kind   byte // 'p', 'u', 'c', 'f'
	table  catalog.OID
	domain catalog.OID // of a check of a domain
	index  catalog.OID
	keys   []int
	check  string
	fresh  bool // rows that were there before it are not checked
	// foreign is the foreign key, and same says that a unique one takes NULLs for equal.
	foreign *catalog.ForeignKey
	same    bool
}

// constraints lists the constraints of a relation: the primary key, unique
// indexes, checks, foreign keys.
func (w *world) constraints(r *catalog.Relation) []*constraintRow {
	var out []*constraintRow
	if hasPrimaryKey(r) {
		out = append(out, &constraintRow{oid: derived(classConstraint, r.OID), schema: r.Schema,
			name: primaryKeyName(r), kind: 'p', table: r.OID,
			index: derived(classPrimaryKey, r.OID), keys: r.Key})
	}
	if r.Kind == catalog.KindIndex && r.Unique && !r.Bare {
		c := &constraintRow{oid: derived(classConstraint, r.OID), schema: r.Schema, name: r.Name,
			kind: 'u', table: r.Table, index: r.OID, keys: r.IndexColumns, same: r.NullsSame}
		if r.Primary {
			c.kind = 'p'
		}
		out = append(out, c)
	}
	for _, c := range r.Checks {
		out = append(out, &constraintRow{oid: hashedOID(r.OID, "check", c.Name), schema: r.Schema,
			name: c.Name, kind: 'c', table: r.OID, check: c.Expr, fresh: c.Fresh})
	}
	for i := range r.ForeignKeys {
		k := &r.ForeignKeys[i]
		c := &constraintRow{oid: hashedOID(r.OID, "foreign", k.Name), schema: r.Schema, name: k.Name,
			kind: 'f', table: r.OID, keys: k.Columns, foreign: k, fresh: k.Fresh, index: k.Index}
		if k.Index == 0 {
			c.index = derived(classPrimaryKey, k.Table)
		}
		out = append(out, c)
	}
	return out
}

// definition writes a constraint as pg_get_constraintdef does; pretty without the second
// pair of brackets around a check.
func (w *world) definition(c *constraintRow, pretty bool) string {
	text := ""
	switch c.kind {
	case 'p':
		return "PRIMARY KEY " + w.columnList(c.table, c.keys)
	case 'u':
		return "UNIQUE " + nullsWords(c.same) + w.columnList(c.table, c.keys)
	case 'f':
		text = w.foreignDefinition(c)
	default:
		if text = c.check; !pretty {
			text = predicateText(text)
		}
		text = "CHECK (" + text + ")"
	}
	if c.fresh {
		text += " NOT VALID"
	}
	return text
}

func nullsWords(same bool) string {
	if same {
		return "NULLS NOT DISTINCT "
	}
	return ""
}

// actionWords are what pg_constraint's letters of actions stand for.
var actionWords = map[byte]string{'r': "RESTRICT", 'c': "CASCADE", 'n': "SET NULL",
	'd': "SET DEFAULT"}

func (w *world) foreignDefinition(c *constraintRow) string {
	k := c.foreign
	table := ""
	if t := w.s.Relation(k.Table); t != nil {
		table = catalog.QuoteIdent(t.Name)
		if t.Schema != catalog.PublicSchema {
			table = catalog.QuoteIdent(t.Schema) + "." + table
		}
	}
	text := "FOREIGN KEY " + w.columnList(c.table, c.keys) + " REFERENCES " + table +
		w.columnList(k.Table, k.RefColumns)
	if k.Full {
		text += " MATCH FULL"
	}
	if a := actionWords[k.OnUpdate]; a != "" {
		text += " ON UPDATE " + a
	}
	if a := actionWords[k.OnDelete]; a != "" {
		text += " ON DELETE " + a
		if k.SetColumns != nil {
			text += " " + w.columnList(c.table, k.SetColumns)
		}
	}
	if k.Deferrable {
		text += " DEFERRABLE"
	}
	if k.Deferred {
		text += " INITIALLY DEFERRED"
	}
	return text
}

func (w *world) columnList(table catalog.OID, keys []int) string {
	r := w.s.Relation(table)
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = catalog.QuoteIdent(r.Columns[k].Name)
	}
	return "(" + strings.Join(names, ", ") + ")"
}

// indexKey writes the i-th key of an index.
func (w *world) indexKey(c *classRow, i int) string {
	if c.keys[i] >= 0 {
		return catalog.QuoteIdent(w.s.Relation(c.table).Columns[c.keys[i]].Name)
	}
	text := c.index.IndexExprs[i]
	if isCall(text) {
		return text
	}
	return "((" + text + "))"
}

// isCall tells whether the text of an expression is the call of a function.
func isCall(text string) bool {
	name, rest, ok := strings.Cut(text, "(")
	if !ok || !strings.HasSuffix(rest, ")") || name == "" {
		return false
	}
	for _, r := range name {
		if r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
			return false
		}
	}
	depth := 0
	for i := range len(rest) - 1 {
		switch rest[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth < 0 {
			return false
		}
	}
	return true
}

// indexDefinition writes an index as pg_get_indexdef does.
func (w *world) indexDefinition(c *classRow) string {
	t := w.s.Relation(c.table)
	unique := ""
	if c.unique {
		unique = "UNIQUE "
	}
	keys := make([]string, len(c.keys))
	for i := range keys {
		keys[i] = w.indexKey(c, i)
	}
	text := "CREATE " + unique + "INDEX " + catalog.QuoteIdent(c.name) + " ON " +
		catalog.QuoteIdent(t.Schema) + "." + catalog.QuoteIdent(t.Name) + " USING btree (" +
		strings.Join(keys, ", ") + ")"
	if c.index == nil {
		return text
	}
	if c.index.NullsSame {
		text += " NULLS NOT DISTINCT"
	}
	if p := c.index.Predicate; p != "" {
		text += " WHERE " + predicateText(p)
	}
	return text
}

// predicateText puts brackets around all but a name and a call, as PostgreSQL does.
func predicateText(p string) string {
	if isCall(p) || catalog.QuoteIdent(p) == p {
		return p
	}
	return "(" + p + ")"
}
