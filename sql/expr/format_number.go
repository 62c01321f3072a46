package expr

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// to_char and to_number of numbers follow PostgreSQL's formatting.c step by step:
// what a template means is what that program does with it.

// numKey is a template pattern of numbers.
type numKey uint8

const (
	numText numKey = iota // literal text
	numComma
	numDec
	num0
	num9
	numB
	numC
	numD
	numE
	numFM
	numG
	numL
	numMI
	numPL
	numPR
	numRN
	numSG
	numSP
	numS
	numTH
	numV
	numLowerRN
	numLowerTH
)

// numKeywords are the patterns, each also in lower case.
var numKeywords = []struct {
	word       string
	key, lower numKey
}{
	{",", numComma, numComma}, {".", numDec, numDec}, {"0", num0, num0}, {"9", num9, num9},
	{"B", numB, numB}, {"C", numC, numC}, {"D", numD, numD}, {"EEEE", numE, numE}, {"FM", numFM, numFM},
	{"G", numG, numG}, {"L", numL, numL}, {"MI", numMI, numMI}, {"PL", numPL, numPL}, {"PR", numPR, numPR},
	{"RN", numRN, numLowerRN}, {"SG", numSG, numSG}, {"SP", numSP, numSP}, {"S", numS, numS},
	{"TH", numTH, numLowerTH}, {"V", numV, numV},
}

// The flags of a template.
const (
	numFDecimal = 1 << iota
	numFZero
	numFBlank
	numFFill
	numFLsign
	numFBracket
	numFMinus
	numFPlus
	numFRoman
	numFMulti
	numFExp
)

// numNode is a pattern or a piece of text.
type numNode struct {
	key  numKey
	text string
}

// numberFormat is a parsed template.
type numberFormat struct {
	nodes              []numNode
	flag               int
	pre, post          int // digits before and after the point
	multi              int // digits after V
	zeroStart, zeroEnd int
	lsign              int // where S stands: -1 before, 1 after the digits, 0 nowhere
	preLsign           int // digits before S
}

func (f *numberFormat) has(flag int) bool { return f.flag&flag != 0 }

func numKeyword(s string) (numKey, int) {
	for _, k := range numKeywords {
		switch {
		case strings.HasPrefix(s, k.word):
			return k.key, len(k.word)
		case len(s) >= len(k.word) && s[:len(k.word)] == strings.ToLower(k.word):
			return k.lower, len(k.word)
		}
	}
	return numText, 0
}

// maxTemplate bounds the bytes of a template of numbers: each takes some fifty to keep, and
// no number has more digits than half of them.
const maxTemplate = 1 << 19

// parseNumberFormat takes a template apart.
func parseNumberFormat(s string) (numberFormat, error) {
	var f numberFormat
	if len(s) > maxTemplate {
		return f, errRequestedLength()
	}
	for s != "" {
		if key, n := numKeyword(s); n > 0 {
			if err := f.add(key); err != nil {
				return f, err
			}
			f.nodes = append(f.nodes, numNode{key: key})
			s = s[n:]
			continue
		}
		var texts []string
		texts, s = templateText(s)
		for _, t := range texts {
			f.nodes = append(f.nodes, numNode{text: t})
		}
	}
	return f, nil
}

// templateText takes a quoted string, or one character, off a template.
func templateText(s string) (chars []string, rest string) {
	if s[0] != '"' {
		if len(s) > 1 && s[0] == '\\' && s[1] == '"' {
			s = s[1:]
		}
		n := charLen(s)
		return []string{s[:n]}, s[n:]
	}
	for s = s[1:]; s != ""; {
		if s[0] == '"' {
			return chars, s[1:]
		}
		if s[0] == '\\' && len(s) > 1 {
			s = s[1:]
		}
		n := charLen(s)
		chars = append(chars, s[:n])
		s = s[n:]
	}
	return chars, s
}

// charLen is the length of the first character.
func charLen(s string) int {
	n := 1
	for n < len(s) && s[0] >= 0xc0 && s[n]&0xc0 == 0x80 {
		n++
	}
	return n
}

func errNumFormat(format string, args ...any) error {
	return sqlerr.New(sqlerr.SyntaxError, format, args...)
}

