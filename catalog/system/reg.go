package system

import (
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// operatorDef is one recorded operator.
type operatorDef struct {
	oid         catalog.OID
	name        string
	left, right catalog.OID // left is 0 for a prefix operator
}

// operatorTable holds PostgreSQL's operators.
type operatorTable struct {
	byOID  map[catalog.OID]*operatorDef
	byName map[string][]*operatorDef
}

// Places of columns in pg_operator's recording.
const opOID, opName, opLeft, opRight = 0, 1, 7, 8

func readOperators() *operatorTable {
	t := &operatorTable{byOID: map[catalog.OID]*operatorDef{}, byName: map[string][]*operatorDef{}}
	eachRecorded("pg_operator", func(f []string) {
		d := &operatorDef{oid: mustOID(f[opOID]), name: f[opName], left: mustOID(f[opLeft]),
			right: mustOID(f[opRight])}
		t.byOID[d.oid] = d
		t.byName[d.name] = append(t.byName[d.name], d)
	})
	return t
}

// regName gives the name of an object of the kinds Regproc, Regprocedure, Regoper,
// Regoperator and Regcollation.
func (n *names) regName(k types.Kind, oid catalog.OID) (string, bool) {
	switch k {
	case types.Regproc, types.Regprocedure:
		return n.procReg(oid, k == types.Regprocedure)
	case types.Regoper, types.Regoperator:
		d := n.g.static.operatorsOnce().byOID[oid]
		if d == nil {
			return "", false
		}
		if k == types.Regoper {
			if len(n.g.static.operatorsOnce().byName[d.name]) > 1 {
				return catalog.PgCatalogSchema + "." + d.name, true
			}
			return d.name, true
		}
		left := "NONE"
		if d.left != 0 {
			left = n.formatType(d.left, -1, false)
		}
		return d.name + "(" + left + "," + n.formatType(d.right, -1, false) + ")", true
	case types.Regcollation:
		for _, row := range n.g.recordedRows(n.g.byName[catalog.PgCatalogSchema]["pg_collation"]) {
			if datumOID(row[0]) == oid {
				return catalog.QuoteIdent(row[1].S), true
			}
		}
	}
	return "", false
}

// procReg names a function, with its arguments or without. A name that several
// functions have is written with its schema.
func (n *names) procReg(oid catalog.OID, withArgs bool) (string, bool) {
	procs := n.g.procs()
	schema, name := catalog.PgCatalogSchema, procs.recordedNames[oid]
	args, recorded := procs.recordedArgs[oid]
	if d := n.proc(oid); d != nil && !recorded {
		schema, name = d.schema, d.name
		args = d.argList()
	}
	if name == "" {
		return "", false
	}
	visible := schema == catalog.PgCatalogSchema || slices.Contains(n.path, schema)
	if !withArgs {
		return qualified(schema, name, visible && !n.severalProcs(name)), true
	}
	list := make([]string, len(args))
	for i, a := range args {
		list[i] = n.formatType(a, -1, false)
	}
	return qualified(schema, name, visible) + "(" + strings.Join(list, ",") + ")", true
}

// severalProcs tells whether a name alone does not say which function is meant.
func (n *names) severalProcs(name string) bool {
	user := len(n.s.ResolveFunctions(n.path, name))
	if c := n.g.procs().recordedCount[name]; c > 0 {
		return c+user > 1
	}
	return len(n.g.procs().byName[name])+user > 1
}

// regOID finds an object of the kinds Regprocedure, Regoper, Regoperator and
// Regcollation.
func (n *names) regOID(k types.Kind, s string) (catalog.OID, bool) {
	switch k {
	case types.Regprocedure:
		return n.procWithArgs(s)
	case types.Regoper:
		ds := n.g.static.operatorsOnce().byName[operatorName(s)]
		if len(ds) != 1 {
			return 0, false
		}
		return ds[0].oid, true
	case types.Regoperator:
		return n.operatorWithArgs(s)
	case types.Regcollation:
		parts, ok := parseIdents(s)
		if !ok {
			return 0, false
		}
		for _, row := range n.g.recordedRows(n.g.byName[catalog.PgCatalogSchema]["pg_collation"]) {
			if row[1].S == parts[len(parts)-1] {
				return datumOID(row[0]), true
			}
		}
	}
	return 0, false
}

// Ambiguous implements types.AmbiguousNames: a name that several functions or
// operators have.
func (n *names) Ambiguous(k types.Kind, s string) bool {
	switch k {
	case types.Regproc:
		parts, ok := parseIdents(s)
		return ok && n.severalProcs(parts[len(parts)-1])
	case types.Regoper:
		return len(n.g.static.operatorsOnce().byName[operatorName(s)]) > 1
	}
	return false
}

func operatorName(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimPrefix(s, catalog.PgCatalogSchema+".")
}

// parseSignature reads name(type, type) with the types' OIDs; NONE is 0.
func (n *names) parseSignature(s string) (name string, args []catalog.OID, ok bool) {
	name, list, found := strings.Cut(strings.TrimSpace(s), "(")
	list, closed := strings.CutSuffix(strings.TrimSpace(list), ")")
	if !found || !closed {
		return "", nil, false
	}
	if list = strings.TrimSpace(list); list == "" {
		return name, nil, true
	}
	for _, a := range strings.Split(list, ",") {
		a = strings.TrimSpace(a)
		if strings.EqualFold(a, "none") {
			args = append(args, 0)
			continue
		}
		oid := n.typeNamed(a)
		if oid == 0 {
			return "", nil, false
		}
		args = append(args, oid)
	}
	return name, args, true
}

func (n *names) procWithArgs(s string) (catalog.OID, bool) {
	name, args, ok := n.parseSignature(s)
	if !ok {
		return 0, false
	}
	parts, ok := parseIdents(name)
	if !ok {
		return 0, false
	}
	last := parts[len(parts)-1]
	schemas := n.path
	if len(parts) == 2 {
		schemas = parts[:1]
	}
	for _, f := range n.s.ResolveFunctions(schemas, last) {
		if slices.EqualFunc(f.Args, args, sameOID) {
			return f.OID, true
		}
	}
	procs := n.g.procs()
	for _, oid := range procs.recordedByName[last] {
		if slices.Equal(procs.recordedArgs[oid], args) {
			return oid, true
		}
	}
	for _, d := range procs.byName[last] {
		if slices.Equal(d.argList(), args) {
			return d.oid, true
		}
	}
	return 0, false
}

func sameOID(t types.Type, oid catalog.OID) bool { return catalog.OID(t.OID()) == oid }

func (n *names) operatorWithArgs(s string) (catalog.OID, bool) {
	name, args, ok := n.parseSignature(s)
	if !ok || len(args) != 2 {
		return 0, false
	}
	for _, d := range n.g.static.operatorsOnce().byName[operatorName(name)] {
		if d.left == args[0] && d.right == args[1] {
			return d.oid, true
		}
	}
	return 0, false
}

// recordedOIDs reads a list of OIDs as pg_proc's recording has it.
func recordedOIDs(s string) []catalog.OID {
	var out []catalog.OID
	for _, f := range strings.Fields(s) {
		v, err := strconv.ParseUint(f, 10, 32)
		if err == nil {
			out = append(out, catalog.OID(v))
		}
	}
	return out
}
