package types

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// JSONPathRun evaluates a jsonpath over a jsonb, as PostgreSQL's jsonpath_exec.c does.
type JSONPathRun struct {
	Query *JSONPathQuery
	Vars  string // jsonb object of the variables; "" for none
	// Match matches a regular expression; flags are those of like_regex.
	Match func(pattern, flags, s string) (bool, error)
	// Zone and Now are what times with and without a zone compare by; a nil Zone
	// refuses to compare them.
	Zone *time.Location
	Now  int64

	root, current string
	size          int   // of the innermost array that is subscripted
	ignore        bool  // structural errors
	probe         bool  // whether there is an item is all that counts
	failure       error // that no predicate takes for "unknown"
}

// errPathFound ends a search that needs just one item.
var errPathFound = errors.New("found")

// Items gives the items that a path selects, in order; with an error, those before it.
func (r *JSONPathRun) Items(doc string) (items []string, err error) {
	r.begin(doc)
	err = r.item(r.Query.expr, doc, func(v string) error {
		items = append(items, plainItem(v))
		return nil
	})
	if r.failure != nil {
		return nil, r.failure
	}
	return items, err
}

// Exists tells whether a path selects something.
func (r *JSONPathRun) Exists(doc string) (bool, error) {
	r.begin(doc)
	found, err := r.any(r.Query.expr, doc)
	if r.failure != nil {
		return false, r.failure
	}
	return found, err
}

func (r *JSONPathRun) begin(doc string) {
	r.root, r.current, r.size, r.ignore = doc, doc, -1, !r.Query.strict
}

// any tells whether an expression gives an item. Strict mode looks at all of them,
// for errors.
func (r *JSONPathRun) any(n *pathNode, doc string) (bool, error) {
	found, saved := false, r.probe
	r.probe = !r.Query.strict
	defer func() { r.probe = saved }()
	err := r.item(n, doc, func(string) error {
		found = true
		if r.Query.strict {
			return nil
		}
		return errPathFound
	})
	if err == errPathFound {
		err = nil
	}
	return found, err
}

type pathYield func(string) error

func (r *JSONPathRun) item(n *pathNode, v string, yield pathYield) error {
	return r.target(n, v, !r.Query.strict, yield)
}

// following goes on with the accessor after n.
func (r *JSONPathRun) following(n *pathNode, v string, yield pathYield) error {
	if n.next == nil {
		return yield(v)
	}
	return r.item(n.next, v, yield)
}

func pathError(code sqlerr.Code, format string, args ...any) error {
	return sqlerr.New(code, format, args...)
}

// each applies n to the elements of an array.
func (r *JSONPathRun) each(n *pathNode, v string, yield pathYield) error {
	for it := JSONElements(v); it.Next(); {
		if err := r.target(n, it.Value, false, yield); err != nil {
			return err
		}
	}
	return nil
}

// target evaluates n for v; unwrap says that an array stands for its elements.
func (r *JSONPathRun) target(n *pathNode, v string, unwrap bool, yield pathYield) error {
	switch n.op {
	case pathRoot:
		return r.following(n, r.root, yield)
	case pathCurrent:
		return r.following(n, r.current, yield)
	case pathLast:
		return r.following(n, DecimalFromInt(int64(r.size-1)).String(), yield)
	case pathLiteral:
		return r.following(n, n.text, yield)
	case pathVar:
		w, ok := "", false
		if r.Vars != "" {
			w, ok = JSONGet(r.Vars, n.text)
		}
		if !ok {
			return pathError(sqlerr.UndefinedObject, "could not find jsonpath variable \"%s\"", n.text)
		}
		return r.following(n, trimSpace(w), yield)
	case pathKey:
		return r.key(n, v, unwrap, yield)
	case pathAnyKey, pathFilter, pathMethod:
		return r.selector(n, v, unwrap, yield)
	case pathAnyArray, pathIndex2:
		return r.array(n, v, yield)
	case pathAny:
		return r.anywhere(n, v, yield)
	case pathArith:
		return r.arith(n, v, yield)
	case pathSign:
		return r.sign(n, v, yield)
	}
	out := "null"
	switch r.truth(n, v) {
	case pathTrue:
		out = "true"
	case pathFalse:
		out = "false"
	}
	return r.following(n, out, yield)
}

