package system

import (
	"strconv"
	"strings"
	"sync"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// static is what is the same in every database. It is read from the recordings
// when it is first asked for: most sessions never do.
type static struct {
	mu     sync.Mutex
	tables map[catalog.OID][][]types.Datum // parsed recordings, by relation

	typesOnce func() *typeTable
	procsOnce func() *procTable

	operatorsOnce func() *operatorTable
}

func (t *static) init() {
	t.tables = map[catalog.OID][][]types.Datum{}
	t.typesOnce = sync.OnceValue(readTypes)
	t.procsOnce = sync.OnceValue(readProcs)
	t.operatorsOnce = sync.OnceValue(readOperators)
}

func (g *Registry) types() *typeTable { return g.static.typesOnce() }
func (g *Registry) procs() *procTable { return g.static.procsOnce() }

// recordedRows gives the recorded rows of a relation, in its columns' types. The
// result is shared and not to be changed.
func (g *Registry) recordedRows(r *relation) [][]types.Datum {
	g.static.mu.Lock()
	defer g.static.mu.Unlock()
	if rows, ok := g.static.tables[r.OID]; ok {
		return rows
	}
	var rows [][]types.Datum
	eachRecorded(r.Name, func(fields []string) {
		row := make([]types.Datum, len(r.Columns))
		for i, f := range fields {
			row[i] = parseRecorded(r.Columns[i].Type, f)
		}
		rows = append(rows, row)
	})
	g.static.tables[r.OID] = rows
	return rows
}

// recorded is the rowsFunc of relations that have just the recorded rows.
func recorded(s *scan) error {
	for _, row := range s.g.recordedRows(s.rel) {
		if err := s.emit(row); err != nil {
			return err
		}
	}
	return nil
}

// unescape undoes the escapes of COPY's text format that occur in recordings.
var unescape = strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n")

// parseRecorded reads one field of a recording.
func parseRecorded(t types.Type, field string) types.Datum {
	if field == `\N` {
		return types.NullDatum
	}
	if strings.Contains(field, `\`) {
		field = unescape.Replace(field)
	}
	return mustParse(t, field)
}

// typeRow is what is known of a built-in type.
type typeRow struct {
	oid, namespace, elem, array, base, collation catalog.OID
	name                                         string
	typtype, category, align, storage            byte
	length                                       int
	byValue                                      bool
}

// typeTable finds built-in types.
type typeTable struct {
	rows   []*typeRow
	byOID  map[catalog.OID]*typeRow
	byName map[string]*typeRow
}

func (t *typeTable) named(name string) *typeRow { return t.byName[name] }

// Places of columns in pg_type's recording.
const (
	typOID, typName, typNamespace, typLen, typByVal = 0, 1, 2, 4, 5
	typType, typCategory, typElem, typArray         = 6, 7, 13, 14
	typAlign, typStorage, typBase, typCollation     = 22, 23, 25, 28
)

func readTypes() *typeTable {
	t := &typeTable{byOID: map[catalog.OID]*typeRow{}, byName: map[string]*typeRow{}}
	eachRecorded("pg_type", func(f []string) {
		r := &typeRow{oid: mustOID(f[typOID]), name: f[typName],
			namespace: mustOID(f[typNamespace]), typtype: f[typType][0],
			category: f[typCategory][0], elem: mustOID(f[typElem]), array: mustOID(f[typArray]),
			base: mustOID(f[typBase]), collation: mustOID(f[typCollation]),
			align: f[typAlign][0], storage: f[typStorage][0], byValue: f[typByVal] == "t"}
		r.length, _ = strconv.Atoi(f[typLen])
		t.rows = append(t.rows, r)
		t.byOID[r.oid] = r
		t.byName[r.name] = r
	})
	return t
}
