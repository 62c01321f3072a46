package parse

import "github.com/millracedb/millrace/sql"

// merge reads MERGE.
func (p *parser) merge() sql.Statement {
	p.expect(kwInto)
	s := &sql.Merge{Table: p.targetTable()}
	if !p.is(kwUsing) {
		p.unexpected()
	}
	at := p.loc()
	from, where := p.fromWhere(kwUsing)
	if where != nil || len(from) != 1 {
		p.fail(at, "42601", "USING of MERGE takes one table or query and no WHERE")
	}
	s.Using = from[0]
	p.expect(kwOn)
	s.On = p.expr()
	for {
		s.Whens = append(s.Whens, p.mergeWhen())
		if !p.is(kwWhen) {
			return s
		}
	}
}

// mergeWhen reads WHEN [NOT] MATCHED [AND condition] THEN action.
func (p *parser) mergeWhen() sql.MergeWhen {
	w := sql.MergeWhen{Loc: p.loc()}
	p.expect(kwWhen)
	w.Matched = !p.accept(kwNot)
	if !p.words("matched") {
		p.unexpected()
	}
	if p.accept(kwAnd) {
		w.Cond = p.expr()
	}
	p.expect(kwThen)
	switch {
	case p.accept(kwDo):
		p.expect(kwNothing)
	case w.Matched && p.accept(kwUpdate):
		w.Action = sql.MergeUpdate
		p.expect(kwSet)
		w.Set = p.assigns()
	case w.Matched && p.accept(kwDelete):
		w.Action = sql.MergeDelete
	case !w.Matched && p.accept(kwInsert):
		w.Action = sql.MergeInsert
		p.mergeInsert(&w)
	default:
		p.unexpected()
	}
	return w
}

// mergeInsert reads what follows INSERT in MERGE.
func (p *parser) mergeInsert(w *sql.MergeWhen) {
	if p.isC('(') {
		w.Columns, _ = p.insertColumns()
	}
	switch p.oneOf("overriding system value", "overriding user value") {
	case 0:
		w.Overriding = sql.OverridingSystem
	case 1:
		w.Overriding = sql.OverridingUser
	}
	if p.words("default", "values") {
		return
	}
	p.expect(kwValues)
	p.expectC('(')
	for {
		w.Values = append(w.Values, p.expr())
		if !p.acceptC(',') {
			break
		}
	}
	p.expectC(')')
}
