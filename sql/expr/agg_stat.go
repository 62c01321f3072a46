package expr

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// varianceKind is one of the four measures of spread.
type varianceKind struct {
	name   string
	sample bool
	root   bool
	doc    string
}

var varianceKinds = []varianceKind{
	{"var_pop", false, false, "population variance"},
	{"var_samp", true, false, "sample variance"},
	{"variance", true, false, "sample variance"},
	{"stddev_pop", false, true, "population standard deviation"},
	{"stddev_samp", true, true, "sample standard deviation"},
	{"stddev", true, true, "sample standard deviation"},
}

func defineStatAggs(r *registry) {
	for _, v := range varianceKinds {
		for _, k := range []string{"int2", "int4", "int8"} {
			r.agg(v.name+"("+k+") numeric", AggFunc{Doc: v.doc, Example: v.name + "(x::" + k + ")",
				Words: 7, Update: squaresInt, Result: squaresResult(v), Merge: mergeSquares})
		}
		r.agg(v.name+"(numeric) numeric", AggFunc{Doc: v.doc, Example: v.name + "(x::numeric)",
			Collect: collectNumericVariance(v)})
		for _, k := range []string{"float4", "float8"} {
			r.agg(v.name+"("+k+") float8", AggFunc{Doc: v.doc, Example: v.name + "(x::" + k + ")",
				Words: 4, Update: momentsFloat, Result: momentsResult(v)})
		}
	}
	defineRegression(r)
}

// intSquares has the count, sum and sum of squares of integers, exactly.
type intSquares struct {
	sum intSum
	sq  [4]uint64
}

func squaresInt(acc accs, rows []uint16, args []*batch.Vector, w []int32) error {
	v := args[0]
	vals, m := v.I64, mask(v)
	for k, r := range rows {
		if v.IsNull(int(r)) {
			continue
		}
		s, n, x := (*intSquares)(acc[k]), weightOf(w, r), vals[int(r)&m]
		s.sum.addWeighted(x, n)
		s.sum.count += n
		a := uint64(x)
		if x < 0 {
			a = -a
		}
		var sq [4]uint64
		sq[1], sq[0] = bits.Mul64(a, a)
		neg := n < 0
		if neg {
			n = -n
		}
		mulSmall(&sq, uint64(n))
		if neg {
			negate256(&sq)
		}
		var c uint64
		for i := range sq {
			s.sq[i], c = bits.Add64(s.sq[i], sq[i], c)
		}
	}
	return nil
}

func squaresResult(v varianceKind) func(accs, *batch.Vector) error {
	return func(acc accs, out *batch.Vector) error {
		for _, p := range acc {
			s := (*intSquares)(p)
			b := new(big.Int)
			for i := 3; i >= 0; i-- {
				b.Or(b.Lsh(b, 64), new(big.Int).SetUint64(s.sq[i]))
			}
			d, ok, err := v.of(s.sum.count, s.sum.decimal(), types.DecimalFromBig(b, 0))
			if err != nil {
				return err
			}
			if !ok {
				out.AppendNull()
				continue
			}
			out.AppendBytes(types.EncodeNumeric(nil, d))
		}
		return nil
	}
}

// of computes the measure from the count, sum and sum of squares:
// (n * squares - sum^2) / (n * n) or / (n * (n - 1)).
func (v varianceKind) of(n int64, sum, squares types.Decimal) (types.Decimal, bool, error) {
	if n == 0 || v.sample && n == 1 {
		return types.Decimal{}, false, nil
	}
	if !sum.IsFinite() || !squares.IsFinite() {
		return types.DecimalNaN, true, nil
	}
	count := types.DecimalFromInt(n)
	other := count
	if v.sample {
		other = types.DecimalFromInt(n - 1)
	}
	numer, err := count.Mul(squares)
	if err != nil {
		return numer, false, err
	}
	sq, err := sum.Mul(sum)
	if err != nil {
		return sq, false, err
	}
	if numer, err = numer.Sub(sq); err != nil {
		return numer, false, err
	}
	if numer.Sign() <= 0 {
		return types.Decimal{}, true, nil
	}
	denom, err := count.Mul(other)
	if err != nil {
		return denom, false, err
	}
	d, err := numer.Div(denom)
	if err != nil || !v.root {
		return d, true, err
	}
	scale := d.Scale()
	if d, err = d.Round(scale + 40); err != nil { // so that the root is not rounded twice
		return d, true, err
	}
	if d, err = d.Sqrt(); err == nil {
		d, err = d.Round(scale)
	}
	return d, true, err
}

