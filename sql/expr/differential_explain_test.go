package expr

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/types"
)

// inexact are the functions whose last digit the C library and Go's round
// differently; of the numeric ones PostgreSQL's last digit is not the nearest.
var inexact = func() map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields("sin cos tan cot asin acos atan atan2 sinh cosh tanh asinh acosh " +
		"atanh sind cosd tand cotd asind acosd atand atan2d exp ln log log10 cbrt ||/ power pow dpow ^") {
		m[n] = true
	}
	return m
}()

const (
	// maxNudge is how many units of the last place the results of inexact functions
	// may differ: neither library promises more than that.
	maxNudge = 3
	// nudges is the number of trials, beside those that move all results alike.
	nudges = 60
)

// nudgedAnswers gives what the answer could be if the last digits of inexact
// functions were others: what counts of a difference is whether it is that much.
func (c *diffCase) nudgedAnswers() []string {
	var out []string
	for i := -maxNudge; i < maxNudge+nudges; i++ {
		trial := uint64(i - maxNudge)
		draw := func(fn string, args []types.Datum) int {
			if i <= maxNudge {
				return i
			}
			h := fnv.New64a()
			fmt.Fprint(h, fn)
			for _, a := range args {
				fmt.Fprint(h, a.F, a.S)
			}
			return rand.New(rand.NewPCG(trial, h.Sum64())).IntN(2*maxNudge+1) - maxNudge
		}
		seen := false
		e, cols, err := c.checked()
		if err != nil {
			return nil
		}
		e, _ = Transform(e, func(x Expr) (Expr, error) {
			call, ok := x.(*Call)
			if !ok || !inexact[call.Fn.Name] {
				return x, nil
			}
			seen = true
			k := *call
			k.Fn = nudged(call.Fn, draw)
			return &k, nil
		})
		if !seen {
			return nil
		}
		if got, err := c.evaluate(e, cols); err == nil {
			out = append(out, got)
		}
	}
	return out
}

// nudged is fn with results that are some units of the last place larger; how many, the
// arguments tell.
func nudged(fn *Func, draw func(string, []types.Datum) int) *Func {
	f := *fn
	f.Kernel = nil
	f.Row = func(env *Env, args []types.Datum) (types.Datum, error) {
		e := &Call{Fn: fn, T: fn.Ret}
		for i, a := range args {
			e.Args = append(e.Args, &Const{D: a, T: fn.Args[i]})
		}
		d, err := EvalConst(e, env)
		if err != nil || d.Null {
			return d, err
		}
		return nudgedDatum(d, fn.Ret, draw(fn.Name, args)), nil
	}
	return &f
}

func nudgedDatum(d types.Datum, t types.Type, n int) types.Datum {
	switch t.Kind {
	case types.Float8:
		if math.Abs(d.F) == 1 || d.F == 0 {
			return d // which sines do not go beyond or miss, and which logarithms give exactly
		}
		to := math.Inf(1)
		if n < 0 {
			to, n = math.Inf(-1), -n
		}
		for ; n > 0 && !math.IsInf(d.F, 0); n-- {
			d.F = math.Nextafter(d.F, to)
		}
	case types.Numeric:
		v := d.Decimal()
		unit, err := types.ParseDecimal("1e-" + strconv.Itoa(int(v.Scale())))
		if err != nil || !v.IsFinite() {
			return d
		}
		x, err := unit.Mul(types.DecimalFromInt(int64(n)))
		if err != nil {
			return d
		}
		if v, err = v.Add(x); err == nil {
			return types.NumericDatum(v)
		}
	}
	return d
}

// withinNudges tells whether PostgreSQL's answer is one of nudgedAnswers, or has
// numbers between theirs.
func (c *diffCase) withinNudges() bool {
	asText := *c
	if asText.Binary = false; c.Binary {
		asText.Want = readBinary(c.Want)
	}
	return between(asText.Want, asText.nudgedAnswers())
}

