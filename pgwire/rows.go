package pgwire

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/pgwire/session"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// form is how a column's values are written. The row loop switches on it, so that
// a value costs no call through an interface and no allocation.
type form uint8

const (
	formInt      form = iota // decimal digits
	formTime                 // date, time, timestamp as text
	formFloat                // exact text
	formRounded              // text of extra_float_digits <= 0
	formBool                 // t or f
	formBytes                // the bytes themselves
	formText                 // any other type of bytes, as text
	formBinInt               // binary integers, dates and times
	formBinFloat             // binary floats
	formBinBool              // one byte
	formBinary               // any other type in binary
)

// rowWriter writes DataRow messages from batches.
type rowWriter struct {
	w     *writer
	forms []form
	env   *types.Env
	// digits is extra_float_digits.
	digits int
}

// reset prepares for rows of a result.
func (r *rowWriter) reset(res *session.Result) {
	r.forms = r.forms[:0]
	for _, c := range res.Columns {
		r.forms = append(r.forms, formOf(c, res.FloatDigits))
	}
	r.env, r.digits = res.Values, res.FloatDigits
}

func formOf(c session.Column, digits int) form {
	bin := c.Format == 1
	switch c.Type.Phys() {
	case types.PhysInt64:
		if bin {
			return formBinInt
		}
		switch c.Type.Kind {
		case types.Int2, types.Int4, types.Int8, types.OID, types.Xid:
			return formInt
		}
		return formTime
	case types.PhysFloat64:
		switch {
		case bin:
			return formBinFloat
		case digits <= 0:
			return formRounded
		}
		return formFloat
	case types.PhysBool:
		if bin {
			return formBinBool
		}
		return formBool
	}
	switch c.Type.Kind {
	case types.Text, types.Varchar, types.Bpchar, types.Name, types.JSON, types.Unknown:
		return formBytes
	case types.JSONB:
		if !bin {
			return formBytes
		}
	}
	if bin {
		return formBinary
	}
	return formText
}

// write adds the rows of a batch.
func (r *rowWriter) write(b *batch.Batch) error {
	n := len(r.forms)
	for k := range b.Rows() {
		i := b.Index(k)
		r.w.begin('D')
		r.w.buf = append(r.w.buf, byte(n>>8), byte(n))
		for c := range n {
			v := b.Cols[c]
			row := i
			if v.Const {
				row = 0
			}
			if v.Valid != nil && !v.Valid.Valid(row) {
				r.w.buf = append(r.w.buf, 0xff, 0xff, 0xff, 0xff)
				continue
			}
			if err := r.value(r.forms[c], v, row); err != nil {
				r.w.buf = r.w.buf[:r.w.at]
				return err
			}
		}
		if err := r.w.end(); err != nil {
			return err
		}
	}
	return nil
}

// value adds the length and the value of a row that is not NULL.
func (r *rowWriter) value(f form, v *batch.Vector, row int) error {
	buf := r.w.buf
	if f == formBytes {
		s := v.Buf[v.Off[row]:v.Off[row+1]]
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(s)))
		r.w.buf = append(buf, s...)
		return nil
	}
	at := len(buf)
	buf = append(buf, 0, 0, 0, 0)
	switch f {
	case formInt:
		buf = appendInt(buf, v.I64[row])
	case formTime:
		buf = types.AppendIntText(r.env, buf, v.Type.Kind, v.I64[row])
	case formFloat:
		buf = types.AppendFloatText(buf, v.Type.Kind, v.F64[row])
	case formRounded:
		buf = appendRounded(buf, v.Type.Kind, v.F64[row], r.digits)
	case formBool:
		buf = types.AppendBoolText(buf, v.Bool[row])
	case formText:
		buf = types.AppendBytesText(r.env, buf, v.Type, v.Buf[v.Off[row]:v.Off[row+1]])
	case formBinInt:
		buf = types.AppendBinaryInt(buf, v.Type.Kind, v.I64[row])
	case formBinFloat:
		buf = types.AppendBinaryFloat(buf, v.Type.Kind, v.F64[row])
	case formBinBool:
		one := byte(0)
		if v.Bool[row] {
			one = 1
		}
		buf = append(buf, one)
	case formBinary:
		var err error
		buf, err = types.AppendBinaryBytes(r.env, buf, v.Type, v.Buf[v.Off[row]:v.Off[row+1]])
		if err != nil {
			return err
		}
	}
	binary.BigEndian.PutUint32(buf[at:], uint32(len(buf)-at-4))
	r.w.buf = buf
	return nil
}

// appendInt writes small numbers without strconv's general path.
func appendInt(dst []byte, v int64) []byte {
	if v >= 0 && v < 10 {
		return append(dst, byte('0'+v))
	}
	return strconv.AppendInt(dst, v, 10)
}

// appendRounded writes a float with 15 (real: 6) significant digits and
// extra_float_digits more, as C's %g does.
func appendRounded(dst []byte, k types.Kind, f float64, extra int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return types.AppendFloatText(dst, k, f)
	}
	digits := 15
	if k == types.Float4 {
		digits = 6
	}
	digits = max(digits+extra, 1)
	s := strconv.FormatFloat(f, 'e', digits-1, 64)
	mantissa, exp, _ := strings.Cut(s, "e")
	if n, err := strconv.Atoi(exp); err == nil && n >= -4 && n < digits {
		mantissa, exp = strconv.FormatFloat(f, 'f', digits-1-n, 64), ""
	}
	if strings.IndexByte(mantissa, '.') >= 0 {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	dst = append(dst, mantissa...)
	if exp != "" {
		dst = append(append(dst, 'e'), exp...)
	}
	return dst
}

func itoa(n int) string { return strconv.Itoa(n) }
