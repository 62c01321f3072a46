package expr

import (
	"fmt"
	"math"
	"testing"
)

func TestPaddedNumber(t *testing.T) {
	for _, v := range []int64{0, 1, -1, 9, 10, 99, -99, 100, 2015, math.MaxInt64, math.MinInt64} {
		for width := range 10 {
			if got, want := paddedNumber(v, width), fmt.Sprintf("%0*d", width, v); got != want {
				t.Errorf("%d to width %d: %q, want %q", v, width, got, want)
			}
		}
	}
}

func TestTimeTemplateIsShared(t *testing.T) {
	a, b := timeTemplate("YYYY-MM"), timeTemplate("YYYY-MM")
	if len(a) != 3 || &a[0] != &b[0] {
		t.Errorf("the template was read twice: %v, %v", a, b)
	}
	for i := range 2 * maxTemplates {
		timeTemplate(fmt.Sprintf("YYYY %d", i))
	}
	if n := timeTemplates.count.Load(); n > maxTemplates {
		t.Errorf("%d templates are kept", n)
	}
}
