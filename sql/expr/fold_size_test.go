package expr

import (
	"runtime"
	"testing"
)

// TestFoldSize: planning computes no large values; what small calls give, it does compute.
func TestFoldSize(t *testing.T) {
	sc := &testScope{}
	for _, text := range []string{
		"array_fill(0, ARRAY[16777216])", "array_fill('abc'::text, ARRAY[5000, 3000])",
		"cardinality(array_fill(0, ARRAY[16000000]))", "repeat('abc', 60000000)",
		"length(repeat('abc', 60000000))", "lpad('a', 60000000)", "rpad('a', 60000000, 'xy')",
		"replace(repeat('a', 9000), 'a', repeat('b', 9000))", "format('%60000000s', 'a')",
		"format('%*s', 60000000, 'a')", "regexp_replace(repeat('a', 9000), 'a', repeat('b', 9000), 'g')",
		"NULL::text = repeat('a', 60000000)", "NULL::int = cardinality(array_fill(0, ARRAY[16000000]))",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		Fold(mustCheck(t, sc, text))
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
			t.Errorf("%s: %d bytes", text, n)
		}
	}
	for _, text := range []string{"array_fill(1, ARRAY[100])", "repeat('ab', 100)", "lpad('1', 20, '0')",
		"replace('abc', 'b', 'x')", "length(repeat('ab', 100))"} {
		if _, ok := Fold(mustCheck(t, sc, text)).(*Const); !ok {
			t.Errorf("%s is not computed", text)
		}
	}
}
