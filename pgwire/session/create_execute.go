package session

import (
	"context"
	"slices"
	"strconv"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// createFromPrepared runs CREATE TABLE AS EXECUTE: CREATE TABLE AS the query that was
// prepared, with the values of the parameters in it.
func (s *Session) createFromPrepared(ctx context.Context, x *sql.CreateAs, params []types.Datum,
	formats []int16, sink Sink,
) error {
	p, err := s.findPrepared(x.Execute.Name)
	if err != nil {
		return err
	}
	if p.st != nil {
		if err := s.refresh(p); err != nil {
			return err
		}
	}
	if p.st == nil || !p.isSelect() {
		return sqlerr.New(sqlerr.WrongObjectType, "prepared statement is not a SELECT")
	}
	if err := p.checkCount(x.Execute); err != nil {
		return err
	}
	args, err := s.evalArgs(ctx, x.Execute.Args, p.paramTypes(), params)
	if err != nil {
		return err
	}
	text, err := s.withValues(p, args)
	if err != nil {
		return err
	}
	c := *x
	c.Execute = nil
	query, err := parse.ParseOne(text)
	if err != nil {
		return err
	}
	c.Query = query.(*sql.SelectStmt).Query
	whole := sql.Print(&c)
	tree, err := parse.ParseOne(whole)
	if err != nil {
		return err
	}
	return s.run(ctx, &statement{text: whole, tree: tree}, nil, formats, sink)
}

// isSelect tells whether what was prepared is a SELECT.
func (p *prepared) isSelect() bool {
	_, ok := p.st.tree.(*sql.SelectStmt)
	return ok
}

// withValues gives the text of a prepared statement with values in the place of its
// parameters.
func (s *Session) withValues(p *prepared, args []types.Datum) (string, error) {
	var refs []*sql.ParamRef
	sql.Walk(p.st.tree, func(n sql.Node) bool {
		if r, ok := n.(*sql.ParamRef); ok {
			refs = append(refs, r)
		}
		return true
	})
	slices.SortFunc(refs, func(a, b *sql.ParamRef) int { return b.Pos() - a.Pos() })
	from, to := p.st.tree.Range()
	text, ts := p.st.text[:to], p.paramTypes()
	values := s.settings.format
	for _, r := range refs {
		d, t := args[r.N-1], ts[r.N-1]
		value := "NULL"
		if !d.Null {
			value = sql.QuoteString(string(types.AppendText(&values, nil, t, d)))
		}
		end := r.Pos() + len("$") + len(strconv.Itoa(r.N))
		text = text[:r.Pos()] + "CAST(" + value + " AS " + t.String() + ")" + text[end:]
	}
	return text[from:], nil
}
