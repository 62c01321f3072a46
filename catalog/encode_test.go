package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/types"
)

// goldenCommands has every kind of command, with every shape of type.
func goldenCommands() []Command {
	numeric := types.Of(types.Numeric).WithTypmod(types.NumericTypmod(12, 2))
	nested := types.Type{Kind: types.Struct, Fields: []types.Field{
		{Name: "m", Type: types.MapOf(types.Of(types.Text), numeric)},
		{Name: "a", Type: types.ArrayOf(types.ArrayOf(types.Of(types.Int4)))},
	}}
	relation := Relation{Schema: "public", Name: "s <&>", Kind: KindStream, TimeColumn: -1,
		Columns: []Column{{Name: "a", Type: types.Of(types.Int8), NotNull: true},
			{Name: "n", Type: nested, Default: "'{}'"}},
		Key: []int{0}, Partitions: 6, GraceMicros: 5_000_000, Options: []Option{{"partitions", "6"}},
		Reads: []ColumnUse{{16384, []int{0, 2}}}, DependsOn: []OID{16384},
		Checks: []Check{{Name: "c", Expr: "a > 0"}}, SearchPath: []string{"public"}}
	query := Query{SQL: "SELECT 1", Statement: "select 1;", Sources: []OID{16384}, OnError: "null"}
	index := Relation{Name: "i", Kind: KindIndex, IndexColumns: []int{0}, Unique: true}
	sequence := Relation{Name: "q", Kind: KindSequence,
		Sequence: &Sequence{Start: 1, Increment: 1, Min: 1, Max: 1<<63 - 1, OwnedColumn: 1}}
	return []Command{
		&CreateRelation{Relation: relation, Query: &query, Companions: []Relation{index, sequence}},
		&CreateQuery{Query: query},
		&DropObjects{Kind: KindView, Names: []QualifiedName{{"public", "v"}}, Cascade: true},
		&AlterRelation{Relation: relation, From: 7, Rewrites: []Rewrite{{16385, "SELECT 2"}}},
		&RenameRelation{OID: 16384, Schema: "s", NewName: "n"},
		&CreateSchema{Name: "s", Owner: "millrace", IfNotExists: true},
		&DropSchema{Names: []string{"s"}, IfExists: true, Cascade: true},
		&RenameSchema{Name: "s", NewName: "t"},
		&SetSchemaOwner{Name: "s", Owner: "r"},
		&SetQueryState{OID: 16386, State: QueryFailed, Error: "division by zero", SQLState: "22012"},
		&DropQuery{OID: 16386},
		&Truncate{OIDs: []OID{16384}, Cascade: true},
		&SetComment{Class: "relation", OID: 16384, Column: -1, Comment: "x"},
		&CreateRole{Role: Role{Name: "r", CanLogin: true, Secret: "SCRAM-SHA-256$...",
			MemberOf: []string{"team"}, Settings: []Option{{"time_zone", "UTC"}}}},
		&DropRole{Names: []string{"r"}},
		&CreateType{Type: UserType{Schema: "public", Name: "mood", Labels: []string{"sad", "ok"},
			Base: types.Of(types.Text)}},
		&DropType{Names: []QualifiedName{{"public", "mood"}}},
		&CreateFunction{Func: UserFunc{Schema: "public", Name: "f", ArgNames: []string{"a"},
			Args: []types.Type{numeric}, Ret: types.Of(types.Timestamptz), Body: "SELECT now()",
			Strict: true, Volatile: 's'}},
		&DropFunction{Names: []QualifiedName{{"public", "f"}}, Args: [][]types.Type{{numeric}}},
		&GrantCommand{Grants: []Grant{{16384, "table", "r", "SELECT", true}}, Revoke: true},
		&Batch{NextOID: 16390, Commands: []Command{&DropQuery{OID: 1}, &DropRole{Names: []string{"r"}}}},
		&CreateSystemStream{Relation: Relation{Schema: "millrace", Name: "x", Kind: KindStream,
			TimeColumn: -1, Partitions: 1, GraceMicros: -1}},
		&Block{Steps: []Step{{Command: &CreateSchema{Name: "s"}, From: 16400, To: 16401},
			{Command: &AlterRelation{Relation: sequence, From: 1}, From: 16401, To: 16401,
				Keep: []OID{16384}}},
			Uses: []Use{{OID: 16384, SchemaVersion: 2}, {OID: 16385, SchemaVersion: 1, Sum: 77}}},
		&ReserveOIDs{Count: 64},
	}
}

