package session

import "math"

// settingKind is the type of a setting's value.
type settingKind uint8

const (
	boolSetting settingKind = iota
	intSetting
	realSetting
	enumSetting
	textSetting
	listSetting // comma-separated
)

// setting is one row of the table of all settings. Values are kept as text:
// numbers in the setting's unit, booleans as on and off.
type setting struct {
	name     string // as SHOW ALL writes it
	kind     settingKind
	boot     string
	unit     string // "ms", "s", "min", "kB", "8kB", "B", or ""
	min, max float64
	enum     []string
	// fixed settings describe the server and cannot be changed.
	fixed bool
	// report: changes are told to the client (ParameterStatus).
	report bool
	// plans: statements must be planned anew when it changes.
	plans    bool
	category string
	desc     string
	// check turns a new value into its canonical form; nil: any value of the kind.
	check func(s *Session, v string) (string, error)
}

const (
	catMillrace = "Millrace"
	catClient   = "Client Connection Defaults / Statement Behavior"
	catFormat   = "Client Connection Defaults / Locale and Formatting"
	catLog      = "Reporting and Logging"
	catPlan     = "Query Tuning / Planner Method Configuration"
	catCompat   = "Version and Platform Compatibility"
	catPreset   = "Preset Options"
	catResource = "Resource Usage"
	catConnect  = "Connections and Authentication"
	catLock     = "Lock Management"
	catWAL      = "Write-Ahead Log / Settings"
)

var (
	messageLevels = []string{"debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice",
		"warning", "error"}
	isolationLevels = []string{"serializable", "repeatable read", "read committed",
		"read uncommitted"}
)

// serverVersion is PostgreSQL's version whose behaviour is followed; clients read
// the first number.
const (
	serverVersion    = "15.20"
	serverVersionNum = "150020"
)