// collectNumericVariance is exact for numerics of any size.
func collectNumericVariance(v varianceKind) func(*Env, RowIter, *batch.Vector) error {
	return func(_ *Env, rows RowIter, out *batch.Vector) error {
		var n int64
		var sum, squares types.Decimal
		for args, count, ok := rows.Next(); ok; args, count, ok = rows.Next() {
			if args[0].Null {
				continue
			}
			x := args[0].Decimal()
			sq, err := x.Mul(x)
			if err != nil {
				return err
			}
			for range count {
				n++
				if sum, err = sum.Add(x); err != nil {
					return err
				}
				if squares, err = squares.Add(sq); err != nil {
					return err
				}
			}
		}
		d, ok, err := v.of(n, sum, squares)
		if err != nil {
			return err
		}
		if !ok {
			out.AppendNull()
			return nil
		}
		out.AppendBytes(types.EncodeNumeric(nil, d))
		return nil
	}
}

// floatMoments has the count, sum and sum of squared deviations of floats, by the
// method of Youngs and Cramer, which can be run backwards for retractions.
type floatMoments struct {
	n, sx, sxx float64
	special    specials
}

func (s *floatMoments) add(x float64) {
	s.n++
	s.sx += x
	if s.n > 1 {
		t := x*s.n - s.sx
		s.sxx += t * t / (s.n * (s.n - 1))
	}
}

func (s *floatMoments) remove(x float64) {
	if s.n > 1 {
		t := x*s.n - s.sx
		s.sxx = max(s.sxx-t*t/(s.n*(s.n-1)), 0)
	}
	s.n--
	s.sx -= x
	if s.n <= 0 {
		s.n, s.sx, s.sxx = 0, 0, 0
	}
}

func momentsFloat(acc accs, rows []uint16, args []*batch.Vector, w []int32) error {
	v := args[0]
	for k, r := range rows {
		if v.IsNull(int(r)) {
			continue
		}
		s, n, x := (*floatMoments)(acc[k]), weightOf(w, r), v.F64[v.Row(int(r))]
		if x-x != 0 {
			s.special.add(x, n)
			s.n += float64(n)
			continue
		}
		for ; n > 0; n-- {
			s.add(x)
		}
		for ; n < 0; n++ {
			s.remove(x)
		}
	}
	return nil
}

func momentsResult(v varianceKind) func(accs, *batch.Vector) error {
	return func(acc accs, out *batch.Vector) error {
		for _, p := range acc {
			s := (*floatMoments)(p)
			div := s.n
			if v.sample {
				div--
			}
			if s.n <= 0 || div <= 0 {
				out.AppendNull()
				continue
			}
			x := s.sxx / div
			if _, ok := s.special.value(); ok {
				x = math.NaN()
			} else if !isFinite(s.sx) || !isFinite(s.sxx) {
				return errFloatOverflow()
			}
			if v.root {
				x = math.Sqrt(x)
			}
			out.AppendFloat(x)
		}
		return nil
	}
}

// floatPairs has the moments of pairs (Y, X) for correlation and regression.
type floatPairs struct {
	n, sx, sxx, sy, syy, sxy float64
	specialX, specialY       specials
}

const pairWords = 8

// finish puts what is not finite into the moments, and refuses an overflow.
func (s *floatPairs) finish() (floatPairs, error) {
	out := *s
	x, oddX := s.specialX.value()
	y, oddY := s.specialY.value()
	if oddX {
		out.sx, out.sxx, out.sxy = x, math.NaN(), math.NaN()
	}
	if oddY {
		out.sy, out.syy, out.sxy = y, math.NaN(), math.NaN()
	}
	if !oddX && !(isFinite(s.sx) && isFinite(s.sxx)) || !oddY && !(isFinite(s.sy) && isFinite(s.syy)) ||
		!oddX && !oddY && !isFinite(s.sxy) {
		return out, errFloatOverflow()
	}
	return out, nil
}

func isFinite(x float64) bool { return x-x == 0 }

func (s *floatPairs) add(y, x float64) {
	s.n++
	s.sx += x
	s.sy += y
	if s.n > 1 {
		tx, ty := x*s.n-s.sx, y*s.n-s.sy
		scale := 1 / (s.n * (s.n - 1))
		s.sxx += tx * tx * scale
		s.syy += ty * ty * scale
		s.sxy += tx * ty * scale
	}
}

