package types

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestCompareNumerics compares the short way with Decimal.Cmp: near values, scales that differ
// by more than 64 bits hold, zeros of any scale, and numbers that have no short form.
func TestCompareNumerics(t *testing.T) {
	const seed = 7
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	texts := []string{"0", "0.00", "-0.0", "NaN", "Infinity", "-Infinity", "1", "1.000", "-1",
		"18446744073709551615", "18446744073709551616", "1844674407370955161.5", "0." +
			strings.Repeat("0", 40) + "1", "-0." + strings.Repeat("0", 61) + "3",
		"9e30", "1e-62", "1e-63", "1e19", "1e20"}
	for range 300 {
		v := r.Int64N(2000) - 1000
		if r.IntN(3) == 0 {
			v = int64(r.Uint64())
		}
		texts = append(texts, fmt.Sprintf("%de-%d", v, r.IntN(25)))
	}
	for _, x := range texts {
		for _, y := range texts {
			a, err := ParseDecimal(x)
			if err != nil {
				t.Fatal(x, err)
			}
			b, err := ParseDecimal(y)
			if err != nil {
				t.Fatal(y, err)
			}
			got := CompareNumerics(EncodeNumeric(nil, a), EncodeNumeric(nil, b))
			if want := a.Cmp(b); got != want {
				t.Fatalf("%s with %s: %d, want %d", x, y, got, want)
			}
		}
	}
}
