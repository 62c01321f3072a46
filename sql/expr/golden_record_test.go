//go:build record

package expr

import (
	"context"
	"errors"
	"flag"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/types"
)

var recordURL = flag.String("record", "", "URL of a PostgreSQL 15 server whose answers to record")

// TestRecord rewrites the answers of the golden files, those of own.test and ksqlDB's aside:
//
//	go test -tags record ./sql/expr -run TestRecord -record postgres://...
//
// Expressions that PostgreSQL does not know move to own.test.
func TestRecord(t *testing.T) {
	if *recordURL == "" {
		t.Skip("no -record")
	}
	ctx := context.Background()
	conn, err := pgconn.Connect(ctx, *recordURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SET timezone = 'UTC'").ReadAll(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(goldenDir + "/*.test")
	own := readGolden(t, goldenDir+"/own.test")
	for _, name := range files {
		if n := filepath.Base(name); n == "own.test" || strings.HasPrefix(n, "ksql") {
			continue
		}
		var keep []goldenLine
		for _, l := range readGolden(t, name) {
			if l.expr == "" || l.expr[0] == '#' {
				keep = append(keep, l)
				continue
			}
			l.want = ask(ctx, conn, l.expr)
			if filepath.Base(name) == "examples.test" && foreign(l.want) {
				own = append(own, goldenLine{expr: l.expr, want: answer(l.expr)})
				continue
			}
			keep = append(keep, l)
		}
		writeGolden(t, name, keep)
	}
	writeGolden(t, goldenDir+"/own.test", own)
}

// foreign tells whether an answer says that PostgreSQL lacks the function.
func foreign(want string) bool {
	return strings.HasPrefix(want, "ERROR 42883") || strings.HasPrefix(want, "ERROR 42601") ||
		strings.HasPrefix(want, "ERROR 42704") || strings.HasPrefix(want, "ERROR 42809") ||
		strings.HasPrefix(want, "ERROR 42703")
}

func ask(ctx context.Context, conn *pgconn.PgConn, expr string) string {
	const head = "SELECT "
	q := head + expr
	if overSample(expr) {
		q += " FROM " + sampleSQL
	}
	res, err := conn.Exec(ctx, q).ReadAll()
	var e *pgconn.PgError
	switch {
	case errors.As(err, &e):
		pos := ""
		if e.Position > 0 {
			pos = " @" + strconv.Itoa(int(e.Position)-len(head))
		}
		return "ERROR " + e.Code + pos + " " + oneLine(e.Message)
	case err != nil:
		return "failed: " + err.Error()
	}
	if len(res) == 0 || len(res[0].FieldDescriptions) == 0 {
		return "no rows"
	}
	rows := res[0].Rows
	var out []string
	for _, r := range rows {
		if r[0] == nil {
			out = append(out, "NULL")
		} else {
			out = append(out, string(r[0]))
		}
	}
	return oidName(res[0].FieldDescriptions[0].DataTypeOID) + ": " + oneLine(strings.Join(out, " | "))
}

var columnUse = regexp.MustCompile(`^[a-z_]+\((distinct )?[xy]\b`)

// overSample tells whether an expression is an aggregate.
func overSample(expr string) bool {
	if columnUse.MatchString(expr) {
		return true
	}
	x, err := parse.ParseExpr(expr)
	if err != nil {
		return false
	}
	e, err := Check(x, sampleScope())
	if err != nil {
		return false
	}
	_, ok := e.(*Agg)
	return ok
}

func oidName(oid uint32) string {
	t, ok := types.TypeByOID(oid)
	if !ok {
		return strconv.Itoa(int(oid))
	}
	if t.Kind == types.Bpchar {
		return "character"
	}
	return t.String()
}

// sampleSQL is sampleRows for the server.
const sampleSQL = "(VALUES (3, 1.5::float8), (1, 2.5), (2, NULL), (NULL, 4), (5, 0.5), (2, 1)) t(x, y)"