func (s *floatPairs) remove(y, x float64) {
	if s.n > 1 {
		tx, ty := x*s.n-s.sx, y*s.n-s.sy
		scale := 1 / (s.n * (s.n - 1))
		s.sxx = max(s.sxx-tx*tx*scale, 0)
		s.syy = max(s.syy-ty*ty*scale, 0)
		s.sxy -= tx * ty * scale
	}
	s.n--
	s.sx -= x
	s.sy -= y
	if s.n <= 0 {
		*s = floatPairs{specialX: s.specialX, specialY: s.specialY}
	}
}

func momentsPairs(acc accs, rows []uint16, args []*batch.Vector, w []int32) error {
	y, x := args[0], args[1]
	for k, r := range rows {
		if y.IsNull(int(r)) || x.IsNull(int(r)) {
			continue
		}
		s, n := (*floatPairs)(acc[k]), weightOf(w, r)
		yv, xv := y.F64[y.Row(int(r))], x.F64[x.Row(int(r))]
		if !isFinite(xv) {
			s.specialX.add(xv, n)
			xv = 0
		}
		if !isFinite(yv) {
			s.specialY.add(yv, n)
			yv = 0
		}
		for ; n > 0; n-- {
			s.add(yv, xv)
		}
		for ; n < 0; n++ {
			s.remove(yv, xv)
		}
	}
	return nil
}

func defineRegression(r *registry) {
	def := func(name, ret, doc string, least float64, f func(s *floatPairs) (float64, bool)) {
		r.agg(name+"(float8, float8) "+ret, AggFunc{Doc: doc, Example: name + "(x, y)",
			Words: pairWords, Update: momentsPairs, EmptyZero: name == "regr_count",
			Result: pairsResult(ret, least, f)})
	}
	div := func(a, b float64) (float64, bool) { return a / b, true }
	def("regr_count", "int8", "number of pairs without NULL", 0,
		func(s *floatPairs) (float64, bool) { return s.n, true })
	def("corr", "float8", "correlation coefficient", 1, func(s *floatPairs) (float64, bool) {
		if s.sxx == 0 || s.syy == 0 {
			return 0, false
		}
		return div(s.sxy, math.Sqrt(s.sxx*s.syy))
	})
	def("covar_pop", "float8", "population covariance", 1,
		func(s *floatPairs) (float64, bool) { return div(s.sxy, s.n) })
	def("covar_samp", "float8", "sample covariance", 2,
		func(s *floatPairs) (float64, bool) { return div(s.sxy, s.n-1) })
	def("regr_avgx", "float8", "mean of X", 1,
		func(s *floatPairs) (float64, bool) { return div(s.sx, s.n) })
	def("regr_avgy", "float8", "mean of Y", 1,
		func(s *floatPairs) (float64, bool) { return div(s.sy, s.n) })
	def("regr_sxx", "float8", "sum of squared deviations of X", 1,
		func(s *floatPairs) (float64, bool) { return s.sxx, true })
	def("regr_syy", "float8", "sum of squared deviations of Y", 1,
		func(s *floatPairs) (float64, bool) { return s.syy, true })
	def("regr_sxy", "float8", "sum of products of deviations", 1,
		func(s *floatPairs) (float64, bool) { return s.sxy, true })
	def("regr_slope", "float8", "slope of the regression line", 1,
		func(s *floatPairs) (float64, bool) {
			if s.sxx == 0 {
				return 0, false
			}
			return div(s.sxy, s.sxx)
		})
	def("regr_intercept", "float8", "intercept of the regression line", 1,
		func(s *floatPairs) (float64, bool) {
			if s.sxx == 0 {
				return 0, false
			}
			return (s.sy - s.sx*s.sxy/s.sxx) / s.n, true
		})
	def("regr_r2", "float8", "square of the correlation coefficient", 1,
		func(s *floatPairs) (float64, bool) {
			if s.sxx == 0 {
				return 0, false
			}
			if s.syy == 0 {
				return 1, true
			}
			return s.sxy * s.sxy / (s.sxx * s.syy), true
		})
}

func pairsResult(ret string, least float64,
	f func(*floatPairs) (float64, bool)) func(accs, *batch.Vector) error {
	return func(acc accs, out *batch.Vector) error {
		for _, p := range acc {
			s := (*floatPairs)(p)
			if ret == "int8" {
				out.AppendInt(int64(s.n))
				continue
			}
			if s.n < least {
				out.AppendNull()
				continue
			}
			whole, err := s.finish()
			if err != nil {
				return err
			}
			v, ok := f(&whole)
			if !ok {
				out.AppendNull()
				continue
			}
			out.AppendFloat(v)
		}
		return nil
	}
}
