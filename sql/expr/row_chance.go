package expr

import (
	"hash/fnv"
	"math"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// invalidRepeat is 2202G, invalid_tablesample_repeat.
const invalidRepeat sqlerr.Code = "2202G"

// RowChance gives a number from 0 to 1, one excluded, that follows from the arguments: a seed
// of type float8, and the values of a row.
func RowChance(args []Expr) Expr {
	ts := typesOf(args)
	f := &Func{Name: "row_chance", Args: ts, Ret: types.Of(types.Float8), Volatility: Stable}
	f.Row = func(_ *Env, vs []types.Datum) (types.Datum, error) {
		if vs[0].Null {
			return vs[0], sqlerr.New(invalidRepeat, "TABLESAMPLE REPEATABLE parameter cannot be null")
		}
		return types.FloatDatum(rowChance(ts, vs)), nil
	}
	return &Call{Fn: f, Args: args, T: f.Ret, Pos: -1}
}

func rowChance(ts []types.Type, vs []types.Datum) float64 {
	h := fnv.New64a()
	var text []byte
	for i, v := range vs[1:] {
		text = append(text[:0], 0)
		if !v.Null {
			text = types.AppendText(nil, append(text, 1), ts[i+1], v)
		}
		h.Write(text)
	}
	// The last steps of splitmix64: similar rows get numbers far apart.
	x := h.Sum64() ^ math.Float64bits(vs[0].F)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11) / (1 << 53)
}