func between(want string, answers []string) bool {
	shape, nums := shapeOfNumbers(want)
	lo, hi := make([]float64, len(nums)), make([]float64, len(nums))
	some := false
	for _, a := range answers {
		if a == want || strings.HasPrefix(want, "ERROR ") && strings.HasPrefix(a, want[:11]) {
			return true
		}
		s, vs := shapeOfNumbers(a)
		if s != shape {
			continue
		}
		for i, v := range vs {
			if !some || v < lo[i] {
				lo[i] = v
			}
			if !some || v > hi[i] {
				hi[i] = v
			}
		}
		some = true
	}
	for i, v := range nums {
		if v < lo[i] || v > hi[i] {
			return false
		}
	}
	return some
}

// shapeOfNumbers splits an answer into its numbers and what stands between. Objects
// have their keys in order of length: there the order of numbers says nothing.
func shapeOfNumbers(answer string) (string, []float64) {
	var vs []float64
	for _, s := range numberText.FindAllString(answer, -1) {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return answer, nil
		}
		vs = append(vs, v)
	}
	if strings.HasPrefix(answer, "json") {
		slices.Sort(vs)
	}
	return numberText.ReplaceAllString(answer, "#"), vs
}

// checked gives the checked expression and the rows of a case.
func (c *diffCase) checked() (Expr, [][]types.Datum, error) {
	sc := &diffScope{}
	cols, err := c.columns(sc)
	if err != nil {
		return nil, nil, err
	}
	x, err := parse.ParseExpr(c.Expr)
	if err != nil {
		return nil, nil, err
	}
	e, err := Check(x, sc)
	if err != nil {
		return nil, nil, err
	}
	e, err = Settle(e, sc, x.Pos())
	return e, cols, err
}

// ownPlanError gives the failure of a constant part here, "" for none: where PostgreSQL's
// part does not fail, that is what there is to explain, whatever a row meets first.
func (c *diffCase) ownPlanError() string {
	e, _, err := c.checked()
	if err != nil {
		return ""
	}
	if err = planError(e); err == nil {
		return ""
	}
	return diffError(err)
}

// failsPlanned tells whether PostgreSQL's answer is the error of planError, or that of
// a field of a row: all fields count there, although a comparison of rows, or a test
// for NULL, may be decided by the first.
func (c *diffCase) failsPlanned() bool {
	if !strings.HasPrefix(c.Want, "ERROR ") {
		return false
	}
	fails := func(e Expr) bool {
		err := planError(e)
		return err != nil && diffError(err)[:11] == c.Want[:11]
	}
	e, _, err := c.checked()
	if err != nil {
		return false
	}
	if fails(e) {
		return true
	}
	sc := &diffScope{}
	_, _ = c.columns(sc)
	found, constantRow := false, false
	x, _ := parse.ParseExpr(c.Expr)
	sql.Walk(x, func(n sql.Node) bool {
		if t, ok := n.(*sql.Test); ok && t.What == sql.TestNull {
			row, ok := t.X.(*sql.Row)
			constantRow = constantRow || ok && isConstRow(row, sc)
		}
		row, ok := n.(*sql.Row)
		for i := 0; ok && i < len(row.Elems) && !found; i++ {
			if e, err := Check(row.Elems[i], sc); err == nil {
				found = fails(e)
			}
		}
		return !found
	})
	// A test of a constant row for NULL is not evaluated then: it decides nothing.
	return found || constantRow && c.anyPart(func(e Expr, rows [][]types.Datum) bool {
		_, err := EvalRow(e, testEnv(), rows[0])
		return fails(e) || err != nil && diffError(err)[:11] == c.Want[:11]
	})
}

func isConstRow(row *sql.Row, sc Scope) bool {
	for _, x := range row.Elems {
		e, err := Check(x, sc)
		if err != nil || dependsOnRow(e) {
			return false
		}
	}
	return true
}

// maxOrders bounds the orders that are tried.
const maxOrders = 5040

