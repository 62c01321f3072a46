package system

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

var rewriteFiles = flag.Bool("rewrite", false, "write actual results into testdata")

const testdata = "../../testdata/catalog/system"

// golden compares got with a file of testdata.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *rewriteFiles {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs: run with -rewrite and read the diff\n%s", file,
			firstDifference(got, string(want)))
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}

// TestColumnsArePostgreSQLs compares every relation's columns with those that a
// PostgreSQL 15 server told through its wire protocol's view of types: a domain
// is its base type. pg15-columns.golden is the output of pg15-columns.sql.
func TestColumnsArePostgreSQLs(t *testing.T) {
	want, err := os.ReadFile(filepath.Join(testdata, "pg15-columns.golden"))
	if err != nil {
		t.Fatal(err)
	}
	g := NewRegistry()
	seen := 0
	for line := range strings.Lines(string(want)) {
		// schema relation oid column attnum basetype notnull
		f := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		r := g.Lookup(f[0], f[1])
		if r == nil {
			t.Errorf("%s.%s is missing", f[0], f[1])
			continue
		}
		var i int
		fmt.Sscan(f[4], &i)
		if i > len(r.Columns) {
			t.Errorf("%s.%s has %d columns", f[0], f[1], len(r.Columns))
			continue
		}
		c := r.Columns[i-1]
		got := fmt.Sprintf("%s|%s|%d|%s|%d|%s|%v", f[0], f[1], r.OID, c.Name, i,
			wireType(g, f[0], f[1], i), map[bool]string{true: "t", false: "f"}[c.NotNull])
		if got != strings.TrimSuffix(line, "\n") {
			t.Errorf("got %s, want %s", got, line)
		}
		seen++
	}
	columns := 0
	for _, schema := range []string{catalog.PgCatalogSchema, catalog.InformationSchema} {
		for _, name := range g.Names(schema) {
			columns += len(g.Lookup(schema, name).Columns)
		}
	}
	if seen != columns {
		t.Errorf("%d columns in the golden file, %d in the registry", seen, columns)
	}
}

// wireType gives the type name of a column as a client sees it, or the declared
// one if Millrace stores another in its place.
func wireType(g *Registry, schema, name string, number int) string {
	r := g.byName[schema][name]
	declared := r.declared[number-1]
	if standIns[declared].Kind == types.Text {
		return declared
	}
	return r.Columns[number-1].Type.TypName()
}