// add notes what a pattern says about the whole.
func (f *numberFormat) add(key numKey) error {
	if f.has(numFExp) && key != numE {
		return errNumFormat("\"EEEE\" must be the last pattern used")
	}
	switch key {
	case num9, num0:
		return f.addDigit(key)
	case numB:
		if f.pre == 0 && f.post == 0 && !f.has(numFZero) {
			f.flag |= numFBlank
		}
	case numD, numDec:
		if f.has(numFDecimal) {
			return errNumFormat("multiple decimal points")
		}
		if f.has(numFMulti) {
			return errNumFormat("cannot use \"V\" and decimal point together")
		}
		f.flag |= numFDecimal
	case numFM:
		f.flag |= numFFill
	case numS, numMI, numPL, numSG, numPR:
		return f.addSign(key)
	case numRN, numLowerRN:
		f.flag |= numFRoman
	case numV:
		if f.has(numFDecimal) {
			return errNumFormat("cannot use \"V\" and decimal point together")
		}
		f.flag |= numFMulti
	case numE:
		if f.has(numFExp) {
			return errNumFormat("cannot use \"EEEE\" twice")
		}
		if f.has(numFBlank | numFFill | numFLsign | numFBracket | numFMinus | numFPlus | numFRoman | numFMulti) {
			return sqlerr.New(sqlerr.SyntaxError, "\"EEEE\" is incompatible with other formats").
				WithDetail("\"EEEE\" may only be used together with digit and decimal point patterns.")
		}
		f.flag |= numFExp
	}
	return nil
}

func (f *numberFormat) addDigit(key numKey) error {
	if f.has(numFBracket) {
		return errNumFormat("\"%c\" must be ahead of \"PR\"", map[numKey]byte{num0: '0', num9: '9'}[key])
	}
	switch {
	case key == num9 && f.has(numFMulti):
		f.multi++
	case f.has(numFDecimal):
		f.post++
	default:
		if key == num0 && !f.has(numFZero) {
			f.flag |= numFZero
			f.zeroStart = f.pre + 1
		}
		f.pre++
	}
	if key == num0 {
		f.zeroEnd = f.pre + f.post
	}
	return nil
}

func (f *numberFormat) addSign(key numKey) error {
	name := map[numKey]string{numMI: "MI", numPL: "PL", numSG: "SG"}[key]
	switch {
	case key == numS && f.has(numFLsign):
		return errNumFormat("cannot use \"S\" twice")
	case key == numS && f.has(numFPlus|numFMinus|numFBracket):
		return errNumFormat("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together")
	case key == numPR && f.has(numFLsign|numFPlus|numFMinus):
		return errNumFormat("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together")
	case name != "" && f.has(numFLsign):
		return errNumFormat("cannot use \"S\" and \"%s\" together", name)
	}
	switch key {
	case numS:
		if !f.has(numFDecimal) {
			f.lsign, f.preLsign = -1, f.pre
		} else if f.lsign == 0 {
			f.lsign = 1
		}
		f.flag |= numFLsign
	case numMI:
		f.flag |= numFMinus
	case numPL:
		f.flag |= numFPlus
	case numSG:
		f.flag |= numFMinus | numFPlus
	case numPR:
		f.flag |= numFBracket
	}
	return nil
}

// toCharNumber is to_char of a numeric.
func toCharNumber(d types.Decimal, pattern string) (string, error) {
	f, err := parseNumberFormat(pattern)
	if err != nil {
		return "", err
	}
	switch {
	case f.has(numFRoman):
		if d, err = d.Round(0); err != nil {
			return "", err
		}
		v, err := castDecimalInt4(d)
		if err != nil {
			return "", err
		}
		return f.process(romanNumeral(v), 0, 0)
	case f.has(numFExp):
		return f.process(f.scientific(d), 0, 0)
	}
	if f.has(numFMulti) {
		ten, err := types.DecimalFromInt(10).Power(types.DecimalFromInt(int64(f.multi)))
		if err != nil {
			return "", err
		}
		if d, err = d.Mul(ten); err != nil {
			return "", err
		}
		f.pre += f.multi
	}
	if d, err = d.Round(int32(f.post)); err != nil {
		return "", err
	}
	return f.plain(d.String())
}

func castDecimalInt4(d types.Decimal) (int64, error) {
	v, err := types.Cast(nil, types.Of(types.Numeric), types.Of(types.Int4), types.NumericDatum(d), true)
	return v.I, err
}

// plain writes a number in digits.
func (f *numberFormat) plain(number string) (string, error) {
	sign := byte('+')
	if strings.HasPrefix(number, "-") {
		sign, number = '-', number[1:]
	}
	pre := len(number)
	if p := strings.IndexByte(number, '.'); p >= 0 {
		pre = p
	}
	spaces := 0
	switch {
	case pre < f.pre:
		spaces = f.pre - pre
	case pre > f.pre:
		number = strings.Repeat("#", f.pre) + "." + strings.Repeat("#", f.post)
	}
	return f.process(number, sign, spaces)
}

