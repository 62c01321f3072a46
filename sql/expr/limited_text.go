package expr

import (
	"strings"

	"github.com/millracedb/millrace/sql/types"
)

// maxBuilt is the most bytes of a text that a function puts together from parts, each of
// which may stand in it many times: small arguments could ask for more than any memory.
const maxBuilt = 1 << 28

// limitedText collects the parts of a text and stops before it gets longer than max bytes.
// Its zero value has the limit maxBuilt.
type limitedText struct {
	b    strings.Builder
	max  int
	over bool // a part did not fit; what follows it is left out too
}

func (t *limitedText) add(s string) {
	limit := t.max
	if limit == 0 {
		limit = maxBuilt
	}
	if t.over || len(s) > limit-t.b.Len() {
		t.over = true
		return
	}
	t.b.WriteString(s)
}

// datum gives the text, or the error that it is too long.
func (t *limitedText) datum() (types.Datum, error) {
	if t.over {
		return types.NullDatum, errRequestedLength()
	}
	return types.TextDatum(t.b.String()), nil
}

// checkTimes tells whether n parts of size bytes fit into one value.
func checkTimes(n, size int) error {
	if size > 0 && n > maxBuilt/size {
		return errRequestedLength()
	}
	return nil
}
