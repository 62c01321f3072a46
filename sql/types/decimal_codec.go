package types

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
	"strconv"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// The encoding of a numeric in a PhysBytes column:
//
//	byte 0: bits 0-1: 0 positive, 1 negative, 2 special
//	        bits 2-7: scale 0..62, or 63: the scale follows as 2 bytes, little
//	        endian; of a special value: 0 NaN, 1 Infinity, 2 -Infinity
//	then    the magnitude, little endian, without trailing zero bytes
const (
	encNegative = 1
	encSpecial  = 2
	encLongMark = 63
)

// EncodeNumeric appends d's encoding. Equal numbers of different display scale
// have different encodings; see NumericKey.
func EncodeNumeric(dst []byte, d Decimal) []byte {
	switch d.form {
	case nan:
		return append(dst, encSpecial)
	case posInf:
		return append(dst, encSpecial|1<<2)
	case negInf:
		return append(dst, encSpecial|2<<2)
	}
	var sign byte
	if d.neg {
		sign = encNegative
	}
	if d.scale < encLongMark {
		dst = append(dst, sign|byte(d.scale)<<2)
	} else {
		dst = append(dst, sign|encLongMark<<2, byte(d.scale), byte(d.scale>>8))
	}
	if d.big != nil {
		n := (d.big.BitLen() + 7) / 8
		start := len(dst)
		dst = append(dst, make([]byte, n)...)
		b := d.big.FillBytes(dst[start:])
		for i, j := 0, n-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
		return dst
	}
	lo := d.lo
	if d.hi != 0 {
		dst = binary.LittleEndian.AppendUint64(dst, lo)
		lo = d.hi
	}
	return appendShort(dst, lo)
}

// appendShort appends the bytes of a number up to the last one that is not 0.
func appendShort(dst []byte, lo uint64) []byte {
	n := len(dst) + (bits.Len64(lo)+7)/8
	return binary.LittleEndian.AppendUint64(dst, lo)[:n]
}

// SmallNumeric reads the encoding of a finite numeric whose digits are a 64-bit
// number; ok is false for others.
func SmallNumeric(b []byte) (digits uint64, scale int32, neg, ok bool) {
	n := len(b) - 1
	if n < 0 {
		return 0, 0, false, true
	}
	h := b[0]
	if n > 8 || h&3 == encSpecial || h>>2 == encLongMark {
		return 0, 0, false, false
	}
	if cap(b) >= 9 {
		digits = binary.LittleEndian.Uint64(b[1:9]) & (1<<(8*n) - 1)
	} else {
		for i := n; i > 0; i-- {
			digits = digits<<8 | uint64(b[i])
		}
	}
	return digits, int32(h >> 2), h&3 == encNegative, true
}

// EncodeSmallNumeric is EncodeNumeric of digits times 10^-scale; scale < 63.
func EncodeSmallNumeric(dst []byte, digits uint64, scale int32, neg bool) []byte {
	h := byte(scale) << 2
	if neg && digits != 0 {
		h |= encNegative
	}
	return appendShort(append(dst, h), digits)
}

// DecodeNumeric reads an encoding of EncodeNumeric.
func DecodeNumeric(b []byte) Decimal { return decodeNumeric(str(b)) }

// Decimal gives the value of a numeric datum.
func (d Datum) Decimal() Decimal { return decodeNumeric(d.S) }

// NumericDatum makes a numeric datum.
func NumericDatum(d Decimal) Datum {
	var tmp [24]byte
	return Datum{S: string(EncodeNumeric(tmp[:0], d))}
}

func decodeNumeric(s string) Decimal {
	if s == "" {
		return Decimal{}
	}
	h := s[0]
	if h&3 == encSpecial {
		return Decimal{form: [4]decimalForm{nan, posInf, negInf, nan}[h>>2&3]}
	}
	d := Decimal{scale: int32(h >> 2), neg: h&3 == encNegative}
	s = s[1:]
	if d.scale == encLongMark && len(s) >= 2 {
		d.scale = int32(s[0]) | int32(s[1])<<8
		s = s[2:]
	}
	switch n := len(s); {
	case n <= 8:
		for i := n - 1; i >= 0; i-- {
			d.lo = d.lo<<8 | uint64(s[i])
		}
	case n <= 16:
		for i := 7; i >= 0; i-- {
			d.lo = d.lo<<8 | uint64(s[i])
		}
		for i := n - 1; i >= 8; i-- {
			d.hi = d.hi<<8 | uint64(s[i])
		}
	default:
		b := make([]byte, n)
		for i := range n {
			b[n-1-i] = s[i]
		}
		d.big = new(big.Int).SetBytes(b)
	}
	return d
}

