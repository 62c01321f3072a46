package session

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
)

// viewText gives the query of a view in which the relations and functions that the
// session's search path does not find have their schema, as PostgreSQL writes it. A dump,
// which sets an empty path, can be read again so.
func (s *Session) viewText(r *catalog.Relation) string {
	snap, user := s.snapshot(), s.currentUser()
	q := qualifier{snap: snap, from: snap.EffectivePath(r.SearchPath, user),
		to: snap.EffectivePath(s.settings.path, user), ctes: map[string]bool{}}
	if slices.Equal(q.from, q.to) {
		return r.Definition
	}
	tree, err := parse.ParseOne(r.Definition)
	if err != nil {
		return r.Definition
	}
	sql.Walk(tree, q.named)
	if sql.Walk(tree, q.qualify); !q.changed {
		return r.Definition
	}
	return sql.Print(tree)
}

// qualifier writes names that the path from finds so that the path to finds the same.
type qualifier struct {
	snap     *catalog.Snapshot
	from, to []string
	ctes     map[string]bool // names of WITH, which stay as they are
	changed  bool
}

// named collects the names of WITH.
func (q *qualifier) named(n sql.Node) bool {
	if x, ok := n.(*sql.Query); ok {
		for _, c := range x.With {
			q.ctes[c.Name] = true
		}
	}
	return true
}

func (q *qualifier) qualify(n sql.Node) bool {
	switch n := n.(type) {
	case *sql.Table:
		if len(n.Name) == 1 && !q.ctes[n.Name[0]] {
			q.replace(&n.Name, func(schema, name string) bool {
				return q.snap.Lookup(schema, name) != nil
			})
		}
	case *sql.Call:
		if len(n.Name) == 1 {
			q.replace(&n.Name, func(schema, name string) bool {
				return len(q.snap.Functions(schema, name)) > 0
			})
		}
	}
	return true
}

// replace gives a name the schema in which it is found, where the other path finds it
// elsewhere or not at all.
func (q *qualifier) replace(name *sql.Name, has func(schema, name string) bool) {
	first := func(path []string) string {
		for _, schema := range path {
			if has(schema, (*name)[0]) {
				return schema
			}
		}
		return ""
	}
	if is := first(q.from); is != "" && is != first(q.to) {
		*name, q.changed = sql.Name{is, (*name)[0]}, true
	}
}
