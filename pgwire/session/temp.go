package session

import (
	"context"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
)

// rememberTemp notes a table of CREATE TEMP TABLE: it is an ordinary table that
// goes with its session.
func (s *Session) rememberTemp(st *statement) {
	x, ok := st.tree.(*sql.CreateTable)
	if !ok || !x.Temp {
		return
	}
	if c, ok := st.plan.Command.(*catalog.CreateRelation); ok {
		s.temp = append(s.temp,
			catalog.QualifiedName{Schema: c.Relation.Schema, Name: c.Relation.Name})
	}
}

// dropTemp drops the session's temporary tables, the last first.
func (s *Session) dropTemp() {
	if len(s.temp) == 0 {
		return
	}
	names := slices.Clone(s.temp)
	slices.Reverse(names)
	s.temp = nil
	_, _, err := s.host.engine.Command(context.WithoutCancel(s.ctx), &catalog.DropObjects{
		Kind: catalog.KindTable, Names: names, IfExists: true, Cascade: true})
	if err != nil {
		s.host.logger.Warn("temporary tables stay", "tables", names, "err", err)
	}
}