// NumericKey appends the canonical form of an encoding: equal numbers have equal
// keys whatever their display scale.
func NumericKey(dst, enc []byte) []byte { return appendNumericKey(dst, str(enc)) }

func appendNumericKey(dst []byte, enc string) []byte {
	d := decodeNumeric(enc)
	if d.form == finite && d.scale > 0 {
		d = d.stripZeros()
	}
	return EncodeNumeric(dst, d)
}

// Ordered key classes. Bytes below 0x10 so that callers can add their own.
const (
	keyNegInf = 0x01
	keyNeg    = 0x02
	keyZero   = 0x03
	keyPos    = 0x04
	keyPosInf = 0x05
	keyNaN    = 0x06
)

// AppendOrdered appends a key whose bytes order like the numbers, and which is
// equal for equal numbers: class, exponent of the first digit, digits in pairs
// with an end mark; complemented for negative numbers.
func (d Decimal) AppendOrdered(dst []byte) []byte {
	switch {
	case d.form == nan:
		return append(dst, keyNaN)
	case d.form == posInf:
		return append(dst, keyPosInf)
	case d.form == negInf:
		return append(dst, keyNegInf)
	case d.IsZero():
		return append(dst, keyZero)
	}
	if d.neg {
		dst = append(dst, keyNeg)
	} else {
		dst = append(dst, keyPos)
	}
	start := len(dst)
	var tmp [40]byte
	digits := d.appendMag(tmp[:0])
	exp := len(digits) - int(d.scale)
	for digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	e := uint32(exp + 1<<18)
	dst = append(dst, byte(e>>16), byte(e>>8), byte(e))
	for i := 0; i < len(digits); i += 2 {
		v := (digits[i] - '0') * 10
		if i+1 < len(digits) {
			v += digits[i+1] - '0'
		}
		dst = append(dst, v+1)
	}
	dst = append(dst, 0)
	if d.neg {
		for i := start; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
	}
	return dst
}

// Int64 rounds half away from zero to a bigint; errors as PostgreSQL's cast.
func (d Decimal) Int64() (int64, error) { return d.toInt(Int8) }

// toInt converts to integer kind k.
func (d Decimal) toInt(k Kind) (int64, error) {
	switch d.form {
	case nan:
		return 0, sqlerr.New(sqlerr.FeatureNotSupported, "cannot convert NaN to %s", kinds[k].sql)
	case posInf, negInf:
		return 0, sqlerr.New(sqlerr.FeatureNotSupported,
			"cannot convert infinity to %s", kinds[k].sql)
	}
	if d.scale > 0 {
		d = d.roundTo(0)
	}
	if d.big != nil || d.hi != 0 || d.lo > 1<<63 || d.lo == 1<<63 && !d.neg {
		return 0, errRange(kinds[k].sql)
	}
	v := int64(d.lo)
	if d.neg {
		v = -v
	}
	if !intFits(k, v) {
		return 0, errRange(kinds[k].sql)
	}
	return v, nil
}

// Float64 gives the nearest float64; 22003 when it is out of range.
func (d Decimal) Float64() (float64, error) { return d.toFloat(Float8) }

func (d Decimal) toFloat(k Kind) (float64, error) {
	switch d.form {
	case nan:
		return math.NaN(), nil
	case posInf:
		return math.Inf(1), nil
	case negInf:
		return math.Inf(-1), nil
	}
	// Both operands are exact below 2^53 and 10^22, so one division rounds once.
	if k == Float8 && d.big == nil && d.hi == 0 && d.lo < 1<<53 && d.scale <= 22 {
		f := float64(d.lo) / math.Pow10(int(d.scale))
		if d.neg {
			f = -f
		}
		return f, nil
	}
	var tmp [64]byte
	return ParseFloat(k, string(d.Append(tmp[:0])))
}

