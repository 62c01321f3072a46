package expr

import (
	"math/rand"
	"testing"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// TestNumericKernels compares the short way of arithmetic with types.Decimal.
func TestNumericKernels(t *testing.T) {
	rnd := rand.New(rand.NewSource(3))
	numeric := types.Of(types.Numeric)
	random := func() types.Decimal {
		switch rnd.Intn(12) {
		case 0:
			return types.DecimalNaN
		case 1:
			return types.DecimalNegInf
		case 2:
			return types.NewDecimal(rnd.Int63(), int32(rnd.Intn(80)))
		case 3:
			d, _ := types.NewDecimal(rnd.Int63(), 3).Mul(types.NewDecimal(-rnd.Int63(), 2))
			return d
		case 4:
			return types.NewDecimal(0, int32(rnd.Intn(4)))
		}
		return types.NewDecimal(rnd.Int63n(1<<(1+rnd.Intn(62)))-rnd.Int63n(1<<(1+rnd.Intn(62))),
			int32(rnd.Intn(7)))
	}
	for name, k := range map[string]struct {
		kernel Kernel
		whole  func(a, b types.Decimal) (types.Decimal, error)
	}{
		"+": {numericSums(1, types.Decimal.Add), types.Decimal.Add},
		"-": {numericSums(-1, types.Decimal.Sub), types.Decimal.Sub},
		"*": {numericProduct, types.Decimal.Mul},
	} {
		a, b := batch.NewVector(numeric, 64), batch.NewVector(numeric, 64)
		var xs, ys []types.Decimal
		rows := []uint16{}
		for i := range 4000 {
			x, y := random(), random()
			xs, ys, rows = append(xs, x), append(ys, y), append(rows, uint16(i))
			a.AppendBytes(types.EncodeNumeric(nil, x))
			b.AppendBytes(types.EncodeNumeric(nil, y))
		}
		out := batch.NewVector(numeric, 64)
		if err := k.kernel(nil, len(rows), rows, []*batch.Vector{a, b}, out); err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			want, err := k.whole(xs[i], ys[i])
			if err != nil {
				t.Fatal(err)
			}
			if got := out.Bytes(i); string(got) != string(types.EncodeNumeric(nil, want)) {
				t.Fatalf("%v %s %v is %v, want %v", xs[i], name, ys[i], types.DecodeNumeric(got), want)
			}
		}
	}
}