// notFinite stands for NaN and the infinities in scientific notation.
func (f *numberFormat) notFinite() string {
	b := []byte(strings.Repeat("#", f.pre+f.post+6))
	b[0] = ' '
	b[f.pre+1] = '.'
	return string(b)
}

// scientific writes a numeric as d.dde+xx, with a blank for the sign.
func (f *numberFormat) scientific(d types.Decimal) string {
	if !d.IsFinite() {
		return f.notFinite()
	}
	digits := strings.Replace(d.Abs().String(), ".", "", 1)
	whole, _, _ := strings.Cut(d.Abs().String(), ".")
	exp := len(whole) - 1
	for len(digits) > 1 && digits[0] == '0' {
		digits = digits[1:]
		exp--
	}
	if strings.Trim(digits, "0") == "" {
		exp = 0
	}
	m, err := types.ParseDecimal(digits[:1] + "." + digits[1:] + "0")
	if err == nil {
		m, err = m.Round(int32(f.post))
	}
	if err != nil {
		return f.notFinite()
	}
	sign := " "
	if d.Sign() < 0 {
		sign = "-"
	}
	return fmt.Sprintf("%s%se%+03d", sign, m, exp)
}

// scientificFloat is scientific of a float, of which an integer is one too unless it is a
// bigint: 99 is 1e+02, while that of the numeric is 10e+01.
func (f *numberFormat) scientificFloat(v float64) string {
	if !isFinite(v) {
		return f.notFinite()
	}
	s := strconv.FormatFloat(v, 'e', f.post, 64)
	if s[0] != '-' {
		s = " " + s
	}
	return s
}

// toCharInt is to_char of an integer of kind k.
func toCharInt(k types.Kind, v int64, pattern string) (string, error) {
	f, err := parseNumberFormat(pattern)
	if err != nil {
		return "", err
	}
	switch {
	case f.has(numFRoman):
		if v != int64(int32(v)) {
			return "", errIntRange(types.Int4)
		}
		return f.process(romanNumeral(v), 0, 0)
	case f.has(numFExp) && k == types.Int8:
		return f.process(f.scientific(types.DecimalFromInt(v)), 0, 0)
	case f.has(numFExp):
		return f.process(f.scientificFloat(float64(v)), 0, 0)
	}
	if f.has(numFMulti) {
		for range f.multi {
			w := v * 10
			if w/10 != v || types.CheckInt(k, w) != nil {
				return "", errIntRange(k)
			}
			v = w
		}
		f.pre += f.multi
	}
	s := strconv.FormatInt(v, 10)
	if f.post > 0 {
		s += "." + strings.Repeat("0", f.post)
	}
	return f.plain(s)
}

// toCharFloat is to_char of a float of so many significant digits: those beyond
// are not written.
func toCharFloat(v float64, significant int, pattern string) (string, error) {
	f, err := parseNumberFormat(pattern)
	if err != nil {
		return "", err
	}
	switch {
	case f.has(numFRoman):
		r := math.RoundToEven(v)
		if !(r >= 1 && r <= 3999) {
			r = 0
		}
		return f.process(romanNumeral(int64(r)), 0, 0)
	case f.has(numFExp):
		return f.process(f.scientificFloat(v), 0, 0)
	}
	if f.has(numFMulti) {
		v *= math.Pow(10, float64(f.multi))
		if significant < 15 {
			v = float64(float32(v))
		}
		f.pre += f.multi
	}
	whole := len(floatDigits(math.Abs(v), 0))
	switch {
	case whole >= significant:
		f.post = 0
	case whole+f.post > significant:
		f.post = significant - whole
	}
	return f.plain(floatDigits(v, f.post))
}

func floatDigits(v float64, post int) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(v, 'f', post, 64)
}

var romans = []struct {
	v int64
	s string
}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
	{40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}}

const romanWidth = 15 // of the longest: MMMDCCCLXXXVIII

func romanNumeral(v int64) string {
	if v < 1 || v > 3999 {
		return strings.Repeat("#", romanWidth)
	}
	s := ""
	for _, r := range romans {
		for v >= r.v {
			s += r.s
			v -= r.v
		}
	}
	return s
}

func ordinalSuffix(v int64) string {
	if v%100 >= 11 && v%100 <= 13 {
		return "th"
	}
	switch v % 10 {
	case 1:
		return "st"
	case 2:
		return "nd"
	case 3:
		return "rd"
	}
	return "th"
}
