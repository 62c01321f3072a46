package types

import "testing"

// TestFilledArray compares with arrays that are put together from their elements.
func TestFilledArray(t *testing.T) {
	for _, c := range []struct {
		elem Type
		d    Datum
	}{
		{Of(Int4), IntDatum(-7)}, {Of(Float8), FloatDatum(2.5)}, {Of(Bool), BoolDatum(true)},
		{Of(Text), TextDatum("äb")}, {Of(Text), TextDatum("")}, {Of(Text), NullDatum},
		{Of(Int8), NullDatum}, {Of(Bool), NullDatum}, {ArrayOf(Of(Int4)), ArrayOfDatums(Of(Int4), nil)},
	} {
		for _, dims := range [][]Dim{{{1, 1}}, {{7, 1}}, {{8, 1}}, {{9, -2}}, {{3, 1}, {5, 4}}, {{17, 1}}} {
			n := 1
			for _, d := range dims {
				n *= int(d.Len)
			}
			v := ArrayValue{Dims: dims}
			for range n {
				v.Elems = append(v.Elems, c.d)
			}
			got, want := FilledArray(c.elem, dims, n, c.d).S, string(EncodeArray(nil, c.elem, v))
			if got != want {
				t.Errorf("%s %v of %v: %x, want %x", c.elem, dims, c.d, got, want)
			}
		}
	}
}