// otherOrders tells whether want is the aggregate over the rows in another order of
// those that sort as equal: it is not said which that is.
func (c *diffCase) otherOrders(want string) bool {
	e, rows, err := c.checked()
	if err != nil {
		return false
	}
	a, ok := Fold(e).(*Agg)
	if !ok || len(a.Call.OrderBy) == 0 && !a.Call.Distinct {
		return false
	}
	tried, found := 0, false
	permute(len(rows), func(order []int) bool {
		in := make([][]types.Datum, len(rows))
		for i, j := range order {
			in[i] = rows[j]
		}
		tried++
		got, err := c.answerAggregate(a, in)
		found = err == nil && got == want
		return !found && tried < maxOrders
	})
	return found
}

// permute visits all orders of n things until f says false.
func permute(n int, f func([]int) bool) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var visit func(k int) bool
	visit = func(k int) bool {
		if k == n {
			return f(order)
		}
		for i := k; i < n; i++ {
			order[k], order[i] = order[i], order[k]
			if !visit(k + 1) {
				return false
			}
			order[k], order[i] = order[i], order[k]
		}
		return true
	}
	visit(0)
}

// rewritten gives our answer to c with other texts.
func (c *diffCase) rewritten(f func(string) string) string {
	k := *c
	k.Expr, k.Rows = f(c.Expr), make([][]string, len(c.Rows))
	for i, row := range c.Rows {
		for _, v := range row {
			k.Rows[i] = append(k.Rows[i], f(v))
		}
	}
	got, err := k.answer()
	if err != nil {
		return ""
	}
	return got
}

// answerToken is a part of an answer that stands for one value: of a row, an array or
// an object each is alone.
var answerToken = regexp.MustCompile(`[^|",{}()\[\]]+|[|",{}()\[\]]`)

// eachWanted tells whether each token of PostgreSQL's answer is ours, or that of one of
// the answers as.
func (c *diffCase) eachWanted(as ...string) bool {
	tokens := func(answer string) []string {
		if c.Binary {
			answer = readBinary(answer)
		}
		return answerToken.FindAllString(answer, -1)
	}
	as = append(as, c.rewritten(strings.Clone))
	want := tokens(c.Want)
	ok := make([]bool, len(want))
	for _, a := range as {
		got := tokens(a)
		for i, v := range got {
			if len(got) == len(want) {
				ok[i] = ok[i] || v == want[i]
			}
		}
	}
	return !slices.Contains(ok, false)
}

// traits are what rules may ask of a case beside its text.
var traits = map[string]func(c *diffCase) bool{
	// The zones EST5EDT and PST8PDT have no local mean time there.
	"zonedata": func(c *diffCase) bool {
		return c.eachWanted(
			c.rewritten(strings.NewReplacer("EST5EDT", "EST", "PST8PDT", "PST").Replace),
			c.rewritten(strings.NewReplacer("EST5EDT", "EDT", "PST8PDT", "PDT").Replace))
	},
	// Letters beyond ASCII, and a name.
	"name": func(c *diffCase) bool {
		beyond := func(r rune) bool { return r >= utf8.RuneSelf }
		return strings.ContainsFunc(c.query(), beyond) && c.anyPart(func(e Expr, _ [][]types.Datum) bool {
			return e.Type().Kind == types.Name
		})
	},
}

// anyPart tells whether f holds for a part of the expression that checks.
func (c *diffCase) anyPart(f func(e Expr, rows [][]types.Datum) bool) bool {
	sc := &diffScope{}
	rows, err := c.columns(sc)
	if err != nil {
		return false
	}
	if len(rows) == 0 {
		rows = [][]types.Datum{nil}
	}
	x, err := parse.ParseExpr(c.Expr)
	if err != nil {
		return false
	}
	found := false
	sql.Walk(x, func(n sql.Node) bool {
		part, ok := n.(sql.Expr)
		if !ok || found {
			return !found
		}
		if e, err := Check(part, sc); err == nil {
			Walk(e, func(x Expr) bool {
				found = found || f(x, rows)
				return !found
			})
		}
		return !found
	})
	return found
}