// DecimalFromFloat gives f with the digits that PostgreSQL's cast keeps: 15 of a
// Float8, 6 of a Float4.
func DecimalFromFloat(k Kind, f float64) (Decimal, error) {
	switch {
	case math.IsNaN(f):
		return DecimalNaN, nil
	case math.IsInf(f, 1):
		return DecimalInf, nil
	case math.IsInf(f, -1):
		return DecimalNegInf, nil
	}
	prec := 15
	if k == Float4 {
		prec = 6
	}
	var tmp [40]byte
	e := strconv.AppendFloat(tmp[:0], f, 'e', prec-1, 64)
	return ParseDecimal(trimFloatZeros(string(e)))
}

// trimFloatZeros cuts trailing zeros of the mantissa of d.ddde±xx, as %g does.
func trimFloatZeros(s string) string {
	x := len(s) - 1
	for s[x] != 'e' {
		x--
	}
	m := x
	for s[m-1] == '0' && m > 2 {
		m--
	}
	if s[m-1] == '.' {
		m--
	}
	return s[:m] + s[x:]
}

// appendNumericBinary writes PostgreSQL's numeric_send format.
func appendNumericBinary(dst []byte, d Decimal) []byte {
	if d.form != finite {
		mark := [...][2]byte{posInf: {0xD0, 0x20}, negInf: {0xF0, 0x20}, nan: {0xC0, 0}}[d.form]
		return append(dst, 0, 0, 0, 0, mark[0], 0, 0, mark[1])
	}
	var tmp [48]byte
	text := d.appendMag(tmp[:0])
	if d.IsZero() {
		text = text[:0]
	}
	intDigits := len(text) - int(d.scale)
	weight := (intDigits+3)>>2 - 1
	lead := (weight+1)*4 - intDigits // zeros before the first digit
	var sign uint16
	if d.neg {
		sign = 0x4000
	}
	head := len(dst)
	dst = append(dst, 0, 0, byte(weight>>8), byte(weight), byte(sign>>8), byte(sign),
		byte(d.scale>>8), byte(d.scale))
	n := 0
	for i := -lead; i < len(text); i += 4 {
		v := 0
		for j := i; j < i+4; j++ {
			v *= 10
			if j >= 0 && j < len(text) {
				v += int(text[j] - '0')
			}
		}
		dst = binary.BigEndian.AppendUint16(dst, uint16(v))
		n++
	}
	for n > 0 && dst[len(dst)-1]|dst[len(dst)-2] == 0 {
		dst = dst[:len(dst)-2]
		n--
	}
	if n == 0 {
		dst[head+2], dst[head+3] = 0, 0
	}
	binary.BigEndian.PutUint16(dst[head:], uint16(n))
	return dst
}

// parseNumericBinary reads numeric_recv's format.
func parseNumericBinary(b []byte) (Decimal, error) {
	if len(b) < 8 {
		return Decimal{}, sqlerr.New(sqlerr.ProtocolViolation, "insufficient data left in message")
	}
	n := int(binary.BigEndian.Uint16(b))
	weight := int(int16(binary.BigEndian.Uint16(b[2:])))
	sign := binary.BigEndian.Uint16(b[4:])
	scale := int(binary.BigEndian.Uint16(b[6:]))
	switch sign {
	case 0xC000:
		return DecimalNaN, nil
	case 0xD000:
		return DecimalInf, nil
	case 0xF000:
		return DecimalNegInf, nil
	case 0, 0x4000:
	default:
		return Decimal{}, errBinary("invalid sign in external \"numeric\" value")
	}
	if scale > maxScale {
		return Decimal{}, errBinary("invalid scale in external \"numeric\" value")
	}
	if len(b) != 8+2*n {
		return Decimal{}, errBinary("incorrect binary data format")
	}
	digits := make([]byte, 0, n*4)
	for i := range n {
		v := binary.BigEndian.Uint16(b[8+2*i:])
		if v > 9999 {
			return Decimal{}, errBinary("invalid digit in external \"numeric\" value")
		}
		digits = append(digits, byte('0'+v/1000), byte('0'+v/100%10), byte('0'+v/10%10),
			byte('0'+v%10))
	}
	// The last digit stands for 10^(4*(weight-n+1)); cut or pad to the scale.
	have := 4 * (n - 1 - weight)
	if have > scale {
		digits = digits[:max(len(digits)-(have-scale), 0)]
	}
	for ; have < scale && n > 0; have++ {
		digits = append(digits, '0')
	}
	return buildDecimal(digits, scale, sign == 0x4000)
}