func (r *JSONPathRun) key(n *pathNode, v string, unwrap bool, yield pathYield) error {
	switch k := JSONKind(v); {
	case k == 'o':
		if w, ok := JSONGet(v, n.text); ok {
			return r.following(n, trimSpace(w), yield)
		}
		if !r.ignore {
			return pathError(sqlerr.SQLJSONMemberNotFound, "JSON object does not contain key \"%s\"", n.text)
		}
	case k == 'a' && unwrap:
		return r.each(n, v, yield)
	case !r.ignore:
		return pathError(sqlerr.SQLJSONMemberNotFound,
			"jsonpath member accessor can only be applied to an object")
	}
	return nil
}

// selector is .*, a filter or a method: what an array in lax mode is unwrapped for.
func (r *JSONPathRun) selector(n *pathNode, v string, unwrap bool, yield pathYield) error {
	k := JSONKind(v)
	if n.op == pathMethod && (n.text == "type" || n.text == "size") {
		return r.shape(n, v, yield)
	}
	if k == 'a' && unwrap {
		return r.each(n, v, yield)
	}
	switch {
	case n.op == pathFilter:
		saved := r.current
		r.current = v
		t := r.truth(n.args[0], v)
		r.current = saved
		if t != pathTrue {
			return nil
		}
		return r.following(n, v, yield)
	case n.op == pathMethod:
		return r.method(n, v, yield)
	case k == 'o':
		return r.descend(n.next, v, 1, 1, 1, false, yield)
	case !r.ignore:
		return pathError(sqlerr.SQLJSONObjectNotFound,
			"jsonpath wildcard member accessor can only be applied to an object")
	}
	return nil
}

func (r *JSONPathRun) array(n *pathNode, v string, yield pathYield) error {
	isArray := JSONKind(v) == 'a'
	if !isArray && r.Query.strict {
		if r.ignore {
			return nil
		}
		what := "array accessor"
		if n.op == pathAnyArray {
			what = "wildcard array accessor"
		}
		return pathError(sqlerr.SQLJSONArrayNotFound, "jsonpath %s can only be applied to an array", what)
	}
	if n.op == pathAnyArray {
		if !isArray {
			return r.following(n, v, yield)
		}
		return r.descend(n.next, v, 1, 1, 1, false, yield)
	}
	size := 1
	if isArray {
		size = JSONLen(v)
	}
	saved := r.size
	defer func() { r.size = saved }()
	for i := 0; i < len(n.args); i += 2 {
		r.size = size
		lo, err := r.subscript(n.args[i], v)
		if err != nil {
			return err
		}
		hi := lo
		if n.args[i+1] != nil {
			if hi, err = r.subscript(n.args[i+1], v); err != nil {
				return err
			}
		}
		if !r.ignore && (lo < 0 || lo > hi || hi >= int64(size)) {
			return pathError(sqlerr.InvalidSQLJSONSubscript, "jsonpath array subscript is out of bounds")
		}
		for j := max(lo, 0); j <= min(hi, int64(size-1)); j++ {
			w := v
			if isArray {
				w, _ = JSONIndex(v, int(j))
			}
			if err := r.following(n, trimSpace(w), yield); err != nil {
				return err
			}
			r.size = size
		}
	}
	return nil
}

