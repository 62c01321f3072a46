package expr

import (
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// encoding is one of PostgreSQL's encodings of text. UTF8 and SQL_ASCII, which says nothing of
// bytes above 127, have no tables.
type encoding struct {
	name  string
	chars []rune // of the bytes from 0x80 on, utf8.RuneError where there is none
	bytes map[rune]byte
}

var (
	utf8Encoding = &encoding{name: "UTF8"}
	anyEncoding  = &encoding{name: "SQL_ASCII"}
)

// encodingAliases are other names of encodings, as they are compared.
var encodingAliases = map[string]string{
	"unicode": "UTF8", "iso88591": "LATIN1", "iso88592": "LATIN2", "iso88593": "LATIN3",
	"iso88594": "LATIN4", "iso88599": "LATIN5", "iso885910": "LATIN6", "iso885913": "LATIN7",
	"iso885914": "LATIN8", "iso885915": "LATIN9", "iso885916": "LATIN10", "koi8": "KOI8R",
	"alt": "WIN866", "win": "WIN1251", "abc": "WIN1258", "tcvn": "WIN1258",
	"tcvn5712": "WIN1258", "vscii": "WIN1258", "windows866": "WIN866", "windows874": "WIN874",
	"windows1250": "WIN1250", "windows1251": "WIN1251", "windows1252": "WIN1252",
	"windows1253": "WIN1253", "windows1254": "WIN1254", "windows1255": "WIN1255",
	"windows1256": "WIN1256", "windows1257": "WIN1257", "windows1258": "WIN1258",
}

// encodings has the encodings by their names as they are compared: letters and digits alone,
// in lower case.
var encodings = sync.OnceValue(func() map[string]*encoding {
	m := map[string]*encoding{"utf8": utf8Encoding, "sqlascii": anyEncoding}
	for name, chars := range encodingTables {
		e := &encoding{name: name, chars: []rune(chars), bytes: map[rune]byte{}}
		for i, r := range e.chars {
			if r != utf8.RuneError {
				e.bytes[r] = byte(utf8.RuneSelf + i)
			}
		}
		m[encodingKey(name)] = e
	}
	for alias, name := range encodingAliases {
		m[alias] = m[encodingKey(name)]
	}
	return m
})

// manyByteEncodings are PostgreSQL's that need more than one byte for a character.
var manyByteEncodings = map[string]bool{"big5": true, "euccn": true, "eucjis2004": true,
	"eucjp": true, "euckr": true, "euctw": true, "gb18030": true, "gbk": true, "johab": true,
	"mskanji": true, "muleinternal": true, "shiftjis": true, "shiftjis2004": true, "sjis": true,
	"uhc": true, "win932": true, "win936": true, "win949": true, "win950": true,
	"windows932": true, "windows936": true, "windows949": true, "windows950": true}

// maxEncodingName is how long the name of an encoding may be.
const maxEncodingName = 63

func encodingKey(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
}

// findEncoding looks an encoding up; what is the word for it in the message.
func findEncoding(name, what string) (*encoding, error) {
	key := encodingKey(name)
	if e := encodings()[key]; e != nil && len(name) <= maxEncodingName {
		return e, nil
	}
	if manyByteEncodings[key] {
		return nil, sqlerr.Unsupported("the encoding "+name,
			"There are UTF8, SQL_ASCII and the encodings of one byte a character.")
	}
	return nil, sqlerr.New(sqlerr.InvalidParameterValue, "invalid %sencoding name \"%s\"", what, name)
}

// valid verifies text in e.
func (e *encoding) valid(s string) error {
	if e == utf8Encoding {
		return types.ValidText(s)
	}
	if strings.IndexByte(s, 0) >= 0 {
		return sqlerr.New(sqlerr.CharacterNotInRepertoire,
			"invalid byte sequence for encoding \"%s\": 0x00", e.name)
	}
	return nil
}

// convert gives text in e in the encoding to.
func (e *encoding) convert(s string, to *encoding) (string, error) {
	switch err := e.valid(s); {
	case err != nil:
		return "", err
	case e == to, to == anyEncoding, s == "":
		return s, nil
	case e == anyEncoding:
		return s, to.valid(s)
	case direct(e.name, to.name):
		return "", sqlerr.Unsupported("a conversion from "+e.name+" to "+to.name,
			"Convert to UTF8 first.")
	case e != utf8Encoding && to != utf8Encoding:
		return "", sqlerr.New(sqlerr.UndefinedFunction, "default conversion function for encoding "+
			"\"%s\" to \"%s\" does not exist", e.name, to.name)
	}
	var b strings.Builder
	for at := 0; at < len(s); {
		r, n := e.decode(s[at:])
		if r == utf8.RuneError || !to.encode(&b, r) {
			return "", e.errNoEquivalent(s[at:at+n], to)
		}
		at += n
	}
	return b.String(), nil
}

// direct tells whether PostgreSQL converts between two encodings that are not UTF8: by tables
// of their own, which have fewer characters than the way through UTF8.
func direct(a, b string) bool {
	const cyrillic = " KOI8R ISO_8859_5 WIN1251 WIN866 "
	const central = " LATIN2 WIN1250 "
	return strings.Contains(cyrillic, " "+a+" ") && strings.Contains(cyrillic, " "+b+" ") ||
		strings.Contains(central, " "+a+" ") && strings.Contains(central, " "+b+" ")
}

func (e *encoding) decode(s string) (rune, int) {
	switch {
	case e.chars == nil:
		return utf8.DecodeRuneInString(s)
	case s[0] < utf8.RuneSelf:
		return rune(s[0]), 1
	}
	return e.chars[s[0]-utf8.RuneSelf], 1
}

func (e *encoding) encode(b *strings.Builder, r rune) bool {
	if e.chars == nil || r < utf8.RuneSelf {
		b.WriteRune(r)
		return true
	}
	c, ok := e.bytes[r]
	if ok {
		b.WriteByte(c)
	}
	return ok
}

func (e *encoding) errNoEquivalent(char string, to *encoding) error {
	seq := make([]byte, 0, 20)
	for i := range len(char) {
		const digits = "0123456789abcdef"
		if i > 0 {
			seq = append(seq, ' ')
		}
		seq = append(seq, '0', 'x', digits[char[i]>>4], digits[char[i]&15])
	}
	return sqlerr.New(sqlerr.UntranslatableCharacter, "character with byte sequence %s in encoding "+
		"\"%s\" has no equivalent in encoding \"%s\"", seq, e.name, to.name)
}

// convertBetween is convert, convert_from and convert_to.
func convertBetween(s, from, to string) (string, error) {
	src, err := findEncoding(from, "source ")
	if err != nil {
		return "", err
	}
	dst, err := findEncoding(to, "destination ")
	if err != nil {
		return "", err
	}
	return src.convert(s, dst)
}

// lengthIn is the number of characters of bytes in an encoding.
func lengthIn(s, name string) (int64, error) {
	e, err := findEncoding(name, "")
	if err != nil {
		return 0, err
	}
	if err := e.valid(s); err != nil {
		return 0, err
	}
	if e == utf8Encoding {
		return int64(utf8.RuneCountInString(s)), nil
	}
	return int64(len(s)), nil
}