// sample makes a catalog with an object of every kind.
func sample(t testing.TB) *catalog.Snapshot {
	t.Helper()
	s := catalog.New()
	apply := func(c catalog.Command) catalog.OID {
		next, change, err := s.Apply(s.Version+1, c)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		s = next
		return change.OID
	}
	col := func(name string, typ types.Type) catalog.Column {
		return catalog.Column{Name: name, Type: typ}
	}
	text, int4 := types.Of(types.Text), types.Of(types.Int4)
	apply(&catalog.CreateRole{Role: catalog.Role{Name: "alice", CanLogin: true, Secret: "SCRAM"}})
	apply(&catalog.CreateRole{Role: catalog.Role{Name: "staff", MemberOf: []string{"alice"}}})
	apply(&catalog.CreateSchema{Name: "shop"})
	mood := apply(&catalog.CreateType{Type: catalog.UserType{Schema: "public", Name: "mood",
		Labels: []string{"sad", "ok"}, Base: text, Comment: "how it is"}})
	apply(&catalog.CreateType{Type: catalog.UserType{Schema: "public", Name: "positive",
		Base: types.Of(types.Numeric).WithTypmod(types.NumericTypmod(12, 2)), NotNull: true,
		Checks: []catalog.Check{{Name: "positive_check", Expr: "value > 0"}}}})
	apply(&catalog.CreateType{Type: catalog.UserType{Schema: "shop", Name: "pair",
		Base: types.Type{Kind: types.Struct, Fields: []types.Field{{Name: "a", Type: int4},
			{Name: "b", Type: text}}}}})
	stream := catalog.Relation{Schema: "public", Name: "clicks", Kind: catalog.KindStream,
		Partitions: 6, TimeColumn: 1, GraceMicros: 5_000_000, RetentionMicros: 7 * 86_400_000_000,
		Key: []int{0}, Options: []catalog.Option{{Name: "partitions", Value: "6"}},
		Columns: []catalog.Column{col("user_id", types.Of(types.Int8)),
			col("at", types.Of(types.Timestamptz)), col("tags", types.ArrayOf(text)),
			col("doc", types.Of(types.JSONB))}}
	clicks := apply(&catalog.CreateRelation{Relation: stream})
	table := catalog.Relation{Schema: "shop", Name: "Orders", Kind: catalog.KindTable, Partitions: 6,
		TimeColumn: -1, GraceMicros: -1, OnConflict: "upsert", Key: []int{0}, Owner: "alice",
		Comment: "what was bought", Checks: []catalog.Check{{Name: "total_check", Expr: "total >= 0"}},
		Columns: []catalog.Column{
			{Name: "id", Type: int4, NotNull: true, Identity: 'd'},
			{Name: "item", Type: types.Of(types.Varchar).WithTypmod(24), Default: "'none'::text",
				Comment: "what"},
			{Name: "total", Type: types.Of(types.Numeric).WithTypmod(types.NumericTypmod(12, 2))},
			{Name: "feel", Type: text, UserType: mood},
			{Name: "twice", Type: int4, Default: "id * 2", Generated: true},
			{Name: "old", Type: text, Dropped: true}}}
	orders := apply(&catalog.CreateRelation{Relation: table, Companions: []catalog.Relation{
		{Schema: "shop", Name: "Orders_id_seq", Kind: catalog.KindSequence, TimeColumn: -1,
			Sequence: &catalog.Sequence{Start: 1, Increment: 1, Min: 1, Max: 1<<63 - 1}},
		{Schema: "shop", Name: "Orders_item_key", Kind: catalog.KindIndex, TimeColumn: -1,
			IndexColumns: []int{1, 2}, Unique: true}}})
	apply(&catalog.CreateRelation{Relation: catalog.Relation{Schema: "public", Name: "big_orders",
		Kind: catalog.KindView, TimeColumn: -1, Columns: []catalog.Column{col("id", int4)},
		Definition: "SELECT id FROM shop.\"Orders\" WHERE total > 100",
		DependsOn:  []catalog.OID{orders}}})
	apply(&catalog.CreateRelation{Query: &catalog.Query{SQL: "SELECT count(*) FROM clicks",
		Sources: []catalog.OID{clicks}, OnError: "null"},
		Relation: catalog.Relation{Schema: "public", Name: "per_user", Kind: catalog.KindMaterializedView,
			TimeColumn: -1, Partitions: 6, Key: []int{0},
			Columns: []catalog.Column{col("user_id", types.Of(types.Int8)),
				col("n", types.Of(types.Int8))},
			Definition: "SELECT user_id, count(*) FROM clicks GROUP BY user_id",
			DependsOn:  []catalog.OID{clicks}}})
	apply(&catalog.CreateFunction{Func: catalog.UserFunc{Schema: "public", Name: "add_one",
		ArgNames: []string{"x"}, Args: []types.Type{int4}, Ret: int4, Body: "SELECT x + 1",
		Strict: true, Volatile: 'i', Comment: "adds one"}})
	apply(&catalog.GrantCommand{Grants: []catalog.Grant{
		{Object: orders, Kind: "table", Role: "staff", Privilege: "SELECT", Option: true},
		{Object: orders, Kind: "table", Role: "public", Privilege: "INSERT"}}})
	return s
}

func sampleContext(t testing.TB) *Context {
	t.Helper()
	return &Context{Snapshot: sample(t), User: "millrace", Database: "millrace",
		SearchPath: []string{"$user", "public"},
		Now:        1_700_000_000_000_000,
		Settings: func() []Setting {
			return []Setting{{Name: "time_zone", Value: "UTC", Category: "Client", ShortDesc: "Zone.",
				Context: "user", VarType: "string", BootVal: "GMT", ResetVal: "UTC",
				EnumVals: []string{"UTC"}}}
		}}
}