func (r *JSONPathRun) subscript(n *pathNode, v string) (int64, error) {
	items, err := r.sequence(n, v, false)
	if err != nil {
		return 0, err
	}
	if len(items) != 1 || JSONKind(items[0]) != 'n' {
		return 0, pathError(sqlerr.InvalidSQLJSONSubscript,
			"jsonpath array subscript is not a single numeric value")
	}
	d, err := ParseDecimal(items[0])
	if err != nil {
		return 0, err
	}
	i, err := d.Trunc(0).toInt(Int4)
	if err != nil {
		return 0, pathError(sqlerr.InvalidSQLJSONSubscript, "jsonpath array subscript is out of integer range")
	}
	return i, nil
}

// anywhere is **.
func (r *JSONPathRun) anywhere(n *pathNode, v string, yield pathYield) error {
	if n.lo == 0 {
		saved := r.ignore
		r.ignore = true
		err := r.following(n, v, yield)
		if r.ignore = saved; err != nil {
			return err
		}
	}
	if k := JSONKind(v); k != 'o' && k != 'a' {
		return nil
	}
	return r.descend(n.next, v, 1, n.lo, n.hi, true, yield)
}

// descend applies next to what is from lo to hi levels below v.
func (r *JSONPathRun) descend(next *pathNode, v string, level, lo, hi int64, ignore bool,
	yield pathYield) error {
	if level > hi || level > maxPathDepth*5 {
		return nil
	}
	for it := JSONElements(v); it.Next(); {
		w := trimSpace(it.Value)
		k := JSONKind(w)
		leaf := k != 'o' && k != 'a'
		if level >= lo || lo == pathMaxLevel && hi == pathMaxLevel && leaf {
			saved := r.ignore
			r.ignore = r.ignore || ignore
			var err error
			if next == nil {
				err = yield(w)
			} else {
				err = r.item(next, w, yield)
			}
			if r.ignore = saved; err != nil {
				return err
			}
		}
		if level < hi && !leaf {
			if err := r.descend(next, w, level+1, lo, hi, ignore, yield); err != nil {
				return err
			}
		}
	}
	return nil
}

// sequence gives the items of an expression; unwrap opens arrays in lax mode.
func (r *JSONPathRun) sequence(n *pathNode, v string, unwrap bool) (out []string, err error) {
	saved := r.probe
	r.probe = false
	defer func() { r.probe = saved }()
	err = r.item(n, v, func(w string) error {
		if unwrap && !r.Query.strict && JSONKind(w) == 'a' {
			for it := JSONElements(w); it.Next(); {
				out = append(out, trimSpace(it.Value))
			}
			return nil
		}
		out = append(out, w)
		return nil
	})
	return out, err
}

func (r *JSONPathRun) arith(n *pathNode, v string, yield pathYield) error {
	var ds [2]Decimal
	for i, side := range []string{"left", "right"} {
		items, err := r.sequence(n.args[i], v, true)
		if err != nil {
			return err
		}
		if len(items) != 1 || JSONKind(items[0]) != 'n' {
			return pathError(sqlerr.SingletonSQLJSONItemRequired,
				"%s operand of jsonpath operator %s is not a single numeric value", side, n.text)
		}
		if ds[i], err = ParseDecimal(items[0]); err != nil {
			return err
		}
	}
	f := map[string]func(a, b Decimal) (Decimal, error){"+": Decimal.Add, "-": Decimal.Sub,
		"*": Decimal.Mul, "/": Decimal.Div, "%": Decimal.Mod}[n.text]
	d, err := f(ds[0], ds[1])
	if err != nil {
		return err
	}
	return r.following(n, d.String(), yield)
}

func (r *JSONPathRun) sign(n *pathNode, v string, yield pathYield) error {
	items, err := r.sequence(n.args[0], v, true)
	if err != nil {
		return err
	}
	for _, x := range items {
		if JSONKind(x) != 'n' {
			if r.probe && n.next == nil {
				continue
			}
			return pathError(sqlerr.SQLJSONNumberNotFound,
				"operand of unary jsonpath operator %s is not a numeric value", n.text)
		}
		d, err := ParseDecimal(x)
		if err != nil {
			return err
		}
		if n.text == "-" {
			d = d.Neg()
		}
		if err := r.following(n, d.String(), yield); err != nil {
			return err
		}
	}
	return nil
}

