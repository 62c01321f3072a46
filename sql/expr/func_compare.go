package expr

import (
	"slices"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// comparePairs lists the comparisons over fixed-size values whose kinds differ
// or need no more than the numbers: kinds of one line compare with each other.
var comparePairs = []struct{ a, b string }{
	{"bool", "bool"}, {"int2", "int2"}, {"int4", "int4"}, {"int8", "int8"},
	{"int2", "int4"}, {"int4", "int2"}, {"int2", "int8"}, {"int8", "int2"},
	{"int4", "int8"}, {"int8", "int4"}, {"oid", "oid"},
	{"float4", "float4"}, {"float8", "float8"}, {"float4", "float8"}, {"float8", "float4"},
	{"text", "text"}, {"bpchar", "bpchar"}, {"name", "name"}, {"name", "text"}, {"text", "name"},
	{"char", "char"}, {"bytea", "bytea"}, {"numeric", "numeric"}, {"uuid", "uuid"},
	{"date", "date"}, {"time", "time"}, {"timetz", "timetz"},
	{"timestamp", "timestamp"}, {"timestamptz", "timestamptz"}, {"interval", "interval"},
	{"date", "timestamp"}, {"timestamp", "date"},
	{"date", "timestamptz"}, {"timestamptz", "date"},
	{"timestamp", "timestamptz"}, {"timestamptz", "timestamp"},
	{"jsonb", "jsonb"}, {"anyarray", "anyarray"}, {"record", "record"},
	{"map", "map"}, {"struct", "struct"}, {"anyenum", "anyenum"},
}

var compareDocs = [...]string{"equal", "not equal", "less than", "less than or equal",
	"greater than", "greater than or equal"}

func defineCompare(r *registry) {
	for op, name := range cmpNames {
		for _, p := range comparePairs {
			if onlyEqual[signatureType(p.a).Kind] && cmpOp(op) != opEq && cmpOp(op) != opNe {
				continue
			}
			a := signatureType(p.a)
			b := signatureType(p.b)
			f := r.op(name+"("+p.a+", "+p.b+") bool", nil, compareDocs[op],
				compareExample(p.a, p.b, name))
			defineComparison(f, cmpOp(op), a, b)
		}
	}
	r.op("=(xid, xid) bool", cmpKernel[int64](opEq), "equal", "'1'::xid = '1'::xid")
	r.op("<>(xid, xid) bool", cmpKernel[int64](opNe), "not equal", "'1'::xid <> '1'::xid")
	r.op("=(xid, int4) bool", cmpKernel[int64](opEq), "equal", "'1'::xid = 1")
	r.op("<>(xid, int4) bool", cmpKernel[int64](opNe), "not equal", "'1'::xid <> 1")
}

// defineComparison gives f the kernel for its kinds.
func defineComparison(f *Func, op cmpOp, a, b types.Type) {
	switch {
	case a.Kind == types.Bool:
		f.Kernel = boolCmpKernel(op)
	case sameOrder(a.Kind, b.Kind) && a.Phys() == types.PhysInt64:
		f.Kernel = cmpKernel[int64](op)
	case sameOrder(a.Kind, b.Kind) && a.Phys() == types.PhysFloat64:
		f.Kernel = cmpKernel[float64](op)
	case plainBytes(a.Kind) && plainBytes(b.Kind):
		f.Kernel = bytesCmpKernel(op)
	case a.Kind == types.Numeric:
		f.Kernel = numericCmpKernel(op)
	case isTimeMix(a.Kind, b.Kind):
		f.Kernel = timeMixKernel(op, a.Kind, b.Kind)
		if a.Kind == types.Timestamptz || b.Kind == types.Timestamptz {
			f.Volatility = Stable
		}
	case isPoly(a) || openNested(a):
		f.Bind = func(f *Func, args []types.Type, _ types.Type) {
			f.Kernel = datumCmpKernel(op, args[0])
			if args[0].Kind == types.Array && noOrder(op, elemOf(args[0])) != nil {
				f.Kernel = unequalKernel(op, args[0])
			}
		}
	default:
		f.Kernel = datumCmpKernel(op, a)
	}
}

func compareExample(a, b, op string) string {
	return compareSamples[a][0] + " " + op + " " + compareSamples[b][1]
}

// compareSamples has two literals of each type, for examples.
var compareSamples = map[string][2]string{
	"bool": {"false", "true"}, "int2": {"1::smallint", "2::smallint"}, "int4": {"1", "2"},
	"int8": {"1::bigint", "2::bigint"}, "oid": {"1::oid", "2::oid"},
	"float4": {"1.5::real", "2.5::real"}, "float8": {"1.5::float8", "'NaN'::float8"},
	"text": {"'a'::text", "'b'::text"}, "bpchar": {"'a '::char(3)", "'a'::char(3)"},
	"name": {"'a'::name", "'b'::name"}, "char": {"'a'::\"char\"", "'b'::\"char\""},
	"bytea": {"'\\x01'::bytea", "'\\x02'::bytea"}, "numeric": {"1.50", "1.5"},
	"uuid": {"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
		"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'::uuid"},
	"date":        {"date '2024-01-01'", "date '2024-01-02'"},
	"time":        {"time '10:00'", "time '10:01'"},
	"timetz":      {"timetz '10:00+00'", "timetz '10:00+01'"},
	"timestamp":   {"timestamp '2024-01-01 10:00'", "timestamp '2024-01-01 00:00'"},
	"timestamptz": {"timestamptz '2024-01-01 10:00+00'", "timestamptz '2024-01-01 00:00+00'"},
	"interval":    {"interval '1 day'", "interval '24 hours'"},
	"jsonb":       {"'{\"a\": 1}'::jsonb", "'{\"a\": 2}'::jsonb"},
	"anyarray":    {"ARRAY[1, 2]", "ARRAY[1, 3]"}, "record": {"ROW(1, 'a')", "ROW(1, 'b')"},
	"map":    {"MAP('a' := 1)", "MAP('a' := 2)"},
	"struct": {"STRUCT(a := 1)", "STRUCT(a := 2)"}, "anyenum": {"'sad'::mood", "'ok'::mood"},
}

func boolCmpKernel(op cmpOp) Kernel {
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		a, b, ma, mb := args[0].Bool, args[1].Bool, mask(args[0]), mask(args[1])
		for _, r := range rows {
			out.Bool[r] = op.holds(boolInt(a[int(r)&ma]) - boolInt(b[int(r)&mb]))
		}
		return nil
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// datumCmpKernel compares values of kinds with an order of their own.
func datumCmpKernel(op cmpOp, t types.Type) Kernel {
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		for _, r := range rows {
			c := types.Compare(t, aliasDatum(args[0], int(r)), aliasDatum(args[1], int(r)))
			out.Bool[r] = op.holds(c)
		}
		return nil
	}
}

// noOrder is the error of elements that have no operators for op: arrays of them compare only
// as far as their dimensions tell.
func noOrder(op cmpOp, elem types.Type) error {
	switch equal := op == opEq || op == opNe; {
	case elem.Kind == types.JSON && equal:
		return sqlerr.New(sqlerr.UndefinedFunction,
			"could not identify an equality operator for type %s", baseName(elem))
	case elem.Kind == types.JSON, elem.Kind == types.Xid && !equal:
		return sqlerr.New(sqlerr.UndefinedFunction,
			"could not identify a comparison function for type %s", baseName(elem))
	}
	return nil
}

// unequalKernel compares arrays whose elements do not.
func unequalKernel(op cmpOp, t types.Type) Kernel {
	elem := elemOf(t)
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		for k, r := range rows {
			a := aliasDatum(args[0], int(r)).Array(elem)
			b := aliasDatum(args[1], int(r)).Array(elem)
			if op != opEq && op != opNe || slices.Equal(a.Dims, b.Dims) {
				return rowErr(k, noOrder(op, elem))
			}
			out.Bool[r] = op == opNe
		}
		return nil
	}
}

func isTimeMix(a, b types.Kind) bool { return isMoment(a) && isMoment(b) && a != b }

func isMoment(k types.Kind) bool {
	return k == types.Date || k == types.Timestamp || k == types.Timestamptz
}

// timeMixKernel compares a date with a timestamp and so on: as timestamps, in the
// session's zone where one side has a zone.
func timeMixKernel(op cmpOp, a, b types.Kind) Kernel {
	zoned := a == types.Timestamptz || b == types.Timestamptz
	return func(env *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		x, y, mx, my := args[0].I64, args[1].I64, mask(args[0]), mask(args[1])
		for _, r := range rows {
			u, v := momentOf(a, x[int(r)&mx], zoned, env), momentOf(b, y[int(r)&my], zoned, env)
			out.Bool[r] = op.holds(compareNum(u, v))
		}
		return nil
	}
}

// onlyEqual are the kinds that ksqlDB compares with = and <> only.
var onlyEqual = map[types.Kind]bool{types.Map: true, types.Struct: true}

func isOrdering(op string) bool { return op == "<" || op == "<=" || op == ">" || op == ">=" }
