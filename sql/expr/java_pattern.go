package expr

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// javaField is one element of a pattern of java.time.format.DateTimeFormatter: a
// run of one letter, literal text when letter is 0, or an optional section when it
// is '['.
type javaField struct {
	letter byte
	n      int
	pad    int // width of the letter p before it, 0 for none
	text   string
	// after is the number of digits that fields of a fixed width, which follow
	// without anything between, need; fixed says that this is such a field.
	after int
	fixed bool
	inner []javaField
}

// javaLetters are the letters with the greatest number of them in a run; those
// without one have no bound.
var javaLetters = map[byte]int{
	'G': 5, 'u': 19, 'y': 19, 'Y': 19, 'D': 3, 'M': 5, 'L': 5, 'd': 2, 'Q': 5, 'q': 5, 'w': 2, 'W': 1,
	'E': 5, 'e': 5, 'c': 5, 'F': 1, 'a': 1, 'h': 2, 'K': 2, 'k': 2, 'H': 2, 'm': 2, 's': 2, 'S': 9,
	'A': 19, 'n': 19, 'N': 19, 'V': 2, 'z': 4, 'O': 4, 'X': 5, 'x': 5, 'Z': 5, 'p': 99,
}

// The letters by what they need of a value.
const (
	javaDateLetters = "GuyYDMLdQqwWEecF"
	javaTimeLetters = "ahKkHmsSAnN"
	javaZoneLetters = "VzOXxZ"
)

// javaPatterns remembers patterns taken apart, as timeTemplates does.
var javaPatterns struct {
	parsed sync.Map // string to []javaField
	count  atomic.Int32
}

// CheckTimeFormat tells what is wrong with a pattern.
func CheckTimeFormat(p string) error {
	_, err := javaPattern(p)
	return err
}

// javaPattern takes a pattern apart. The result is shared: do not change it.
func javaPattern(p string) ([]javaField, error) {
	if f, ok := javaPatterns.parsed.Load(p); ok {
		return f.([]javaField), nil
	}
	p = strings.Clone(p) // it may alias a batch
	r := javaPatternReader{p: p}
	fields, err := r.section(0)
	if err != nil {
		return nil, err
	}
	if javaPatterns.count.Load() < maxTemplates {
		javaPatterns.count.Add(1)
		javaPatterns.parsed.Store(p, fields)
	}
	return fields, nil
}

func errPattern(p string) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "invalid date/time format \"%s\"", p).
		WithHint("Formats are those of Java's DateTimeFormatter, such as yyyy-MM-dd HH:mm:ss.SSS.")
}

type javaPatternReader struct {
	p string
	i int
}

// section reads up to the end, or to the bracket that closes an optional section.
func (r *javaPatternReader) section(depth int) ([]javaField, error) {
	var out []javaField
	pad := 0
	for r.i < len(r.p) {
		c := r.p[r.i]
		switch {
		case c == ']' && depth > 0 && pad == 0:
			r.i++
			return adjacentFields(out), nil
		case c == '[' && pad == 0:
			r.i++
			inner, err := r.section(depth + 1)
			if err != nil {
				return nil, err
			}
			out = append(out, javaField{letter: '[', inner: inner})
			continue
		case strings.IndexByte("[]{}#", c) >= 0:
			return nil, errPattern(r.p)
		}
		f, err := r.field(c)
		if err != nil {
			return nil, err
		}
		if f.letter == 'p' {
			if pad > 0 {
				return nil, errPattern(r.p)
			}
			pad = f.n
			continue
		}
		f.pad, pad = pad, 0
		out = append(out, f)
	}
	if pad > 0 {
		return nil, errPattern(r.p)
	}
	return adjacentFields(out), nil // an open section ends with the pattern
}

// field reads literal text or a run of a letter.
func (r *javaPatternReader) field(c byte) (javaField, error) {
	switch {
	case c == '\'':
		text, ok := r.quoted()
		if !ok {
			return javaField{}, errPattern(r.p)
		}
		return javaField{text: text}, nil
	case !isLetter(c):
		start := r.i
		for r.i++; r.i < len(r.p) && r.p[r.i]&0xC0 == 0x80; {
			r.i++
		}
		return javaField{text: r.p[start:r.i]}, nil
	}
	n := 1
	for r.i+n < len(r.p) && r.p[r.i+n] == c {
		n++
	}
	r.i += n
	most, known := javaLetters[c]
	f := javaField{letter: c, n: n}
	if !known || n > most || c == 'c' && n == 2 || c == 'V' && n != 2 || c == 'O' && n != 1 && n != 4 {
		return f, errPattern(r.p)
	}
	return f, nil
}

// quoted reads text in single quotes; two quotes are one.
func (r *javaPatternReader) quoted() (string, bool) {
	var b strings.Builder
	start := r.i
	for r.i++; r.i < len(r.p); r.i++ {
		if r.p[r.i] != '\'' {
			b.WriteByte(r.p[r.i])
			continue
		}
		if r.i+1 < len(r.p) && r.p[r.i+1] == '\'' && r.i != start {
			r.i++
			b.WriteByte('\'')
			continue
		}
		r.i++
		if b.Len() == 0 {
			return "'", true
		}
		return b.String(), true
	}
	return "", false
}

// adjacentFields finds the numbers of fixed width that follow another number
// directly: the first one leaves them their digits.
func adjacentFields(fs []javaField) []javaField {
	first := -1
	for i := range fs {
		switch f := &fs[i]; {
		case !f.isNumber():
			first = -1
		case first >= 0 && f.fixedWidth() > 0:
			f.fixed = true
			fs[first].after += f.fixedWidth()
		default:
			first = i
		}
	}
	return fs
}

// isNumber tells whether the field is one of digits.
func (f javaField) isNumber() bool {
	switch f.letter {
	case 0, '[', 'a', 'G', 'V', 'z', 'O', 'X', 'x', 'Z':
		return false
	case 'M', 'L', 'Q', 'q', 'e', 'c':
		return f.n <= 2
	case 'E':
		return false
	}
	return true
}

// fixedWidth is the number of digits of a field that has always the same number,
// 0 for the others.
func (f javaField) fixedWidth() int {
	switch f.letter {
	case 'S':
		return f.n
	case 'A', 'n', 'N':
		return 0
	case 'D':
		if f.n == 3 {
			return 3
		}
		return 0
	}
	if f.n == 2 {
		return 2
	}
	return 0
}