// shape is type() or size().
func (r *JSONPathRun) shape(n *pathNode, v string, yield pathYield) error {
	if n.text == "type" {
		if k, _, ok := pathTime(v); ok {
			return r.following(n, "\""+k.SQLName()+"\"", yield)
		}
		return r.following(n, "\""+JSONTypeName(v)+"\"", yield)
	}
	size := 1
	if JSONKind(v) == 'a' {
		size = JSONLen(v)
	} else if r.Query.strict {
		if r.ignore {
			return nil
		}
		return pathError(sqlerr.SQLJSONArrayNotFound,
			"jsonpath item method .size() can only be applied to an array")
	}
	return r.following(n, DecimalFromInt(int64(size)).String(), yield)
}

func (r *JSONPathRun) method(n *pathNode, v string, yield pathYield) error {
	switch n.text {
	case "keyvalue":
		return r.keyValue(n, v, yield)
	case "datetime":
		return r.datetime(n, v, yield)
	case "double":
		return r.double(n, v, yield)
	}
	if JSONKind(v) != 'n' {
		return pathError(sqlerr.NonNumericSQLJSONItem,
			"jsonpath item method .%s() can only be applied to a numeric value", n.text)
	}
	d, err := ParseDecimal(v)
	if err != nil {
		return err
	}
	switch n.text {
	case "abs":
		d = d.Abs()
	case "floor":
		d, err = d.Floor()
	case "ceiling":
		d, err = d.Ceil()
	}
	if err != nil {
		return err
	}
	return r.following(n, d.String(), yield)
}

func (r *JSONPathRun) double(n *pathNode, v string, yield pathYield) error {
	k, text := JSONKind(v), v
	switch k {
	case 's':
		text = JSONUnquote(v)
	case 'n':
	default:
		return pathError(sqlerr.NonNumericSQLJSONItem,
			"jsonpath item method .double() can only be applied to a string or numeric value")
	}
	f, err := ParseFloat(Float8, text)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		what := "numeric"
		if k == 's' {
			what = "string"
		}
		return pathError(sqlerr.NonNumericSQLJSONItem, "%s argument of jsonpath item method .double() "+
			"is not a valid representation of a double precision number", what)
	}
	if k == 'n' {
		return r.following(n, v, yield)
	}
	d, err := DecimalFromFloat(Float8, f)
	if err != nil {
		return err
	}
	return r.following(n, d.String(), yield)
}

// keyValue gives an object per member. Its id is 0: there are no places in a text.
func (r *JSONPathRun) keyValue(n *pathNode, v string, yield pathYield) error {
	if JSONKind(v) != 'o' {
		return pathError(sqlerr.SQLJSONObjectNotFound,
			"jsonpath item method .keyvalue() can only be applied to an object")
	}
	for it := JSONElements(v); it.Next(); {
		doc, err := ParseJSONB(nil, `{"id": 0, "key": `+it.Key+`, "value": `+it.Value+`}`)
		if err != nil {
			return err
		}
		if err := r.following(n, string(doc), yield); err != nil {
			return err
		}
	}
	return nil
}

// pathTruth is a value of three-valued logic.
type pathTruth uint8

const (
	pathFalse pathTruth = iota
	pathTrue
	pathUnknowable
)

