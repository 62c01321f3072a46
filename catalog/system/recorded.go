package system

import (
	"bufio"
	"embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// data holds what data/record.sh recorded from PostgreSQL 15.
//
//go:embed data/*.tsv data/columns.txt
var data embed.FS

// recordedRelations reads data/columns.txt: for each relation a line
// "= schema name oid relkind reltype", and a line "name type [!]" per column,
// with ! for NOT NULL.
func recordedRelations() []*relation {
	var out []*relation
	var r *relation
	for line := range strings.Lines(mustRead("data/columns.txt")) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case f[0] == "=":
			r = &relation{
				Relation: systemRelation(f[1], f[2], mustOID(f[3])),
				kind:     f[4][0],
				rowType:  mustOID(f[5]),
			}
			out = append(out, r)
		default:
			r.addColumn(f[0], f[1], len(f) > 2)
		}
	}
	return out
}

func systemRelation(schema, name string, oid catalog.OID) *catalog.Relation {
	return &catalog.Relation{OID: oid, Schema: schema, Name: name, Kind: catalog.KindSystem,
		TimeColumn: -1, GraceMicros: -1, Owner: catalog.Superuser, SchemaVersion: 1}
}

func (r *relation) addColumn(name, typname string, notNull bool) {
	r.declared = append(r.declared, typname)
	r.Columns = append(r.Columns, catalog.Column{
		Name: name, Type: storedType(typname), NotNull: notNull})
}

// standIns are the types of recorded columns that Millrace stores as another
// type: the domains of information_schema as their base, the rest as text.
var standIns = map[string]types.Type{
	"sql_identifier":  types.Of(types.Name),
	"character_data":  types.Of(types.Varchar),
	"cardinal_number": types.Of(types.Int4),
	"yes_or_no":       types.Of(types.Varchar).WithTypmod(3 + 4),
	"time_stamp":      types.Of(types.Timestamptz),
	"anyarray":        types.Of(types.Text),
	"inet":            types.Of(types.Text),
	"pg_lsn":          types.Of(types.Text),
	"pg_ndistinct":    types.Of(types.Text),
	"pg_dependencies": types.Of(types.Text),
	"pg_mcv_list":     types.Of(types.Text),
	"_pg_statistic":   types.Of(types.Text),
	"char":            types.Of(types.Char),
	"_char":           types.ArrayOf(types.Of(types.Char)),
}

// storedType gives the type of a column by its typname.
func storedType(typname string) types.Type {
	if t, ok := standIns[typname]; ok {
		return t
	}
	if elem, ok := strings.CutPrefix(typname, "_"); ok {
		return types.ArrayOf(storedType(elem))
	}
	t, err := types.ByName(typname, nil)
	if err != nil {
		panic(fmt.Sprintf("recorded type %s: %v", typname, err))
	}
	return t
}

func mustRead(file string) string {
	b, err := data.ReadFile(file)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func mustOID(s string) catalog.OID {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		panic(err)
	}
	return catalog.OID(n)
}

// eachRecorded reads a file in COPY's text format, line by line; null fields are
// \N.
func eachRecorded(file string, row func(fields []string)) {
	f, err := data.Open("data/" + file + ".tsv")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		row(strings.Split(lines.Text(), "\t"))
	}
	if err := lines.Err(); err != nil {
		panic(err)
	}
}