// rowsOf collects the rows of a relation.
func rowsOf(t *testing.T, g *Registry, ctx *Context, r *catalog.Relation,
	hints []Hint) [][]types.Datum {
	t.Helper()
	p, ok := g.ProviderOf(r.OID)
	if !ok {
		t.Fatalf("no provider of %s", r.Name)
	}
	var out [][]types.Datum
	err := p.Rows(ctx, hints, func(row []types.Datum) error {
		out = append(out, slices.Clone(row))
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", r.Name, err)
	}
	return out
}

// TestEveryRelation reads all of them: rows are complete, NOT NULL columns have
// values, and batches can hold the values.
func TestEveryRelation(t *testing.T) {
	g, ctx := NewRegistry(), sampleContext(t)
	for _, schema := range []string{catalog.PgCatalogSchema, catalog.InformationSchema,
		catalog.MillraceSchema} {
		for _, name := range g.Names(schema) {
			r := g.Lookup(schema, name)
			rows := rowsOf(t, g, ctx, r, nil)
			for _, row := range rows {
				for i, c := range r.Columns {
					if c.NotNull && row[i].Null {
						t.Fatalf("%s.%s.%s is NULL", schema, name, c.Name)
					}
				}
			}
			checkFill(t, g, ctx, r, len(rows))
		}
	}
}

// checkFill runs the provider into batches and reads every value as text.
func checkFill(t *testing.T, g *Registry, ctx *Context, r *catalog.Relation, want int) {
	t.Helper()
	ts := make([]types.Type, len(r.Columns))
	for i, c := range r.Columns {
		ts[i] = c.Type
	}
	p, _ := g.ProviderOf(r.OID)
	got := 0
	err := Fill(p, ctx, nil, ts, func(b *batch.Batch) error {
		got += b.Rows()
		for i := range b.N {
			for _, v := range b.Cols {
				if !v.IsNull(i) {
					types.AppendText(nil, nil, v.Type, v.Datum(i))
				}
			}
		}
		return nil
	})
	if err != nil || got != want {
		t.Errorf("%s: Fill gave %d rows of %d, %v", r.Name, got, want, err)
	}
}

// TestHints compares the rows under a hint with those of a full read.
func TestHints(t *testing.T) {
	g, ctx := NewRegistry(), sampleContext(t)
	for _, c := range []struct{ relation, column string }{
		{"pg_class", "oid"}, {"pg_class", "relname"}, {"pg_class", "relnamespace"},
		{"pg_attribute", "attrelid"}, {"pg_attribute", "attname"}, {"pg_attrdef", "adrelid"},
		{"pg_index", "indrelid"}, {"pg_index", "indexrelid"}, {"pg_constraint", "conrelid"},
		{"pg_constraint", "oid"}, {"pg_type", "oid"}, {"pg_type", "typname"},
		{"pg_description", "objoid"}, {"pg_rewrite", "ev_class"}, {"pg_depend", "refobjid"},
		{"pg_enum", "enumtypid"}, {"pg_proc", "oid"}, {"pg_proc", "proname"},
		{"pg_tables", "tablename"},
	} {
		r := g.Lookup("pg_catalog", c.relation)
		column := r.ColumnIndex(c.column)
		all := rowsOf(t, g, ctx, r, nil)
		values := map[types.Datum]bool{}
		for _, row := range all {
			if len(values) < 60 || row[column].I >= int64(catalog.FirstUserOID) {
				values[row[column]] = true
			}
		}
		for v := range values {
			hinted := rowsOf(t, g, ctx, r, []Hint{{Column: column, Values: []types.Datum{v}}})
			if got, want := matching(hinted, column, v), matching(all, column, v); got != want {
				t.Errorf("%s with hint %s = %+v: %d rows, want %d", c.relation, c.column, v, got, want)
			}
			if len(values) > 50 && len(hinted) > len(all)/2 && c.relation != "pg_type" &&
				c.relation != "pg_proc" && c.column != "relnamespace" {
				t.Errorf("%s: hint on %s leaves %d of %d rows", c.relation, c.column, len(hinted), len(all))
			}
		}
	}
}

func matching(rows [][]types.Datum, column int, v types.Datum) int {
	n := 0
	for _, row := range rows {
		if row[column] == v {
			n++
		}
	}
	return n
}

func TestRegister(t *testing.T) {
	g := NewRegistry()
	one := ProviderFunc(func(_ *Context, _ []Hint, emit func([]types.Datum) error) error {
		row := make([]types.Datum, 7)
		return emit(row)
	})
	for _, name := range []string{"lag", "pg_catalog.pg_cursors"} {
		if err := g.Register(name, one); err != nil {
			t.Errorf("Register(%s): %v", name, err)
		}
	}
	if rows := rowsOf(t, g, sampleContext(t), g.Lookup("millrace", "lag"), nil); len(rows) != 1 {
		t.Errorf("%d rows of a registered view, want 1", len(rows))
	}
	for _, name := range []string{"nothing", "pg_catalog.nothing", "public.lag"} {
		if err := g.Register(name, one); err == nil {
			t.Errorf("Register(%s) succeeded", name)
		}
	}
	if _, ok := g.ProviderOf(1); ok {
		t.Error("ProviderOf(1) exists")
	}
	if g.Lookup("public", "pg_class") != nil || g.ByOID(1259) != g.Lookup("pg_catalog", "pg_class") {
		t.Error("Lookup and ByOID disagree")
	}
}

// TestOIDsAreUnique checks what clients join on.
func TestOIDsAreUnique(t *testing.T) {
	g, ctx := NewRegistry(), sampleContext(t)
	for _, name := range []string{"pg_class", "pg_type", "pg_proc", "pg_constraint", "pg_attrdef",
		"pg_namespace", "pg_enum", "pg_rewrite", "pg_authid", "pg_operator"} {
		r := g.Lookup("pg_catalog", name)
		seen := map[int64]bool{}
		for _, row := range rowsOf(t, g, ctx, r, nil) {
			oid := row[r.ColumnIndex("oid")].I
			if seen[oid] || oid <= 0 || oid >= 1<<31 {
				t.Errorf("%s: oid %d again, or out of range", name, oid)
			}
			seen[oid] = true
		}
	}
}

// TestReferencesResolve checks that the OIDs in rows name rows.
func TestReferencesResolve(t *testing.T) {
	g, ctx := NewRegistry(), sampleContext(t)
	oids := func(name string) map[int64]bool {
		r, out := g.Lookup("pg_catalog", name), map[int64]bool{0: true}
		for _, row := range rowsOf(t, g, ctx, r, nil) {
			out[row[r.ColumnIndex("oid")].I] = true
		}
		return out
	}
	for _, c := range []struct{ relation, columns, to string }{
		{"pg_class", "relnamespace", "pg_namespace"},
		{"pg_class", "reltype", "pg_type"},
		{"pg_class", "relowner", "pg_authid"},
		{"pg_class", "relam", "pg_am"},
		{"pg_attribute", "attrelid", "pg_class"},
		{"pg_index", "indexrelid indrelid", "pg_class"},
		{"pg_constraint", "conrelid conindid", "pg_class"},
		{"pg_constraint", "contypid", "pg_type"},
		{"pg_attrdef", "adrelid", "pg_class"},
		{"pg_type", "typrelid", "pg_class"},
		{"pg_type", "typarray typelem typbasetype", "pg_type"},
		{"pg_type", "typinput typoutput typreceive typsend typmodin typmodout typsubscript", "pg_proc"},
		{"pg_type", "typnamespace", "pg_namespace"},
		{"pg_proc", "pronamespace", "pg_namespace"},
		{"pg_proc", "prolang", "pg_language"},
		{"pg_proc", "prorettype", "pg_type"},
		{"pg_operator", "oprcode", "pg_proc"},
		{"pg_operator", "oprleft oprright oprresult", "pg_type"},
		{"pg_enum", "enumtypid", "pg_type"},
	} {
		to := oids(c.to)
		r := g.Lookup("pg_catalog", c.relation)
		for column := range strings.FieldsSeq(c.columns) {
			missing := 0
			for _, row := range rowsOf(t, g, ctx, r, nil) {
				if d := row[r.ColumnIndex(column)]; !d.Null && !to[d.I] {
					if missing++; missing < 4 {
						t.Errorf("%s.%s: %d is not in %s (%v)", c.relation, column, d.I, c.to, row[1].S)
					}
				}
			}
		}
	}
}

// TestDocument keeps the reference page in step.
func TestDocument(t *testing.T) {
	golden(t, "../../docs/reference/views.md", NewRegistry().Document())
}
