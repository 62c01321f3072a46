package expr

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// The ways out for functions of PostgreSQL that Millrace has not.
const (
	useText       = "Use text instead."
	useTextSearch = "Use LIKE, or a regular expression, on the text instead."
	useBounds     = "Use two columns for the bounds instead."
	useJSON       = "Use jsonb, or text, instead."
	usePair       = "Use two columns of double precision instead."
	useBytea      = "Keep the bytes in a column of type bytea."
	useEpochs     = "See millrace.epochs for positions in the log."
	useNodes      = "Every node follows the log by itself; see millrace.nodes."
	useBackup     = "Copy the data directory of a stopped node, or use pg_dump."
	usePassword   = "Hash passwords, and encrypt, in the application."
	useRandomUUID = "Use gen_random_uuid()."
	useSoundex    = "Use soundex."
	useNoFiles    = "The server reads no files for SQL."
	useUTF8       = "Use UTF-8 text."
	useChanges    = "Read changes with SELECT ... EMIT CHANGES."
	useStatViews  = "Read the views pg_stat_activity, pg_stat_database and pg_stat_user_tables."
	useNames      = "Look the object up by name in the relations of pg_catalog."
	useSettings   = "Read the view pg_settings, or use SHOW."
	useMetrics    = "Read the counters at /metrics, and the relations of the schema millrace."
	useAggregate  = "Use the aggregate function itself."
	useGreatest   = "Use GREATEST, or max."
	useLeast      = "Use LEAST, or min."
	useNoCare     = "Indexes and files need no care; see the documentation of maintenance."
	useBuiltIn    = "Functions are built in; SHOW FUNCTIONS lists them."
	useMath       = "Use exp, ln, log, sqrt, div, round or trunc."
	useCollation  = "The collation is C, and has no version."
)

// absent are functions of PostgreSQL that Millrace has not, with what to do instead.
var absent = func() map[string]string {
	m := map[string]string{}
	for _, list := range []map[string]string{absentNames, absentInside} {
		for hint, names := range list {
			for _, n := range strings.Fields(names) {
				m[n] = hint
			}
		}
	}
	for operator, names := range absentOperators {
		for _, n := range strings.Fields(names) {
			m[n] = "Use the operator " + operator + "."
		}
	}
	return m
}()