// settingTable has every setting. What has no effect here is accepted because
// clients set it; its description says so.
//
//tidy:long one row per setting
func settingTable() []*setting {
	const maxInt = math.MaxInt32
	return []*setting{
		// Millrace's own.
		integer("default_partitions", "6", "", 1, 1024, catMillrace,
			"Partitions of new streams and tables.").replans(),
		choice("auto_offset_reset", "earliest", []string{"earliest", "latest"}, catMillrace,
			"Where SELECT ... EMIT CHANGES starts.").replans(),
		choice("wait_for", "applied", []string{"applied", "commit"}, catMillrace,
			"What an answer to a write waits for: visibility in every view, or the commit."),
		choice("read_consistency", "local", []string{"local", "leader"}, catMillrace,
			"Whose newest epoch a read shows: this node's or the leader's."),
		choice("on_error", "null", []string{"null", "fail"}, catMillrace,
			"What a failing expression does to a continuous query: the value becomes NULL, "+
				"or the query fails.").replans(),
		integer("max_transaction_bytes", "67108864", "B", 1<<16, 1<<40, catMillrace,
			"Bytes that a transaction block may hold before COMMIT."),
		integer("subscriber_buffer", "67108864", "B", 1<<16, 1<<40, catMillrace,
			"Bytes that may wait for a slow reader of EMIT CHANGES before it is cut off."),

		// Statements and transactions.
		integer("statement_timeout", "0", "ms", 0, maxInt, catClient,
			"Longest time of a statement; 0: no limit."),
		integer("lock_timeout", "0", "ms", 0, maxInt, catClient, "No effect: there are no locks."),
		integer("idle_in_transaction_session_timeout", "0", "ms", 0, maxInt, catClient,
			"Longest time that a session may be idle in a transaction; 0: no limit."),
		integer("idle_session_timeout", "0", "ms", 0, maxInt, catClient,
			"Longest time that a session may be idle outside a transaction; 0: no limit."),
		list("search_path", `"$user", public`, catClient,
			"Schemas in which unqualified names are looked for.").checked(checkSearchPath).replans(),
		boolean("default_transaction_read_only", "off", catClient,
			"Whether new transactions are read-only.").reported(),
		boolean("default_transaction_deferrable", "off", catClient, "No effect."),
		choice("default_transaction_isolation", "read committed", isolationLevels, catClient,
			"Isolation level that new transactions name; all are snapshots."),
		choice("transaction_isolation", "read committed", isolationLevels, catClient,
			"Isolation level that the current transaction names.").checked(checkIsolation),
		boolean("transaction_read_only", "off", catClient,
			"Whether the current transaction is read-only.").checked(checkReadOnly),
		boolean("transaction_deferrable", "off", catClient, "No effect."),
		choice("client_min_messages", "notice", messageLevels, catClient,
			"Least severity of messages sent to the client.").checked(checkMessageLevel),
		text("default_tablespace", "", catClient, "No effect."),
		text("temp_tablespaces", "", catClient, "No effect."),
		choice("default_table_access_method", "heap", []string{"heap"}, catClient, "No effect."),
		choice("default_toast_compression", "pglz", []string{"pglz", "lz4"}, catClient, "No effect."),
		boolean("check_function_bodies", "on", catClient,
			"Whether CREATE FUNCTION checks the body; off, an error shows when it is called."),
		boolean("row_security", "on", catClient, "No effect: there are no policies."),
		choice("session_replication_role", "origin", []string{"origin", "replica", "local"},
			catClient, "No effect."),
		choice("xmlbinary", "base64", []string{"base64", "hex"}, catClient, "No effect."),
		choice("xmloption", "content", []string{"content", "document"}, catClient, "No effect."),
		choice("bytea_output", "hex", []string{"escape", "hex"}, catClient,
			"Text form of bytea."),
		text("role", "none", catClient, "The role whose privileges are in force.").
			checked(checkRole).replans(),
		text("session_authorization", "", catClient, "The session's user.").reported().
			checked(checkAuthorization).replans(),

		// Text forms.
		list("DateStyle", "ISO, MDY", catFormat, "Text form of dates, and order of their fields.").
			reported().checked(checkDateStyle),
		choice("IntervalStyle", "postgres", []string{"postgres", "postgres_verbose", "sql_standard",
			"iso_8601"}, catFormat, "Text form of intervals.").reported(),
		text("TimeZone", "UTC", catFormat, "Time zone of timestamptz as text.").reported().
			checked(checkTimeZone).replans(),
		choice("timezone_abbreviations", "Default", []string{"Default"}, catFormat, "No effect."),
		integer("extra_float_digits", "1", "", -15, 3, catFormat,
			"Digits of floating-point numbers as text; above 0: exact."),
		text("client_encoding", "UTF8", catFormat, "Encoding of the client's text.").reported().
			checked(checkEncoding),
		text("lc_messages", "C", catFormat, "No effect: messages are in English."),
		text("lc_monetary", "C", catFormat, "No effect."),
		text("lc_numeric", "C", catFormat, "No effect."),
		text("lc_time", "C", catFormat, "No effect."),
		text("default_text_search_config", "pg_catalog.simple", catFormat, "No effect."),

		// Reporting.
		text("application_name", "", catLog, "What the client calls itself.").reported().
			checked(checkApplicationName),
		choice("log_statement", "none", []string{"none", "ddl", "mod", "all"}, catLog, "No effect."),
		choice("log_min_messages", "warning", messageLevels, catLog, "No effect."),
		choice("log_min_error_statement", "error", messageLevels, catLog, "No effect."),
		choice("log_error_verbosity", "default", []string{"terse", "default", "verbose"}, catLog,
			"No effect."),
		integer("log_min_duration_statement", "-1", "ms", -1, maxInt, catLog, "No effect."),
		boolean("log_duration", "off", catLog, "No effect."),
		boolean("track_activities", "on", catLog, "No effect: sessions are always shown."),
		boolean("track_counts", "on", catLog, "No effect."),
		boolean("track_io_timing", "off", catLog, "No effect."),
		choice("compute_query_id", "auto", []string{"auto", "on", "off", "regress"}, catLog,
			"No effect."),

		// Planner.
		boolean("enable_bitmapscan", "on", catPlan, "No effect."),
		boolean("enable_hashagg", "on", catPlan, "No effect."),
		boolean("enable_hashjoin", "on", catPlan, "No effect."),
		boolean("enable_indexonlyscan", "on", catPlan, "No effect."),
		boolean("enable_indexscan", "on", catPlan, "No effect."),
		boolean("enable_material", "on", catPlan, "No effect."),
		boolean("enable_mergejoin", "on", catPlan, "No effect."),
		boolean("enable_nestloop", "on", catPlan, "No effect."),
		boolean("enable_partition_pruning", "on", catPlan, "No effect."),
		boolean("enable_seqscan", "on", catPlan, "No effect."),
		boolean("enable_sort", "on", catPlan, "No effect."),
		boolean("geqo", "on", catPlan, "No effect."),
		boolean("jit", "off", catPlan, "No effect."),
		choice("plan_cache_mode", "auto", []string{"auto", "force_generic_plan",
			"force_custom_plan"}, catPlan, "No effect."),
		choice("constraint_exclusion", "partition", []string{"on", "off", "partition"}, catPlan,
			"No effect."),
		integer("from_collapse_limit", "8", "", 1, maxInt, catPlan, "No effect."),
		integer("join_collapse_limit", "8", "", 1, maxInt, catPlan, "No effect."),
		integer("default_statistics_target", "100", "", 1, 10000, catPlan, "No effect."),
		real("random_page_cost", "4", catPlan, "No effect."),
		real("seq_page_cost", "1", catPlan, "No effect."),
		real("cursor_tuple_fraction", "0.1", catPlan, "No effect."),

		// Resources.
		integer("work_mem", "4096", "kB", 64, maxInt, catResource, "No effect: see --memory."),
		integer("maintenance_work_mem", "65536", "kB", 1024, maxInt, catResource, "No effect."),
		integer("temp_buffers", "1024", "8kB", 100, 1<<30, catResource, "No effect."),
		integer("effective_io_concurrency", "1", "", 0, 1000, catResource, "No effect."),
		integer("max_parallel_workers_per_gather", "2", "", 0, 1024, catResource, "No effect."),
		integer("effective_cache_size", "524288", "8kB", 1, maxInt, catResource, "No effect."),
		integer("max_stack_depth", "2048", "kB", 100, maxInt, catResource, "No effect.").readOnly(),
		integer("shared_buffers", "16384", "8kB", 16, 1<<30, catResource, "No effect.").readOnly(),

		// Compatibility.
		boolean("standard_conforming_strings", "on", catCompat,
			"Always on: a backslash in '...' is an ordinary character.").reported().
			checked(checkStandardStrings),
		boolean("escape_string_warning", "on", catCompat, "No effect."),
		choice("backslash_quote", "safe_encoding", []string{"safe_encoding", "on", "off"}, catCompat,
			"No effect."),
		boolean("array_nulls", "on", catCompat, "No effect."),
		boolean("quote_all_identifiers", "off", catCompat, "No effect."),
		boolean("synchronize_seqscans", "on", catCompat, "No effect."),
		boolean("transform_null_equals", "off", catCompat, "No effect."),
		boolean("lo_compat_privileges", "off", catCompat, "No effect."),

		// The log.
		choice("synchronous_commit", "on", []string{"local", "remote_write", "remote_apply", "on",
			"off"}, catWAL, "No effect: commits are always durable on a majority."),
		boolean("fsync", "on", catWAL, "Always on.").readOnly(),
		boolean("full_page_writes", "on", catWAL, "No effect.").readOnly(),
		choice("wal_level", "logical", []string{"minimal", "replica", "logical"}, catWAL,
			"No effect.").readOnly(),
		integer("commit_delay", "0", "", 0, 100000, catWAL, "No effect."),

		// Connections.
		choice("password_encryption", "scram-sha-256", []string{"scram-sha-256"}, catConnect,
			"How passwords are kept."),
		integer("tcp_keepalives_idle", "0", "s", 0, maxInt, catConnect, "No effect."),
		integer("tcp_keepalives_interval", "0", "s", 0, maxInt, catConnect, "No effect."),
		integer("tcp_keepalives_count", "0", "", 0, maxInt, catConnect, "No effect."),
		boolean("ssl", "off", catConnect, "Whether TLS is offered.").readOnly(),
		integer("max_connections", "1000", "", 1, 1<<20, catConnect,
			"Most sessions at a time.").readOnly(),
		text("listen_addresses", "localhost", catConnect, "Where SQL is listened for.").readOnly(),
		integer("port", "7433", "", 1, 65535, catConnect, "Port of SQL.").readOnly(),
		integer("superuser_reserved_connections", "0", "", 0, 1<<18, catConnect,
			"No effect.").readOnly(),

		// Locks.
		integer("deadlock_timeout", "1000", "ms", 1, maxInt, catLock, "No effect."),
		integer("max_locks_per_transaction", "64", "", 10, maxInt, catLock, "No effect.").readOnly(),
		integer("max_prepared_transactions", "0", "", 0, 1<<18, catLock,
			"There are no prepared transactions.").readOnly(),

		// Of the server.
		text("server_version", serverVersion, catPreset,
			"PostgreSQL's version that is followed.").reported().readOnly(),
		integer("server_version_num", serverVersionNum, "", 0, maxInt, catPreset,
			"server_version as a number.").readOnly(),
		text("server_encoding", "UTF8", catPreset, "Encoding of all text.").reported().readOnly(),
		text("lc_collate", "C", catPreset, "Order of text: by bytes.").readOnly(),
		text("lc_ctype", "C.UTF-8", catPreset, "Classes of characters.").readOnly(),
		boolean("integer_datetimes", "on", catPreset, "Always on.").reported().readOnly(),
		boolean("in_hot_standby", "off", catPreset, "Always off: every node takes writes.").
			reported().readOnly(),
		boolean("is_superuser", "on", catPreset, "Whether the session's user is one.").
			reported().readOnly(),
		integer("max_identifier_length", "63", "", 63, 63, catPreset, "Bytes of a name.").readOnly(),
		integer("max_index_keys", "32", "", 32, 32, catPreset, "Columns of an index.").readOnly(),
		integer("max_function_args", "100", "", 100, 100, catPreset,
			"Parameters of a function.").readOnly(),
		integer("block_size", "8192", "B", 8192, 8192, catPreset, "No meaning here.").readOnly(),
		integer("segment_size", "131072", "8kB", 1, maxInt, catPreset, "No meaning here.").readOnly(),
		integer("wal_segment_size", "16777216", "B", 1, maxInt, catPreset,
			"No meaning here.").readOnly(),
		boolean("data_checksums", "on", catPreset, "Always on.").readOnly(),
		boolean("debug_assertions", "off", catPreset, "Always off.").readOnly(),
		text("data_directory", "", catPreset, "Not shown.").readOnly(),
	}
}

