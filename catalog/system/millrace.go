package system

import (
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// viewDef defines a view of the schema millrace. The documentation is generated
// from it.
type viewDef struct {
	name string
	doc  string
	// columns has a line per column: name, type, "NN" for NOT NULL or "-", and
	// what it says.
	columns string
	rows    rowsFunc // from the snapshot, when no provider is registered
}

// Views of the schema millrace. Their order gives them their OIDs: new ones come
// at the end.
var millraceViews = []viewDef{
	{"streams", "The streams: append-only relations.", `
schema           text        NN  The schema.
name             text        NN  The name in its schema.
oid              oid         NN  The object identifier, as in pg_class.
key              text[]      NN  The KEY columns that rows are partitioned by.
partitions       int4        NN  The number of partitions.
time_column      text        -   The column that gives the event time; null: the time of arrival.
watermark        text        -   The watermark expression; null: the latest event time less grace.
grace            interval    -   How late rows may be.
retention        interval    -   How long rows are kept; null: for ever.
retention_bytes  int8        -   How many bytes are kept; null: no limit.
query            text        -   The continuous query that fills the stream.
rows             int8        -   The number of rows.
bytes            int8        -   The bytes on disk.
owner            text        NN  The owning role.
comment          text        -   The text of COMMENT ON.
created_epoch    int8        NN  The epoch of CREATE.`, millraceStreams},
	{"tables", "The tables: keyed changelogs, and tables without a key.", `
schema           text        NN  The schema.
name             text        NN  The name in its schema.
oid              oid         NN  The object identifier, as in pg_class.
key              text[]      NN  The primary key; empty: rows are told apart by a hidden id.
partitions       int4        NN  The number of partitions.
on_conflict      text        -   What INSERT does with an existing key: upsert or error.
ttl              interval    -   How long a row lives after its last change; null: for ever.
query            text        -   The continuous query that fills the table.
rows             int8        -   The number of rows.
bytes            int8        -   The bytes on disk.
owner            text        NN  The owning role.
comment          text        -   The text of COMMENT ON.
created_epoch    int8        NN  The epoch of CREATE.`, millraceTables},
	{"views", "The views and materialized views.", `
schema           text        NN  The schema.
name             text        NN  The name in its schema.
oid              oid         NN  The object identifier, as in pg_class.
materialized     bool        NN  Whether the result is kept up to date in storage.
definition       text        NN  The SELECT.
key              text[]      NN  The unique key of the result; empty: the whole row.
append_only      bool        NN  Whether rows never change or go.
depends_on       text[]      NN  The relations that the definition reads.
query            text        -   The continuous query that keeps a materialized view.
state            text        -   The state of that query.
rows             int8        -   The number of rows.
bytes            int8        -   The bytes on disk.
owner            text        NN  The owning role.
comment          text        -   The text of COMMENT ON.
created_epoch    int8        NN  The epoch of CREATE.`, millraceViewRows},
	{"queries", "The continuous queries.", `
name             text        NN  The name, for PAUSE, RESUME and TERMINATE.
oid              oid         NN  The object identifier.
state            text        NN  BACKFILLING, RUNNING, PAUSED or FAILED.
error            text        -   Why the query failed.
sqlstate         text        -   The SQLSTATE of that error.
target           text        NN  The relation that gets the result.
sources          text[]      NN  The relations that are read.
sql              text        NN  The SELECT.
statement        text        NN  The statement as it was written.
on_error         text        NN  What a failing row does: null (the value becomes null) or fail.
rows_in          int8        -   Rows read since the node started.
rows_out         int8        -   Changes written since the node started.
rows_per_second  float8      -   Rows read per second, over the last ten seconds.
memory_bytes     int8        -   Memory held by the state, on disk or not.
spilled_bytes    int8        -   Of these, bytes that are on disk for want of memory.
applied_epoch    int8        -   The epoch up to which the result is complete.
created_epoch    int8        NN  The epoch of CREATE.
active_epoch     int8        -   The epoch at which the back-fill was complete.`, millraceQueries},
	{"lag", "How far continuous queries are behind their sources.", `
query            text        NN  The continuous query.
source           text        NN  The relation that is read.
partition        int4        NN  The partition of the source.
end_offset       int8        NN  The offset behind the last row of the partition.
position         int8        NN  The offset of the next row that the query reads.
lag_rows         int8        NN  end_offset less position.
lag_ms           int8        -   Age of the oldest row not read yet, in milliseconds.`, nil},
	{"partitions", "The partitions of stored relations.", `
schema           text        NN  The schema of the relation.
relation         text        NN  The relation.
oid              oid         NN  The relation's object identifier.
partition        int4        NN  The number of the partition, from 0.
begin_offset     int8        NN  The offset of the first row that is kept.
end_offset       int8        NN  The offset behind the last row.
rows             int8        NN  The rows kept.
bytes            int8        NN  The bytes in sealed segments.
tail_bytes       int8        NN  The bytes in memory, not sealed yet.
segments         int4        NN  The number of sealed segments.
min_rowtime      timestamptz -   The earliest event time kept.
max_rowtime      timestamptz -   The latest event time seen.
watermark        timestamptz -   Event time up to which rows are expected to be complete.
pinned_by        text[]      -   The queries that keep old rows from being dropped.`, nil},
	{"nodes", "The nodes of the cluster.", `
node             text        NN  The node's name.
is_self          bool        NN  Whether this node answers.
role             text        NN  leader, follower, candidate, learner or unreachable.
voter            bool        NN  Whether the node votes.
sql_address      text        -   Where it listens for SQL.
http_address     text        -   Where it listens for HTTP.
cluster_address  text        NN  Where it listens for other nodes.
version          text        -   The version of the program.
started          timestamptz -   When it started.
applied_epoch    int8        -   The last epoch that it applied.
behind_entries   int8        -   Entries of the log that it lacks.
memory_bytes     int8        -   Memory in use.
disk_free_bytes  int8        -   Bytes free where the data is.`, nil},
	{"epochs", "The latest epochs: the commits, in order.", `
epoch            int8        NN  The number of the epoch.
committed        timestamptz NN  The leader's clock at the commit.
raft_index       int8        NN  The index of the entry in the log.
rows             int8        NN  The rows that clients wrote.
bytes            int8        NN  The bytes that clients wrote.
derived_rows     int8        -   The rows that continuous queries wrote.
commands         int4        NN  The changes of the catalog.
apply_us         int8        -   Microseconds from commit to visibility on this node.
checksum         text        -   The checksum of the epoch's outputs; equal on all replicas.`, nil},
	{"sessions", "The sessions of this node.", `
pid              int4        NN  The session's number, for pg_cancel_backend.
user_name        text        NN  The role that logged in.
database         text        NN  The database.
application_name text        NN  What the client calls itself.
client_address   text        -   Where the client is.
door             text        NN  wire, http or console.
state            text        NN  active, idle, idle in transaction, streaming.
statement        text        -   The current or last statement.
started          timestamptz NN  When the session began.
statement_start  timestamptz -   When that statement began.
rows_sent        int8        NN  The rows sent.
buffered_bytes   int8        NN  Bytes waiting for a slow client.`, nil},
	{"statements", "Statistics of statements, by their form without literals.", `
fingerprint      text        NN  The statement's form.
statement        text        NN  An example.
calls            int8        NN  How often it ran.
errors           int8        NN  How often it failed.
rows             int8        NN  Rows given or written.
total_ms         float8      NN  Time in all, in milliseconds.
mean_ms          float8      NN  Mean time.
p99_ms           float8      NN  Time within which 99 of 100 calls ended.
max_ms           float8      NN  Longest time.
last_call        timestamptz NN  When it ran last.`, nil},
	{"dead_letters", "Input rows that could not be read (ON_ERROR 'dead_letter').", `
received         timestamptz NN  When the row came.
target           text        NN  The relation it was meant for.
line             int8        -   The line of the input.
column_name      text        -   The column that could not be read.
sqlstate         text        NN  The SQLSTATE of the error.
error            text        NN  The error.
row              text        NN  The row as it came.
epoch            int8        -   The epoch of the batch it came with.`, nil},
	{"late_rows", "Rows that came after their window was closed.", `
epoch            int8        NN  The epoch of the row.
source           text        NN  The relation.
partition        int4        NN  The partition.
row_offset       int8        NN  The offset.
rowtime          timestamptz NN  The event time.
watermark        timestamptz NN  The watermark at that time.
value            jsonb       -   The row.`, nil},
	{"row_errors", "Rows for which an expression of a continuous query failed.", `
epoch            int8        NN  The epoch of the row.
query            text        NN  The continuous query.
sqlstate         text        NN  The SQLSTATE of the error.
error            text        NN  The error.
expression       text        NN  The call that failed, with the values of its arguments.
value            jsonb       NN  The row that the operator saw, as an array.`, nil},
	{"settings", "The settings of the session.", `
name             text        NN  The name, for SET and SHOW.
value            text        NN  The value in force.
default_value    text        NN  The value without SET.
unit             text        -   The unit of the value.
category         text        NN  What it is about.
description      text        NN  What it does.
context          text        NN  Who may change it, and when.`, millraceSettings},
	{"backfills", "The continuous queries that still read history.", `
query            text        NN  The continuous query.
target           text        NN  The relation that gets the result.
rows_done        int8        NN  Rows read so far.
rows_total       int8        NN  Rows to read.
percent          float8      NN  rows_done of rows_total.
rows_per_second  float8      -   Rows read per second.
started          timestamptz -   When it began.
eta              interval    -   The time left, at that rate.`, nil},
}

// firstMillraceView is the OID of the first view of the schema millrace.
const firstMillraceView catalog.OID = 15901

// millraceRelations makes the relations of millraceViews.
func millraceRelations() []*relation {
	var out []*relation
	for i, v := range millraceViews {
		oid := firstMillraceView + catalog.OID(i)
		r := &relation{Relation: systemRelation(catalog.MillraceSchema, v.name, oid), kind: 'v',
			rowType: derived(classRowType, oid), rows: v.rows, doc: v.doc}
		r.Comment = strings.TrimSuffix(v.doc, ".")
		for line := range strings.Lines(strings.TrimSpace(v.columns)) {
			f := strings.Fields(line)
			name, typ, notNull, doc := f[0], f[1], f[2] == "NN", strings.Join(f[3:], " ")
			if elem, ok := strings.CutSuffix(typ, "[]"); ok {
				typ = "_" + elem
			}
			r.addColumn(name, typ, notNull)
			r.Columns[len(r.Columns)-1].Comment = strings.TrimSuffix(doc, ".")
		}
		out = append(out, r)
	}
	return out
}

// columnNames names columns by ordinal, without hidden ones.
func columnNames(r *catalog.Relation, ordinals []int) types.Datum {
	list := make([]string, 0, len(ordinals))
	for _, k := range ordinals {
		if !r.Columns[k].Hidden {
			list = append(list, r.Columns[k].Name)
		}
	}
	return textArray(list)
}

// micros gives an interval, NULL for 0 or less.
func micros(us int64) types.Datum {
	if us <= 0 {
		return null
	}
	const day = 24 * 60 * 60 * 1_000_000
	if us%day == 0 {
		return types.IntervalDatum(types.IntervalValue{Days: int32(us / day)})
	}
	return types.IntervalDatum(types.IntervalValue{Micros: us})
}

func positive(n int64) types.Datum {
	if n <= 0 {
		return null
	}
	return long(n)
}

// queryName gives the name of a continuous query, NULL for none.
func (s *scan) queryName(oid catalog.OID) types.Datum {
	if q := s.snapshot().Query(oid); q != nil {
		return text(q.Name)
	}
	return null
}

// stats gives the rows and bytes of a relation, NULL when they are not known.
func (s *scan) stats(oid catalog.OID) (rows, bytes types.Datum) {
	if s.ctx.Stats == nil {
		return null, null
	}
	st, ok := s.ctx.Stats(oid)
	if !ok {
		return null, null
	}
	return long(st.Rows), long(st.Bytes)
}

func (s *scan) eachRelation(kind catalog.RelationKind, f func(r *catalog.Relation) error) error {
	for _, r := range s.snapshot().Relations() {
		if r.Kind != kind || !s.wantsName("schema", r.Schema) || !s.wantsName("name", r.Name) {
			continue
		}
		if err := f(r); err != nil {
			return err
		}
	}
	return nil
}

func millraceStreams(s *scan) error {
	out := s.columns(`schema name oid key partitions time_column watermark grace retention
		retention_bytes query rows bytes owner comment created_epoch`)
	return s.eachRelation(catalog.KindStream, func(r *catalog.Relation) error {
		timeColumn := null
		if r.TimeColumn >= 0 {
			timeColumn = text(r.Columns[r.TimeColumn].Name)
		}
		rows, bytes := s.stats(r.OID)
		return out.write(text(r.Schema), text(r.Name), oidDatum(r.OID), columnNames(r, r.Key),
			integer(r.Partitions), timeColumn, orNull(r.Watermark), micros(r.GraceMicros),
			micros(r.RetentionMicros), positive(r.RetentionBytes), s.queryName(r.Query), rows,
			bytes, text(r.Owner), orNull(r.Comment), long(int64(r.Created)))
	})
}

func millraceTables(s *scan) error {
	out := s.columns(`schema name oid key partitions on_conflict ttl query rows bytes owner comment
		created_epoch`)
	return s.eachRelation(catalog.KindTable, func(r *catalog.Relation) error {
		rows, bytes := s.stats(r.OID)
		return out.write(text(r.Schema), text(r.Name), oidDatum(r.OID), columnNames(r, r.Key),
			integer(r.Partitions), orNull(r.OnConflict), micros(r.TTLMicros),
			s.queryName(r.Query), rows, bytes, text(r.Owner), orNull(r.Comment),
			long(int64(r.Created)))
	})
}

func millraceViewRows(s *scan) error {
	out := s.columns(`schema name oid materialized definition key append_only depends_on query
		state rows bytes owner comment created_epoch`)
	n := s.g.names(s.ctx)
	return n.eachView(func(r *catalog.Relation) error {
		state, query := null, n.s.Query(r.Query)
		if query != nil {
			state = text(query.State.String())
		}
		rows, bytes := null, null
		if r.Kind == catalog.KindMaterializedView {
			rows, bytes = s.stats(r.OID)
		}
		return out.write(text(r.Schema), text(r.Name), oidDatum(r.OID),
			boolean(r.Kind == catalog.KindMaterializedView), text(r.Definition),
			columnNames(r, r.Key), boolean(r.AppendOnly), n.relationNames(r.DependsOn),
			s.queryName(r.Query), state, rows, bytes, text(r.Owner), orNull(r.Comment),
			long(int64(r.Created)))
	})
}

// relationNames names the relations among some OIDs.
func (n *names) relationNames(oids []catalog.OID) types.Datum {
	var list []string
	for _, oid := range oids {
		if c := n.class(oid); c != nil {
			list = append(list, n.className(c))
		}
	}
	return textArray(list)
}

func millraceQueries(s *scan) error {
	out := s.columns(`name oid state error sqlstate target sources sql statement on_error
		created_epoch active_epoch`)
	n := s.g.names(s.ctx)
	for _, q := range n.s.Queries() {
		target := ""
		if c := n.class(q.Target); c != nil {
			target = n.className(c)
		}
		err := out.write(text(q.Name), oidDatum(q.OID), text(q.State.String()), orNull(q.Error),
			orNull(q.SQLState), text(target), n.relationNames(q.Sources), text(q.SQL),
			text(q.Statement), text(q.OnError), long(int64(q.Created)),
			positive(int64(q.Active)))
		if err != nil {
			return err
		}
	}
	return nil
}

func millraceSettings(s *scan) error {
	if s.ctx.Settings == nil {
		return nil
	}
	out := s.columns("name value default_value unit category description context")
	for _, x := range s.ctx.Settings() {
		err := out.write(text(x.Name), text(x.Value), text(x.BootVal), orNull(x.Unit),
			text(x.Category), text(x.ShortDesc), text(x.Context))
		if err != nil {
			return err
		}
	}
	return nil
}

// Document writes the reference page of the views of the schema millrace.
func (g *Registry) Document() string {
	var b strings.Builder
	b.WriteString("# System views\n\nThe views of the schema `millrace` tell the state of the " +
		"server. They can be read like any\nother view. `pg_catalog` and `information_schema` " +
		"have PostgreSQL 15's relations.\n")
	for _, v := range millraceViews {
		r := g.byName[catalog.MillraceSchema][v.name]
		b.WriteString("\n## millrace." + r.Name + "\n\n" + r.doc +
			"\n\n| column | type | meaning |\n|---|---|---|\n")
		for _, c := range r.Columns {
			b.WriteString("| `" + c.Name + "` | " + c.Type.String() + " | " + c.Comment + " |\n")
		}
	}
	return b.String()
}
