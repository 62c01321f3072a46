package session

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/plpgsql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func itoa(n int) string { return strconv.Itoa(n) }

// place turns an offset in the block into one in the statement's text.
func (d *doBlock) place(err error) *sqlerr.Error {
	e := *sqlerr.As(err)
	switch {
	case e.Offset > 0 && d.base >= 0:
		e.Offset += d.base
	case e.Offset > 0:
		e.Offset = 0
	}
	return &e
}

// placed is an error that has its context already.
type placed struct{ e *sqlerr.Error }

// Error implements error.
func (p placed) Error() string { return p.e.Error() }

// Unwrap gives the error that the client sees.
func (p placed) Unwrap() error { return p.e }

// at adds the line of the block to the context of an error. The innermost statement does.
func (d *doBlock) at(st plpgsql.Stmt, err error) error {
	return d.within(err, "line "+itoa(st.Line())+" at "+st.What())
}

func (d *doBlock) during(line int, err error) error {
	return d.within(err, "line "+itoa(line)+
		" during statement block local variable initialization")
}

func (d *doBlock) within(err error, where string) error {
	if _, ok := err.(placed); ok || IsGone(err) { //nolint:errorlint // the error itself
		return err
	}
	e := *sqlerr.As(d.s.userError(err, ""))
	e.Where = contextLines(e.Where, "PL/pgSQL function inline_code_block "+where)
	return placed{&e}
}

