package types_test

import (
	"bufio"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

var goldenDir = flag.String("golden", "../../testdata/types", "folder of the golden files")

// session is the settings that a golden file's set lines change.
type session struct{ env types.Env }

func newSession() *session { return &session{types.Env{Zone: time.UTC}} }

func (s *session) set(t testing.TB, name, value string) {
	t.Helper()
	switch name {
	case "timezone":
		loc, err := types.LoadZone(value)
		if err != nil {
			t.Fatal(err)
		}
		s.env.Zone = loc
	case "intervalstyle":
		s.env.IntervalStyle = map[string]types.IntervalStyle{
			"postgres": types.IntervalPostgres, "postgres_verbose": types.IntervalPostgresVerbose,
			"sql_standard": types.IntervalSQL, "iso_8601": types.IntervalISO}[value]
	case "datestyle":
		style, order, _ := strings.Cut(value, ", ")
		s.env.DateStyle = map[string]types.DateStyle{"ISO": types.DateISO, "SQL": types.DateSQL,
			"Postgres": types.DatePostgres, "German": types.DateGerman}[style]
		s.env.DateOrder = map[string]types.DateOrder{"MDY": types.MDY, "DMY": types.DMY,
			"YMD": types.YMD}[order]
	case "bytea_output":
		s.env.ByteaEscape = value == "escape"
	default:
		t.Fatalf("no setting %q", name)
	}
}

// splitLine cuts a golden line at tabs and unquotes its fields.
func splitLine(t testing.TB, line string) []string {
	t.Helper()
	fs := strings.Split(line, "\t")
	for i, f := range fs {
		if strings.HasPrefix(f, "\"") {
			u, err := strconv.Unquote(f)
			if err != nil {
				t.Fatalf("line %q: %v", line, err)
			}
			fs[i] = u
		}
	}
	return fs
}

// goldenFiles calls f for every case of every golden file: verb, arguments, and
// the recorded answer.
func goldenFiles(t *testing.T, f func(t *testing.T, s *session, args []string, want string)) {
	t.Helper()
	files, err := filepath.Glob(*goldenDir + "/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			file, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			s := newSession()
			lines := bufio.NewScanner(file)
			lines.Buffer(nil, 1<<24)
			for n := 1; lines.Scan(); n++ {
				line := lines.Text()
				if line == "" || line[0] == '#' {
					continue
				}
				fs := splitLine(t, line)
				if fs[0] == "set" {
					s.set(t, fs[1], fs[2])
					continue
				}
				k := len(fs) - 2
				if k < 1 || fs[k] != "=" {
					t.Fatalf("%s:%d: no answer in %q", name, n, line)
				}
				f(t, s, fs[:k], fs[k+1])
			}
		})
	}
}

// TestGolden compares with answers recorded from PostgreSQL 15.
func TestGolden(t *testing.T) {
	goldenFiles(t, func(t *testing.T, s *session, args []string, want string) {
		got, err := s.run(args)
		if err != nil {
			got = errorText(err)
		}
		if got != want {
			t.Errorf("%q\n got %s\nwant %s", args, got, want)
		}
	})
}

// errorText is how golden files write an error.
func errorText(err error) string {
	var e *sqlerr.Error
	if !errors.As(err, &e) {
		return "internal error: " + err.Error()
	}
	s := "!" + string(e.Code) + " " + e.Message
	if e.Detail != "" {
		s += " DETAIL: " + e.Detail
	}
	if e.Hint != "" {
		s += " HINT: " + e.Hint
	}
	if e.Where != "" {
		s += " CONTEXT: " + e.Where
	}
	return s
}

// run computes a case's answer.
func (s *session) run(args []string) (string, error) {
	a := func(i int) string { return args[i] }
	switch args[0] {
	case "in": // type, text
		t, d, err := s.value(a(1), a(2))
		return s.text(t, d), err
	case "cast": // from, text, to
		return s.cast(a(1), a(2), a(3), true)
	case "assign": // from, text, to
		return s.cast(a(1), a(2), a(3), false)
	case "cmp": // type, text, text
		return s.compare(a(1), a(2), a(3))
	case "bin": // type, text
		return s.binary(a(1), a(2))
	case "num": // operator, numeric...
		return runNumeric(args[1], args[2:])
	case "time": // function, arguments
		return s.runTime(args[1], args[2:])
	case "json": // operator, arguments
		return runJSON(args[1], args[2:])
	}
	return "", fmt.Errorf("no verb %q", args[0])
}

func (s *session) value(typ, text string) (types.Type, types.Datum, error) {
	t, err := types.ByName(typ, nil)
	if err != nil {
		return t, types.Datum{}, err
	}
	d, err := types.ParseText(&s.env, t, text)
	return t, d, err
}

func (s *session) text(t types.Type, d types.Datum) string {
	if d.Null {
		return "NULL"
	}
	return string(types.AppendText(&s.env, nil, t, d))
}

func (s *session) cast(from, text, to string, explicit bool) (string, error) {
	f, d, err := s.value(from, text)
	if err != nil {
		return "", err
	}
	t, err := types.ByName(to, nil)
	if err != nil {
		return "", err
	}
	if c, ok := types.CastKind(f, t); !ok || !explicit && c > types.CastAssignment {
		return "", sqlerr.New(sqlerr.CannotCoerce, "cannot cast type %s to %s",
			strings.Split(f.String(), "(")[0], strings.Split(t.String(), "(")[0])
	}
	d, err = types.Cast(&s.env, f, t, d, explicit)
	return s.text(t, d), err
}

