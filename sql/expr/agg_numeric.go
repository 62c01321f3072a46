package expr

import (
	"math/big"
	"math/bits"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// numericSum is a sum of numerics in fixed memory: a 256-bit number, two's
// complement, times 10^-scale; 76 digits in all. The scale only grows.
type numericSum struct {
	count    int64
	scale    int64
	nan      int64
	pos, neg int64 // infinities
	v        [4]uint64
}

const numericWords = 9

func errSumOverflow() error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "value overflows numeric format").
		WithDetail("A sum has at most 76 digits, those after the decimal point included.")
}

// unscaled is a numeric's stored magnitude.
type unscaled struct {
	v       [4]uint64
	scale   int64
	neg     bool
	special byte // 0, or 'n', '+', '-'
	tooLong bool
}

// readUnscaled reads the encoding of types.EncodeNumeric.
func readUnscaled(b []byte) unscaled {
	var u unscaled
	if len(b) == 0 {
		return u
	}
	h := b[0]
	if h&3 == 2 {
		u.special = "n+-"[min(h>>2, 2)]
		return u
	}
	u.neg, u.scale = h&3 == 1, int64(h>>2)
	b = b[1:]
	if u.scale == 63 && len(b) >= 2 {
		u.scale = int64(b[0]) | int64(b[1])<<8
		b = b[2:]
	}
	if len(b) > 31 {
		u.tooLong = true
		return u
	}
	for i, c := range b {
		u.v[i>>3] |= uint64(c) << (uint(i&7) * 8)
	}
	return u
}

// mulSmall multiplies a magnitude; false on overflow of 255 bits.
func mulSmall(v *[4]uint64, m uint64) bool {
	var carry uint64
	for i := range v {
		hi, lo := bits.Mul64(v[i], m)
		var c uint64
		v[i], c = bits.Add64(lo, carry, 0)
		carry = hi + c
	}
	return carry == 0 && v[3]>>63 == 0
}

func negate256(v *[4]uint64) {
	var c uint64 = 1
	for i := range v {
		v[i], c = bits.Add64(^v[i], 0, c)
	}
}

// shift10 multiplies a two's complement number by 10^n.
func shift10(v *[4]uint64, n int64) bool {
	neg := v[3]>>63 != 0
	if neg {
		negate256(v)
	}
	ok := true
	for ; n > 0 && ok && *v != [4]uint64{}; n-- {
		ok = mulSmall(v, 10)
	}
	if neg {
		negate256(v)
	}
	return ok
}

func (s *numericSum) add(b []byte, w int64) error {
	u := readUnscaled(b)
	s.count += w
	switch u.special {
	case 'n':
		s.nan += w
		return nil
	case '+':
		s.pos += w
		return nil
	case '-':
		s.neg += w
		return nil
	}
	if u.tooLong {
		return errSumOverflow()
	}
	if w < 0 {
		u.neg, w = !u.neg, -w
	}
	if w != 1 && !mulSmall(&u.v, uint64(w)) {
		return errSumOverflow()
	}
	if u.scale > s.scale {
		if !shift10(&s.v, u.scale-s.scale) {
			return errSumOverflow()
		}
		s.scale = u.scale
	} else if u.scale < s.scale && !shift10(&u.v, s.scale-u.scale) {
		return errSumOverflow()
	}
	if u.neg {
		negate256(&u.v)
	}
	return s.addSigned(&u.v)
}

func (s *numericSum) addSigned(v *[4]uint64) error {
	signA, signB := s.v[3]>>63, v[3]>>63
	var c uint64
	for i := range v {
		s.v[i], c = bits.Add64(s.v[i], v[i], c)
	}
	if signA == signB && s.v[3]>>63 != signA {
		return errSumOverflow()
	}
	if s.count == 0 {
		s.scale = 0
	}
	return nil
}

func (s *numericSum) decimal() types.Decimal {
	switch {
	case s.nan > 0 || s.pos > 0 && s.neg > 0:
		return types.DecimalNaN
	case s.pos > 0:
		return types.DecimalInf
	case s.neg > 0:
		return types.DecimalNegInf
	}
	v := s.v
	neg := v[3]>>63 != 0
	if neg {
		negate256(&v)
	}
	if v[1]|v[2]|v[3] == 0 && v[0]>>63 == 0 {
		d := types.NewDecimal(int64(v[0]), int32(s.scale))
		if neg {
			d = d.Neg()
		}
		return d
	}
	b := new(big.Int)
	for i := 3; i >= 0; i-- {
		b.Or(b.Lsh(b, 64), new(big.Int).SetUint64(v[i]))
	}
	if neg {
		b.Neg(b)
	}
	return types.DecimalFromBig(b, int32(s.scale))
}

func sumNumeric(acc accs, rows []uint16, args []*batch.Vector, w []int32) error {
	v := args[0]
	for k, r := range rows {
		if v.IsNull(int(r)) {
			continue
		}
		if err := (*numericSum)(acc[k]).add(v.Bytes(int(r)), weightOf(w, r)); err != nil {
			return err
		}
	}
	return nil
}

func numericResult(mean bool) func(accs, *batch.Vector) error {
	return func(acc accs, out *batch.Vector) error {
		var buf [64]byte
		for _, p := range acc {
			s := (*numericSum)(p)
			if s.count == 0 {
				out.AppendNull()
				continue
			}
			d := s.decimal()
			if mean {
				var err error
				if d, err = d.Div(types.DecimalFromInt(s.count)); err != nil {
					return err
				}
			}
			out.AppendBytes(types.EncodeNumeric(buf[:0], d))
		}
		return nil
	}
}
