package op

import (
	"unsafe"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// compute appends the value of a call for each row of the partition to out.
func (p *windowPart) compute(c *windowCall, out *batch.Vector) error {
	out.Reset()
	if c.Agg != nil {
		if c.Agg.Words > 0 {
			return p.linear(c, out)
		}
		return p.collect(c, out)
	}
	switch c.Name {
	case "row_number", "rank", "dense_rank", "percent_rank", "cume_dist":
		p.ranking(c.Name, out)
		return nil
	case "ntile":
		return p.ntile(c, out)
	case "lag", "lead":
		p.shift(c, out)
		return nil
	case "first_value", "last_value", "nth_value":
		return p.nth(c, out)
	}
	// The checker lets only the functions above through.
	return sqlerr.New(sqlerr.InternalError, "window function %s has no operator", c.Name)
}

func (p *windowPart) ranking(name string, out *batch.Vector) {
	for i := range p.n {
		switch name {
		case "row_number":
			out.AppendInt(int64(i + 1))
		case "rank":
			out.AppendInt(int64(p.peerLo[i] + 1))
		case "dense_rank":
			out.AppendInt(int64(p.group[i] + 1))
		case "percent_rank":
			x := 0.0
			if p.n > 1 {
				x = float64(p.peerLo[i]) / float64(p.n-1)
			}
			out.AppendFloat(x)
		case "cume_dist":
			out.AppendFloat(float64(p.peerHi[i]) / float64(p.n))
		}
	}
}

// ntile divides the partition: the first n mod buckets are one row larger.
func (p *windowPart) ntile(c *windowCall, out *batch.Vector) error {
	if p.n == 0 {
		return nil
	}
	d := p.datum(c.arg, 0)
	if d.Null {
		for range p.n {
			out.AppendNull()
		}
		return nil
	}
	if d.I <= 0 {
		return sqlerr.New(sqlerr.InvalidArgumentForNtile, "argument of ntile must be greater than zero")
	}
	size, large := int64(p.n)/d.I, int64(p.n)%d.I
	for i := range int64(p.n) {
		if k := large * (size + 1); i >= k {
			out.AppendInt(large + (i-k)/max(size, 1) + 1)
		} else {
			out.AppendInt(i/(size+1) + 1)
		}
	}
	return nil
}

// shift is lag and lead.
func (p *windowPart) shift(c *windowCall, out *batch.Vector) {
	for i := range p.n {
		by := int64(1)
		if len(c.Args) > 1 {
			d := p.datum(c.arg+1, i)
			if d.Null {
				out.AppendNull()
				continue
			}
			by = d.I
		}
		if c.Name == "lag" {
			by = -by
		}
		j := p.shifted(c, i, by)
		switch {
		case j >= 0 && j < p.n:
			out.AppendDatum(p.datum(c.arg, j))
		case len(c.Args) > 2:
			out.AppendDatum(p.datum(c.arg+2, i))
		default:
			out.AppendNull()
		}
	}
}

// shifted gives the row that is by rows after i, counting rows whose value is not
// NULL only when NULLs are ignored; -1 when there is none.
func (p *windowPart) shifted(c *windowCall, i int, by int64) int {
	if !c.IgnoreNulls || by == 0 {
		if by > int64(p.n) || by < -int64(p.n) {
			return -1
		}
		return i + int(by)
	}
	step := 1
	if by < 0 {
		step, by = -1, -by
	}
	for j := i + step; j >= 0 && j < p.n; j += step {
		if !p.datum(c.arg, j).Null {
			if by--; by == 0 {
				return j
			}
		}
	}
	return -1
}

// nth is first_value, last_value and nth_value.
func (p *windowPart) nth(c *windowCall, out *batch.Vector) error {
	var fr [2]int
	for i := range p.n {
		fr[0], fr[1] = p.frame(c, i, fr)
		n := int64(1)
		if c.Name == "nth_value" {
			d := p.datum(c.arg+1, i)
			if d.Null {
				out.AppendNull()
				continue
			}
			if n = d.I; n <= 0 {
				return sqlerr.New(sqlerr.InvalidArgumentForNthValue,
					"argument of nth_value must be greater than zero")
			}
		}
		j := p.nthRow(c, i, fr, n)
		if j < 0 {
			out.AppendNull()
			continue
		}
		out.AppendDatum(p.datum(c.arg, j))
	}
	return nil
}

// nthRow gives the n-th row of a frame, from the end for last_value; -1 when
// there is none.
func (p *windowPart) nthRow(c *windowCall, i int, fr [2]int, n int64) int {
	step, j := 1, fr[0]
	if c.Name == "last_value" {
		step, j = -1, fr[1]-1
	}
	for ; j >= fr[0] && j < fr[1]; j += step {
		if p.excluded(c, i, j) || c.IgnoreNulls && p.datum(c.arg, j).Null {
			continue
		}
		if n--; n == 0 {
			return j
		}
		if c.Frame.Exclude == expr.ExcludeNone && !c.IgnoreNulls {
			if j += int(min(n, int64(p.n))) * step; j < fr[0] || j >= fr[1] {
				return -1
			}
			return j
		}
	}
	return -1
}

// excluded tells whether row j is taken out of the frame of row i.
func (p *windowPart) excluded(c *windowCall, i, j int) bool {
	switch c.Frame.Exclude {
	case expr.ExcludeCurrentRow:
		return i == j
	case expr.ExcludeGroup:
		return p.group[i] == p.group[j]
	case expr.ExcludeTies:
		return i != j && p.group[i] == p.group[j]
	}
	return false
}

// passes tells whether row i passes the call's FILTER.
func (p *windowPart) passes(c *windowCall, i int) bool {
	return c.filter < 0 || p.datum(c.filter, i).Bool()
}

// addRow adds row i to an accumulator with weight w.
func (p *windowPart) addRow(c *windowCall, acc []int64, i int, w int32) error {
	if !p.passes(c, i) {
		return nil
	}
	chunk, r := p.at(i)
	at := [1]unsafe.Pointer{unsafe.Pointer(&acc[0])}
	rows := [1]uint16{uint16(r)}
	args := chunk.vecs[c.arg : c.arg+len(c.Args)]
	if w == 1 {
		return c.Agg.Update(at[:], rows[:], args, nil)
	}
	p.w.weights[r] = w
	return c.Agg.Update(at[:], rows[:], args, p.w.weights)
}

// linear slides an accumulator over the frames: rows that leave are subtracted.
func (p *windowPart) linear(c *windowCall, out *batch.Vector) error {
	clear(c.words)
	tmp := make([]int64, len(c.words))
	var fr, have [2]int
	for i := range p.n {
		fr[0], fr[1] = p.frame(c, i, fr)
		if err := p.slide(c, &have, fr); err != nil {
			return err
		}
		acc := c.words
		if c.Frame.Exclude != expr.ExcludeNone {
			copy(tmp, acc)
			acc = tmp
			lo, hi := max(p.peerLo[i], fr[0]), min(p.peerHi[i], fr[1])
			for j := lo; j < hi; j++ {
				if p.excluded(c, i, j) {
					if err := p.addRow(c, acc, j, -1); err != nil {
						return err
					}
				}
			}
		}
		at := [1]unsafe.Pointer{unsafe.Pointer(&acc[0])}
		if err := c.Agg.Result(at[:], out); err != nil {
			return err
		}
	}
	return nil
}

// slide moves the rows that the accumulator has from have to want.
func (p *windowPart) slide(c *windowCall, have *[2]int, want [2]int) error {
	if want[0] >= have[1] || want[0] < have[0] || want[1] < have[1] {
		clear(c.words)
		*have = [2]int{want[0], want[0]}
	}
	for ; have[0] < want[0]; have[0]++ {
		if err := p.addRow(c, c.words, have[0], -1); err != nil {
			return err
		}
	}
	for ; have[1] < want[1]; have[1]++ {
		if err := p.addRow(c, c.words, have[1], 1); err != nil {
			return err
		}
	}
	return nil
}

// collect runs a collecting aggregate over each frame; equal frames once.
func (p *windowPart) collect(c *windowCall, out *batch.Vector) error {
	var fr, last [2]int
	for i := range p.n {
		fr[0], fr[1] = p.frame(c, i, fr)
		if i > 0 && fr == last && c.Frame.Exclude == expr.ExcludeNone {
			out.AppendRow(out, i-1)
			continue
		}
		last = fr
		it := &frameIter{p: p, c: c, i: i, j: fr[0], hi: fr[1], args: make([]types.Datum, len(c.Args))}
		if c.Agg.Extreme != 0 {
			p.extreme(c, it, out)
			continue
		}
		if err := c.Agg.Collect(p.w.ctx.Env, it, out); err != nil {
			return err
		}
	}
	return nil
}

// extreme is min or max over a frame.
func (p *windowPart) extreme(c *windowCall, it *frameIter, out *batch.Vector) {
	t := c.Args[0].Type()
	best := types.NullDatum
	for args, _, ok := it.Next(); ok; args, _, ok = it.Next() {
		if best.Null || types.Compare(t, args[0], best)*c.Agg.Extreme > 0 {
			best = args[0]
		}
	}
	out.AppendDatum(best)
}

// frameIter walks the argument rows of a frame.
type frameIter struct {
	p        *windowPart
	c        *windowCall
	i, j, hi int
	args     []types.Datum
}

// Next implements expr.RowIter.
func (f *frameIter) Next() (args []types.Datum, count int64, ok bool) {
	for ; f.j < f.hi; f.j++ {
		if f.p.excluded(f.c, f.i, f.j) || !f.p.passes(f.c, f.j) {
			continue
		}
		for k := range f.args {
			f.args[k] = f.p.datum(f.c.arg+k, f.j)
		}
		if !f.c.Agg.KeepNulls && len(f.args) > 0 && f.args[0].Null {
			continue
		}
		f.j++
		return f.args, 1, true
	}
	return nil, 0, false
}
