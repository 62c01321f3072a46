package expr

import "strings"

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
