package expr

import (
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// catalogRows are the catalog's functions that give rows, with their columns. The
// session answers with an array of them.
var catalogRows = []struct {
	sig, doc, cols string
}{
	{"pg_get_keywords() record", "the key words of SQL, and where they may be names",
		"word text, catcode char, barelabel bool, catdesc text, baredesc text"},
	{"aclexplode(aclitem[]) record", "one row per privilege that a list of privileges grants",
		"grantor oid, grantee oid, privilege_type text, is_grantable bool"},
	{"pg_options_to_table(text[]) record", "the options name=value as rows",
		"option_name text, option_value text"},
	{"pg_timezone_names() record", "the time zones",
		"name text, abbrev text, utc_offset interval, is_dst bool"},
	{"pg_timezone_abbrevs() record", "the abbreviations of time zones",
		"abbrev text, utc_offset interval, is_dst bool"},
	{"pg_sequence_parameters(oid) record", "how a sequence was declared",
		"start_value int8, minimum_value int8, maximum_value int8, increment int8, " +
			"cycle_option bool, cache_size int8, data_type oid"},
	{"pg_identify_object(oid, oid, int4) record", "kind, schema, name and identity of an object",
		"type text, schema text, name text, identity text"},
}

// defineCatalogRows defines catalogRows.
func defineCatalogRows(r *registry) {
	for _, c := range catalogRows {
		name := c.sig[:strings.IndexByte(c.sig, '(')]
		cols := signatureColumns(c.cols)
		f := r.fn(c.sig, describeRows(name, cols), c.doc, "").ofSession()
		f.RetCols, f.Ret = cols, types.Type{Kind: types.Record, Fields: cols}
	}
}

// signatureColumns reads "name type, name type".
func signatureColumns(s string) []types.Field {
	var out []types.Field
	for _, c := range strings.Split(s, ", ") {
		name, t, _ := strings.Cut(c, " ")
		out = append(out, types.Field{Name: name, Type: signatureType(t)})
	}
	return out
}

func describeRows(name string, cols []types.Field,
) func(*Env, []types.Datum, func([]types.Datum) error) error {
	row := types.Type{Kind: types.Record, Fields: cols}
	return func(env *Env, a []types.Datum, emit func([]types.Datum) error) error {
		if env.Session == nil {
			return errNoSession(name)
		}
		for _, d := range a {
			if d.Null {
				return nil
			}
		}
		d, ok, err := env.Session.Describe(name, a)
		if err != nil || !ok || d.Null {
			return err
		}
		for _, r := range d.Array(row).Elems {
			if err := emit(r.Fields(row)); err != nil {
				return err
			}
		}
		return nil
	}
}

// noCatalog are functions about what Millrace has not, with the answer that
// PostgreSQL gives where it is not in use.
const noCatalog = `
pg_column_compression(any) text
pg_get_replica_identity_index(regclass) regclass
pg_get_statisticsobjdef_expressions(oid) text[]
pg_indexam_progress_phasename(oid, int8) text
`

// defineNoCatalog defines noCatalog, and the ages of transaction numbers, which never
// wrap here.
func defineNoCatalog(r *registry) {
	for _, sig := range strings.Split(strings.TrimSpace(noCatalog), "\n") {
		name := sig[:strings.IndexByte(sig, '(')]
		args := strings.Replace(strings.Replace(sig[len(name):strings.IndexByte(sig, ')')+1],
			"any", "1", 1), "regclass", "1259", 1)
		args = strings.NewReplacer("oid", "1", "int8", "1").Replace(args)
		r.fn(sig, func([]types.Datum) (types.Datum, error) { return types.NullDatum, nil },
			"NULL: there is no such thing here", name+args).stable()
	}
	r.fn("age(xid) int4", func([]types.Datum) (types.Datum, error) { return types.IntDatum(0), nil },
		"age of a transaction number; 0, since they never run out", "").ofSession()
	r.fn("pg_encoding_max_length(int4) int4", func(a []types.Datum) (types.Datum, error) {
		if n := a[0].I; n >= 0 && n < int64(len(encodingLengths)) {
			return types.IntDatum(int64(encodingLengths[n])), nil
		}
		return types.NullDatum, nil
	}, "most bytes that a character takes in an encoding", "pg_encoding_max_length(6)")
	r.fn("getpgusername() name", session("getpgusername", textResult(Session.User)),
		"name of the user", "").ofSession()
}

// encodingLengths are the bytes of the longest character, by PostgreSQL's number of the
// encoding.
var encodingLengths = [...]byte{1, 3, 3, 3, 4, 3, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 4, 3, 4, 3}

// absent are functions of PostgreSQL that Millrace has not, with what to do instead.
var absent = func() map[string]string {
	m := map[string]string{}
	for hint, names := range map[string]string{
		"Use LIKE, or a regular expression, on the text instead.": "to_tsvector to_tsquery plainto_tsquery " +
			"phraseto_tsquery websearch_to_tsquery ts_rank ts_rank_cd ts_headline setweight tsvector_to_array " +
			"array_to_tsvector numnode querytree get_current_ts_config",
		"Use two columns for the bounds instead.": "int4range int8range numrange tsrange tstzrange daterange " +
			"int4multirange int8multirange nummultirange tsmultirange tstzmultirange datemultirange " +
			"range_agg range_intersect_agg range_merge isempty lower_inc upper_inc lower_inf " +
			"upper_inf multirange",
		"Use jsonb, or text, instead.": "xmlcomment xmlagg xml_is_well_formed xpath xpath_exists query_to_xml " +
			"table_to_xml schema_to_xml database_to_xml xml_is_well_formed_document xml_is_well_formed_content",
		"Use text instead.": "host hostmask netmask network broadcast masklen set_masklen abbrev " +
			"inet_same_family inet_merge macaddr8_set7bit",
		"Use two columns of double precision instead.": "point box circle line lseg path polygon area center " +
			"diameter height width isclosed isopen npoints pclose popen radius slope diagonal bound_box",
		"Keep the bytes in a column of type bytea.": "lo_import lo_export lo_create lo_creat lo_open lo_unlink " +
			"lo_get lo_put lo_from_bytea loread lowrite lo_close lo_lseek lo_tell",
		"See millrace.epochs for positions in the log.": "pg_current_wal_lsn pg_current_wal_insert_lsn " +
			"pg_current_wal_flush_lsn pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_wal_lsn_diff " +
			"pg_walfile_name pg_switch_wal pg_create_restore_point pg_current_snapshot txid_current_snapshot " +
			"pg_snapshot_xmin pg_snapshot_xmax txid_snapshot_xmin txid_snapshot_xmax",
		"Every node follows the log by itself; see millrace.nodes.": "" +
			"pg_create_logical_replication_slot " +
			"pg_create_physical_replication_slot pg_drop_replication_slot pg_logical_slot_get_changes " +
			"pg_logical_slot_peek_changes pg_replication_slot_advance pg_promote pg_get_replication_slots",
		"Use the command millrace backup.":   "pg_backup_start pg_backup_stop pg_start_backup pg_stop_backup",
		"The server reads no files for SQL.": "pg_read_file pg_read_binary_file pg_ls_dir pg_stat_file",
		"Use UTF-8 text.":                    "to_ascii",
	} {
		for _, n := range strings.Fields(names) {
			m[n] = hint
		}
	}
	return m
}()

// errAbsent refuses a function that PostgreSQL has and Millrace has not; nil for
// others.
func errAbsent(name string, pos int) *sqlerr.Error {
	hint, ok := absent[name]
	if !ok {
		return nil
	}
	return sqlerr.Unsupported("function "+name, hint).At(pos)
}
