package expr

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// maxSetRows bounds what is compared of the rows of a set.
const maxSetRows = 30

// diffCase is one question to both: an expression over no rows, or over the rows
// of a VALUES list, whose columns are c0, c1...
type diffCase struct {
	Expr   string     `json:"x"`
	Types  []string   `json:"t,omitempty"` // of the columns
	Rows   [][]string `json:"r,omitempty"` // texts of the values; null is NULL
	Set    bool       `json:"s,omitempty"` // the expression gives a set
	Binary bool       `json:"b,omitempty"` // compare the binary form
	Want   string     `json:"w"`           // PostgreSQL's answer
}

const nullText = "\x00"

// query is the statement that asks for the answer.
func (c *diffCase) query() string {
	if c.Set {
		return fmt.Sprintf("SELECT %s LIMIT %d", c.Expr, maxSetRows)
	}
	if len(c.Types) == 0 {
		return "SELECT " + c.Expr
	}
	var b strings.Builder
	b.WriteString("SELECT " + c.Expr + " FROM (VALUES ")
	for i, row := range c.Rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for j, v := range row {
			if j > 0 {
				b.WriteString(", ")
			}
			b.WriteString(typedLiteral(v, c.Types[j]))
		}
		b.WriteByte(')')
	}
	b.WriteString(") t(")
	for j := range c.Types {
		if j > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "c%d", j)
	}
	b.WriteByte(')')
	return b.String()
}

func typedLiteral(v, typ string) string {
	if v == nullText {
		return "NULL::" + typ
	}
	return quoteLit(v) + "::" + typ
}

