package types

import (
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// The functions of this file build new jsonb from canonical jsonb.

// jsonWriter puts elements into an array or object.
type jsonWriter struct {
	b     []byte
	n     int
	close byte
}

func newJSONWriter(obj bool) *jsonWriter {
	if obj {
		return &jsonWriter{b: []byte{'{'}, close: '}'}
	}
	return &jsonWriter{b: []byte{'['}, close: ']'}
}

// put adds an element; key is a token, or empty in arrays.
func (w *jsonWriter) put(key, value string) {
	if w.n++; w.n > 1 {
		w.b = append(w.b, ", "...)
	}
	if key != "" {
		w.b = append(append(w.b, key...), ": "...)
	}
	w.b = append(w.b, value...)
}

func (w *jsonWriter) done() string { return string(append(w.b, w.close)) }

// JSONConcat is jsonb's ||: objects are merged, the right one wins; other values
// become one array.
func JSONConcat(a, b string) string {
	if JSONKind(a) == 'o' && JSONKind(b) == 'o' {
		return mergeObjects(a, b)
	}
	w := newJSONWriter(false)
	for _, s := range []string{a, b} {
		if JSONKind(s) != 'a' {
			w.put("", s)
			continue
		}
		for it := JSONElements(s); it.Next(); {
			w.put("", it.Value)
		}
	}
	return w.done()
}

// compareTokenKeys orders key tokens as canonical objects do.
func compareTokenKeys(a, b string) int {
	if strings.IndexByte(a, '\\') >= 0 || strings.IndexByte(b, '\\') >= 0 {
		return compareNames(JSONUnquote(a), JSONUnquote(b))
	}
	return compareNames(a, b)
}

// mergeObjects merges two objects whose keys are in order.
func mergeObjects(a, b string) string {
	w := newJSONWriter(true)
	x, y := JSONElements(a), JSONElements(b)
	xOK, yOK := x.Next(), y.Next()
	for xOK || yOK {
		c := 0
		switch {
		case !xOK:
			c = 1
		case !yOK:
			c = -1
		default:
			c = compareTokenKeys(x.Key, y.Key)
		}
		if c < 0 {
			w.put(x.Key, x.Value)
		} else {
			w.put(y.Key, y.Value)
		}
		if c <= 0 {
			xOK = x.Next()
		}
		if c >= 0 {
			yOK = y.Next()
		}
	}
	return w.done()
}

func errJSONParameter(msg string) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "%s", msg)
}

// JSONDeleteKeys is jsonb - text and jsonb - text[]: without the members of these
// keys, or the strings that equal them.
func JSONDeleteKeys(s string, keys ...string) (string, error) {
	kind := JSONKind(s)
	if kind != 'o' && kind != 'a' {
		return "", errJSONParameter("cannot delete from scalar")
	}
	w := newJSONWriter(kind == 'o')
	for it := JSONElements(s); it.Next(); {
		drop := false
		for _, k := range keys {
			if kind == 'o' {
				drop = drop || it.KeyIs(k)
			} else {
				drop = drop || it.Value[0] == '"' && tokenIs(it.Value, k)
			}
		}
		if !drop {
			w.put(it.Key, it.Value)
		}
	}
	return w.done(), nil
}

// JSONDeleteIndex is jsonb - integer.
func JSONDeleteIndex(s string, i int) (string, error) {
	switch JSONKind(s) {
	case 'o':
		return "", errJSONParameter("cannot delete from object using integer index")
	case 'a':
	default:
		return "", errJSONParameter("cannot delete from scalar")
	}
	if i < 0 {
		i += JSONLen(s)
	}
	w := newJSONWriter(false)
	for it := JSONElements(s); it.Next(); i-- {
		if i != 0 {
			w.put("", it.Value)
		}
	}
	return w.done(), nil
}

// jsonEdit is what happens at the end of a path.
type jsonEdit struct {
	value  string
	remove bool
	create bool // set what is missing (jsonb_set)
	insert bool // jsonb_insert
	after  bool
}

// JSONDeletePath is jsonb #- text[].
func JSONDeletePath(s string, path []string) (string, error) {
	if k := JSONKind(s); k != 'o' && k != 'a' {
		return "", errJSONParameter("cannot delete path in scalar")
	}
	if len(path) == 0 || JSONLen(s) == 0 {
		return s, nil
	}
	return jsonEdit{remove: true}.apply(s, path, 1)
}

