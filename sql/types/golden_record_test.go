//go:build record

package types_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

var recordURL = flag.String("record", "", "URL of a PostgreSQL 15 server whose answers to record")

// TestRecord rewrites the answers of all golden files:
//
//	go test -tags record ./sql/types -run TestRecord -record postgres://...
func TestRecord(t *testing.T) {
	if *recordURL == "" {
		t.Skip("no -record")
	}
	files, _ := filepath.Glob(*goldenDir + "/*.txt")
	for _, name := range files {
		recordFile(t, name)
	}
}

func recordFile(t *testing.T, name string) {
	ctx := context.Background()
	conn, err := pgconn.Connect(ctx, *recordURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SET timezone = 'UTC'").ReadAll(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	for i, line := range lines {
		if line == "" || line[0] == '#' {
			continue
		}
		fs := splitLine(t, line)
		for k, f := range fs {
			if f == "=" && k > 0 && k == len(fs)-2 {
				fs = fs[:k]
				break
			}
		}
		if fs[0] == "set" {
			sql := fmt.Sprintf("SET %s = %s", fs[1], lit(fs[2]))
			if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		lines[i] = joinLine(append(fs, "=", answer(ctx, conn, fs)))
	}
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
}

func joinLine(fs []string) string {
	out := make([]string, len(fs))
	for i, f := range fs {
		out[i] = f
		if q := strconv.Quote(f); f == "" || q != "\""+f+"\"" || f[0] == '"' {
			out[i] = q
		}
	}
	return strings.Join(out, "\t")
}

func answer(ctx context.Context, conn *pgconn.PgConn, fs []string) string {
	res, err := conn.Exec(ctx, query(fs)).ReadAll()
	var e *pgconn.PgError
	switch {
	case errors.As(err, &e):
		s := "!" + e.Code + " " + e.Message
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
	case err != nil:
		return "failed: " + err.Error()
	case res[len(res)-1].Rows[0][0] == nil:
		return "NULL"
	}
	return string(res[len(res)-1].Rows[0][0])
}

func lit(s string) string {
	return "E'" + strings.ReplaceAll(strings.ReplaceAll(s, "\\", "\\\\"), "'", "''") + "'"
}

func query(fs []string) string {
	v := func(typ, text string) string { return "CAST(" + lit(text) + " AS " + typ + ")" }
	a := fs[1:]
	switch fs[0] {
	case "in":
		return "SELECT " + v(a[0], a[1])
	case "cast":
		return "SELECT CAST(" + v(a[0], a[1]) + " AS " + a[2] + ")"
	case "assign":
		return "DROP TABLE IF EXISTS assign_t; CREATE TEMP TABLE assign_t (x " + a[2] +
			"); INSERT INTO assign_t SELECT " + v(a[0], a[1]) + "; SELECT x FROM assign_t"
	case "cmp":
		x, y := v(a[0], a[1]), v(a[0], a[2])
		return fmt.Sprintf("SELECT CASE WHEN %s < %s THEN -1 WHEN %s = %s THEN 0 ELSE 1 END", x, y, x, y)
	case "bin":
		return "SELECT encode(" + sendFunction(a[0]) + "(" + v(a[0], a[1]) + "), 'hex')"
	case "num":
		return "SELECT " + numericQuery(a[0], a[1:])
	case "time":
		return "SELECT " + timeQuery(a[0], a[1:])
	case "json":
		return "SELECT " + jsonQuery(a[0], a[1:])
	}
	panic(fs[0])
}

func sendFunction(typ string) string {
	typ, _, _ = strings.Cut(typ, "(")
	names := map[string]string{"smallint": "int2", "integer": "int4", "bigint": "int8",
		"real": "float4", "double precision": "float8", "boolean": "bool"}
	if strings.HasSuffix(typ, "[]") {
		return "array_send"
	}
	if n, ok := names[typ]; ok {
		typ = n
	}
	if typ == "json" || typ == "jsonb" || typ == "uuid" || typ == "numeric" || typ == "date" ||
		typ == "record" || typ == "interval" || strings.HasPrefix(typ, "time") {
		return typ + "_send"
	}
	return typ + "send"
}

func numericQuery(op string, args []string) string {
	var vs []string
	for i, a := range args {
		cast := "numeric"
		if i == 1 && (op == "round" || op == "trunc") {
			cast = "int"
		}
		if op == "factorial" {
			cast = "bigint"
		}
		vs = append(vs, "CAST("+lit(a)+" AS "+cast+")")
	}
	switch op {
	case "+", "-", "*", "/", "%", "^":
		return vs[0] + " " + op + " " + vs[1]
	case "neg":
		return "- " + vs[0]
	}
	return op + "(" + strings.Join(vs, ", ") + ")"
}

func timeQuery(fn string, a []string) string {
	v := func(typ, text string) string { return "CAST(" + lit(text) + " AS " + typ + ")" }
	switch fn {
	case "trunc":
		return "date_trunc(" + lit(a[0]) + ", " + v(a[1], a[2]) + ")"
	case "extract":
		return "extract(" + a[0] + " from " + v(a[1], a[2]) + ")"
	case "part":
		return "date_part(" + lit(a[0]) + ", " + v(a[1], a[2]) + ")"
	case "add":
		return v(a[0], a[1]) + " + " + v("interval", a[2])
	case "sub":
		return v(a[0], a[1]) + " - " + v(a[0], a[2])
	case "age":
		return "age(" + v(a[0], a[1]) + ", " + v(a[0], a[2]) + ")"
	case "bin":
		return "date_bin(" + v("interval", a[0]) + ", " + v("timestamp", a[1]) + ", " +
			v("timestamp", a[2]) + ")"
	case "mul":
		return v("interval", a[0]) + " * " + v("float8", a[1])
	case "div":
		return v("interval", a[0]) + " / " + v("float8", a[1])
	case "neg":
		return "- " + v("interval", a[0])
	case "justify":
		return "justify_interval(" + v("interval", a[0]) + ")"
	}
	return fn + "(" + v("interval", a[0]) + ")"
}

func jsonQuery(op string, a []string) string {
	j := func(s string) string { return lit(s) + "::jsonb" }
	switch op {
	case "->", "->>", "?", "-":
		return j(a[0]) + " " + op + " " + lit(a[1]) + "::text"
	case "->i", "-i":
		return j(a[0]) + " " + strings.TrimSuffix(op, "i") + " " + lit(a[1]) + "::int"
	case "#>", "#-":
		return j(a[0]) + " " + op + " " + lit(a[1]) + "::text[]"
	case "@>", "||":
		return j(a[0]) + " " + op + " " + j(a[1])
	case "set", "insert":
		return "jsonb_" + op + "(" + j(a[0]) + ", " + lit(a[1]) + ", " + j(a[2]) + ", " + a[3] + ")"
	case "strip":
		return "jsonb_strip_nulls(" + j(a[0]) + ")"
	case "pretty":
		return "jsonb_pretty(" + j(a[0]) + ")"
	}
	return "jsonb_typeof(" + j(a[0]) + ")"
}