// contextLines joins the lines of a context, the innermost first.
func contextLines(lines ...string) string {
	var out []string
	for _, l := range lines {
		if l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

// locate gives an error in a fragment its place in the statement's text, or says which
// fragment it is from.
func (d *doBlock) locate(f *plpgsql.Fragment, kind string, err error) error {
	if IsGone(err) {
		return err
	}
	e := *sqlerr.As(translateContext(err))
	switch {
	case e.Query != "":
	case e.Position > 0:
		e.Offset, e.Position = byteOffset(f.Text, e.Position)+1, 0
		fallthrough
	case e.Offset > 0:
		at := f.At + e.Offset - 1
		if e.Offset = 0; at >= 0 {
			e.Offset = at + 1
		}
		return d.place(&e)
	case kind != "":
		e.Where = contextLines(e.Where, kind+" \""+f.Shown+"\"")
	}
	return &e
}

// byteOffset gives the offset of the character at a position from 1.
func byteOffset(text string, position int) int {
	at := 0
	for n := position - 1; n > 0 && at < len(text); n-- {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}

// locateText is locate for an error in a text that the block has put together.
func locateText(text string, err error) error {
	if IsGone(err) {
		return err
	}
	e := *sqlerr.As(translateContext(err))
	switch {
	case e.Query != "":
		return &e
	case e.Offset > 0 && e.Position == 0 && e.Offset-1 <= len(text):
		e.Position = utf8.RuneCountInString(text[:e.Offset-1]) + 1
	}
	e.Offset = 0
	if e.Position > 0 {
		e.Query = text
		return &e
	}
	e.Where = contextLines(e.Where, "SQL statement \""+text+"\"")
	return &e
}

// raise runs RAISE.
func (d *doBlock) raise(st *plpgsql.Raise) error {
	if st.Level == "" {
		if d.caught == nil {
			return sqlerr.New(stackedOutside,
				"RAISE without parameters cannot be used outside an exception handler")
		}
		return placed{d.caught}
	}
	r := raising{e: &sqlerr.Error{Code: st.Code}, condition: st.Condition}
	e := r.e
	if st.HasFormat {
		m, err := d.format(st)
		if err != nil {
			return err
		}
		e.Message, r.said = m, true
	}
	for _, o := range st.Options {
		if err := d.raiseOption(&r, o); err != nil {
			return err
		}
	}
	if e.Code == "" {
		switch st.Level {
		case "EXCEPTION":
			e.Code = sqlerr.RaiseException
		case "WARNING":
			e.Code = sqlerr.Warning
		default:
			e.Code = sqlerr.SuccessfulCompletion
		}
	}
	if !r.said {
		if e.Message = r.condition; e.Message == "" {
			e.Message = string(e.Code)
		}
	}
	if st.Level == "EXCEPTION" {
		return e
	}
	n := &Notice{Severity: st.Level, Code: e.Code, Message: e.Message, Detail: e.Detail,
		Hint: e.Hint, Schema: e.Schema, Table: e.Table, Column: e.Column, DataType: e.DataType,
		Constraint: e.Constraint, Where: "PL/pgSQL function inline_code_block line " +
			itoa(st.Line()) + " at RAISE"}
	if st.Level == "INFO" { // is sent whatever client_min_messages says
		return gone(d.sink.Notice(n))
	}
	return d.s.notice(d.sink, n)
}

const stackedOutside = sqlerr.StackedDiagnosticsOutsideHandler

// format puts the arguments of RAISE in the places of %.
func (d *doBlock) format(st *plpgsql.Raise) (string, error) {
	var b strings.Builder
	next := 0
	for i := 0; i < len(st.Format); i++ {
		c := st.Format[i]
		switch {
		case c != '%':
			b.WriteByte(c)
		case i+1 < len(st.Format) && st.Format[i+1] == '%':
			b.WriteByte('%')
			i++
		default:
			x, t, err := d.value(st.Args[next])
			if err != nil {
				return "", err
			}
			next++
			if x.Null {
				b.WriteString("<NULL>")
			} else {
				b.WriteString(d.textOf(t, x))
			}
		}
	}
	return b.String(), nil
}

// raising is the error of a RAISE in the making.
type raising struct {
	e         *sqlerr.Error
	said      bool   // it has a message
	condition string // what was named, for the message where none is given
}

func (d *doBlock) raiseOption(r *raising, o plpgsql.RaiseOption) error {
	e := r.e
	x, t, err := d.value(o.Value)
	if err != nil {
		return err
	}
	if x.Null {
		return sqlerr.New(sqlerr.NullValueNotAllowed,
			"RAISE statement option cannot be null")
	}
	v := d.textOf(t, x)
	switch o.Name {
	case "MESSAGE":
		if r.said {
			return errRaiseTwice(o.Name)
		}
		e.Message, r.said = v, true
	case "ERRCODE":
		if e.Code != "" {
			return errRaiseTwice(o.Name)
		}
		codes := plpgsql.ConditionCodes(v)
		if codes == nil && isState(v) {
			codes = []sqlerr.Code{sqlerr.Code(v)}
		}
		if codes == nil {
			return sqlerr.New(sqlerr.UndefinedObject, "unrecognized exception condition \"%s\"", v)
		}
		e.Code, r.condition = codes[0], v
	default:
		at := map[string]*string{"DETAIL": &e.Detail, "HINT": &e.Hint, "COLUMN": &e.Column,
			"CONSTRAINT": &e.Constraint, "DATATYPE": &e.DataType, "TABLE": &e.Table,
			"SCHEMA": &e.Schema}[o.Name]
		if *at != "" {
			return errRaiseTwice(o.Name)
		}
		*at = v
	}
	return nil
}

func errRaiseTwice(option string) error {
	return sqlerr.New(sqlerr.SyntaxError, "RAISE option already specified: %s", option)
}

// isState tells whether a text is a SQLSTATE.
func isState(v string) bool {
	for _, c := range []byte(v) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return len(v) == 5
}

func (d *doBlock) assert(st *plpgsql.Assert) error {
	ok, err := d.condition(st.Cond)
	if err != nil || ok {
		return err
	}
	if st.Message != nil {
		x, t, err := d.value(st.Message)
		if err != nil {
			return err
		}
		if !x.Null {
			return sqlerr.New(sqlerr.AssertFailure, "%s", d.textOf(t, x))
		}
	}
	return sqlerr.New(sqlerr.AssertFailure, "assertion failed")
}

// diagnostics runs GET DIAGNOSTICS.
func (d *doBlock) diagnostics(st *plpgsql.Diagnostics) error {
	if st.Stacked && d.caught == nil {
		return sqlerr.New(stackedOutside,
			"GET STACKED DIAGNOSTICS cannot be used outside an exception handler")
	}
	for _, x := range st.Items {
		v, t := d.diagnostic(x.Name, st), textColumn
		if x.Name == "row_count" {
			v, t = types.IntDatum(d.rowCount), types.Of(types.Int8)
		}
		if err := d.set(x.Target, v, t); err != nil {
			return err
		}
	}
	return nil
}

func (d *doBlock) diagnostic(name string, st *plpgsql.Diagnostics) types.Datum {
	e := d.caught
	if e == nil {
		e = &sqlerr.Error{}
	}
	switch name {
	case "pg_context":
		return types.TextDatum("PL/pgSQL function inline_code_block line " + itoa(st.Line()) +
			" at GET DIAGNOSTICS")
	case "returned_sqlstate":
		return types.TextDatum(string(e.Code))
	case "message_text":
		return types.TextDatum(e.Message)
	case "pg_exception_detail":
		return types.TextDatum(e.Detail)
	case "pg_exception_hint":
		return types.TextDatum(e.Hint)
	case "pg_exception_context":
		return types.TextDatum(e.Where)
	case "column_name":
		return types.TextDatum(e.Column)
	case "constraint_name":
		return types.TextDatum(e.Constraint)
	case "pg_datatype_name":
		return types.TextDatum(e.DataType)
	case "table_name":
		return types.TextDatum(e.Table)
	}
	return types.TextDatum(e.Schema)
}