// TestCommandFormat holds the stored form of commands still: bytes that are in
// somebody's log must be read for ever.
func TestCommandFormat(t *testing.T) {
	file := filepath.Join(testdata, "commands-v1.golden")
	var b strings.Builder
	for _, c := range goldenCommands() {
		enc, err := EncodeCommand(c)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%d %d %s\n", enc[0], enc[1], enc[2:])
		back, err := DecodeCommand(enc)
		if err != nil {
			t.Fatalf("%T: %v", c, err)
		}
		if !reflect.DeepEqual(back, c) {
			t.Errorf("%T came back as %+v, want %+v", c, back, c)
		}
	}
	if len(goldenCommands()) != len(commandKinds) {
		t.Errorf("%d kinds in the golden file, want %d", len(goldenCommands()), len(commandKinds))
	}
	if *rewriteFiles {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("format of commands changed:\n%s\nwant\n%s", b.String(), want)
	}
}

// TestSnapshotFormat holds the stored form of a catalog still.
func TestSnapshotFormat(t *testing.T) {
	s := New()
	for i, c := range []Command{
		&CreateSchema{Name: "shop"},
		&CreateRole{Role: Role{Name: "alice", CanLogin: true}},
		&CreateRelation{Relation: Relation{Schema: "shop", Name: "orders", Kind: KindStream,
			Columns: []Column{{Name: "id", Type: types.Of(types.Int8)}}, TimeColumn: -1,
			Partitions: 6}},
		&CreateRelation{Relation: Relation{Schema: "public", Name: "n", TimeColumn: -1,
			Kind: KindMaterializedView, Columns: []Column{{Name: "n", Type: types.Of(types.Int8)}},
			Definition: "SELECT count(*) FROM shop.orders", DependsOn: []OID{16386}},
			Query: &Query{SQL: "SELECT count(*) FROM shop.orders", Sources: []OID{16386}}},
		&CreateType{Type: UserType{Schema: "shop", Name: "mood", Labels: []string{"sad"},
			Base: types.Of(types.Text)}},
		&CreateFunction{Func: UserFunc{Schema: "shop", Name: "f", Ret: types.Of(types.Int4),
			Body: "SELECT 1"}},
		&GrantCommand{Grants: []Grant{{16386, "table", "alice", "SELECT", false}}},
	} {
		next, _, err := s.Apply(Version(i+1), c)
		if err != nil {
			t.Fatal(err)
		}
		s = next
	}
	got := append(mustEncode(t, s)[1:], '\n')
	file := filepath.Join(testdata, "snapshot-v1.golden")
	if *rewriteFiles {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("format of catalogs changed:\n%s\nwant\n%s", got, want)
	}
	// Enums were once stored as labels without places.
	labels, err := os.ReadFile(filepath.Join(testdata, "snapshot-v1-labels.golden"))
	if err != nil {
		t.Fatal(err)
	}
	for _, stored := range [][]byte{want, labels} {
		back, err := DecodeSnapshot(append([]byte{snapshotFormat}, stored...))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(mustEncode(t, back), mustEncode(t, s)) {
			t.Error("the golden catalog came back as another one")
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, in := range []string{"", "\x01", "\x02\x03{}", "\x01\xff{}"} {
		if _, err := DecodeCommand([]byte(in)); !errors.Is(err, ErrFormat) {
			t.Errorf("DecodeCommand(%q) = %v, want ErrFormat", in, err)
		}
	}
	for _, in := range []string{"\x01\x03{", "\x01\x03{\"Nmaes\":[]}", "\x01\x03{} {}",
		"\x01\x11{\"Func\":{\"Ret\":\"int5\"}}"} {
		if _, err := DecodeCommand([]byte(in)); err == nil {
			t.Errorf("DecodeCommand(%q) succeeded", in)
		}
	}
	for _, in := range []string{"", "\x02{}", "\x01{", "\x01{\"Tables\":[]}"} {
		if err := NewMachine().Restore([]byte(in)); err == nil {
			t.Errorf("Restore(%q) succeeded", in)
		}
	}
	if _, err := EncodeCommand(nil); !errors.Is(err, ErrFormat) {
		t.Errorf("EncodeCommand(nil) = %v, want ErrFormat", err)
	}
}

// TestTypesRoundTrip stores every built-in type.
func TestTypesRoundTrip(t *testing.T) {
	for _, typ := range types.Builtin() {
		f := &CreateFunction{Func: UserFunc{Ret: typ, Args: []types.Type{types.ArrayOf(typ)}}}
		enc, err := EncodeCommand(f)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeCommand(enc)
		if err != nil || !reflect.DeepEqual(back, f) {
			t.Errorf("%s: %+v, %v", typ, back, err)
		}
	}
}

// TestSnapshotsAreImmutable applies commands to one snapshot again and again: it
// must stay as it was, and the outcome must be the same.
func TestSnapshotsAreImmutable(t *testing.T) {
	s := New()
	table := &CreateRelation{Relation: Relation{Schema: "public", Name: "t", Kind: KindTable,
		TimeColumn: -1, Columns: []Column{{Name: "a", Type: types.Of(types.Int4)}}}}
	s, _, err := s.Apply(1, table)
	if err != nil {
		t.Fatal(err)
	}
	before, oid := mustEncode(t, s), s.Lookup("public", "t").OID
	commands := []Command{
		&DropObjects{Kind: KindTable, Names: []QualifiedName{{"public", "t"}}},
		&CreateSchema{Name: "x"},
		&CreateRole{Role: Role{Name: "x"}},
		&GrantCommand{Grants: []Grant{{oid, "table", "postgres", "SELECT", false}}},
		&SetComment{Class: "relation", OID: oid, Column: 0, Comment: "c"},
		&CreateFunction{Func: UserFunc{Schema: "public", Name: "f", Ret: types.Of(types.Int4)}},
		&CreateType{Type: UserType{Schema: "public", Name: "e"}},
	}
	for _, c := range commands {
		var last []byte
		for range 2 {
			next, _, err := s.Apply(2, c)
			if err != nil {
				t.Fatalf("%T: %v", c, err)
			}
			enc := mustEncode(t, next)
			if bytes.Equal(enc, before) || last != nil && !bytes.Equal(enc, last) {
				t.Errorf("%T gives %s", c, enc)
			}
			last = enc
		}
		if !bytes.Equal(mustEncode(t, s), before) {
			t.Fatalf("%T changed its input", c)
		}
	}
}

func mustEncode(t *testing.T, s *Snapshot) []byte {
	t.Helper()
	b, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestQuoteIdent(t *testing.T) {
	for in, want := range map[string]string{"a": "a", "a1_$": "a1_$", "1a": `"1a"`, "A": `"A"`,
		"": `""`, "a b": `"a b"`, `a"b`: `"a""b"`, "select": `"select"`, "name": "name",
		"é": `"é"`, "_x": "_x", "$a": `"$a"`} {
		if got := QuoteIdent(in); got != want {
			t.Errorf("QuoteIdent(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestFreeName(t *testing.T) {
	s := New()
	long := strings.Repeat("x", 62) + "é"
	for _, want := range []string{strings.Repeat("x", 62), strings.Repeat("x", 62) + "1"} {
		got := s.FreeName("public", long)
		if got != want {
			t.Fatalf("FreeName = %q, want %q", got, want)
		}
		next, _, err := s.Apply(1, &CreateRelation{Relation: Relation{Schema: "public", Name: got,
			Kind: KindTable, TimeColumn: -1}})
		if err != nil {
			t.Fatal(err)
		}
		s = next
	}
}

func TestEffectivePath(t *testing.T) {
	s := New()
	for _, c := range []struct {
		path []string
		user string
		want string
	}{
		{[]string{"$user", "public"}, "millrace", "pg_catalog,public"},
		{[]string{"$user", "public"}, "public", "pg_catalog,public"},
		{[]string{"public", "pg_catalog", "nothing"}, "bob", "public,pg_catalog"},
		{[]string{"millrace"}, "bob", "pg_catalog,millrace"},
		{nil, "bob", "pg_catalog"},
	} {
		if got := strings.Join(s.EffectivePath(c.path, c.user), ","); got != c.want {
			t.Errorf("EffectivePath(%v, %s) = %s, want %s", c.path, c.user, got, c.want)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	s := New()
	for i := range 1000 {
		s, _, _ = s.Apply(1, &CreateRelation{Relation: Relation{Schema: "public",
			Name: fmt.Sprint("t", i), Kind: KindTable, TimeColumn: -1}})
	}
	cmd := &CreateRelation{Relation: Relation{Schema: "public", Name: "x", Kind: KindTable,
		TimeColumn: -1}}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Apply(2, cmd); err != nil {
			b.Fatal(err)
		}
	}
}
