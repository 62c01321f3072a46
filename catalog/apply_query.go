package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// attachQuery gives a new query its OID and name and makes it fill r. The caller
// puts r into the snapshot.
func (e *edit) attachQuery(q *Query, r *Relation) error {
	if err := e.checkSources(q); err != nil {
		return err
	}
	prefix := "CTAS_"
	if r.Kind == KindStream {
		prefix = "CSAS_"
	}
	q.Owns = true
	r.Query = e.addQuery(q, r.OID, prefix+strings.ToUpper(r.Name)+"_")
	return nil
}

func (e *edit) addQuery(q *Query, target OID, prefix string) OID {
	e.next.querySeq++
	q.OID, q.Target, q.Created = e.allot(), target, e.next.Version
	if q.Name == "" {
		q.Name = fmt.Sprintf("%s%d", prefix, e.next.querySeq)
	}
	if q.State == 0 {
		q.State = QueryBackfilling
	}
	if q.State == QueryRunning && q.Active == 0 {
		q.Active = e.next.Version
	}
	e.putQuery(q)
	return q.OID
}

func (e *edit) checkSources(q *Query) error {
	for _, oid := range q.Sources {
		if e.next.relations[oid] == nil {
			return gone("relation", oid)
		}
	}
	return nil
}

// createQuery is INSERT INTO x SELECT ... EMIT CHANGES.
func (e *edit) createQuery(c *CreateQuery) error {
	q := c.Query
	target := e.next.relations[q.Target]
	if target == nil {
		return gone("relation", q.Target)
	}
	if target.Kind != KindStream && target.Kind != KindTable {
		return sqlerr.New(sqlerr.WrongObjectType,
			"cannot insert into %s \"%s\"", target.Kind, target.Name).
			WithHint("A continuous INSERT needs a stream or table.")
	}
	if err := e.checkSources(&q); err != nil {
		return err
	}
	if err := e.checkCycle(target, q.Sources); err != nil {
		return err
	}
	if q.Name != "" && e.next.QueryByName(q.Name) != nil {
		return sqlerr.New(sqlerr.DuplicateObject, "query \"%s\" already exists", q.Name)
	}
	e.change.OID = e.addQuery(&q, target.OID, "INSERTQUERY_")
	return nil
}

// checkCycle refuses a relation that would be fed by itself: epochs run through
// the queries in order, and there would be none.
func (e *edit) checkCycle(target *Relation, sources []OID) error {
	via := e.next.pathTo(sources, target.OID)
	if via == nil {
		return nil
	}
	detail := fmt.Sprintf("It reads %s", quoted(target.Schema, target.Name))
	for _, r := range via[1:] {
		detail += ", which feeds " + r.Title()
	}
	return sqlerr.New(sqlerr.InvalidObjectDefinition,
		"%s \"%s\" would be computed from itself", target.Kind, target.Name).
		WithDetail("%s.", detail)
}

// pathTo finds a path of relations from target to one of sources: each feeds the
// next. nil means that target does not reach them.
func (s *Snapshot) pathTo(sources []OID, target OID) []*Relation {
	seen := map[OID]bool{}
	var walk func(oid OID) []*Relation
	walk = func(oid OID) []*Relation {
		r := s.relations[oid]
		if r == nil || seen[oid] {
			return nil
		}
		seen[oid] = true
		if oid == target {
			return []*Relation{r}
		}
		for _, from := range s.FedBy(oid) {
			if p := walk(from); p != nil {
				return append(p, r)
			}
		}
		return nil
	}
	for _, oid := range sources {
		if p := walk(oid); p != nil {
			return p
		}
	}
	return nil
}

// FedBy lists the relations that a relation is computed from directly, by its
// definition or by continuous queries that write into it, ascending.
func (s *Snapshot) FedBy(oid OID) []OID {
	r := s.relations[oid]
	if r == nil {
		return nil
	}
	var out []OID
	for _, from := range r.DependsOn {
		if s.relations[from] != nil {
			out = append(out, from)
		}
	}
	for _, q := range s.QueriesInto(oid) {
		out = append(out, q.Sources...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func undefinedQuery(oid OID) *sqlerr.Error {
	return sqlerr.New(sqlerr.UndefinedObject, "query with OID %d does not exist", oid)
}

// setQueryState is PAUSE, RESUME, activation and failure.
func (e *edit) setQueryState(c *SetQueryState) error {
	old := e.next.queries[c.OID]
	if old == nil {
		return undefinedQuery(c.OID)
	}
	q := *old
	if c.Turn != nil && *c.Turn != q.Turn {
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
			"the state of query %s has changed", q.Name)
	}
	q.Turn++
	switch c.State {
	case QueryPaused:
		if q.State == QueryFailed {
			return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
				"query %s has failed", q.Name).
				WithDetail("%s", q.Error).
				WithHint("Use RESUME to start it again, or TERMINATE to end it.")
		}
	case QueryRunning:
		// A query that was stopped before it had caught up goes on with that, and one
		// that has failed reads history anew.
		if q.State == QueryFailed || q.Active == 0 && q.State != QueryBackfilling {
			c = &SetQueryState{OID: c.OID, State: QueryBackfilling}
			break
		}
		if q.Active == 0 {
			q.Active = e.next.Version
		}
	case QueryBackfilling:
		q.Active = 0
	case QueryFailed:
	default:
		return sqlerr.New(sqlerr.InternalError, "query state %d is not known", c.State)
	}
	q.State, q.Error, q.SQLState = c.State, "", ""
	if c.State == QueryFailed {
		q.Error, q.SQLState = c.Error, c.SQLState
	}
	e.putQuery(&q)
	return nil
}

// dropQuery is TERMINATE.
func (e *edit) dropQuery(c *DropQuery) error {
	if e.next.queries[c.OID] == nil {
		return undefinedQuery(c.OID)
	}
	e.remove(object{class: classQuery, oid: c.OID})
	return nil
}

// String gives the state as the queries view and SHOW QUERIES write it.
func (q QueryState) String() string {
	switch q {
	case QueryBackfilling:
		return "BACKFILLING"
	case QueryRunning:
		return "RUNNING"
	case QueryPaused:
		return "PAUSED"
	case QueryFailed:
		return "FAILED"
	}
	return "UNKNOWN"
}
