package system

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// typeName names a function's parameter type.
func (n *names) typeName(oid catalog.OID) string { return n.formatType(oid, -1, false) }

// parameterList writes the parameters of a function; in the full form with their
// defaults.
func (n *names) parameterList(d *procDef, full bool) string {
	list := make([]string, 0, len(d.args))
	for i, oid := range d.argList() {
		p := ""
		if d.variadic && i == len(d.args)-1 {
			p = "VARIADIC "
		}
		if i < len(d.argNames) && d.argNames[i] != "" {
			p += catalog.QuoteIdent(d.argNames[i]) + " "
		}
		p += n.typeName(oid)
		if k := i - (len(d.args) - len(d.defaults)); full && k >= 0 {
			p += " DEFAULT " + d.defaults[k]
		}
		list = append(list, p)
	}
	return strings.Join(list, ", ")
}

// defaultText writes a parameter's default as an SQL literal.
func defaultText(t types.Type, d types.Datum) string {
	switch {
	case d.Null:
		return "NULL"
	case t.Kind == types.Bool:
		return strconv.FormatBool(d.Bool())
	}
	s := string(types.AppendText(nil, nil, t, d))
	if t.Phys() == types.PhysInt64 || t.Phys() == types.PhysFloat64 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'::" + t.String()
}

func (n *names) signature(d *procDef) string {
	list := make([]string, len(d.args))
	for i, oid := range d.argList() {
		list[i] = n.typeName(oid)
	}
	visible := d.schema == catalog.PgCatalogSchema || d.schema == catalog.PublicSchema
	return qualified(d.schema, d.name, visible) + "(" + strings.Join(list, ",") + ")"
}

func (c *call) functionArguments() (types.Datum, error) {
	d := c.proc(c.oid(0))
	if d == nil {
		return null, nil
	}
	return text(c.parameterList(d, true)), nil
}

func (c *call) functionIdentity() (types.Datum, error) {
	d := c.proc(c.oid(0))
	if d == nil {
		return null, nil
	}
	return text(c.parameterList(d, false)), nil
}

func (c *call) functionResult() (types.Datum, error) {
	d := c.proc(c.oid(0))
	if d == nil {
		return null, nil
	}
	return text(c.result(d)), nil
}

func (n *names) result(d *procDef) string {
	if len(d.retCols) > 0 {
		list := make([]string, len(d.retCols))
		for i, col := range d.retCols {
			list[i] = catalog.QuoteIdent(col.Name) + " " + n.typeName(catalog.OID(col.Type.OID()))
		}
		return "TABLE(" + strings.Join(list, ", ") + ")"
	}
	if d.returnsSet() {
		return "SETOF " + n.typeName(d.retOID())
	}
	return n.typeName(d.retOID())
}

var volatilityWords = map[byte]string{'i': " IMMUTABLE", 's': " STABLE"}

// functionDef is pg_get_functiondef.
func (c *call) functionDef() (types.Datum, error) {
	d := c.proc(c.oid(0))
	if d == nil {
		return null, nil
	}
	language := "internal"
	if d.language == oidSQLLanguage {
		language = "sql"
	}
	strict := ""
	if d.strict {
		strict = " STRICT"
	}
	options := volatilityWords[d.volatile] + strict
	if options != "" {
		options = "\n" + options
	}
	return text("CREATE OR REPLACE FUNCTION " + qualified(d.schema, d.name, false) + "(" +
		c.parameterList(d, true) + ")\n RETURNS " + c.result(d) + "\n LANGUAGE " + language +
		options + "\nAS $function$" + d.source + "$function$\n"), nil
}

// vectorTypes is oidvectortypes: the types of proargtypes by name.
func (c *call) vectorTypes() (types.Datum, error) {
	if len(c.args) == 0 || c.args[0].Null {
		return null, nil
	}
	var list []string
	for _, oid := range vectorItems(c.args[0]) {
		list = append(list, c.formatType(oid, -1, false))
	}
	return text(strings.Join(list, ", ")), nil
}

func vectorItems(d types.Datum) []catalog.OID {
	r := types.OpenArrayDatum(types.Of(types.OID), d)
	out := make([]catalog.OID, r.Len())
	for i := range out {
		out[i] = catalog.OID(r.Int(i))
	}
	return out
}
