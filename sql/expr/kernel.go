package expr

import (
	"errors"
	"math"
	"unsafe"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// maxResultBytes bounds the bytes that one function may produce for one batch,
// far below what Vector.Off can address.
const maxResultBytes = 1 << 30

// identity is the selection of all rows.
var identity = func() (ids [batch.MaxRows]uint16) {
	for i := range ids {
		ids[i] = uint16(i)
	}
	return ids
}()

// allRows gives the selection of the first n rows.
func allRows(n int) []uint16 {
	if n <= len(identity) {
		return identity[:n]
	}
	ids := make([]uint16, n)
	for i := range ids {
		ids[i] = uint16(i)
	}
	return ids
}

// RowError is the failure of one row inside a kernel: k indexes the kernel's
// rows. Rows before it are done; the evaluator may resume after it.
type RowError struct {
	K   int
	Err error
}

// Error implements error.
func (e *RowError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *RowError) Unwrap() error { return e.Err }

// rowErr makes a RowError for the k-th row of a kernel.
func rowErr(k int, err error) error { return &RowError{k, err} }

func asRowError(err error) (*RowError, bool) {
	var re *RowError
	ok := errors.As(err, &re)
	return re, ok
}

// setNull makes row of out NULL. The evaluator hands kernels an out whose bitmap
// exists and says that all rows that the kernel sees are valid.
func setNull(out *batch.Vector, row int) {
	out.Valid.Clear(row)
	switch out.Type.Phys() {
	case types.PhysInt64:
		out.I64[row] = 0
	case types.PhysFloat64:
		out.F64[row] = 0
	case types.PhysBool:
		out.Bool[row] = false
	case types.PhysBytes:
		padTo(out, row+1)
	}
}

// padTo gives out empty values up to n rows. Rows of a PhysBytes result come in
// ascending order; the rows between them are not selected.
func padTo(out *batch.Vector, n int) {
	end := int32(len(out.Buf))
	for len(out.Off)-1 < n {
		out.Off = append(out.Off, end)
	}
}

// putBytes sets a row of a PhysBytes result to a copy of b.
func putBytes(out *batch.Vector, row int, b []byte) {
	padTo(out, row)
	out.Buf = append(out.Buf, b...)
	out.Off = append(out.Off, int32(len(out.Buf)))
}

// putString is putBytes for a string.
func putString(out *batch.Vector, row int, s string) {
	padTo(out, row)
	out.Buf = append(out.Buf, s...)
	out.Off = append(out.Off, int32(len(out.Buf)))
}

// endBytes ends a row whose bytes were appended to buf, which began as out.Buf
// after padTo(out, row).
func endBytes(out *batch.Vector, buf []byte) {
	out.Buf = buf
	out.Off = append(out.Off, int32(len(buf)))
}

// aliasString views b as a string without a copy: valid as long as b is.
func aliasString(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// aliasBytes views s as bytes without a copy, never to be written to.
func aliasBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// aliasDatum is Vector.Datum without a copy: the string is valid as long as the
// vector.
func aliasDatum(v *batch.Vector, i int) types.Datum {
	i = v.Row(i)
	if v.Valid != nil && !v.Valid.Valid(i) {
		return types.NullDatum
	}
	switch v.Type.Phys() {
	case types.PhysInt64:
		return types.Datum{I: v.I64[i]}
	case types.PhysFloat64:
		return types.Datum{F: v.F64[i]}
	case types.PhysBool:
		return types.BoolDatum(v.Bool[i])
	}
	return types.Datum{S: aliasString(v.Buf[v.Off[i]:v.Off[i+1]])}
}

// putDatum sets a row of a result.
func putDatum(out *batch.Vector, row int, d types.Datum) error {
	if d.Null {
		setNull(out, row)
		return nil
	}
	switch out.Type.Phys() {
	case types.PhysInt64:
		out.I64[row] = d.I
	case types.PhysFloat64:
		out.F64[row] = d.F
	case types.PhysBool:
		out.Bool[row] = d.I != 0
	case types.PhysBytes:
		if len(out.Buf)+len(d.S) > maxResultBytes {
			return errTooLarge()
		}
		putString(out, row, d.S)
	}
	return nil
}

func errTooLarge() error {
	return sqlerr.New(sqlerr.ProgramLimitExceeded, "result of the expression is too large").
		WithDetail("The values of one batch exceed %d bytes.", maxResultBytes)
}

// errIntRange is PostgreSQL's overflow message for an integer kind.
func errIntRange(k types.Kind) error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "%s out of range", k.SQLName())
}

func errDivZero() error { return sqlerr.New(sqlerr.DivisionByZero, "division by zero") }

func errFloatOverflow() error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "value out of range: overflow")
}

func errFloatUnderflow() error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "value out of range: underflow")
}

// intLimits gives the smallest and largest value of an integer kind.
func intLimits(k types.Kind) (lo, hi int64) {
	switch k {
	case types.Int2:
		return math.MinInt16, math.MaxInt16
	case types.Int4:
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}

// mask gives the AND mask that maps rows to rows of v: all ones, or zero for a
// constant.
func mask(v *batch.Vector) int {
	if v.Const {
		return 0
	}
	return -1
}
