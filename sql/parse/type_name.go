package parse

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// typeName reads a type in PostgreSQL's or ksqlDB's spelling.
func (p *parser) typeName() *sql.TypeName {
	p.enter()
	defer p.leave()
	ty := p.baseType()
	for {
		switch {
		case p.isC('['):
			p.i++
			d := ""
			if p.tok().kind == kindNum {
				d = strconv.FormatInt(p.integer(), 10)
			}
			p.expectC(']')
			ty.Dims = append(ty.Dims, d)
		case p.is(kwArray): // INT ARRAY, INT ARRAY[3]
			p.i++
			if p.isC('[') {
				continue
			}
			ty.Dims = append(ty.Dims, "")
		default:
			return ty
		}
	}
}

func (p *parser) baseType() *sql.TypeName {
	t := p.tok()
	ty := &sql.TypeName{Loc: p.loc()}
	open := p.peek(1)
	angle := open.kind == kindOp && p.src[open.start] == '<'
	switch {
	case t.kw == kwArray && angle, t.kw == kwMap && angle:
		p.i++
		p.openAngle()
		ty.Name = sql.Name{keywordNames[t.kw]}
		ty.Elems = append(ty.Elems, p.typeName())
		if t.kw == kwMap {
			p.expectC(',')
			ty.Elems = append(ty.Elems, p.typeName())
		}
		p.closeAngle()
	case t.kw == kwStruct && angle:
		p.structType(ty)
	case t.kind == kindIdent && equalFold(p.text(t), "setof"):
		p.i++
		ty = p.typeName()
		ty.SetOf = true
	case t.kind == kindIdent && t.kw != kwNone && p.keywordType(t, ty):
	case t.kind == kindIdent || t.kind == kindQIdent:
		p.namedType(t, ty)
	default:
		p.unexpected()
	}
	return ty
}

func (p *parser) structType(ty *sql.TypeName) {
	p.i++
	ty.Name = sql.Name{"struct"}
	if p.acceptOp("<>") {
		return
	}
	p.openAngle()
	for {
		ty.Fields = append(ty.Fields, p.label())
		ty.Elems = append(ty.Elems, p.typeName())
		if !p.acceptC(',') {
			break
		}
	}
	p.closeAngle()
}

func (p *parser) openAngle() {
	if !p.acceptOp("<") {
		p.unexpected()
	}
}

// closeAngle consumes one '>' even when several were read as one operator.
func (p *parser) closeAngle() {
	t := p.tok()
	if t.kind != kindOp || p.src[t.start] != '>' {
		p.unexpected()
	}
	if t.end-t.start == 1 {
		p.i++
		return
	}
	t.start++
	t.c = 0
	if t.end-t.start == 1 {
		t.c = p.src[t.start]
	}
}

// keywordType reads the types whose names are grammar; false: t is a plain name.
func (p *parser) keywordType(t *token, ty *sql.TypeName) bool {
	switch t.kw {
	case kwDouble:
		if p.peek(1).kw != kwPrecision {
			return false
		}
		p.i += 2
		ty.Name = sql.Name{"float8"}
	case kwNational:
		p.i++
		if !p.is(kwChar) && !p.is(kwCharacter) {
			p.unexpected()
		}
		return p.keywordType(p.tok(), ty)
	case kwCharacter, kwChar, kwNchar:
		p.i++
		ty.Name = sql.Name{"bpchar"}
		if p.accept(kwVarying) {
			ty.Name[0] = "varchar"
		}
		p.mods(ty)
		if ty.Name[0] == "bpchar" && len(ty.Mods) == 0 {
			ty.Mods = []string{"1"}
		}
	case kwDec, kwDecimal:
		p.i++
		ty.Name = sql.Name{"numeric"}
		p.mods(ty)
	case kwFloat:
		p.i++
		p.floatType(ty)
	case kwInterval:
		p.i++
		ty.Name = sql.Name{"interval"}
		if p.mods(ty); len(ty.Mods) == 0 {
			ty.Mods = p.intervalFields()
		}
	case kwTime, kwTimestamp:
		p.i++
		ty.Name = sql.Name{keywordNames[t.kw]}
		p.mods(ty)
		if p.seq(kwWith, kwTime, kwZone) {
			ty.Name[0] += "tz"
		} else {
			p.seq(kwWithout, kwTime, kwZone)
		}
	default:
		return false
	}
	return true
}

// floatType reads what follows FLOAT: FLOAT(1..24) is float4.
func (p *parser) floatType(ty *sql.TypeName) {
	ty.Name = sql.Name{"float8"}
	if !p.acceptC('(') {
		return
	}
	at := p.loc()
	n := p.integer()
	p.expectC(')')
	switch {
	case n < 1:
		p.fail(at, sqlerr.InvalidParameterValue,
			"precision for type float must be at least 1 bit")
	case n > 53:
		p.fail(at, sqlerr.InvalidParameterValue,
			"precision for type float must be less than 54 bits")
	case n <= 24:
		ty.Name[0] = "float4"
	}
}

