package expr

import (
	"testing"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// TestLimitedText adds parts up to the limit and beyond it.
func TestLimitedText(t *testing.T) {
	text := limitedText{max: 6}
	text.add("abc")
	text.add("def")
	if d, err := text.datum(); err != nil || d.S != "abcdef" {
		t.Errorf("%q, %v", d.S, err)
	}
	text.add("g")
	text.add("")
	if _, err := text.datum(); !sqlerr.Is(err, sqlerr.ProgramLimitExceeded) {
		t.Errorf("error %v", err)
	}
}

// TestRegexpReplaceLimit stops inside the replacement of one match.
func TestRegexpReplaceLimit(t *testing.T) {
	p, err := compilePattern("a+", "")
	if err != nil {
		t.Fatal(err)
	}
	text := limitedText{max: 10}
	regexpReplace(&text, p, "xaaay", `\&\&`, 0, 0)
	if d, err := text.datum(); err != nil || d.S != "xaaaaaay" {
		t.Errorf("%q, %v", d.S, err)
	}
	text = limitedText{max: 10}
	regexpReplace(&text, p, "xaaay", `\&\&\&\&`, 0, 0)
	if _, err := text.datum(); !sqlerr.Is(err, sqlerr.ProgramLimitExceeded) {
		t.Errorf("error %v", err)
	}
}

// TestCheckTimes multiplies sizes whose product is larger than any integer.
func TestCheckTimes(t *testing.T) {
	for _, test := range []struct {
		n, size int
		ok      bool
	}{{0, 1 << 60, true}, {1 << 60, 0, true}, {1 << 27, 2, true}, {1<<27 + 1, 2, false},
		{1 << 60, 1 << 60, false}} {
		if err := checkTimes(test.n, test.size); (err == nil) != test.ok {
			t.Errorf("%d of %d: %v", test.n, test.size, err)
		}
	}
}

// TestArrayFillLimit asks for arrays that no memory holds.
func TestArrayFillLimit(t *testing.T) {
	for _, test := range []struct {
		value types.Datum
		lens  []int64
		ok    bool
	}{
		{types.TextDatum("x"), []int64{3, 4}, true},
		{types.TextDatum("x"), []int64{100_000_000}, false},
		{types.TextDatum(string(make([]byte, 1<<20))), []int64{1000}, false},
		{types.TextDatum("x"), []int64{1 << 26, 1 << 26, 1 << 26}, false},
		{types.TextDatum("x"), []int64{-1}, false},
		{types.TextDatum("x"), []int64{1 << 30, 0}, false},
	} {
		var lens []types.Datum
		for _, n := range test.lens {
			lens = append(lens, types.IntDatum(n))
		}
		_, _, err := fillSize(test.value, lens)
		if (err == nil) != test.ok || err != nil && !sqlerr.Is(err, sqlerr.ProgramLimitExceeded) {
			t.Errorf("%v: %v", test.lens, err)
		}
	}
}
