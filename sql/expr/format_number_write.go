package expr

import (
	"bytes"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// numWriter lays the digits of a number out by a template.
type numWriter struct {
	f         *numberFormat
	number    string // what is written, and after its end zero bytes
	at        int    // the next digit of it
	sign      byte   // '+', '-', or 0
	signDone  bool
	in        bool // a digit has been written
	count     int  // of digits
	cur       int  // position in the template's digits
	spaces    int  // before the digits
	lastDigit int  // of those that FM keeps; -1 for all
	out       []byte
	err       error
}

// process writes number by the template; a letter for its sign, and the number of
// blanks before its digits.
func (f *numberFormat) process(number string, sign byte, spaces int) (string, error) {
	if f.zeroStart > 0 {
		f.zeroStart--
	}
	if f.has(numFExp) {
		return number, nil
	}
	if f.has(numFRoman) {
		f.lsign, f.preLsign, f.post, f.pre, spaces, sign = 0, 0, 0, 0, 0, 0
		f.flag = f.flag&numFFill | numFRoman
	}
	w := numWriter{f: f, number: number, sign: sign, spaces: spaces, lastDigit: -1}
	w.begin()
	for _, n := range f.nodes {
		w.node(n)
	}
	if i := bytes.IndexByte(w.out, 0); i >= 0 { // the end of a string in C
		w.out = w.out[:i]
	}
	return string(w.out), w.err
}

func (w *numWriter) begin() {
	f := w.f
	if f.has(numFPlus | numFMinus) {
		w.signDone = f.has(numFMinus)
	} else {
		if w.sign != '-' && f.has(numFFill) {
			f.flag &^= numFBracket
		}
		w.signDone = w.sign == '+' && f.has(numFFill) && !f.has(numFLsign)
		if f.lsign < 0 && f.pre == f.preLsign {
			f.lsign = 1
		}
	}
	w.count = f.post + f.pre - 1
	if f.has(numFFill) && f.has(numFDecimal) {
		w.lastDigit = lastRelevant(w.number)
		if w.lastDigit >= 0 && f.zeroEnd > w.spaces {
			w.lastDigit = max(w.lastDigit, min(len(w.number)-1, f.zeroEnd-w.spaces))
		}
	}
	if !w.signDone && w.spaces == 0 {
		w.count++
	}
}

// lastRelevant is the index of the last decimal that is not 0, of the point when
// there is none, -1 without a point.
func lastRelevant(s string) int {
	p := strings.IndexByte(s, '.')
	if p < 0 {
		return -1
	}
	last := p
	for i := p + 1; i < len(s); i++ {
		if s[i] != '0' {
			last = i
		}
	}
	return last
}

func (w *numWriter) put(c byte) { w.out = append(w.out, c) }

// blank writes a blank, unless FM.
func (w *numWriter) blank() {
	if !w.f.has(numFFill) {
		w.put(' ')
	}
}

func (w *numWriter) node(n numNode) {
	f := w.f
	switch n.key {
	case numText:
		w.out = append(w.out, n.text...)
	case num9, num0, numDec, numD:
		w.part(n.key)
	case numComma, numG:
		if w.in {
			w.put(',')
		} else {
			w.blank()
		}
	case numL:
		w.put(' ')
	case numRN, numLowerRN:
		s := w.number
		if n.key == numLowerRN {
			s = strings.ToLower(s)
		}
		if !f.has(numFFill) {
			s = strings.Repeat(" ", max(romanWidth-len(s), 0)) + s
		}
		w.out = append(w.out, s...)
	case numTH, numLowerTH:
		if f.has(numFRoman|numFDecimal) || strings.HasPrefix(w.number, "#") || w.sign == '-' {
			return
		}
		w.ordinal(n.key == numTH)
	case numMI:
		w.signOr('-')
	case numPL:
		w.signOr('+')
	case numSG:
		w.put(w.sign)
	}
}

func (w *numWriter) signOr(c byte) {
	if w.sign == c {
		w.put(c)
	} else {
		w.blank()
	}
}

// ordinal writes st, nd, rd or th by the last digits.
func (w *numWriter) ordinal(upper bool) {
	n := w.number
	if c := n[len(n)-1]; c < '0' || c > '9' {
		w.err = sqlerr.New(sqlerr.InvalidTextRepresentation, "\"%s\" is not a number", n)
		return
	}
	th := ordinalSuffix(int64(n[len(n)-1] - '0'))
	if len(n) > 1 && n[len(n)-2] == '1' {
		th = "th"
	}
	if upper {
		th = strings.ToUpper(th)
	}
	w.out = append(w.out, th...)
}

func (w *numWriter) digit() byte {
	if w.at < len(w.number) {
		return w.number[w.at]
	}
	return 0
}

// beforePoint tells whether the next digit is the 0 of 0.1, which is a blank.
func (w *numWriter) beforePoint() bool {
	return !w.f.has(numFZero) && w.at == 0 && strings.HasPrefix(w.number, "0") && w.f.post != 0
}

func (w *numWriter) lastIsPoint() bool { return w.lastDigit >= 0 && w.number[w.lastDigit] == '.' }

// part writes the next digit or the point, with a sign that is anchored there.
func (w *numWriter) part(key numKey) {
	f := w.f
	if f.has(numFRoman) {
		return
	}
	w.in = false
	if !w.signDone && (w.cur >= w.spaces || f.has(numFZero) && f.zeroStart == w.cur) &&
		(!w.beforePoint() || w.lastIsPoint()) {
		w.leadingSign()
	}
	switch {
	case w.cur < w.spaces && (f.zeroStart > w.cur || !f.has(numFZero)):
		w.blank()
	case f.has(numFZero) && w.cur < w.spaces && f.zeroStart <= w.cur:
		w.put('0')
		w.in = true
	default:
		w.real(key)
		if w.digit() != 0 {
			w.at++
		}
	}
	end := w.count
	if w.spaces > 0 {
		end++
	}
	if f.has(numFDecimal) {
		end++
	}
	if w.lastDigit >= 0 && w.lastDigit == w.at {
		end = w.cur
	}
	if w.cur+1 == end {
		w.trailingSign()
	}
	w.cur++
}

func (w *numWriter) leadingSign() {
	f := w.f
	switch {
	case f.has(numFLsign):
		if f.lsign < 0 {
			w.put(plusMinus(w.sign == '-'))
			w.signDone = true
		}
	case f.has(numFBracket):
		if w.sign == '+' {
			w.put(' ')
		} else {
			w.put('<')
		}
		w.signDone = true
	case w.sign == '+':
		w.blank()
		w.signDone = true
	case w.sign == '-':
		w.put('-')
		w.signDone = true
	}
}

func (w *numWriter) trailingSign() {
	f := w.f
	switch {
	case w.signDone && f.has(numFBracket):
		if w.sign == '+' {
			w.put(' ')
		} else {
			w.put('>')
		}
	case f.has(numFLsign) && f.lsign > 0:
		w.put(plusMinus(w.sign == '-'))
	}
}

// real writes a digit of the number, or its point.
func (w *numWriter) real(key numKey) {
	switch {
	case w.digit() == '.':
		if !w.lastIsPoint() || w.f.has(numFFill) {
			w.put('.')
		}
	case w.lastDigit >= 0 && w.at > w.lastDigit && key != num0:
	case w.beforePoint():
		if !w.f.has(numFFill) {
			w.put(' ')
		} else if w.lastIsPoint() {
			w.put('0')
		}
	default:
		w.put(w.digit())
		w.in = true
	}
}

func plusMinus(neg bool) byte {
	if neg {
		return '-'
	}
	return '+'
}

// numReader takes a number out of a text by a template.
type numReader struct {
	f         *numberFormat
	s         string
	sign      byte // ' ' until one is read
	number    []byte
	dec       bool
	pre, post int // digits read
}

// toNumber is to_number.
func toNumber(s, pattern string) (types.Decimal, error) {
	f, err := parseNumberFormat(pattern)
	if err != nil {
		return types.Decimal{}, err
	}
	switch {
	case f.has(numFExp):
		return types.Decimal{}, sqlerr.New(sqlerr.FeatureNotSupported, "\"EEEE\" not supported for input")
	case f.has(numFRoman):
		return types.Decimal{}, sqlerr.New(sqlerr.FeatureNotSupported, "\"RN\" not supported for input")
	}
	r := numReader{f: &f, s: s, sign: ' '}
	for _, n := range f.nodes {
		if r.s == "" {
			break
		}
		if r.node(n) && r.s != "" {
			r.s = r.s[1:]
		}
	}
	text := string(r.sign) + strings.TrimSuffix(string(r.number), ".")
	d, err := types.ParseDecimal(text)
	if err != nil {
		return d, err
	}
	t := types.Of(types.Numeric)
	t = t.WithTypmod(int32((f.pre+f.multi+r.post)<<16|r.post) + 4)
	if d, err = d.Coerce(t); err != nil || !f.has(numFMulti) {
		return d, err
	}
	x, err := types.DecimalFromInt(10).Power(types.DecimalFromInt(int64(-f.multi)))
	if err != nil {
		return d, err
	}
	return d.Mul(x)
}

// skip passes over n characters that are no data.
func (r *numReader) skip(n int) {
	for ; n > 0 && r.s != "" && strings.IndexByte("0123456789.,+-", r.s[0]) < 0; n-- {
		r.s = r.s[charLen(r.s):]
	}
}

// node reads by one pattern, and tells whether it took the next character.
func (r *numReader) node(n numNode) bool {
	switch n.key {
	case numText:
		r.s = r.s[charLen(r.s):]
	case num9, num0, numDec, numD:
		r.part(n.key)
		return true
	case numComma, numG:
		// Before the first digit FM expects no comma; to_number knows of no digit.
		return !r.f.has(numFFill) && r.s[0] == ','
	case numL:
		r.skip(1)
	case numTH, numLowerTH:
		if !r.f.has(numFDecimal) {
			r.skip(2)
		}
	case numMI, numPL, numSG:
		if c := r.s[0]; c == '-' && n.key != numPL || c == '+' && n.key != numMI {
			r.sign = c
			return true
		}
		r.skip(1)
	}
	return false
}

// part reads a digit or the point, and a sign that is anchored there.
func (r *numReader) part(key numKey) {
	f := r.f
	if r.s[0] == ' ' {
		if r.s = r.s[1:]; r.s == "" {
			return
		}
	}
	if r.sign == ' ' && (key == num0 || key == num9) && r.pre+r.post == 0 {
		r.firstSign()
	}
	if r.s == "" {
		return
	}
	read := false
	c := r.s[0]
	switch {
	case c >= '0' && c <= '9':
		if r.dec && r.post == f.post {
			return
		}
		r.number = append(r.number, c)
		if r.dec {
			r.post++
		} else {
			r.pre++
		}
		read = true
	case f.has(numFDecimal) && !r.dec && c == '.':
		r.number = append(r.number, '.')
		r.dec, read = true, true
	}
	if r.sign == ' ' && r.pre+r.post > 0 {
		r.lastSign(read)
	}
}

func (r *numReader) firstSign() {
	c := r.s[0]
	if r.f.has(numFLsign) && r.f.lsign < 0 {
		if c == '-' || c == '+' {
			r.sign = c
			r.s = r.s[1:]
		}
		return
	}
	switch {
	case c == '-' || r.f.has(numFBracket) && c == '<':
		r.sign = '-'
		r.s = r.s[1:]
	case c == '+':
		r.sign = '+'
		r.s = r.s[1:]
	}
}

func (r *numReader) lastSign(read bool) {
	f := r.f
	switch {
	case f.has(numFLsign) && read && len(r.s) > 1 && (r.s[1] < '0' || r.s[1] > '9'):
		if c := r.s[1]; c == '-' || c == '+' {
			r.sign = c
			r.s = r.s[1:]
		}
	case !read && !f.has(numFLsign) && f.has(numFPlus|numFMinus):
		if c := r.s[0]; c == '-' || c == '+' {
			r.sign = c
		}
	}
}
