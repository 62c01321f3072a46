package types

import (
	"cmp"
	"encoding/binary"
	"strings"
)

// JSON values are handled as text: a value is the substring that holds it, and
// operators walk it without building a tree. The functions of this file and of
// json_ops.go take checked JSON (json, jsonb, or any substring that holds one
// value) with or without white space; only where it is said do they need jsonb's
// canonical form.

// JSONKind gives a value's kind: 'o' object, 'a' array, 's' string, 'n' number,
// 'b' boolean, 'z' null.
func JSONKind(s string) byte {
	s = s[skipBlank(s, 0):]
	if s == "" {
		return 'z'
	}
	switch s[0] {
	case '{':
		return 'o'
	case '[':
		return 'a'
	case '"':
		return 's'
	case 't', 'f':
		return 'b'
	case 'n':
		return 'z'
	}
	return 'n'
}

// JSONTypeName gives json_typeof's word.
func JSONTypeName(s string) string {
	switch JSONKind(s) {
	case 'o':
		return "object"
	case 'a':
		return "array"
	case 's':
		return "string"
	case 'n':
		return "number"
	case 'b':
		return "boolean"
	}
	return "null"
}

func skipBlank(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	return i
}

// skipString gives the end of the string token at i.
func skipString(s string, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// skipValue gives the end of the value at i.
func skipValue(s string, i int) int {
	if i >= len(s) {
		return len(s)
	}
	switch s[i] {
	case '"':
		return skipString(s, i)
	case '{', '[':
		depth := 0
		for i < len(s) {
			switch s[i] {
			case '"':
				i = skipString(s, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return len(s)
	}
	for i < len(s) && s[i] != ',' && s[i] != ']' && s[i] != '}' && s[i] != ' ' && s[i] != '\n' &&
		s[i] != '\t' && s[i] != '\r' {
		i++
	}
	return i
}

// JSONIter walks the elements of an array or the members of an object:
//
//	for it := JSONElements(s); it.Next(); { use it.Key, it.Value }
type JSONIter struct {
	Key   string // the key's token with its quotes; empty in arrays
	Value string // the value's text
	s     string
	i     int
	obj   bool
	first bool
}

// JSONElements starts a walk over an array or object. Other values have no
// elements.
func JSONElements(s string) JSONIter {
	i := skipBlank(s, 0)
	it := JSONIter{s: s, i: i + 1, first: true}
	if i >= len(s) || s[i] != '{' && s[i] != '[' {
		it.i = len(s)
		return it
	}
	it.obj = s[i] == '{'
	return it
}

// Next moves to the next element; false at the end.
func (it *JSONIter) Next() bool {
	s := it.s
	i := skipBlank(s, it.i)
	if i >= len(s) || s[i] == ']' || s[i] == '}' {
		it.i = len(s)
		return false
	}
	if !it.first {
		i = skipBlank(s, i+1)
	}
	it.first = false
	if it.obj {
		end := skipString(s, i)
		it.Key = s[i:end]
		i = skipBlank(s, skipBlank(s, end)+1)
	}
	end := skipValue(s, i)
	it.Value = s[i:end]
	it.i = end
	return true
}

// KeyIs tells whether the member's key is key.
func (it *JSONIter) KeyIs(key string) bool { return tokenIs(it.Key, key) }

// tokenIs compares a string token with a text.
func tokenIs(tok, text string) bool {
	if strings.IndexByte(tok, '\\') < 0 {
		return len(tok) == len(text)+2 && tok[1:len(tok)-1] == text
	}
	var tmp [64]byte
	return str(appendUnquoted(tmp[:0], tok)) == text
}

// JSONUnquote gives the text of a string token.
func JSONUnquote(tok string) string {
	if strings.IndexByte(tok, '\\') < 0 {
		return tok[1 : len(tok)-1]
	}
	return string(appendUnquoted(nil, tok))
}

// JSONText gives what ->> gives: a string's text, null as NULL, other values as
// they are written.
func JSONText(s string) (text string, null bool) {
	s = trimSpace(s)
	switch JSONKind(s) {
	case 's':
		return JSONUnquote(s), false
	case 'z':
		return "", true
	}
	return s, false
}

// JSONGet gives a member of an object (->). Of equal keys the last one counts.
func JSONGet(s, key string) (v string, ok bool) {
	if JSONKind(s) != 'o' {
		return "", false
	}
	for it := JSONElements(s); it.Next(); {
		if it.KeyIs(key) {
			v, ok = it.Value, true
		}
	}
	return v, ok
}

// JSONIndex gives element i of an array (->); negative i counts from the end. As
// in PostgreSQL a jsonb scalar is its own only element; ask for JSONKind first
// where the type is json.
func JSONIndex(s string, i int) (v string, ok bool) {
	switch JSONKind(s) {
	case 'o':
		return "", false
	case 'a':
		return elementAt(s, i)
	}
	return s, i == 0 || i == -1
}

func elementAt(s string, i int) (v string, ok bool) {
	if i < 0 {
		if i += JSONLen(s); i < 0 {
			return "", false
		}
	}
	for it := JSONElements(s); it.Next(); i-- {
		if i == 0 {
			return it.Value, true
		}
	}
	return "", false
}

// JSONLen counts the elements of an array or the members of an object.
func JSONLen(s string) int {
	n := 0
	for it := JSONElements(s); it.Next(); {
		n++
	}
	return n
}

// JSONPath follows a path of keys and indexes (#>).
func JSONPath(s string, path []string) (v string, ok bool) {
	for n, step := range path {
		switch JSONKind(s) {
		case 'o':
			if n+1 < len(path) {
				return lastOnPath(s, step, path[n+1:])
			}
			s, ok = JSONGet(s, step)
		case 'a':
			i, good := pathIndex(step)
			if !good {
				return "", false
			}
			s, ok = elementAt(s, i)
		default:
			return "", false
		}
		if !ok {
			return "", false
		}
	}
	return trimSpace(s), true
}

// lastOnPath follows a path through every member of that name: json may have several,
// of which the last that leads to the end counts.
func lastOnPath(s, name string, rest []string) (v string, ok bool) {
	for it := JSONElements(s); it.Next(); {
		if it.KeyIs(name) {
			if w, found := JSONPath(it.Value, rest); found {
				v, ok = w, true
			}
		}
	}
	return v, ok
}

// pathIndex reads an array index of a path.
func pathIndex(step string) (int, bool) {
	v, err := ParseInt(Int4, step)
	return int(v), err == nil
}

// JSONExists tells whether a text is a key of an object, an element of an array,
// or the scalar itself (?).
func JSONExists(s, key string) bool {
	switch JSONKind(s) {
	case 's':
		return tokenIs(trimSpace(s), key)
	case 'o':
		_, ok := JSONGet(s, key)
		return ok
	case 'a':
		for it := JSONElements(s); it.Next(); {
			if it.Value[0] == '"' && tokenIs(it.Value, key) {
				return true
			}
		}
	}
	return false
}

// JSONContains is jsonb's @>: b's structure and values are in a.
func JSONContains(a, b string) bool {
	ka, kb := JSONKind(a), JSONKind(b)
	if ka == 'a' && kb != 'a' && kb != 'o' {
		return arrayHas(a, b)
	}
	return jsonContains(a, b)
}

func jsonContains(a, b string) bool {
	ka, kb := JSONKind(a), JSONKind(b)
	if ka != kb {
		return false
	}
	switch ka {
	case 'o':
		for it := JSONElements(b); it.Next(); {
			v, ok := memberByToken(a, it.Key)
			if !ok || !jsonContains(v, it.Value) {
				return false
			}
		}
		return true
	case 'a':
		for it := JSONElements(b); it.Next(); {
			if !arrayHas(a, it.Value) {
				return false
			}
		}
		return true
	}
	return JSONCompare(a, b) == 0
}

// arrayHas tells whether an element of array a equals (or, if it is an array or
// object, contains) v.
func arrayHas(a, v string) bool {
	for it := JSONElements(a); it.Next(); {
		if jsonContains(it.Value, v) {
			return true
		}
	}
	return false
}

// memberByToken finds a member by a quoted key.
func memberByToken(s, tok string) (string, bool) {
	if strings.IndexByte(tok, '\\') < 0 {
		return JSONGet(s, tok[1:len(tok)-1])
	}
	return JSONGet(s, JSONUnquote(tok))
}

// jsonRank orders kinds as jsonb does.
func jsonRank(kind byte) int { return strings.IndexByte("zsnbao", kind) }

// JSONCompare orders canonical jsonb as PostgreSQL: by kind, arrays and objects
// by their number of elements first; an empty array at the top is less than any
// scalar.
func JSONCompare(a, b string) int {
	ka, kb := JSONKind(a), JSONKind(b)
	if ka == 'a' && jsonRank(kb) < jsonRank('a') && JSONLen(a) == 0 {
		return -1
	}
	if kb == 'a' && jsonRank(ka) < jsonRank('a') && JSONLen(b) == 0 {
		return 1
	}
	return jsonCompare(a, b)
}

func jsonCompare(a, b string) int {
	ka, kb := JSONKind(a), JSONKind(b)
	if ka != kb {
		return jsonRank(ka) - jsonRank(kb)
	}
	a, b = trimSpace(a), trimSpace(b)
	switch ka {
	case 'z':
		return 0
	case 'b':
		return strings.Compare(a[:1], b[:1])
	case 's':
		return compareTokens(a, b)
	case 'n':
		return compareNumbers(a, b)
	}
	if c := cmp.Compare(JSONLen(a), JSONLen(b)); c != 0 {
		return c
	}
	x, y := JSONElements(a), JSONElements(b)
	for x.Next() && y.Next() {
		if x.obj {
			if c := compareTokens(x.Key, y.Key); c != 0 {
				return c
			}
		}
		if c := jsonCompare(x.Value, y.Value); c != 0 {
			return c
		}
	}
	return 0
}

func compareTokens(a, b string) int {
	if strings.IndexByte(a, '\\') < 0 && strings.IndexByte(b, '\\') < 0 {
		return strings.Compare(a[1:len(a)-1], b[1:len(b)-1])
	}
	return strings.Compare(JSONUnquote(a), JSONUnquote(b))
}

func compareNumbers(a, b string) int {
	if a == b {
		return 0
	}
	x, errX := ParseDecimal(a)
	y, errY := ParseDecimal(b)
	if errX != nil || errY != nil {
		return strings.Compare(a, b)
	}
	return x.Cmp(y)
}

// appendJSONOrdered appends a key that orders and equals like JSONCompare.
func appendJSONOrdered(dst []byte, s string, top bool) []byte {
	s = trimSpace(s)
	kind := JSONKind(s)
	n := JSONLen(s)
	if top && kind == 'a' && n == 0 {
		return append(dst, 0)
	}
	dst = append(dst, byte(jsonRank(kind)+1))
	switch kind {
	case 'b':
		if s == "true" {
			return append(dst, 1)
		}
		return append(dst, 0)
	case 's':
		return appendOrderedText(dst, JSONUnquote(s))
	case 'n':
		d, _ := ParseDecimal(s)
		return d.AppendOrdered(dst)
	case 'a', 'o':
		dst = binary.BigEndian.AppendUint32(dst, uint32(n))
		for it := JSONElements(s); it.Next(); {
			if it.obj {
				dst = appendOrderedText(dst, JSONUnquote(it.Key))
			}
			dst = appendJSONOrdered(dst, it.Value, false)
		}
	}
	return dst
}

// appendOrderedText writes bytes so that they order as themselves and no
// encoding is a prefix of another: 0 becomes 0 255, and 0 0 ends.
func appendOrderedText(dst []byte, s string) []byte {
	for {
		i := strings.IndexByte(s, 0)
		if i < 0 {
			break
		}
		dst = append(append(dst, s[:i]...), 0, 0xff)
		s = s[i+1:]
	}
	return append(append(dst, s...), 0, 0)
}
