package types_test

import (
	"fmt"
	"strconv"

	"github.com/millracedb/millrace/sql/types"
)

// runTime computes a function of dates and times.
func (s *session) runTime(fn string, args []string) (string, error) {
	switch fn {
	case "trunc": // field, type, text
		return s.runTrunc(args)
	case "extract", "part": // field, type, text
		return s.runExtract(fn, args)
	case "add": // type, text, interval
		return s.runAdd(args)
	case "sub", "age": // type, text, text
		return s.runSub(fn, args)
	case "bin": // interval, text, origin
		return s.runBin(args)
	}
	return s.runInterval(fn, args)
}

func (s *session) runTrunc(args []string) (string, error) {
	t, d, err := s.value(args[1], args[2])
	if err != nil {
		return "", err
	}
	f, ok := types.ParseDateField(args[0])
	if !ok || !types.CanTrunc(f) {
		return "", types.ErrDateField(args[0], t.Kind)
	}
	switch t.Kind {
	case types.Timestamp:
		d.I, err = types.DateTrunc(f, d.I)
	case types.Timestamptz:
		d.I, err = types.DateTruncTz(s.env.Zone, f, d.I)
	default:
		var v types.IntervalValue
		v, err = types.IntervalTrunc(f, d.Interval())
		d = types.IntervalDatum(v)
	}
	return s.text(t, d), err
}

func (s *session) runExtract(fn string, args []string) (string, error) {
	t, d, err := s.value(args[1], args[2])
	if err != nil {
		return "", err
	}
	f, ok := types.ParseDateField(args[0])
	if !ok || !types.CanExtract(f, t.Kind) {
		return "", types.ErrDateField(args[0], t.Kind)
	}
	p := types.Extract(&s.env, t, f, d)
	switch {
	case p.Null:
		return "NULL", nil
	case fn == "part":
		return string(types.AppendFloat8(nil, p.Float())), nil
	}
	return p.Decimal().String(), nil
}

func (s *session) runAdd(args []string) (string, error) {
	t, d, err := s.value(args[0], args[1])
	if err != nil {
		return "", err
	}
	iv, err := types.ParseInterval(&s.env, types.Of(types.Interval), args[2])
	if err != nil {
		return "", err
	}
	switch t.Kind {
	case types.Timestamp:
		d.I, err = types.AddToTimestamp(d.I, iv)
	case types.Timestamptz:
		d.I, err = types.AddToTimestamptz(s.env.Zone, d.I, iv)
	case types.Time:
		d.I = types.AddToTime(d.I, iv)
	case types.Interval:
		iv, err = d.Interval().Add(iv)
		d = types.IntervalDatum(iv)
	default:
		return "", fmt.Errorf("no addition to %s", t)
	}
	return s.text(t, d), err
}

func (s *session) runSub(fn string, args []string) (string, error) {
	t, a, err := s.value(args[0], args[1])
	if err != nil {
		return "", err
	}
	_, b, err := s.value(args[0], args[2])
	if err != nil {
		return "", err
	}
	var v types.IntervalValue
	switch {
	case t.Kind == types.Interval:
		v, err = a.Interval().Sub(b.Interval())
	case fn == "sub":
		v, err = types.SubTimestamps(a.I, b.I)
	case t.Kind == types.Timestamptz:
		v, err = types.AgeTz(s.env.Zone, a.I, b.I)
	default:
		v, err = types.Age(a.I, b.I)
	}
	return string(types.AppendInterval(&s.env, nil, v)), err
}

func (s *session) runBin(args []string) (string, error) {
	iv, err := types.ParseInterval(&s.env, types.Of(types.Interval), args[0])
	if err != nil {
		return "", err
	}
	v, err := types.ParseTimestamp(&s.env, args[1])
	if err != nil {
		return "", err
	}
	o, err := types.ParseTimestamp(&s.env, args[2])
	if err != nil {
		return "", err
	}
	r, err := types.DateBin(iv, v, o)
	return string(types.AppendTimestamp(&s.env, nil, r)), err
}

func (s *session) runInterval(fn string, args []string) (string, error) {
	v, err := types.ParseInterval(&s.env, types.Of(types.Interval), args[0])
	if err != nil {
		return "", err
	}
	var f float64
	if len(args) > 1 {
		if f, err = strconv.ParseFloat(args[1], 64); err != nil {
			return "", err
		}
	}
	switch fn {
	case "mul":
		v, err = v.Mul(f)
	case "div":
		v, err = v.Div(f)
	case "neg":
		v, err = v.Neg()
	case "justify":
		v, err = v.Justify()
	case "justify_days":
		v, err = v.JustifyDays()
	case "justify_hours":
		v, err = v.JustifyHours()
	default:
		return "", fmt.Errorf("no function %q", fn)
	}
	return string(types.AppendInterval(&s.env, nil, v)), err
}
