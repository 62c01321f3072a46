package expr

import (
	"slices"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/types"
)

// Encoding is an encoding of text outside the server, which has UTF8 alone.
type Encoding struct{ *encoding }

// EncodingNamed finds an encoding by one of its names; nil is UTF8, or SQL_ASCII, which
// converts nothing.
func EncodingNamed(name string) (*Encoding, error) {
	e, err := findEncoding(name, "")
	if err != nil || e.chars == nil {
		return nil, err
	}
	return &Encoding{e}, nil
}

// EncodingNames are the names of the encodings, sorted.
func EncodingNames() []string {
	names := []string{utf8Encoding.name, anyEncoding.name}
	for name := range encodingTables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// AppendDecoded appends text that is in e, as UTF8. A byte without a meaning is an error;
// what comes before it is appended.
func (e *Encoding) AppendDecoded(dst, text []byte) ([]byte, error) {
	for i, b := range text {
		if b < utf8.RuneSelf {
			dst = append(dst, b)
			continue
		}
		r := e.chars[b-utf8.RuneSelf]
		if r == utf8.RuneError {
			return dst, e.errNoEquivalent(string(text[i:i+1]), utf8Encoding)
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, nil
}

// AppendEncoded appends UTF8 text in e.
func (e *Encoding) AppendEncoded(dst, text []byte) ([]byte, error) {
	for at := 0; at < len(text); {
		r, n := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && n == 1 {
			return dst, types.ValidText(string(text))
		}
		b, ok := byte(r), r < utf8.RuneSelf
		if !ok {
			b, ok = e.bytes[r]
		}
		if !ok {
			return dst, utf8Encoding.errNoEquivalent(string(text[at:at+n]), e.encoding)
		}
		dst = append(dst, b)
		at += n
	}
	return dst, nil
}