func (p *parser) namedType(t *token, ty *sql.TypeName) {
	if t.kind == kindIdent && reserved[t.kw] {
		p.unexpected()
	}
	ty.Name = p.dotted(sql.Name{p.label()})
	ty.Quoted = t.kind == kindQIdent && len(ty.Name) == 1
	if p.isOp("%") && p.wordAt(1, "type") {
		p.i += 2
		ty.Pct = true
		return
	}
	if len(ty.Name) == 1 && !ty.Quoted && ty.Name[0] == "bit" {
		if p.accept(kwVarying) {
			ty.Name[0] = "varbit"
		} else if !p.isC('(') {
			ty.Mods = []string{"1"}
		}
	}
	p.mods(ty)
}

// mods reads the bracketed modifiers of a type.
func (p *parser) mods(ty *sql.TypeName) {
	if len(ty.Mods) > 0 || !p.acceptC('(') {
		return
	}
	for {
		t := p.tok()
		switch t.kind {
		case kindNum:
			ty.Mods = append(ty.Mods, strconv.FormatInt(p.integer(), 10))
		case kindOp: // numeric(5, -2)
			ty.Mods = append(ty.Mods, strconv.FormatInt(p.integer(), 10))
		case kindIdent:
			ty.Mods = append(ty.Mods, p.label())
		default:
			p.unexpected()
		}
		if !p.acceptC(',') {
			break
		}
	}
	p.expectC(')')
}

var intervalUnits = setOf(kwYear, kwMonth, kwDay, kwHour, kwMinute, kwSecond, kwYears, kwMonths,
	kwDays, kwHours, kwMinutes, kwSeconds, kwWeek, kwWeeks, kwMillisecond, kwMilliseconds)

// intervalFields reads DAY TO SECOND(3) and its like; plurals are kept in the singular.
func (p *parser) intervalFields() (f []string) {
	t := p.tok()
	if t.kind != kindIdent || !intervalUnits[t.kw] {
		return nil
	}
	f = append(f, unitName(keywordNames[t.kw]))
	p.i++
	if p.is(kwTo) && spans[f[0]+" "+unitName(keywordNames[p.peek(1).kw])] {
		p.i++
		f = append(f, "to", unitName(keywordNames[p.tok().kw]))
		p.i++
	}
	if f[len(f)-1] == "second" && p.isC('(') && p.peek(1).kind == kindNum &&
		p.peek(2).isPunct(')') {
		p.i++
		f = append(f, strconv.FormatInt(p.integer(), 10))
		p.i++
	}
	return f
}

// spans are the pairs of fields that may stand around TO.
var spans = map[string]bool{
	"year month": true, "day hour": true, "day minute": true, "day second": true,
	"hour minute": true, "hour second": true, "minute second": true,
}

func unitName(s string) string { return strings.TrimSuffix(s, "s") }

// literalAhead reports whether the tokens at the cursor are "type 'string'".
func (p *parser) literalAhead() bool {
	t, n := p.tok(), 1
	switch t.kw {
	case kwInterval, kwTimestamp, kwTime:
		if p.peek(1).isPunct('(') && p.peek(2).kind == kindNum {
			n = 4
		}
		if t.kw != kwInterval && (p.peek(n).kw == kwWith || p.peek(n).kw == kwWithout) &&
			p.peek(n+1).kw == kwTime && p.peek(n+2).kw == kwZone {
			n += 3
		}
		return p.peek(n).kind == kindStr
	case kwDouble:
		return p.peek(1).kw == kwPrecision && p.peek(2).kind == kindStr
	case kwCharacter, kwChar, kwNchar:
		if p.peek(1).kw == kwVarying {
			n = 2
		}
	case kwNone:
	default:
		if reserved[t.kw] || funcNameOnly[t.kw] {
			return false
		}
	}
	for p.peek(n).isPunct('.') &&
		(p.peek(n+1).kind == kindIdent || p.peek(n+1).kind == kindQIdent) {
		n += 2
	}
	if p.peek(n).isPunct('(') && p.peek(n+1).kind == kindNum { // type(mods) 'string'
		for n++; p.peek(n).kind == kindNum || p.peek(n).isPunct(','); n++ {
		}
		if !p.peek(n).isPunct(')') {
			return false
		}
		n++
	}
	return p.peek(n).kind == kindStr
}

// typedLiteral reads "type 'string'", for intervals with the fields after it.
func (p *parser) typedLiteral() sql.Expr {
	l := &sql.TypedLit{Loc: p.loc()}
	bracket := p.typeHasLength()
	l.Type = p.baseType()
	if !bracket && oneByDefault(l.Type) { // CHAR '...' keeps all of it, unlike x::CHAR
		l.Type.Mods = nil
	}
	l.At = p.loc()
	l.Val = p.str()
	if t := l.Type; len(t.Name) == 1 && t.Name[0] == "interval" && len(t.Mods) == 0 && !t.Quoted {
		t.Mods = p.intervalFields()
	}
	return l
}

// typeHasLength reports whether the type of the typed literal at the cursor has modifiers.
func (p *parser) typeHasLength() bool {
	for n := 0; ; n++ {
		switch t := p.peek(n); {
		case t.isPunct('('):
			return true
		case t.kind == kindStr, t.kind == kindEOF:
			return false
		}
	}
}

// oneByDefault reports whether a type has the length 1 unless another one is written.
func oneByDefault(t *sql.TypeName) bool {
	return len(t.Name) == 1 && !t.Quoted && (t.Name[0] == "bpchar" || t.Name[0] == "bit")
}