// truth evaluates a predicate: errors make it unknown.
func (r *JSONPathRun) truth(n *pathNode, v string) pathTruth {
	switch n.op {
	case pathAnd, pathOr:
		decisive := pathFalse
		if n.op == pathOr {
			decisive = pathTrue
		}
		a := r.truth(n.args[0], v)
		if a == decisive {
			return a
		}
		b := r.truth(n.args[1], v)
		if b == decisive || b == pathUnknowable {
			return b
		}
		return a
	case pathNot:
		switch r.truth(n.args[0], v) {
		case pathTrue:
			return pathFalse
		case pathFalse:
			return pathTrue
		}
		return pathUnknowable
	case pathUnknown:
		return truthOf(r.truth(n.args[0], v) == pathUnknowable)
	case pathExists:
		found, err := r.any(n.args[0], v)
		if err != nil {
			return pathUnknowable
		}
		return truthOf(found)
	}
	return r.compared(n, v)
}

func truthOf(b bool) pathTruth {
	if b {
		return pathTrue
	}
	return pathFalse
}

// compared evaluates a predicate over all pairs of items of its operands.
func (r *JSONPathRun) compared(n *pathNode, v string) pathTruth {
	left, err := r.sequence(n.args[0], v, true)
	if err != nil {
		return pathUnknowable
	}
	right := []string{""}
	if len(n.args) > 1 {
		if right, err = r.sequence(n.args[1], v, n.op == pathCompare); err != nil {
			return pathUnknowable
		}
	}
	found, unknown := false, false
	for _, a := range left {
		for _, b := range right {
			switch t := r.one(n, a, b); {
			case t == pathUnknowable && r.Query.strict:
				return t
			case t == pathUnknowable:
				unknown = true
			case t == pathTrue && !r.Query.strict:
				return t
			case t == pathTrue:
				found = true
			}
		}
	}
	switch {
	case found:
		return pathTrue
	case unknown:
		return pathUnknowable
	}
	return pathFalse
}

func (r *JSONPathRun) one(n *pathNode, a, b string) pathTruth {
	switch n.op {
	case pathStarts:
		if JSONKind(a) != 's' || JSONKind(b) != 's' {
			return pathUnknowable
		}
		return truthOf(strings.HasPrefix(JSONUnquote(a), JSONUnquote(b)))
	case pathRegex:
		if JSONKind(a) != 's' {
			return pathUnknowable
		}
		ok, err := r.Match(n.text, n.flags, JSONUnquote(a))
		if err != nil {
			return pathUnknowable
		}
		return truthOf(ok)
	}
	if a[0] == pathTimeMark && b[0] == pathTimeMark {
		c, ok := r.compareTimes(a, b)
		if !ok {
			return pathUnknowable
		}
		return pathOrder(n.text, c)
	}
	return comparePathItems(n.text, a, b)
}

func comparePathItems(op, a, b string) pathTruth {
	ka, kb := pathScalar(a), pathScalar(b)
	switch {
	case ka != kb && (ka == 'z' || kb == 'z'):
		return truthOf(op == "!=")
	case ka != kb || ka == 'o' || ka == 'a':
		return pathUnknowable
	}
	c := 0
	switch ka {
	case 'b':
		c = strings.Compare(a, b) // "false" before "true"
	case 'n':
		x, err1 := ParseDecimal(a)
		y, err2 := ParseDecimal(b)
		if err1 != nil || err2 != nil {
			return pathUnknowable
		}
		c = x.Cmp(y)
	case 's':
		c = strings.Compare(JSONUnquote(a), JSONUnquote(b))
	}
	return pathOrder(op, c)
}

// pathOrder is the truth of a comparison whose sides are in the order c.
func pathOrder(op string, c int) pathTruth {
	switch op {
	case "==":
		return truthOf(c == 0)
	case "!=":
		return truthOf(c != 0)
	case "<":
		return truthOf(c < 0)
	case "<=":
		return truthOf(c <= 0)
	case ">":
		return truthOf(c > 0)
	}
	return truthOf(c >= 0)
}

// pathScalar is JSONKind with one letter for both booleans.
func pathScalar(s string) byte {
	if s == "true" || s == "false" {
		return 'b'
	}
	return JSONKind(s)
}
