package main

import (
	"slices"
	"testing"
)

func TestSplitStatement(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string // the complete statements
		rest string
	}{
		{"SELECT 1; SELECT 2;", []string{"SELECT 1", " SELECT 2"}, ""},
		{"SELECT ';'; SELECT", []string{"SELECT ';'"}, " SELECT"},
		{"SELECT 'it''s;'", nil, "SELECT 'it''s;'"},
		{`SELECT E'\';';x`, []string{`SELECT E'\';'`}, "x"},
		{`SELECT date'\';x`, []string{`SELECT date'\'`}, "x"},
		{`SELECT "a;b";`, []string{`SELECT "a;b"`}, ""},
		{"SELECT $$;$$; ", []string{"SELECT $$;$$"}, " "},
		{"SELECT $a$;$$;$a$;", []string{"SELECT $a$;$$;$a$"}, ""},
		{"SELECT $1;", []string{"SELECT $1"}, ""},
		{"SELECT a$b$c;d", []string{"SELECT a$b$c"}, "d"},
		{"-- a;\nSELECT 1;", []string{"-- a;\nSELECT 1"}, ""},
		{"/* ; /* ; */ ; */ SELECT 1;", []string{"/* ; /* ; */ ; */ SELECT 1"}, ""},
		{"SELECT '", nil, "SELECT '"},
		{"/* never ends;", nil, "/* never ends;"},
	} {
		var got []string
		rest := c.text
		for {
			s, after, end := splitStatement(rest)
			if end == 0 {
				break
			}
			got, rest = append(got, s), after
		}
		if !slices.Equal(got, c.want) || rest != c.rest {
			t.Errorf("%q: statements %q, rest %q; want %q, %q", c.text, got, rest, c.want, c.rest)
		}
	}
}

func TestKindOf(t *testing.T) {
	for text, want := range map[string]statementKind{
		"select * from s emit changes":               endless,
		"SELECT 'EMIT CHANGES'":                      plainStatement,
		"-- EMIT CHANGES\nSELECT 1":                  plainStatement,
		"create stream x as select 1 emit changes":   ddl,
		"insert into x select * from s emit changes": plainStatement,
		"COPY x FROM STDIN":                          copyIn,
		"copy (select 1) to stdout":                  copyOut,
		"COPY x FROM STDIN WITH (FORMAT csv)":        copyIn,
		"print s from beginning":                     endless,
		"":                                           plainStatement,
	} {
		if got := kindOf(text); got != want {
			t.Errorf("%q: kind %d, want %d", text, got, want)
		}
	}
}