func boolean(name, boot, category, desc string) *setting {
	return &setting{name: name, kind: boolSetting, boot: boot, category: category, desc: desc}
}

func integer(name, boot, unit string, least, most float64, category, desc string) *setting {
	return &setting{name: name, kind: intSetting, boot: boot, unit: unit, min: least, max: most,
		category: category, desc: desc}
}

func real(name, boot, category, desc string) *setting {
	return &setting{name: name, kind: realSetting, boot: boot, max: math.MaxFloat64,
		category: category, desc: desc}
}

func choice(name, boot string, enum []string, category, desc string) *setting {
	return &setting{name: name, kind: enumSetting, boot: boot, enum: enum, category: category,
		desc: desc}
}

func text(name, boot, category, desc string) *setting {
	return &setting{name: name, kind: textSetting, boot: boot, category: category, desc: desc}
}

func list(name, boot, category, desc string) *setting {
	return &setting{name: name, kind: listSetting, boot: boot, category: category, desc: desc}
}

func (d *setting) reported() *setting { d.report = true; return d }
func (d *setting) readOnly() *setting { d.fixed = true; return d }
func (d *setting) replans() *setting  { d.plans = true; return d }
func (d *setting) checked(f func(s *Session, v string) (string, error)) *setting {
	d.check = f
	return d
}
