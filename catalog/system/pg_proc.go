package system

import (
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// procDef is one function: of the function registry, of CREATE FUNCTION, or one
// that only stands in pg_proc because types and operators name it.
type procDef struct {
	oid      catalog.OID
	schema   string
	name     string
	args     []types.Type
	argNames []string
	defaults []string // of the last parameters, as SQL
	variadic bool
	ret      types.Type
	retCols  []types.Field // of a table function with several columns
	set      bool
	kind     byte // 'f' function, 'a' aggregate, 'w' window function
	volatile byte
	strict   bool
	source   string
	language catalog.OID
	comment  string
	// recorded is PostgreSQL's function with these parameters, or nil. It says which
	// of the polymorphic types stand where the registry has only "any".
	recorded *recordedProc
}

// procTable holds the functions of the registry with their OIDs.
type procTable struct {
	defs   []*procDef // by OID
	byOID  map[catalog.OID]*procDef
	byName map[string][]*procDef
	// recordedNames and recordedOIDs know all functions of PostgreSQL, those too
	// that Millrace has not; of overloads the first.
	recordedNames map[catalog.OID]string
	recordedOIDs  map[string]catalog.OID
	// recordedArgs, recordedByName and recordedCount know the overloads.
	recordedArgs   map[catalog.OID][]catalog.OID
	recordedByName map[string][]catalog.OID
	recordedCount  map[string]int
}

// Places of columns in pg_proc's recording.
const procOID, procName, procKind, procSet, procRet, procArgs = 0, 1, 9, 13, 18, 19

// readProcs gives each function of the registry the OID that PostgreSQL's
// function of that name has: with the same arguments, or else with as many.
func readProcs() *procTable {
	t := &procTable{byOID: map[catalog.OID]*procDef{}, byName: map[string][]*procDef{},
		recordedNames: map[catalog.OID]string{}, recordedOIDs: map[string]catalog.OID{},
		recordedArgs:   map[catalog.OID][]catalog.OID{},
		recordedByName: map[string][]catalog.OID{}, recordedCount: map[string]int{}}
	recordedArgs := map[string][]recordedProc{}
	eachRecorded("pg_proc", func(f []string) {
		oid := mustOID(f[procOID])
		recordedArgs[f[procName]] = append(recordedArgs[f[procName]],
			recordedProc{oid: oid, kind: f[procKind][0], set: f[procSet] == "t",
				ret: mustOID(f[procRet]), args: recordedOIDs(f[procArgs])})
		t.recordedNames[oid] = f[procName]
		t.recordedArgs[oid] = recordedOIDs(f[procArgs])
		t.recordedByName[f[procName]] = append(t.recordedByName[f[procName]], oid)
		t.recordedCount[f[procName]]++
		if t.recordedOIDs[f[procName]] == 0 {
			t.recordedOIDs[f[procName]] = oid
		}
	})
	for _, f := range expr.Funcs() {
		if !f.Operator {
			t.defs = append(t.defs, funcDef(f))
		}
	}
	for _, a := range expr.Aggs() {
		t.defs = append(t.defs, aggDef(a))
	}
	for i := range expr.WindowFuncs {
		t.defs = append(t.defs, windowDefs(&expr.WindowFuncs[i])...)
	}
	for _, same := range []func(d *procDef, r *recordedProc) bool{
		(*procDef).isRecorded, (*procDef).isAlike, nil} {
		for _, d := range t.defs {
			if d.oid == 0 {
				t.claim(recordedArgs[d.name], d, same)
			}
		}
	}
	for _, d := range t.defs {
		for n := 0; d.oid == 0; n++ {
			oid := hashedOID(catalog.OID(n), "proc", d.name+"("+d.argOIDs()+")")
			if t.byOID[oid] == nil {
				d.oid, t.byOID[oid] = oid, d
			}
		}
		t.byName[d.name] = append(t.byName[d.name], d)
	}
	slices.SortStableFunc(t.defs, func(a, b *procDef) int { return int(a.oid) - int(b.oid) })
	return t
}

type recordedProc struct {
	oid, ret catalog.OID
	kind     byte
	set      bool
	args     []catalog.OID
}

// claim gives d the OID of the first recorded function that is the same and has
// not been claimed; same is nil when the number of parameters decides.
func (t *procTable) claim(all []recordedProc, d *procDef,
	same func(d *procDef, r *recordedProc) bool) {
	for i := range all {
		r := &all[i]
		if t.byOID[r.oid] != nil || len(r.args) != len(d.args) || r.kind != d.kind {
			continue
		}
		if same == nil || same(d, r) {
			d.oid, t.byOID[r.oid] = r.oid, d
			if same != nil {
				d.recorded = r
			}
			return
		}
	}
}

// isRecorded tells whether the parameters are those of r.
func (d *procDef) isRecorded(r *recordedProc) bool { return slices.Equal(r.args, d.argList()) }

// isAlike tells whether the parameters are those of r where they are not
// polymorphic, and polymorphic in both elsewhere.
func (d *procDef) isAlike(r *recordedProc) bool {
	for i, oid := range d.argList() {
		if oid != r.args[i] && !(isPolymorphic(oid) && isPolymorphic(r.args[i])) {
			return false
		}
	}
	return true
}

// argList gives proargtypes.
func (d *procDef) argList() []catalog.OID {
	if d.recorded != nil {
		return d.recorded.args
	}
	list := make([]catalog.OID, len(d.args))
	for i, t := range d.args {
		if d.variadic && i == len(d.args)-1 && t.Kind != types.Any {
			t = types.ArrayOf(t)
		}
		list[i] = procTypeOID(t)
	}
	return list
}

// returnsSet gives proretset. Some functions learn only from their arguments that
// they give rows.
func (d *procDef) returnsSet() bool { return d.set || d.recorded != nil && d.recorded.set }

// retOID gives prorettype.
func (d *procDef) retOID() catalog.OID {
	if d.recorded != nil && isPolymorphic(procTypeOID(d.ret)) {
		return d.recorded.ret
	}
	return procTypeOID(d.ret)
}

func (d *procDef) argOIDs() string {
	list := make([]string, 0, len(d.args))
	for _, oid := range d.argList() {
		list = append(list, strconv.Itoa(int(oid)))
	}
	return strings.Join(list, " ")
}

// The pseudo types of parameters.
const (
	oidAny                = 2276
	oidAnyArray           = 2277
	oidAnyElement         = 2283
	oidAnyNonArray        = 2776
	oidAnyCompatible      = 5077
	oidAnyCompatibleArray = 5078
)

// procTypeOID gives the OID of a parameter's or result's type, which may be a
// pseudo type of the registry.
func procTypeOID(t types.Type) catalog.OID {
	if t.Innermost().Kind != types.Any {
		return catalog.OID(t.OID())
	}
	switch expr.TypeName(t) {
	case "anyarray":
		return oidAnyArray
	case "anyelement":
		return oidAnyElement
	case "anynonarray":
		return oidAnyNonArray
	case "anycompatible":
		return oidAnyCompatible
	case "anycompatiblearray":
		return oidAnyCompatibleArray
	}
	return oidAny
}

func isPolymorphic(oid catalog.OID) bool {
	switch oid {
	case oidAny, oidAnyArray, oidAnyElement, oidAnyNonArray, oidAnyCompatible,
		oidAnyCompatibleArray:
		return true
	}
	return false
}

func funcDef(f *expr.Func) *procDef {
	d := &procDef{schema: catalog.PgCatalogSchema, name: f.Name, args: f.Args,
		argNames: f.ArgNames, variadic: f.Variadic, ret: f.Ret,
		set: f.Set != nil, kind: 'f', strict: f.Strict, source: f.Name, language: oidInternalLang,
		comment: f.Doc, volatile: "isv"[f.Volatility]}
	for i, x := range f.Defaults {
		t := f.Args[len(f.Args)-len(f.Defaults)+i]
		d.defaults = append(d.defaults, defaultText(t, x))
	}
	if len(f.RetCols) > 1 {
		d.retCols, d.ret = f.RetCols, types.Of(types.Record)
	} else if len(f.RetCols) == 1 {
		d.ret = f.RetCols[0].Type
	}
	return d
}

func aggDef(a *expr.AggFunc) *procDef {
	return &procDef{schema: catalog.PgCatalogSchema, name: a.Name, args: a.Args,
		variadic: a.Variadic, ret: a.Ret, kind: 'a', volatile: 'i', source: "aggregate_dummy",
		language: oidInternalLang, comment: a.Doc}
}

// windowDefs gives a definition for each number of arguments.
func windowDefs(f *expr.WindowFunc) []*procDef {
	var defs []*procDef
	for n := len(f.Args) - f.Opt; n <= len(f.Args); n++ {
		defs = append(defs, &procDef{schema: catalog.PgCatalogSchema, name: f.Name,
			args: f.Args[:n], ret: f.Ret, kind: 'w', volatile: 'i', strict: n > 0,
			source: "window_" + f.Name, language: oidInternalLang, comment: f.Doc})
	}
	return defs
}

func userProc(f *catalog.UserFunc) *procDef {
	volatile := f.Volatile
	if volatile == 0 {
		volatile = 'v'
	}
	var cols []types.Field
	if f.Ret.Kind == types.Record {
		cols = f.Ret.Fields
	}
	return &procDef{oid: f.OID, schema: f.Schema, name: f.Name, args: f.Args, set: f.Set,
		retCols: cols, argNames: f.ArgNames, ret: f.Ret, kind: 'f', volatile: volatile, strict: f.Strict,
		source: sourceOf(f), defaults: f.Defaults, language: oidSQLLanguage, comment: f.Comment}
}

// sourceOf is a body that CREATE FUNCTION reads: of one that is an expression, its query.
func sourceOf(f *catalog.UserFunc) string {
	if f.Set || f.Ret.Kind == types.Record || strings.HasPrefix(f.Body, "SELECT ") {
		return f.Body
	}
	return "SELECT " + f.Body
}

// proc finds a function by OID, or nil. Functions that are only recorded have a
// name and nothing else.
func (w *world) proc(oid catalog.OID) *procDef {
	if f := w.s.FunctionByOID(oid); f != nil {
		return userProc(f)
	}
	t := w.g.procs()
	if d := t.byOID[oid]; d != nil {
		return d
	}
	if name, ok := t.recordedNames[oid]; ok {
		return &procDef{oid: oid, schema: catalog.PgCatalogSchema, name: name, kind: 'f',
			volatile: 'i', language: oidInternalLang, source: name}
	}
	return nil
}

// eachProc calls f with the functions that can be called.
func (w *world) eachProc(f func(*procDef) error) error {
	for _, d := range w.g.procs().defs {
		if err := f(d); err != nil {
			return err
		}
	}
	for _, u := range w.s.AllFunctions() {
		if err := f(userProc(u)); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) describeProcs(
	describe func(oid, class catalog.OID, sub int, s string) error) error {
	for _, d := range w.g.procs().defs {
		if err := describe(d.oid, oidPgProc, 0, d.comment); err != nil {
			return err
		}
	}
	return nil
}

func pgProc(s *scan) error {
	w := s.world()
	out := s.columns(`oid proname pronamespace proowner prolang procost prorows provariadic
		prosupport prokind prosecdef proleakproof proisstrict proretset provolatile proparallel
		pronargs pronargdefaults prorettype proargtypes proallargtypes proargmodes proargnames
		prosrc proacl`)
	if err := s.supportProcs(); err != nil {
		return err
	}
	return w.eachProc(func(d *procDef) error {
		if !s.wantsOID("oid", d.oid) || !s.wantsName("proname", d.name) {
			return nil
		}
		rows, variadic := 0.0, catalog.OID(0)
		if d.returnsSet() {
			rows = 1000 // PostgreSQL's guess
		}
		if d.variadic && len(d.args) > 0 {
			variadic = procTypeOID(d.args[len(d.args)-1])
		}
		args := d.argList()
		all, modes, names := d.parameters()
		return out.write(oidDatum(d.oid), text(d.name), oidDatum(w.schemaOID(d.schema)),
			oidDatum(oidBootstrapUser), oidDatum(d.language), float(d.cost()), float(rows),
			oidDatum(variadic), oidDatum(0), charDatum(d.kind), boolean(false), boolean(false),
			boolean(d.strict), boolean(d.returnsSet()), charDatum(d.volatile), charDatum(d.parallel()),
			integer(len(args)), integer(len(d.defaults)), oidDatum(d.retOID()),
			oidVector(args), all, modes, names, text(d.source),
			w.acl(d.oid, catalog.Superuser, functionPrivileges))
	})
}

// cost and parallel are what CREATE FUNCTION takes where nothing is said, and what
// PostgreSQL says of its own.
func (d *procDef) cost() float64 {
	if d.language == oidSQLLanguage {
		return 100
	}
	return 1
}

func (d *procDef) parallel() byte {
	if d.language == oidSQLLanguage {
		return 'u'
	}
	return 's'
}

// parameters gives proallargtypes, proargmodes and proargnames.
func (d *procDef) parameters() (all, modes, names types.Datum) {
	if len(d.retCols) == 0 && !d.variadic {
		if d.argNames == nil {
			return null, null, null
		}
		return null, null, textArray(d.argNames)
	}
	var oids []catalog.OID
	var modeList, nameList []string
	for i, oid := range d.argList() {
		mode, name := "i", ""
		if d.variadic && i == len(d.args)-1 {
			mode = "v"
		}
		if i < len(d.argNames) {
			name = d.argNames[i]
		}
		oids, modeList = append(oids, oid), append(modeList, mode)
		nameList = append(nameList, name)
	}
	for _, c := range d.retCols {
		oids, modeList = append(oids, catalog.OID(c.Type.OID())), append(modeList, "t")
		nameList = append(nameList, c.Name)
	}
	names = null
	if slices.ContainsFunc(nameList, func(n string) bool { return n != "" }) {
		names = textArray(nameList)
	}
	return oidArray(oids), charArray(modeList), names
}

// supportProcs emits the recorded functions that recorded rows name and that are
// not functions of the registry: input and output of types, the functions behind
// operators.
func (s *scan) supportProcs() error {
	t := s.g.procs()
	named := s.g.supportOIDs()
	for _, row := range s.g.recordedRows(s.rel) {
		oid := datumOID(row[procOID])
		if !named[oid] || t.byOID[oid] != nil {
			continue
		}
		if err := s.emit(row); err != nil {
			return err
		}
	}
	return nil
}

// supportOIDs collects the functions that recorded rows name.
func (g *Registry) supportOIDs() map[catalog.OID]bool {
	named := map[catalog.OID]bool{procEnumIn: true, procEnumOut: true, procEnumReceive: true,
		procEnumSend: true}
	for _, name := range []string{"pg_type", "pg_operator", "pg_cast", "pg_am", "pg_amproc",
		"pg_range"} {
		r := g.byName[catalog.PgCatalogSchema][name]
		rows := g.recordedRows(r)
		for i, typ := range r.declared {
			if typ != "regproc" && r.Columns[i].Name != "castfunc" {
				continue
			}
			for _, row := range rows {
				named[datumOID(row[i])] = true
			}
		}
	}
	return named
}

func pgAggregate(s *scan) error {
	t := s.g.procs()
	for _, row := range s.g.recordedRows(s.rel) {
		if d := t.byOID[datumOID(row[0])]; d == nil || d.kind != 'a' {
			continue
		}
		if err := s.emit(row); err != nil {
			return err
		}
	}
	return nil
}

// ofKnownTypes emits the recorded rows whose columns named are types that
// Millrace has, or none.
func ofKnownTypes(columns ...string) rowsFunc {
	return func(s *scan) error {
		for _, row := range s.g.recordedRows(s.rel) {
			known := true
			for _, c := range columns {
				known = known && isKnownType(datumOID(row[s.rel.index[c]]))
			}
			if !known {
				continue
			}
			if err := s.emit(row); err != nil {
				return err
			}
		}
		return nil
	}
}

// isKnownType tells whether Millrace has a type, a polymorphic one or none (0).
func isKnownType(oid catalog.OID) bool {
	switch oid {
	case 0, 2276, 2277, 2283, 2776, 3500, 5077, 5078, 5079:
		return true
	}
	_, ok := types.TypeByOID(uint32(oid))
	return ok
}
