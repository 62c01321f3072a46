package types

import (
	"math"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// ParseInt reads an integer of kind Int2, Int4 or Int8 with PostgreSQL's rules:
// blanks around, a sign, decimal digits.
func ParseInt(k Kind, s string) (int64, error) {
	v, ok := parseIntFast(s)
	if !ok {
		var err error
		if v, err = parseIntSlow(k, s); err != nil {
			return 0, err
		}
	}
	if !intFits(k, v) {
		return 0, errRangeText(kinds[k].sql, s)
	}
	return v, nil
}

// parseIntFast reads up to 18 plain digits with an optional minus.
func parseIntFast(s string) (int64, bool) {
	i := 0
	if len(s) > 0 && s[0] == '-' {
		i = 1
	}
	if n := len(s) - i; n == 0 || n > 18 {
		return 0, false
	}
	var v int64
	for j := i; j < len(s); j++ {
		d := s[j] - '0'
		if d > 9 {
			return 0, false
		}
		v = v*10 + int64(d)
	}
	if i == 1 {
		v = -v
	}
	return v, true
}

func parseIntSlow(k Kind, s string) (int64, error) {
	t := trimSpace(s)
	neg := false
	if len(t) > 0 && (t[0] == '-' || t[0] == '+') {
		neg = t[0] == '-'
		t = t[1:]
	}
	if len(t) == 0 {
		return 0, errSyntax(kinds[k].sql, s)
	}
	var v uint64
	over := false
	limit := map[Kind]uint64{Int2: 1 << 15, Int4: 1 << 31}[k]
	if limit == 0 {
		limit = 1 << 63
	}
	if !neg {
		limit--
	}
	for i := range len(t) {
		d := t[i] - '0'
		if d > 9 {
			if i > 0 && (over || v > limit) {
				break // PostgreSQL sees that before it sees what follows
			}
			return 0, errSyntax(kinds[k].sql, s)
		}
		if v > (math.MaxUint64-9)/10 {
			over = true
			continue
		}
		v = v*10 + uint64(d)
	}
	if over || v > 1<<63 || !neg && v == 1<<63 {
		return 0, errRangeText(kinds[k].sql, s)
	}
	if neg {
		return -int64(v), nil
	}
	return int64(v), nil
}

// intFits tells whether v is in the range of integer kind k.
func intFits(k Kind, v int64) bool {
	switch k {
	case Int2:
		return v == int64(int16(v))
	case Int4:
		return v == int64(int32(v))
	case OID, Regproc, Regtype, Regclass, Regnamespace, Regrole, Regprocedure, Regoper,
		Regoperator, Regcollation, Xid:
		return v == int64(uint32(v))
	}
	return true
}

// CheckInt refuses v with 22003 when it is out of the range of integer kind k:
// "integer out of range".
func CheckInt(k Kind, v int64) error {
	if intFits(k, v) {
		return nil
	}
	if k == OID {
		return errRange("OID")
	}
	return errRange(kinds[k].sql)
}

// ParseOID reads an oid as PostgreSQL's strtoul does: a negative number wraps.
func ParseOID(k Kind, s string) (int64, error) {
	t := trimSpace(s)
	if k == Xid {
		return parseXid(t), nil
	}
	u := t
	neg := false
	if len(u) > 0 && (u[0] == '-' || u[0] == '+') {
		neg = u[0] == '-'
		u = u[1:]
	}
	if len(u) == 0 {
		return 0, errSyntax(kinds[k].sql, s)
	}
	n := 0
	for n < len(u) && isDigit(u[n]) {
		n++
	}
	if n == 0 {
		return 0, errSyntax(kinds[k].sql, s)
	}
	v, err := strconv.ParseUint(u[:n], 10, 64)
	switch {
	case err != nil:
		return 0, errRangeText(kinds[k].sql, s)
	case n < len(u):
		return 0, errSyntax(kinds[k].sql, s)
	case neg:
		v = -v
	}
	if v > math.MaxUint32 && int64(v) != int64(int32(v)) {
		return 0, errRangeText(kinds[k].sql, s)
	}
	return int64(uint32(v)), nil
}

// parseXid reads an xid as PostgreSQL's strtoul does: what is no number is 0, 0x10 and 010
// are of bases 16 and 8, a negative number wraps, and what is too large is the largest.
func parseXid(s string) int64 {
	neg := strings.HasPrefix(s, "-")
	if neg || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	base := 10
	switch {
	case len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' && countHex(s[2:3]) == 1:
		base, s = 16, s[2:]
	case strings.HasPrefix(s, "0"):
		base = 8
	}
	n := countHex(s)
	for i := range n {
		if s[i]|0x20 >= 'a' && base < 16 || s[i] >= '8' && base == 8 {
			n = i
			break
		}
	}
	v, err := strconv.ParseUint(s[:n], base, 64)
	switch {
	case err != nil && n > 0:
		return math.MaxUint32
	case neg:
		v = -v
	}
	return int64(uint32(v))
}

// countHex counts the hexadecimal digits that s begins with.
func countHex(s string) int {
	for i := range len(s) {
		if c := s[i] | 0x20; !isDigit(s[i]) && (c < 'a' || c > 'f') {
			return i
		}
	}
	return len(s)
}

// parseReg reads a regclass and its like: a number, "-", or a name.
func (e *Env) parseReg(k Kind, s string) (int64, error) {
	t := trimSpace(s)
	if t == "-" {
		return 0, nil
	}
	if len(t) > 0 && isDigit(t[0]) {
		return ParseOID(OID, t)
	}
	if k == Regprocedure && !strings.Contains(t, "(") {
		return 0, sqlerr.New(sqlerr.InvalidTextRepresentation, "expected a left parenthesis")
	}
	if n := e.or().Names; n != nil {
		if a, ok := n.(AmbiguousNames); ok && a.Ambiguous(k, t) {
			return 0, errAmbiguousName(k, t)
		}
		if oid, ok := n.OIDOf(k, t); ok {
			return int64(oid), nil
		}
	}
	if k == Regtype {
		ty, err := ByName(t, nil)
		if err != nil {
			return 0, err
		}
		return int64(ty.OID()), nil
	}
	if u, ok := e.or().Names.(UndefinedNames); ok {
		if err := u.Undefined(k, t); err != nil {
			return 0, err
		}
	}
	return 0, errNoObject(k, t)
}

func errAmbiguousName(k Kind, name string) error {
	if k == Regoper {
		return sqlerr.New(sqlerr.AmbiguousFunction, "more than one operator named %s", name)
	}
	return sqlerr.New(sqlerr.AmbiguousFunction, "more than one function named \"%s\"", name)
}

func errNoObject(k Kind, name string) error {
	switch k {
	case Regclass:
		return sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", name)
	case Regoper, Regoperator:
		return sqlerr.New(sqlerr.UndefinedFunction, "operator does not exist: %s", name)
	case Regcollation:
		return sqlerr.New(sqlerr.UndefinedObject,
			"collation \"%s\" for encoding \"UTF8\" does not exist", name)
	case Regproc, Regprocedure:
		return sqlerr.New(sqlerr.UndefinedFunction, "function \"%s\" does not exist", name)
	case Regnamespace:
		return sqlerr.New(sqlerr.InvalidSchemaName, "schema \"%s\" does not exist", name)
	}
	return sqlerr.New(sqlerr.UndefinedObject, "role \"%s\" does not exist", name)
}

// appendReg writes a regclass and its like by name, else as a number.
func (e *Env) appendReg(dst []byte, k Kind, v int64) []byte {
	if v == 0 {
		return append(dst, '-')
	}
	if n := e.or().Names; n != nil {
		if name, ok := n.NameOf(k, uint32(v)); ok {
			return append(dst, name...)
		}
	}
	if k == Regtype {
		if t, ok := TypeByOID(uint32(v)); ok {
			if t.Kind == Bpchar || t.Kind == Array && t.Elem.Kind == Bpchar {
				dst = append(dst, "character"...)
				if t.Kind == Array {
					dst = append(dst, "[]"...)
				}
				return dst
			}
			return t.appendName(dst)
		}
	}
	return strconv.AppendInt(dst, v, 10)
}