func quoteLit(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// answer is our answer to c, and whether all ways of evaluating gave it.
func (c *diffCase) answer() (got string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	sc := &diffScope{}
	cols, bad := c.columns(sc)
	if bad != nil {
		return "", bad
	}
	x, perr := parse.ParseExpr(c.Expr)
	if perr != nil {
		return diffError(perr), nil
	}
	e, perr := Check(x, sc)
	if perr != nil {
		return diffError(perr), nil
	}
	if e, perr = Settle(e, sc, x.Pos()); perr != nil {
		return diffError(perr), nil
	}
	return c.evaluate(e, cols)
}

// evaluate gives the answer of a checked expression.
func (c *diffCase) evaluate(e Expr, rows [][]types.Datum) (string, error) {
	if c.Set {
		return c.answerSet(e)
	}
	if _, ok := e.(*Agg); ok {
		return c.answerAggregate(e, rows)
	}
	return c.answerRows(e, rows)
}

// diffScope reads literals at checking, as a session does.
type diffScope struct{ testScope }

func (*diffScope) LiteralEnv() *types.Env { return typesEnv(testEnv()) }

// columns evaluates the VALUES list.
func (c *diffCase) columns(sc *diffScope) ([][]types.Datum, error) {
	rows := make([][]types.Datum, len(c.Rows))
	for i, row := range c.Rows {
		for j, v := range row {
			d, t, err := literalDatum(v, c.Types[j])
			if err != nil {
				return nil, fmt.Errorf("literal %s: %w", typedLiteral(v, c.Types[j]), err)
			}
			rows[i] = append(rows[i], d)
			if i == 0 {
				sc.cols = append(sc.cols, types.Field{Name: fmt.Sprintf("c%d", j), Type: t})
			}
		}
	}
	return rows, nil
}

var literalCache = map[string]struct {
	d types.Datum
	t types.Type
}{}

func literalDatum(v, typ string) (types.Datum, types.Type, error) {
	text := typedLiteral(v, typ)
	if l, ok := literalCache[text]; ok {
		return l.d, l.t, nil
	}
	x, err := parse.ParseExpr(text)
	if err != nil {
		return types.NullDatum, types.Type{}, err
	}
	e, err := Check(x, &diffScope{})
	if err != nil {
		return types.NullDatum, types.Type{}, err
	}
	d, err := EvalConst(e, testEnv())
	l := literalCache[text]
	l.d, l.t = keep(d), e.Type()
	literalCache[text] = l
	return l.d, l.t, err
}

// answerRows evaluates e as it is over each row, and folded and compiled over a
// batch of which only every other row counts.
func (c *diffCase) answerRows(e Expr, rows [][]types.Datum) (string, error) {
	if len(rows) == 0 {
		rows = [][]types.Datum{nil}
	}
	single, e := "", Fold(e)
	vals := make([]types.Datum, len(rows))
	for i, row := range rows {
		d, err := EvalRow(e, testEnv(), row)
		if err != nil {
			single = diffError(err)
			break
		}
		vals[i] = keep(d)
	}
	if single == "" {
		single = c.word(e.Type(), vals)
	}
	batched := c.answerBatch(e, rows)
	if single != batched {
		return single, fmt.Errorf("the batch gives %s", batched)
	}
	return single, nil
}

func (c *diffCase) answerBatch(e Expr, rows [][]types.Datum) string {
	p, err := Compile([]Expr{e})
	if err != nil {
		return diffError(err)
	}
	var ts []types.Type
	for j := range c.Types {
		_, t, _ := literalDatum(c.Rows[0][j], c.Types[j])
		ts = append(ts, t)
	}
	b := batch.New(ts, 2*len(rows))
	for i := range rows { // the rows between are there, but do not count
		b.AppendDatums(rows[len(rows)-1-i], 1)
		b.AppendDatums(rows[i], 1)
		b.Sel = append(b.Sel, uint16(2*i+1))
	}
	if len(ts) == 0 {
		b.N = 2 * len(rows)
	}
	env := testEnv()
	failed := map[int]error{}
	env.OnRowError = func(f *RowFailure) error {
		if failed[f.Row] == nil {
			failed[f.Row] = f.Err
		}
		return nil
	}
	out, err := p.Eval(env, b)
	if err != nil {
		return diffError(err)
	}
	vals := make([]types.Datum, len(rows))
	for k, i := range b.Sel {
		if err := failed[int(i)]; err != nil {
			return diffError(err)
		}
		vals[k] = out[0].Datum(int(i))
	}
	return c.word(e.Type(), vals)
}

func (c *diffCase) answerSet(e Expr) (string, error) {
	call, ok := e.(*Call)
	if !ok || call.Fn.Set == nil {
		return "", fmt.Errorf("%s is no set", c.Expr)
	}
	args := make([]types.Datum, len(call.Args))
	for i, a := range call.Args {
		d, err := EvalConst(a, testEnv())
		if err != nil {
			return diffError(err), nil
		}
		if args[i] = d; d.Null && call.Fn.Strict {
			return c.word(e.Type(), nil), nil
		}
	}
	var out []types.Datum
	enough := fmt.Errorf("enough rows")
	err := call.Fn.Set(testEnv(), args, func(row []types.Datum) error {
		if len(row) == 1 {
			out = append(out, keep(row[0]))
		} else {
			out = append(out, types.RecordDatum(call.T, row))
		}
		if len(out) == maxSetRows {
			return enough
		}
		return nil
	})
	if err != nil && err != enough {
		return diffError(err), nil
	}
	return c.word(e.Type(), out), nil
}

// word words an answer as wordResult does.
func (c *diffCase) word(t types.Type, vals []types.Datum) string {
	out := make([]string, len(vals))
	env := typesEnv(testEnv())
	for i, d := range vals {
		switch {
		case d.Null:
			out[i] = "NULL"
		case c.Binary:
			b, err := types.AppendBinary(env, nil, t, d)
			if err != nil {
				return diffError(err)
			}
			out[i] = fmt.Sprintf("%x", b)
		default:
			out[i] = oneLine(types.TextOf(env, t, d))
			if t.Kind == types.Regtype && d.I == int64(moodOID) {
				out[i] = "mood" // which needs a catalog
			}
			if t.Kind == types.Regtype && d.I == int64(moodArrayOID) {
				out[i] = "mood[]"
			}
		}
	}
	return labelOf(t) + ": " + strings.Join(out, " | ")
}

func diffError(err error) string {
	e := sqlerr.As(err)
	return "ERROR " + string(e.Code) + " " + oneLine(e.Message)
}

// readBinary replaces the binary values of an answer by their text, so that what
// counts is what a client decodes: NaN has many forms, and an array may say that it
// has NULLs when it has none.
func readBinary(answer string) string {
	name, list, ok := strings.Cut(answer, ": ")
	if !ok || strings.HasPrefix(answer, "ERROR ") {
		return answer
	}
	base, _, _ := strings.Cut(name, " mod ")
	t, err := types.ByNameText(strings.Replace(base, "character", "bpchar", 1), nil)
	if strings.HasPrefix(base, "character varying") {
		t, err = types.ByNameText(base, nil)
	}
	if err != nil {
		return answer
	}
	vals := strings.Split(list, " | ")
	for i, v := range vals {
		raw, err := hex.DecodeString(v)
		if err != nil {
			continue
		}
		d, err := types.ParseBinary(typesEnv(testEnv()), t, raw)
		if err != nil {
			continue
		}
		vals[i] = oneLine(types.TextOf(typesEnv(testEnv()), t, d))
	}
	return name + ": " + strings.Join(vals, " | ")
}