var absentNames = map[string]string{
	useTextSearch: `to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery
		ts_rank ts_rank_cd ts_headline setweight tsvector_to_array array_to_tsvector numnode querytree
		get_current_ts_config ts_debug ts_delete ts_filter ts_lexize ts_parse ts_rewrite ts_stat
		ts_token_type strip json_to_tsvector jsonb_to_tsvector tsvector_update_trigger
		tsvector_update_trigger_column`,
	useBounds: `int4range int8range numrange tsrange tstzrange daterange int4multirange
		int8multirange nummultirange tsmultirange tstzmultirange datemultirange range_agg
		range_intersect_agg range_merge isempty lower_inc upper_inc lower_inf upper_inf multirange`,
	useJSON: `xmlcomment xmlagg xml_is_well_formed xpath xpath_exists query_to_xml table_to_xml
		schema_to_xml database_to_xml xml_is_well_formed_document xml_is_well_formed_content
		cursor_to_xml cursor_to_xmlschema query_to_xmlschema query_to_xml_and_xmlschema
		table_to_xmlschema table_to_xml_and_xmlschema schema_to_xmlschema schema_to_xml_and_xmlschema
		database_to_xmlschema database_to_xml_and_xmlschema xmlvalidate xmlconcat2`,
	useText: `host hostmask netmask network broadcast masklen set_masklen abbrev family
		inet_same_family inet_merge macaddr8_set7bit cash_words`,
	usePair: `point box circle line lseg path polygon area center diameter height width isclosed
		isopen npoints pclose popen radius slope diagonal bound_box ishorizontal isvertical
		isparallel isperp`,
	useBytea: `lo_import lo_export lo_create lo_creat lo_open lo_unlink lo_get lo_put lo_from_bytea
		loread lowrite lo_close lo_lseek lo_lseek64 lo_tell lo_tell64 lo_truncate lo_truncate64`,
	useEpochs: `pg_current_wal_lsn pg_current_wal_insert_lsn pg_current_wal_flush_lsn
		pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_wal_lsn_diff pg_walfile_name
		pg_walfile_name_offset pg_switch_wal pg_create_restore_point pg_current_snapshot
		txid_current_snapshot pg_snapshot_xmin pg_snapshot_xmax pg_snapshot_xip txid_snapshot_xmin
		txid_snapshot_xmax txid_snapshot_xip pg_visible_in_snapshot txid_visible_in_snapshot
		pg_xact_status pg_xact_commit_timestamp pg_xact_commit_timestamp_origin
		pg_last_committed_xact pg_get_multixact_members mxid_age pg_lsn`,
	useNodes: `pg_create_logical_replication_slot pg_create_physical_replication_slot
		pg_drop_replication_slot pg_replication_slot_advance pg_promote pg_get_replication_slots
		pg_copy_logical_replication_slot pg_copy_physical_replication_slot pg_wal_replay_pause
		pg_wal_replay_resume pg_get_wal_replay_pause_state`,
	useChanges: `pg_logical_slot_get_changes pg_logical_slot_peek_changes
		pg_logical_slot_get_binary_changes pg_logical_slot_peek_binary_changes
		pg_logical_emit_message pg_get_publication_tables pg_event_trigger_ddl_commands
		pg_event_trigger_dropped_objects pg_event_trigger_table_rewrite_oid
		pg_event_trigger_table_rewrite_reason suppress_redundant_updates_trigger`,
	useBackup:  "pg_backup_start pg_backup_stop pg_start_backup pg_stop_backup",
	useNoFiles: "pg_read_file pg_read_file_old pg_read_binary_file pg_stat_file",
	useUTF8:    "to_ascii",
	usePassword: `crypt gen_salt encrypt encrypt_iv decrypt decrypt_iv pgp_sym_encrypt pgp_sym_decrypt
		pgp_sym_encrypt_bytea pgp_sym_decrypt_bytea pgp_pub_encrypt pgp_pub_decrypt
		pgp_pub_encrypt_bytea pgp_pub_decrypt_bytea pgp_key_id armor dearmor pgp_armor_headers`,
	useRandomUUID: "uuid_generate_v1 uuid_generate_v1mc",
	useSoundex:    "metaphone dmetaphone dmetaphone_alt",
	useNames: `pg_get_object_address pg_identify_object_as_address pg_get_catalog_foreign_keys
		pg_filenode_relation pg_nextoid pg_tablespace_databases`,
	useSettings: `pg_show_all_settings pg_show_all_file_settings pg_settings_get_flags pg_config
		pg_hba_file_rules pg_ident_file_mappings`,
	useMetrics: `pg_get_backend_memory_contexts pg_log_backend_memory_contexts
		pg_get_shmem_allocations pg_get_wal_resource_managers pg_lock_status`,
	useAggregate: `int4_sum int8_sum int2_sum int2int4_sum int8_avg int4inc int8inc int8dec
		int8inc_any int8dec_any int8inc_float8_float8 numeric_inc float8_avg interval_avg
		float8_var_pop float8_var_samp float8_stddev_pop float8_stddev_samp float8_corr
		float8_covar_pop float8_covar_samp float8_regr_avgx float8_regr_avgy float8_regr_intercept
		float8_regr_r2 float8_regr_slope float8_regr_sxx float8_regr_sxy float8_regr_syy
		booland_statefunc boolor_statefunc`,
	useGreatest: "int2larger int4larger int8larger oidlarger float4larger float8larger cashlarger",
	useLeast: `int2smaller int4smaller int8smaller oidsmaller float4smaller float8smaller
		cashsmaller`,
	useNoCare: `brin_summarize_new_values brin_summarize_range brin_desummarize_range
		gin_clean_pending_list amvalidate`,
	useBuiltIn: `pg_available_extensions pg_available_extension_versions pg_extension_update_paths
		pg_extension_config_dump plpgsql_validator fmgr_sql_validator fmgr_c_validator`,
	useMath: `numeric_exp numeric_ln numeric_log numeric_sqrt numeric_div_trunc dexp dlog1 dlog10
		dround dtrunc`,
	useCollation: `pg_collation_actual_version pg_database_collation_actual_version
		pg_import_system_collations`,
	"Use length.":                           "textlen",
	"Use similar_to_escape.":                "similar_escape",
	"Read the view pg_cursors.":             "pg_cursor",
	"Read the view pg_prepared_statements.": "pg_prepared_statement",
	"Read the view pg_prepared_xacts.":      "pg_prepared_xact",
}

// absentAffix is a family of functions of PostgreSQL that Millrace has not.
type absentAffix struct{ prefix, suffix, hint string }

var absentAffixes = []absentAffix{
	{"pg_stat_get_", "", useStatViews}, {"pg_stat_reset", "", useStatViews},
	{"pg_stat_have_stats", "", useStatViews}, {"pg_stat_clear_snapshot", "", useStatViews},
	{"pg_stat_force_next_flush", "", useStatViews}, {"pg_ls_", "", useNoFiles},
	{"pg_control_", "", useMetrics}, {"pg_replication_origin_", "", useNodes},
	{"pg_show_replication_origin_status", "", useNodes}, {"binary_upgrade_", "", useBackup},
}

// absentOfTypes are the families named by a type: text_larger, date_smaller.
var absentOfTypes = []absentAffix{
	{"", "_larger", useGreatest}, {"", "_smaller", useLeast},
	{"", "_accum", useAggregate}, {"", "_accum_inv", useAggregate}, {"", "_combine", useAggregate},
}

var absentTypes = strings.Fields(`array bpchar date enum text time timestamp timestamptz timetz
	numeric interval xid8 pg_lsn tid network float4 float8 float8_regr int2 int4 int8 int2_avg
	int4_avg int8_avg numeric_avg numeric_poly bool`)

// errAbsent refuses a function that PostgreSQL has and Millrace has not; nil for
// others.
func errAbsent(name string, pos int) *sqlerr.Error {
	hint, ok := absent[name]
	if !ok {
		hint = absentFamily(name)
	}
	if hint == "" {
		return nil
	}
	return sqlerr.Unsupported("function "+name, hint).At(pos)
}

// absentFamily gives the way out for a function of a family, or "".
func absentFamily(name string) string {
	for _, a := range absentAffixes {
		if strings.HasPrefix(name, a.prefix) && strings.HasSuffix(name, a.suffix) {
			return a.hint
		}
	}
	for _, a := range absentOfTypes {
		if t, ok := strings.CutSuffix(name, a.suffix); ok && slices.Contains(absentTypes, t) {
			return a.hint
		}
	}
	return ""
}
