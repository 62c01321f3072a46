package expr

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/types"
)

// WithoutLengths gives t with texts of any length: ksqlDB reads the n of VARCHAR(n) and does
// not enforce it.
func WithoutLengths(t types.Type) types.Type {
	if t.Kind == types.Varchar {
		return types.Of(types.Varchar)
	}
	within := func(p *types.Type) *types.Type {
		if p == nil {
			return nil
		}
		u := WithoutLengths(*p)
		return &u
	}
	t.Elem, t.Key = within(t.Elem), within(t.Key)
	t.Fields = slices.Clone(t.Fields)
	for i := range t.Fields {
		t.Fields[i].Type = WithoutLengths(t.Fields[i].Type)
	}
	return t
}

// timeForm is a whole time, of which any beginning behind the year may be given.
const timeForm = "0000-01-01T00:00:00"

// CompleteTime fills up an ISO time, and tells whether it is one; zone is that of
// times that name none.
func CompleteTime(s, zone string) (string, bool) {
	text := s
	if i := strings.IndexAny(s, "Zz+"); i >= 0 {
		text, zone = s[:i], s[i:]
	} else if i := strings.LastIndexByte(s, '-'); i > len("0000-01-01") {
		text, zone = s[:i], s[i:]
	}
	for i := range len(text) {
		if i >= len(timeForm) {
			break
		}
		digit := text[i] >= '0' && text[i] <= '9'
		if wantDigit := timeForm[i] >= '0' && timeForm[i] <= '9'; digit != wantDigit {
			return "", false
		}
	}
	if len(text) < len("0000") {
		return "", false
	}
	if len(text) < len(timeForm) {
		text += timeForm[len(text):]
	}
	return text + zone, true
}