// JSONSet is jsonb_set.
func JSONSet(s string, path []string, value string, create bool) (string, error) {
	if k := JSONKind(s); k != 'o' && k != 'a' {
		return "", errJSONParameter("cannot set path in scalar")
	}
	if len(path) == 0 || JSONLen(s) == 0 && !create {
		return s, nil
	}
	return jsonEdit{value: value, create: create}.apply(s, path, 1)
}

// JSONInsert is jsonb_insert.
func JSONInsert(s string, path []string, value string, after bool) (string, error) {
	if k := JSONKind(s); k != 'o' && k != 'a' {
		return "", errJSONParameter("cannot set path in scalar")
	}
	if len(path) == 0 {
		return s, nil
	}
	return jsonEdit{value: value, insert: true, after: after}.apply(s, path, 1)
}

func (e jsonEdit) apply(s string, path []string, level int) (string, error) {
	switch JSONKind(s) {
	case 'o':
		return e.object(s, path, level)
	case 'a':
		return e.array(s, path, level)
	}
	return s, nil
}

func (e jsonEdit) object(s string, path []string, level int) (string, error) {
	last := len(path) == 1
	w := newJSONWriter(true)
	found := false
	add := e.create || e.insert
	tok := string(AppendJSONString(nil, path[0]))
	for it := JSONElements(s); it.Next(); {
		if !it.KeyIs(path[0]) {
			if last && add && !found && compareTokenKeys(tok, it.Key) < 0 {
				if _, exists := JSONGet(s, path[0]); !exists {
					w.put(tok, e.value)
					found = true
				}
			}
			w.put(it.Key, it.Value)
			continue
		}
		found = true
		switch {
		case !last:
			v, err := e.apply(it.Value, path[1:], level+1)
			if err != nil {
				return "", err
			}
			w.put(it.Key, v)
		case e.insert:
			return "", sqlerr.New(sqlerr.InvalidParameterValue, "cannot replace existing key").
				WithHint("Try using the function jsonb_set to replace key value.")
		case !e.remove:
			w.put(it.Key, e.value)
		}
	}
	if last && add && !found {
		w.put(tok, e.value)
	}
	return w.done(), nil
}

func (e jsonEdit) array(s string, path []string, level int) (string, error) {
	i, ok := pathIndex(path[0])
	if !ok {
		return "", sqlerr.New(sqlerr.InvalidTextRepresentation,
			"path element at position %d is not an integer: \"%s\"", level, path[0])
	}
	n := JSONLen(s)
	if i < 0 {
		i = max(i+n, -1)
	}
	last := len(path) == 1
	add := last && (e.create || e.insert)
	w := newJSONWriter(false)
	if i < 0 && add {
		w.put("", e.value)
	}
	at := 0
	for it := JSONElements(s); it.Next(); at++ {
		switch {
		case at != i:
			w.put("", it.Value)
		case !last:
			v, err := e.apply(it.Value, path[1:], level+1)
			if err != nil {
				return "", err
			}
			w.put("", v)
		case e.insert && e.after:
			w.put("", it.Value)
			w.put("", e.value)
		case e.insert:
			w.put("", e.value)
			w.put("", it.Value)
		case !e.remove:
			w.put("", e.value)
		}
	}
	if i >= n && add {
		w.put("", e.value)
	}
	return w.done(), nil
}

// JSONStripNulls removes members whose value is null, at every depth.
func JSONStripNulls(s string) string {
	kind := JSONKind(s)
	if kind != 'o' && kind != 'a' {
		return s
	}
	w := newJSONWriter(kind == 'o')
	for it := JSONElements(s); it.Next(); {
		if kind == 'o' && JSONKind(it.Value) == 'z' {
			continue
		}
		w.put(it.Key, JSONStripNulls(it.Value))
	}
	return w.done()
}

// JSONPretty is jsonb_pretty.
func JSONPretty(s string) string { return string(appendPretty(nil, s, 0)) }

func appendPretty(dst []byte, s string, depth int) []byte {
	kind := JSONKind(s)
	if kind != 'o' && kind != 'a' {
		return append(dst, s...)
	}
	indent := func(n int) {
		dst = append(dst, '\n')
		for range n * 4 {
			dst = append(dst, ' ')
		}
	}
	open, end := byte('['), byte(']')
	if kind == 'o' {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	first := true
	for it := JSONElements(s); it.Next(); first = false {
		if !first {
			dst = append(dst, ',')
		}
		indent(depth + 1)
		if it.Key != "" {
			dst = append(append(dst, it.Key...), ": "...)
		}
		dst = appendPretty(dst, it.Value, depth+1)
	}
	indent(depth)
	return append(dst, end)
}