func (s *session) compare(typ, x, y string) (string, error) {
	t, a, err := s.value(typ, x)
	if err != nil {
		return "", err
	}
	_, b, err := s.value(typ, y)
	if err != nil {
		return "", err
	}
	c := sign(types.Compare(t, a, b))
	if sign(types.Compare(t, b, a)) != -c {
		return "", fmt.Errorf("compare is not antisymmetric")
	}
	ka, kb := types.AppendOrderedKey(nil, t, a), types.AppendOrderedKey(nil, t, b)
	if k := strings.Compare(string(ka), string(kb)); k != c {
		return "", fmt.Errorf("ordered keys compare %d, values %d", k, c)
	}
	if t.Kind != types.JSON {
		ea, eb := types.AppendKey(nil, t, a), types.AppendKey(nil, t, b)
		if (string(ea) == string(eb)) != (c == 0) {
			return "", fmt.Errorf("keys %x %x, values compare %d", ea, eb, c)
		}
	}
	return strconv.Itoa(c), nil
}

func sign(c int) int {
	switch {
	case c < 0:
		return -1
	case c > 0:
		return 1
	}
	return 0
}

func (s *session) binary(typ, text string) (string, error) {
	t, d, err := s.value(typ, text)
	if err != nil {
		return "", err
	}
	b, err := types.AppendBinary(&s.env, nil, t, d)
	if err != nil {
		return "", err
	}
	back, err := types.ParseBinary(&s.env, t, b)
	if err != nil {
		return "", fmt.Errorf("read back: %w", err)
	}
	if x, y := s.text(t, back), s.text(t, d); x != y {
		return "", fmt.Errorf("read back %s, want %s", x, y)
	}
	return hex.EncodeToString(b), nil
}

func runNumeric(op string, args []string) (string, error) {
	var n []types.Decimal
	for _, a := range args {
		d, err := types.ParseDecimal(a)
		if err != nil {
			return "", err
		}
		// Every operand passes through its encoding.
		n = append(n, types.DecodeNumeric(types.EncodeNumeric(nil, d)))
	}
	var r types.Decimal
	var err error
	switch op {
	case "+":
		r, err = n[0].Add(n[1])
	case "-":
		r, err = n[0].Sub(n[1])
	case "*":
		r, err = n[0].Mul(n[1])
	case "/":
		r, err = n[0].Div(n[1])
	case "%":
		r, err = n[0].Mod(n[1])
	case "^":
		r, err = n[0].Power(n[1])
	case "div":
		r, err = n[0].DivTrunc(n[1])
	case "log":
		r, err = n[1].Log(n[0])
	case "round":
		i, _ := n[1].Int64()
		r, err = n[0].Round(int32(i))
	case "trunc":
		i, _ := n[1].Int64()
		r = n[0].Trunc(int32(i))
	case "gcd":
		r = n[0].GCD(n[1])
	case "lcm":
		r, err = n[0].LCM(n[1])
	default:
		r, err = runNumeric1(op, n[0])
	}
	return r.String(), err
}

func runNumeric1(op string, n types.Decimal) (types.Decimal, error) {
	switch op {
	case "sqrt":
		return n.Sqrt()
	case "exp":
		return n.Exp()
	case "ln":
		return n.Ln()
	case "abs":
		return n.Abs(), nil
	case "neg":
		return n.Neg(), nil
	case "sign":
		return n.SignDecimal(), nil
	case "ceil":
		return n.Ceil()
	case "floor":
		return n.Floor()
	case "trim_scale":
		return n.TrimScale(), nil
	case "factorial":
		i, err := n.Int64()
		if err != nil {
			return n, err
		}
		return types.Factorial(i)
	}
	return n, fmt.Errorf("no operator %q", op)
}

func runJSON(op string, args []string) (string, error) {
	s, arg := args[0], ""
	if len(args) > 1 {
		arg = args[1]
	}
	canon := func(s string) string {
		b, err := types.ParseJSONB(nil, s)
		if err != nil {
			panic(err)
		}
		return string(b)
	}
	path := strings.FieldsFunc(strings.Trim(arg, "{}"), func(r rune) bool { return r == ',' })
	or := func(v string, ok bool) string {
		if !ok {
			return "NULL"
		}
		return v
	}
	s = canon(s)
	switch op {
	case "->":
		return or(types.JSONGet(s, arg)), nil
	case "->>":
		v, ok := types.JSONGet(s, arg)
		if ok {
			var null bool
			v, null = types.JSONText(v)
			ok = !null
		}
		return or(v, ok), nil
	case "->i":
		i, _ := strconv.Atoi(arg)
		return or(types.JSONIndex(s, i)), nil
	case "#>":
		return or(types.JSONPath(s, path)), nil
	case "?":
		return tf(types.JSONExists(s, arg)), nil
	case "@>":
		return tf(types.JSONContains(s, canon(arg))), nil
	case "||":
		return types.JSONConcat(s, canon(arg)), nil
	case "-":
		return types.JSONDeleteKeys(s, arg)
	case "-i":
		i, _ := strconv.Atoi(arg)
		return types.JSONDeleteIndex(s, i)
	case "#-":
		return types.JSONDeletePath(s, path)
	case "set":
		return types.JSONSet(s, path, canon(args[2]), args[3] == "true")
	case "insert":
		return types.JSONInsert(s, path, canon(args[2]), args[3] == "true")
	case "strip":
		return types.JSONStripNulls(s), nil
	case "pretty":
		return types.JSONPretty(s), nil
	case "typeof":
		return types.JSONTypeName(s), nil
	}
	return "", fmt.Errorf("no operator %q", op)
}

func tf(b bool) string { return string(types.AppendBoolText(nil, b)) }
