package expr

import (
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// Version is what version() says: PostgreSQL's version for the tools that read
// it, then the product.
const Version = "PostgreSQL 15.0 (Millrace)"

// errNoSession refuses a function that asks about a session where there is none.
func errNoSession(name string) error {
	return sqlerr.New(sqlerr.FeatureNotSupported,
		"function %s is not supported in continuous queries", name).
		WithHint("Its result depends on the session that asks.")
}

// session makes the implementation of a function that asks the session.
func session(name string, f func(s Session, a []types.Datum) (types.Datum, error)) RowFunc {
	return func(env *Env, a []types.Datum) (types.Datum, error) {
		if env.Session == nil {
			return types.NullDatum, errNoSession(name)
		}
		return f(env.Session, a)
	}
}

// describe makes the implementation of a function that the catalog answers.
func describe(name string) RowFunc {
	return session(name, func(s Session, a []types.Datum) (types.Datum, error) {
		d, ok, err := s.Describe(name, a)
		if err != nil || !ok {
			return types.NullDatum, err
		}
		return d, nil
	})
}

func textResult(f func(s Session) string) func(Session, []types.Datum) (types.Datum, error) {
	return func(s Session, _ []types.Datum) (types.Datum, error) { return types.TextDatum(f(s)), nil }
}

func defineSystem(r *registry) {
	r.fn("version() text", func(*Env) types.Datum { return types.TextDatum(Version) },
		"PostgreSQL's version, and the product's", "left(version(), 13)").stable()
	for _, n := range []string{"current_database", "current_catalog"} {
		r.fn(n+"() name", session(n, textResult(Session.Database)), "name of the database", "").ofSession()
	}
	for _, n := range []string{"current_user", "session_user", "user", "current_role"} {
		r.fn(n+"() name", session(n, textResult(Session.User)), "name of the user", "").ofSession()
	}
	r.fn("current_query() text", describe("current_query"), "text of the statement", "").ofSession()
	r.fn("pg_backend_pid() int4", session("pg_backend_pid",
		func(s Session, _ []types.Datum) (types.Datum, error) {
			return types.IntDatum(int64(s.BackendPID())), nil
		}), "process id of the session", "").ofSession()
	defineSettings(r)
	r.fn("pg_typeof(any) regtype", bindTypeOf, "type of the argument", "pg_typeof(33)").nullable().stable()
	r.fn("pg_collation_for(any) text", bindCollationFor,
		"collation of the argument, as COLLATION FOR (x)", "pg_collation_for('a'::text)").nullable().stable()
	r.fn("pg_column_size(any) int4", func(a []types.Datum) (types.Datum, error) {
		return types.IntDatum(int64(max(len(a[0].S), 8))), nil
	}, "bytes that the value takes", "pg_column_size(1) > 0").stable()
	r.fn("pg_size_pretty(int8) text", func(a []types.Datum) (types.Datum, error) {
		return types.TextDatum(prettySize(types.DecimalFromInt(a[0].I))), nil
	}, "size with a unit", "pg_size_pretty(123456789::bigint)")
	r.fn("pg_size_pretty(numeric) text", func(a []types.Datum) (types.Datum, error) {
		return types.TextDatum(prettySize(a[0].Decimal())), nil
	}, "size with a unit", "pg_size_pretty(1234567890123.0)")
	r.fn("pg_is_in_recovery() bool", func(*Env) types.Datum { return types.BoolDatum(false) },
		"whether the node only follows", "pg_is_in_recovery()").stable()
	r.fn("parse_ident(str text, strict bool = true) text[]", parseIdent,
		"the parts of a qualified name", "parse_ident('\"SomeSchema\".someTable')")
	defineCatalog(r)
	defineCatalogRows(r)
	defineNoCatalog(r)
	definePrivileges(r)
	defineServer(r)
}

func bindTypeOf(f *Func, args []types.Type, _ types.Type) {
	oid := int64(args[0].OID())
	f.Row = func(*Env, []types.Datum) (types.Datum, error) { return types.IntDatum(oid), nil }
}

// bindCollationFor gives the collation of all text; an explicit COLLATE is the checker's.
func bindCollationFor(f *Func, args []types.Type, _ types.Type) {
	f.Row = func(*Env, []types.Datum) (types.Datum, error) {
		k := args[0].Innermost().Kind
		if k == types.Unknown {
			return types.NullDatum, nil
		}
		if k == types.Name {
			return types.TextDatum(`"C"`), nil
		}
		if !isString(k) {
			return types.NullDatum, sqlerr.New(sqlerr.DatatypeMismatch,
				"collations are not supported by type %s", baseName(args[0]))
		}
		return types.TextDatum(`"default"`), nil
	}
}

func defineSettings(r *registry) {
	get := func(missingOK func(a []types.Datum) bool) func(Session, []types.Datum) (types.Datum, error) {
		return func(s Session, a []types.Datum) (types.Datum, error) {
			v, ok := s.Setting(strings.ToLower(a[0].S))
			switch {
			case ok:
				return types.TextDatum(v), nil
			case missingOK(a):
				return types.NullDatum, nil
			}
			return types.NullDatum, sqlerr.New(sqlerr.UndefinedObject,
				"unrecognized configuration parameter \"%s\"", a[0].S)
		}
	}
	r.fn("current_setting(text) text", session("current_setting",
		get(func([]types.Datum) bool { return false })), "value of a setting", "").ofSession()
	r.fn("current_setting(text, bool) text", session("current_setting",
		get(func(a []types.Datum) bool { return a[1].Bool() })),
		"value of a setting, NULL if there is none", "").ofSession()
	r.fn("set_config(text, text, bool) text", session("set_config",
		func(s Session, a []types.Datum) (types.Datum, error) {
			if a[0].Null {
				return types.NullDatum, sqlerr.New(sqlerr.NullValueNotAllowed, "SET requires parameter name")
			}
			name := strings.ToLower(a[0].S)
			if err := s.Set(name, a[1].S, a[2].Bool()); err != nil {
				return types.NullDatum, err
			}
			v, _ := s.Setting(name)
			return types.TextDatum(v), nil
		}), "changes a setting", "").nullable().ofSession().volatile()
}

// prettyUnits are the units of pg_size_pretty, each 1024 of the one before.
var prettyUnits = []string{"bytes", "kB", "MB", "GB", "TB", "PB"}

// prettySize halves at each step but the last as PostgreSQL does: to one bit more
// than the unit, so that the last step rounds.
func prettySize(d types.Decimal) string {
	limit := types.DecimalFromInt(10 * 1024)
	if d.Abs().Cmp(limit) < 0 {
		return d.String() + " bytes"
	}
	half, two := types.DecimalFromInt(512), types.DecimalFromInt(2)
	wide := types.DecimalFromInt(20*1024 - 1)
	v, _ := d.DivTrunc(half)
	for i := 1; ; i++ {
		if v.Abs().Cmp(wide) < 0 || i == len(prettyUnits)-1 {
			one := types.DecimalFromInt(1)
			if v.Sign() < 0 {
				one = one.Neg()
			}
			sum, _ := v.Add(one)
			q, _ := sum.DivTrunc(two)
			return q.Trunc(0).String() + " " + prettyUnits[i]
		}
		v, _ = v.DivTrunc(types.DecimalFromInt(1024))
	}
}

// parseIdent splits a qualified name at its dots.
func parseIdent(a []types.Datum) (types.Datum, error) {
	s, strict := a[0].S, a[1].Bool()
	var parts []types.Datum
	bad := func(detail string) error {
		e := sqlerr.New(sqlerr.InvalidParameterValue, "string is not a valid identifier: \"%s\"", a[0].S)
		if detail != "" {
			e.WithDetail("%s", detail)
		}
		return e
	}
	s = strings.TrimLeft(s, " \t\n\r")
	for {
		part, rest, detail, ok := identPart(s)
		if !ok {
			return types.NullDatum, bad(detail)
		}
		parts = append(parts, types.TextDatum(part))
		s = strings.TrimLeft(rest, " \t\n\r")
		switch {
		case strings.HasPrefix(s, "."):
			s = strings.TrimLeft(s[1:], " \t\n\r")
			continue
		case s != "" && strict:
			return types.NullDatum, bad("")
		}
		return makeArrayDatum(parts, textArray)
	}
}

func identPart(s string) (part, rest, detail string, ok bool) {
	if strings.HasPrefix(s, "\"") {
		end := 1
		for {
			i := strings.IndexByte(s[end:], '"')
			if i < 0 {
				return "", "", "String has unclosed double quotes.", false
			}
			end += i + 1
			if end >= len(s) || s[end] != '"' {
				break
			}
			end++
		}
		part = strings.ReplaceAll(s[1:end-1], "\"\"", "\"")
		if part == "" {
			return "", "", "Quoted identifier must not be empty.", false
		}
		return part, s[end:], "", true
	}
	n := 0
	for n < len(s) && (s[n] >= 0x80 || s[n] == '_' || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' ||
		n > 0 && (s[n] >= '0' && s[n] <= '9' || s[n] == '$')) {
		n++
	}
	if n == 0 {
		if strings.HasPrefix(s, ".") {
			return "", "", "No valid identifier before \".\".", false
		}
		return "", "", "", false
	}
	return asciiLower(s[:n]), s[n:], "", true
}

// asciiLower folds names as identifiers are folded: other letters stay as they are.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// catalogFuncs are the functions that the catalog answers, with PostgreSQL's
// signatures.
const catalogFuncs = `
col_description(oid, int4) text
current_schema() name
current_schemas(bool) name[]
format_type(oid, int4) text
getdatabaseencoding() name
obj_description(oid) text
obj_description(oid, name) text
oidvectortypes(oidvector) text
pg_char_to_encoding(name) int4
pg_client_encoding() name
pg_collation_is_visible(oid) bool
pg_column_is_updatable(regclass, int2, bool) bool
pg_conversion_is_visible(oid) bool
pg_database_size(name) int8
pg_database_size(oid) int8
pg_describe_object(oid, oid, int4) text
pg_encoding_to_char(int4) name
pg_function_is_visible(oid) bool
pg_get_constraintdef(oid) text
pg_get_constraintdef(oid, bool) text
pg_get_expr(pg_node_tree, oid) text
pg_get_expr(pg_node_tree, oid, bool) text
pg_get_function_arg_default(oid, int4) text
pg_get_function_arguments(oid) text
pg_get_function_identity_arguments(oid) text
pg_get_function_result(oid) text
pg_get_function_sqlbody(oid) text
pg_get_functiondef(oid) text
pg_get_indexdef(oid) text
pg_get_indexdef(oid, int4, bool) text
pg_get_partition_constraintdef(oid) text
pg_get_partkeydef(oid) text
pg_get_ruledef(oid) text
pg_get_ruledef(oid, bool) text
pg_get_serial_sequence(text, text) text
pg_get_statisticsobjdef(oid) text
pg_get_statisticsobjdef_columns(oid) text
pg_get_triggerdef(oid) text
pg_get_triggerdef(oid, bool) text
pg_get_userbyid(oid) name
pg_get_viewdef(oid) text
pg_get_viewdef(oid, bool) text
pg_get_viewdef(oid, int4) text
pg_get_viewdef(text) text
pg_get_viewdef(text, bool) text
pg_index_column_has_property(regclass, int4, text) bool
pg_index_has_property(regclass, text) bool
pg_indexam_has_property(oid, text) bool
pg_indexes_size(regclass) int8
pg_is_other_temp_schema(oid) bool
pg_my_temp_schema() oid
pg_opclass_is_visible(oid) bool
pg_operator_is_visible(oid) bool
pg_opfamily_is_visible(oid) bool
pg_partition_root(regclass) regclass
pg_relation_filenode(regclass) oid
pg_relation_filepath(regclass) text
pg_relation_is_publishable(regclass) bool
pg_relation_is_updatable(regclass, bool) int4
acldefault(char, oid) aclitem[]
pg_relation_size(regclass) int8
pg_relation_size(regclass, text) int8
pg_stat_get_numscans(oid) int8
pg_statistics_obj_is_visible(oid) bool
pg_table_is_visible(oid) bool
pg_table_size(regclass) int8
pg_tablespace_location(oid) text
pg_tablespace_size(name) int8
pg_tablespace_size(oid) int8
pg_total_relation_size(regclass) int8
pg_ts_config_is_visible(oid) bool
pg_ts_dict_is_visible(oid) bool
pg_ts_parser_is_visible(oid) bool
pg_ts_template_is_visible(oid) bool
pg_type_is_visible(oid) bool
row_security_active(oid) bool
row_security_active(text) bool
shobj_description(oid, name) text
to_regclass(text) regclass
to_regcollation(text) regcollation
to_regnamespace(text) regnamespace
to_regoper(text) regoper
to_regoperator(text) regoperator
to_regproc(text) regproc
to_regprocedure(text) regprocedure
to_regrole(text) regrole
to_regtype(text) regtype
`

// catalogDocs words what families of catalog functions do.
var catalogDocs = []struct{ part, doc string }{
	{"_is_visible", "whether the object is found without a schema"},
	{"pg_get_", "definition of the object as SQL"}, {"_size", "bytes on disk"},
	{"description", "comment on the object"}, {"to_reg", "object of that name, NULL if none"},
	{"_has_property", "whether it has a property"},
}

func catalogDoc(name string) string {
	for _, d := range catalogDocs {
		if strings.Contains(name, d.part) {
			return d.doc
		}
	}
	return "information about the catalog"
}

func defineCatalog(r *registry) {
	for _, sig := range strings.Split(strings.TrimSpace(catalogFuncs), "\n") {
		name := sig[:strings.IndexByte(sig, '(')]
		f := r.fn(sig, describe(name), catalogDoc(name), "").ofSession()
		if name == "format_type" {
			f.nullable()
		}
	}
}

// privilegeKinds are the objects that has_..._privilege asks about.
var privilegeKinds = []string{"any_column", "database", "foreign_data_wrapper", "function",
	"language", "schema", "sequence", "server", "table", "tablespace", "type"}

func definePrivileges(r *registry) {
	def := func(sig string) {
		name := sig[:strings.IndexByte(sig, '(')]
		r.fn(sig, describe(name), "whether a role has a privilege", "").ofSession()
	}
	objects := []string{"oid", "text"}
	users := []string{"", "name, ", "oid, "}
	for _, u := range users {
		def("has_parameter_privilege(" + u + "text, text) bool")
		for _, o := range objects {
			for _, k := range privilegeKinds {
				def("has_" + k + "_privilege(" + u + o + ", text) bool")
			}
			def("has_column_privilege(" + u + o + ", text, text) bool")
			def("has_column_privilege(" + u + o + ", int2, text) bool")
		}
		def("pg_has_role(" + u + "name, text) bool")
		def("pg_has_role(" + u + "oid, text) bool")
	}
}

// serverFuncs ask the session or the server to do something.
const serverFuncs = `
nextval(regclass) int8
currval(regclass) int8
setval(regclass, int8) int8
setval(regclass, int8, bool) int8
lastval() int8
pg_sequence_last_value(regclass) int8
sequence_next(regclass) int8
pg_advisory_lock(int8) void
pg_advisory_lock(int4, int4) void
pg_advisory_lock_shared(int8) void
pg_advisory_lock_shared(int4, int4) void
pg_advisory_xact_lock(int8) void
pg_advisory_xact_lock(int4, int4) void
pg_advisory_xact_lock_shared(int8) void
pg_advisory_xact_lock_shared(int4, int4) void
pg_advisory_unlock(int8) bool
pg_advisory_unlock(int4, int4) bool
pg_advisory_unlock_shared(int8) bool
pg_advisory_unlock_shared(int4, int4) bool
pg_advisory_unlock_all() void
pg_try_advisory_lock(int8) bool
pg_try_advisory_lock(int4, int4) bool
pg_try_advisory_lock_shared(int8) bool
pg_try_advisory_lock_shared(int4, int4) bool
pg_try_advisory_xact_lock(int8) bool
pg_try_advisory_xact_lock(int4, int4) bool
pg_try_advisory_xact_lock_shared(int8) bool
pg_try_advisory_xact_lock_shared(int4, int4) bool
pg_cancel_backend(int4) bool
pg_terminate_backend(int4) bool
pg_terminate_backend(int4, int8) bool
pg_sleep(float8) void
pg_sleep_for(interval) void
pg_sleep_until(timestamptz) void
pg_trigger_depth() int4
pg_jit_available() bool
pg_current_logfile() text
pg_current_logfile(text) text
pg_notification_queue_usage() float8
pg_is_wal_replay_paused() bool
pg_last_xact_replay_timestamp() timestamptz
pg_export_snapshot() text
pg_rotate_logfile() bool
pg_safe_snapshot_blocking_pids(int4) int4[]
txid_status(int8) text
pg_current_xact_id_if_assigned() int8
pg_notify(text, text) void
pg_reload_conf() bool
pg_postmaster_start_time() timestamptz
pg_conf_load_time() timestamptz
pg_blocking_pids(int4) int4[]
inet_server_port() int4
inet_client_port() int4
inet_server_addr() text
inet_client_addr() text
txid_current() int8
txid_current_if_assigned() int8
pg_current_xact_id() int8
`

func defineServer(r *registry) {
	for _, sig := range strings.Split(strings.TrimSpace(serverFuncs), "\n") {
		name := sig[:strings.IndexByte(sig, '(')]
		r.fn(sig, describe(name), "asks the server", "").ofSession().volatile()
	}
	none := func(*Env, []types.Datum, func([]types.Datum) error) error { return nil }
	r.fn("pg_listening_channels() text", none, "channels that the session listens to", "").ofSession()
	ancestors := r.fn("pg_partition_ancestors(regclass) regclass", func(_ *Env, a []types.Datum,
		emit func([]types.Datum) error) error {
		if a[0].Null {
			return nil
		}
		return emit(a)
	}, "the relation, and the partitioned ones above it", "").nullable().ofSession()
	ancestors.RetCols = []types.Field{{Name: "relid", Type: types.Of(types.Regclass)}}
	tree := r.fn("pg_partition_tree(regclass) record", func(_ *Env, a []types.Datum,
		emit func([]types.Datum) error) error {
		if a[0].Null {
			return nil
		}
		return emit([]types.Datum{a[0], types.NullDatum, types.BoolDatum(true), types.IntDatum(0)})
	}, "the relation as a tree of partitions", "").nullable().ofSession()
	tree.RetCols = []types.Field{{Name: "relid", Type: types.Of(types.Regclass)},
		{Name: "parentrelid", Type: types.Of(types.Regclass)},
		{Name: "isleaf", Type: types.Of(types.Bool)}, {Name: "level", Type: types.Of(types.Int4)}}
	expand := r.fn("_pg_expandarray(anyarray) record", bindExpandArray,
		"the elements with their subscripts", "_pg_expandarray(ARRAY[5, 6])").nullable()
	expand.RetOf = func(a []types.Type) types.Type {
		return types.Type{Kind: types.Record, Fields: []types.Field{
			{Name: "x", Type: elemOf(a[0])}, {Name: "n", Type: types.Of(types.Int4)}}}
	}
}

func bindExpandArray(f *Func, args []types.Type, ret types.Type) {
	elem := elemOf(args[0])
	f.RetCols = ret.Fields
	f.Set = func(_ *Env, a []types.Datum, emit func([]types.Datum) error) error {
		if a[0].Null {
			return nil
		}
		r := types.OpenArrayDatum(elem, a[0])
		for i := range r.Len() {
			if err := emit([]types.Datum{r.Datum(i), types.IntDatum(int64(i) + 1)}); err != nil {
				return err
			}
		}
		return nil
	}
}
