package system

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// Registry knows the virtual relations of one node. It is safe for concurrent
// use; Register is meant for the start of a node.
type Registry struct {
	byName map[string]map[string]*relation // schema, name
	byOID  map[catalog.OID]*relation
	static static

	mu        sync.RWMutex
	providers map[catalog.OID]Provider // registered ones
}

// relation is one virtual relation.
type relation struct {
	*catalog.Relation
	kind    byte        // relkind: 'r' or 'v'
	rowType catalog.OID // pg_class.reltype
	// declared are the columns' types as PostgreSQL has them. Types of Relation
	// are what Millrace stores them as: a domain's base, or text for a type that
	// it does not have.
	declared []string
	index    map[string]int // of columns by name
	rows     rowsFunc       // nil: always empty, or registered
	doc      string         // one sentence, of millrace views

	once  sync.Once
	class *classRow
}

// rowsFunc emits the rows of one virtual relation.
type rowsFunc func(s *scan) error

// NewRegistry makes a registry with all virtual relations.
func NewRegistry() *Registry {
	g := &Registry{
		byName:    map[string]map[string]*relation{},
		byOID:     map[catalog.OID]*relation{},
		providers: map[catalog.OID]Provider{},
	}
	g.static.init()
	for _, r := range recordedRelations() {
		g.add(r)
	}
	for _, r := range millraceRelations() {
		g.add(r)
	}
	for name, rows := range builtinRows() {
		schema, table, _ := strings.Cut(name, ".")
		g.byName[schema][table].rows = rows
	}
	return g
}

func (g *Registry) add(r *relation) {
	r.index = map[string]int{}
	for i, c := range r.Columns {
		r.index[c.Name] = i
	}
	if g.byName[r.Schema] == nil {
		g.byName[r.Schema] = map[string]*relation{}
	}
	g.byName[r.Schema][r.Name] = r
	g.byOID[r.OID] = r
}

// Lookup finds a virtual relation, or nil.
func (g *Registry) Lookup(schema, name string) *catalog.Relation {
	if r := g.byName[schema][name]; r != nil {
		return r.Relation
	}
	return nil
}

// ByOID gives a virtual relation, or nil.
func (g *Registry) ByOID(oid catalog.OID) *catalog.Relation {
	if r := g.byOID[oid]; r != nil {
		return r.Relation
	}
	return nil
}

// Names lists the virtual relations of a schema by name.
func (g *Registry) Names(schema string) []string {
	out := make([]string, 0, len(g.byName[schema]))
	for name := range g.byName[schema] {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// relations lists all virtual relations by OID.
func (g *Registry) relations() []*relation {
	out := make([]*relation, 0, len(g.byOID))
	for _, r := range g.byOID {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b *relation) int { return int(a.OID) - int(b.OID) })
	return out
}

// Register sets who makes the rows of a virtual relation: a view of the millrace
// schema by its bare name, one of pg_catalog with the schema in front. Its
// columns are fixed here; asking for one that does not exist is an error.
func (g *Registry) Register(name string, p Provider) error {
	schema, table, qualified := strings.Cut(name, ".")
	if !qualified {
		schema, table = catalog.MillraceSchema, name
	}
	r := g.byName[schema][table]
	if r == nil {
		return fmt.Errorf("register provider of %s: no such view", name)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.providers[r.OID] = p
	return nil
}

// ProviderOf gives the provider of a virtual relation; ok is false for an OID
// that is none. A relation that nobody registered a provider for, and that has
// no rows here, is empty.
func (g *Registry) ProviderOf(oid catalog.OID) (p Provider, ok bool) {
	r := g.byOID[oid]
	if r == nil {
		return nil, false
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	if p := g.providers[oid]; p != nil {
		return p, true
	}
	return ProviderFunc(func(ctx *Context, hints []Hint, emit func([]types.Datum) error) error {
		if r.rows == nil {
			return nil
		}
		return r.rows(&scan{g: g, ctx: ctx, rel: r, hints: hints, emit: emit})
	}), true
}

// scan is one run of a rowsFunc.
type scan struct {
	g     *Registry
	ctx   *Context
	rel   *relation
	hints []Hint
	emit  func(row []types.Datum) error
}

func (s *scan) snapshot() *catalog.Snapshot { return s.ctx.Snapshot }

// wants tells whether a hint lets rows through that have value v in a column.
// It is true without a hint for it.
func (s *scan) wants(column string, v types.Datum) bool {
	i := s.rel.index[column]
	for _, h := range s.hints {
		if h.Column == i && !slices.Contains(h.Values, v) {
			return false
		}
	}
	return true
}

func (s *scan) wantsOID(column string, oid catalog.OID) bool {
	return len(s.hints) == 0 || s.wants(column, oidDatum(oid))
}

func (s *scan) wantsName(column, name string) bool {
	return len(s.hints) == 0 || s.wants(column, types.TextDatum(name))
}

// hinted gives the values that a hint allows for a column; ok is false without
// one.
func (s *scan) hinted(column string) (vs []types.Datum, ok bool) {
	i := s.rel.index[column]
	for _, h := range s.hints {
		if h.Column == i {
			return h.Values, true
		}
	}
	return nil, false
}

// writer emits rows of some columns; the others are NULL.
type writer struct {
	row   []types.Datum
	slots []int
	emit  func(row []types.Datum) error
}

// columns makes a writer for the columns named, in the order of the values that
// write gets.
func (s *scan) columns(names string) *writer {
	w := &writer{row: make([]types.Datum, len(s.rel.Columns)), emit: s.emit}
	for i := range w.row {
		w.row[i] = types.NullDatum
	}
	for name := range strings.FieldsSeq(names) {
		i, ok := s.rel.index[name]
		if !ok {
			panic(fmt.Sprintf("%s.%s has no column %s", s.rel.Schema, s.rel.Name, name))
		}
		w.slots = append(w.slots, i)
	}
	return w
}

func (w *writer) write(values ...types.Datum) error {
	if len(values) != len(w.slots) {
		panic(fmt.Sprintf("%d values for %d columns", len(values), len(w.slots)))
	}
	for i, v := range values {
		w.row[w.slots[i]] = v
	}
	return w.emit(w.row)
}
