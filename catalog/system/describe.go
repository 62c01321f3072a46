package system

import (
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// Describer answers the catalog functions of one session: what expr.Session asks
// through Describe.
type Describer struct {
	Registry *Registry
	// Context is the session's; it may change between calls.
	Context *Context
}

// call is one call of a catalog function.
type call struct {
	*names
	ctx  *Context
	fn   string
	args []types.Datum
}

// Describe gives the value of a catalog function. ok is false when the object
// does not exist, and the function is NULL then. Functions take objects by OID;
// those that PostgreSQL also has for names (has_table_privilege and so on) take
// a text datum as well.
func (d *Describer) Describe(fn string, args []types.Datum) (types.Datum, bool, error) {
	f, known := describers[fn]
	if !known {
		return null, false, sqlerr.New(sqlerr.UndefinedFunction, "function %s does not exist", fn)
	}
	c := &call{names: d.Registry.names(d.Context), ctx: d.Context, fn: fn, args: args}
	v, err := f(c)
	if err != nil {
		return null, false, err
	}
	return v, !v.Null, nil
}

// Knows tells whether Describe has a function.
func (d *Describer) Knows(fn string) bool { return describers[fn] != nil }

// Functions lists the functions that Describe has.
func (d *Describer) Functions() []string {
	var out []string
	for name := range describers {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// OIDOf and NameOf implement types.Names for the session.
func (d *Describer) OIDOf(k types.Kind, name string) (uint32, bool) {
	return d.Registry.names(d.Context).OIDOf(k, name)
}

// NameOf implements types.Names.
func (d *Describer) NameOf(k types.Kind, oid uint32) (string, bool) {
	return d.Registry.names(d.Context).NameOf(k, oid)
}

// Undefined implements types.UndefinedNames.
func (d *Describer) Undefined(k types.Kind, name string) error {
	return d.Registry.names(d.Context).Undefined(k, name)
}

// Ambiguous implements types.AmbiguousNames.
func (d *Describer) Ambiguous(k types.Kind, name string) bool {
	return d.Registry.names(d.Context).Ambiguous(k, name)
}

type describer func(c *call) (types.Datum, error)

// describers has every catalog function by name.
var describers = map[string]describer{
	"pg_get_viewdef":                     (*call).viewDef,
	"pg_get_indexdef":                    (*call).indexDef,
	"pg_get_constraintdef":               (*call).constraintDef,
	"pg_get_expr":                        (*call).expression,
	"pg_get_ruledef":                     (*call).ruleDef,
	"pg_get_triggerdef":                  nothing,
	"pg_get_partkeydef":                  nothing,
	"pg_get_partition_constraintdef":     nothing,
	"pg_get_statisticsobjdef":            nothing,
	"pg_get_statisticsobjdef_columns":    nothing,
	"pg_get_function_sqlbody":            nothing,
	"pg_get_userbyid":                    (*call).userByID,
	"pg_get_serial_sequence":             (*call).serialSequence,
	"pg_get_functiondef":                 (*call).functionDef,
	"pg_get_function_arguments":          (*call).functionArguments,
	"pg_get_function_identity_arguments": (*call).functionIdentity,
	"pg_get_function_result":             (*call).functionResult,
	"pg_get_function_arg_default":        nothing,
	"pg_table_is_visible":                (*call).tableVisible,
	"pg_type_is_visible":                 (*call).typeIsVisible,
	"pg_function_is_visible":             (*call).functionVisible,
	"pg_operator_is_visible":             (*call).inCatalog,
	"pg_opclass_is_visible":              (*call).inCatalog,
	"pg_opfamily_is_visible":             (*call).inCatalog,
	"pg_collation_is_visible":            (*call).inCatalog,
	"pg_conversion_is_visible":           nothing,
	"pg_statistics_obj_is_visible":       nothing,
	"pg_ts_config_is_visible":            nothing,
	"pg_ts_dict_is_visible":              nothing,
	"pg_ts_parser_is_visible":            nothing,
	"pg_ts_template_is_visible":          nothing,
	"format_type":                        (*call).typeFormat,
	"obj_description":                    (*call).objDescription,
	"col_description":                    (*call).colDescription,
	"shobj_description":                  nothing,
	"to_regclass":                        (*call).toReg,
	"to_regtype":                         (*call).toReg,
	"to_regproc":                         (*call).toReg,
	"to_regprocedure":                    (*call).toReg,
	"to_regnamespace":                    (*call).toReg,
	"to_regrole":                         (*call).toReg,
	"to_regoper":                         (*call).toReg,
	"to_regoperator":                     (*call).toReg,
	"to_regcollation":                    (*call).toReg,
	"regclass":                           (*call).regIn,
	"regtype":                            (*call).regIn,
	"regproc":                            (*call).regIn,
	"regprocedure":                       (*call).regIn,
	"regnamespace":                       (*call).regIn,
	"regrole":                            (*call).regIn,
	"has_table_privilege":                (*call).hasTable,
	"has_any_column_privilege":           (*call).hasTable,
	"has_column_privilege":               (*call).hasColumn,
	"has_sequence_privilege":             (*call).hasTable,
	"has_schema_privilege":               (*call).hasSchema,
	"has_database_privilege":             (*call).hasDatabase,
	"has_function_privilege":             (*call).hasFunction,
	"has_type_privilege":                 (*call).hasType,
	"has_language_privilege":             always,
	"has_tablespace_privilege":           always,
	"has_foreign_data_wrapper_privilege": nothing,
	"has_server_privilege":               nothing,
	"pg_has_role":                        (*call).hasRole,
	"row_security_active":                never,
	"pg_relation_size":                   (*call).relationSize,
	"pg_table_size":                      (*call).relationSize,
	"pg_total_relation_size":             (*call).relationSize,
	"pg_indexes_size":                    zero,
	"pg_database_size":                   (*call).databaseSize,
	"pg_tablespace_size":                 (*call).databaseSize,
	"pg_tablespace_location":             empty,
	"pg_tablespace_databases":            nothing,
	"pg_relation_filenode":               (*call).fileNode,
	"pg_relation_filepath":               nothing,
	"pg_relation_is_publishable":         never,
	"pg_relation_is_updatable":           (*call).updatable,
	"pg_column_is_updatable":             (*call).columnUpdatable,
	"pg_describe_object":                 (*call).describeObject,
	"pg_index_column_has_property":       (*call).indexColumnProperty,
	"pg_index_has_property":              (*call).indexProperty,
	"pg_indexam_has_property":            (*call).methodProperty,
	"pg_is_other_temp_schema":            never,
	"pg_my_temp_schema":                  zero,
	"current_schema":                     (*call).currentSchema,
	"current_schemas":                    (*call).currentSchemas,
	"pg_encoding_to_char":                (*call).encodingName,
	"pg_char_to_encoding":                (*call).encodingNumber,
	"getdatabaseencoding":                encoding,
	"pg_client_encoding":                 encoding,
	"pg_stat_get_numscans":               zero,
	"pg_partition_root":                  nothing,
	"oidvectortypes":                     (*call).vectorTypes,
	"pg_get_keywords":                    (*call).keywords,
	"aclexplode":                         (*call).explodeACL,
	"acldefault":                         (*call).defaultACL,
	"pg_options_to_table":                (*call).optionRows,
	"pg_timezone_abbrevs":                (*call).zoneAbbrevRows,
	"pg_timezone_names":                  (*call).zoneNameRows,
	"pg_sequence_parameters":             (*call).sequenceParameters,
	"pg_identify_object":                 (*call).identifyObject,
	"has_parameter_privilege":            always,
}

func nothing(*call) (types.Datum, error)  { return null, nil }
func always(*call) (types.Datum, error)   { return boolean(true), nil }
func never(*call) (types.Datum, error)    { return boolean(false), nil }
func zero(*call) (types.Datum, error)     { return long(0), nil }
func empty(*call) (types.Datum, error)    { return text(""), nil }
func encoding(*call) (types.Datum, error) { return text("UTF8"), nil }

// oid gives argument i as an OID, 0 when it is missing or NULL.
func (c *call) oid(i int) catalog.OID {
	if i >= len(c.args) || c.args[i].Null {
		return 0
	}
	return datumOID(c.args[i])
}

// str gives argument i as text, "" when it is missing or NULL.
func (c *call) str(i int) string {
	if i >= len(c.args) || c.args[i].Null {
		return ""
	}
	return c.args[i].S
}

// classArg gives argument i, an OID or a name, as a relation; nil for none.
func (c *call) classArg(i int) *classRow {
	if s := c.str(i); s != "" {
		if oid, ok := parseNumber(s); ok {
			return c.class(oid)
		}
		return c.classNamed(s)
	}
	return c.class(c.oid(i))
}

func (c *call) viewDef() (types.Datum, error) {
	r := c.classArg(0)
	if r == nil || r.relkind != 'v' && r.relkind != 'm' {
		return null, nil
	}
	return text(viewDefinition(c.ctx, r.relation)), nil
}

func (c *call) ruleDef() (types.Datum, error) {
	class, of := origin(c.oid(0))
	r := c.s.Relation(of)
	if class != classRewrite || r == nil {
		return null, nil
	}
	return text("CREATE RULE \"_RETURN\" AS\n    ON SELECT TO " +
		qualified(r.Schema, r.Name, false) + " DO INSTEAD " + r.Definition + ";"), nil
}

// indexDef is pg_get_indexdef(oid [, column, pretty]).
func (c *call) indexDef() (types.Datum, error) {
	r := c.class(c.oid(0))
	if r == nil || r.relkind != 'i' {
		return null, nil
	}
	if len(c.args) < 2 || c.args[1].I == 0 {
		return text(c.indexDefinition(r)), nil
	}
	i := int(c.args[1].I)
	if i < 1 || i > len(r.columns) {
		return text(""), nil
	}
	if r.keys[i-1] >= 0 {
		return text(catalog.QuoteIdent(r.columns[i-1].Name)), nil
	}
	return text(predicateText(r.index.IndexExprs[i-1])), nil
}

func (c *call) constraintDef() (types.Datum, error) {
	con := c.constraint(c.oid(0))
	if con == nil {
		return null, nil
	}
	return text(c.definition(con, len(c.args) > 1 && c.args[1].Bool())), nil
}

// expression is pg_get_expr: the catalogs hold the text itself. The name of a sequence has
// its schema where the session's search path does not find it.
func (c *call) expression() (types.Datum, error) {
	if len(c.args) == 0 {
		return null, nil
	}
	if len(c.args) < 2 || c.args[0].Null || c.args[1].Null {
		return c.args[0], nil
	}
	r := c.s.Relation(c.oid(1))
	if r == nil {
		return c.args[0], nil
	}
	seq := c.sequenceOfDefault(r.Schema, c.args[0].S)
	if seq == nil {
		return c.args[0], nil
	}
	name := c.className(c.userClass(seq))
	return text("nextval('" + strings.ReplaceAll(name, "'", "''") + "'::regclass)"), nil
}

func (c *call) userByID() (types.Datum, error) {
	if r := c.s.RoleByOID(c.oid(0)); r != nil {
		return text(r.Name), nil
	}
	return text("unknown (OID=" + strconv.Itoa(int(c.oid(0))) + ")"), nil
}

// serialSequence is pg_get_serial_sequence(table, column).
func (c *call) serialSequence() (types.Datum, error) {
	r := c.classNamed(c.str(0))
	if r == nil {
		return null, sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", c.str(0))
	}
	number := 0
	for i := range r.columns {
		if r.columns[i].Name == c.str(1) && !r.columns[i].Dropped {
			number = r.columns[i].number
		}
	}
	if number == 0 {
		return null, sqlerr.New(sqlerr.UndefinedColumn,
			"column \"%s\" of relation \"%s\" does not exist", c.str(1), r.name)
	}
	for _, seq := range c.s.OwnedSequences(r.oid) {
		if seq.Sequence.OwnedColumn == number-1 {
			return text(qualified(seq.Schema, seq.Name, false)), nil
		}
	}
	return null, nil
}

func (c *call) tableVisible() (types.Datum, error) {
	r := c.class(c.oid(0))
	if r == nil {
		return null, nil
	}
	return boolean(c.classVisible(r)), nil
}

func (c *call) typeIsVisible() (types.Datum, error) {
	oid := c.oid(0)
	if t := c.g.types().byOID[oid]; t != nil {
		return boolean(t.namespace == oidPgCatalogNS), nil
	}
	t := c.typeDefByOID(oid)
	if t == nil {
		return null, nil
	}
	return boolean(c.typeVisible(t)), nil
}

func (c *call) functionVisible() (types.Datum, error) {
	d := c.proc(c.oid(0))
	if d == nil {
		return null, nil
	}
	for _, schema := range c.path {
		if schema == d.schema {
			return boolean(true), nil
		}
	}
	return boolean(false), nil
}

// inCatalog is the visibility of what lives in pg_catalog only.
func (c *call) inCatalog() (types.Datum, error) {
	if c.oid(0) == 0 || c.oid(0) >= catalog.FirstUserOID {
		return null, nil
	}
	return boolean(true), nil
}

func (c *call) typeFormat() (types.Datum, error) {
	if len(c.args) == 0 || c.args[0].Null {
		return null, nil
	}
	mod, hasMod := int32(-1), len(c.args) > 1 && !c.args[1].Null
	if hasMod {
		mod = int32(c.args[1].I)
	}
	return text(c.formatType(c.oid(0), mod, hasMod)), nil
}

// objDescription is obj_description(oid [, catalog]).
func (c *call) objDescription() (types.Datum, error) {
	oid, class := c.oid(0), c.str(1)
	is := func(name string) bool { return class == "" || class == name }
	if r := c.class(oid); r != nil && is("pg_class") {
		return orNull(r.comment), nil
	}
	if x := c.s.SchemaByOID(oid); x != nil && is("pg_namespace") {
		return orNull(x.Comment), nil
	}
	if t := c.s.UserTypeByOID(oid); t != nil && is("pg_type") {
		return orNull(t.Comment), nil
	}
	if is("pg_proc") {
		if d := c.proc(oid); d != nil {
			return orNull(d.comment), nil
		}
	}
	return null, nil
}

func (c *call) colDescription() (types.Datum, error) {
	r := c.class(c.oid(0))
	if r == nil || len(c.args) < 2 {
		return null, nil
	}
	for i := range r.columns {
		if int64(r.columns[i].number) == c.args[1].I {
			return orNull(r.columns[i].Comment), nil
		}
	}
	return null, nil
}

// regKinds gives the kind of a function's result.
var regKinds = map[string]types.Kind{
	"regclass": types.Regclass, "regtype": types.Regtype, "regproc": types.Regproc,
	"regprocedure": types.Regprocedure, "regnamespace": types.Regnamespace,
	"regrole": types.Regrole, "regoper": types.Regoper, "regoperator": types.Regoperator,
	"regcollation": types.Regcollation,
}

// toReg is to_regclass and its like: NULL for what does not exist.
func (c *call) toReg() (types.Datum, error) {
	kind := regKinds[strings.TrimPrefix(c.fn, "to_")]
	if c.Ambiguous(kind, c.str(0)) {
		return null, nil
	}
	if oid, ok := c.OIDOf(kind, c.str(0)); ok {
		return long(int64(oid)), nil
	}
	return null, nil
}

// regIn is the input of regclass and its like: an error for what does not exist.
func (c *call) regIn() (types.Datum, error) {
	s := c.str(0)
	if oid, ok := parseNumber(s); ok {
		return oidDatum(oid), nil
	}
	if s == "-" {
		return oidDatum(0), nil
	}
	kind := regKinds[c.fn]
	if oid, ok := c.OIDOf(kind, s); ok {
		return long(int64(oid)), nil
	}
	if err := c.Undefined(kind, s); err != nil {
		return null, err
	}
	return null, undefinedName(kind, s)
}

// Undefined implements types.UndefinedNames: the name of a relation is shown as it was
// looked for, and a schema that does not exist is said to be what is missing.
func (n *names) Undefined(kind types.Kind, s string) error {
	parts, ok := parseIdents(s)
	if !ok || kind != types.Regclass {
		return nil
	}
	name := strings.Join(parts, ".")
	switch {
	case len(parts) > 3:
		return sqlerr.New(sqlerr.SyntaxError,
			"improper relation name (too many dotted names): %s", name)
	case len(parts) == 2 && n.s.Schema(parts[0]) == nil:
		return undefinedName(types.Regnamespace, parts[0])
	}
	return undefinedName(types.Regclass, name)
}

// undefinedName is the error of a regclass literal and its like.
func undefinedName(kind types.Kind, s string) *sqlerr.Error {
	switch kind {
	case types.Regclass:
		return sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", s)
	case types.Regproc:
		return sqlerr.New(sqlerr.UndefinedFunction, "function \"%s\" does not exist", s)
	case types.Regnamespace:
		return sqlerr.New(sqlerr.InvalidSchemaName, "schema \"%s\" does not exist", s)
	case types.Regrole:
		return sqlerr.New(sqlerr.UndefinedObject, "role \"%s\" does not exist", s)
	}
	return sqlerr.New(sqlerr.UndefinedObject, "type \"%s\" does not exist", s)
}

func (c *call) currentSchema() (types.Datum, error) {
	if path := namedPath(c.ctx); len(path) > 0 {
		return text(path[0]), nil
	}
	return null, nil
}

// currentSchemas is current_schemas(include_implicit).
func (c *call) currentSchemas() (types.Datum, error) {
	if len(c.args) > 0 && c.args[0].Bool() {
		return nameArray(effectivePath(c.ctx)), nil
	}
	return nameArray(namedPath(c.ctx)), nil
}

// encodings are PostgreSQL's numbers of server encodings.
var encodings = []string{"SQL_ASCII", "EUC_JP", "EUC_CN", "EUC_KR", "EUC_TW", "EUC_JIS_2004",
	"UTF8", "MULE_INTERNAL", "LATIN1"}

func (c *call) encodingName() (types.Datum, error) {
	if n := c.oid(0); int(n) < len(encodings) {
		return text(encodings[n]), nil
	}
	return text(""), nil
}

func (c *call) encodingNumber() (types.Datum, error) {
	name := strings.ToUpper(strings.ReplaceAll(c.str(0), "-", ""))
	for i, e := range encodings {
		if e == name {
			return integer(i), nil
		}
	}
	return integer(-1), nil
}
