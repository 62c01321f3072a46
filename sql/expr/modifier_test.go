package expr

import "testing"

// TestModifiers: a result has a modifier when all of what it may be has that one; the
// last three are what PostgreSQL's folding of constants makes of them.
func TestModifiers(t *testing.T) {
	for _, c := range [][2]string{
		{`coalesce(CASE WHEN now() IS NULL THEN 1::numeric(4,1) ELSE 2::numeric(4,1) END, '2.55')`,
			`numeric`},
		{`greatest('a'::varchar(2), 'b'::varchar(2))`, `character varying(2)`},
		{`greatest('a'::varchar(2), 'b'::varchar(3))`, `character varying`},
		{`CASE WHEN now() IS NULL THEN 'a'::varchar(2) END`, `character varying`},
		{`CASE WHEN now() IS NULL THEN 'a'::varchar(2) ELSE 'b'::varchar(2) END`,
			`character varying(2)`},
		{`CASE WHEN now() IS NULL THEN 'a'::varchar(2) ELSE 'bcd' END`, `character varying`},
		{`ARRAY['a'::varchar(2), 'b'::varchar(2)]`, `character varying(2)[]`},
		{`ARRAY['a'::varchar(2), 'b']`, `character varying[]`},
		{`(ARRAY['a'::varchar(2), 'b'::varchar(2)])[1]`, `character varying(2)`},
		{`'2.55'::numeric(4,1)::numeric`, `numeric`},
		{`'{a}'::varchar(2)[]::varchar[]`, `character varying[]`},
		{`array_agg('{a}'::varchar(2)[])`, `character varying[]`},
		{`coalesce(NULL::numeric, 1.5::numeric(4,1))`, `numeric(4,1)`},
		{`coalesce(NULL::timetz(0), NULL::timetz(0))`, `time with time zone`},
		{`nullif(coalesce(NULL::time, '12:34:56.789'::time(2)), '12:34:56.789'::time(2))`,
			`time(2) without time zone`},
	} {
		if got := Fold(mustCheck(t, &testScope{}, c[0])).Type().String(); got != c[1] {
			t.Errorf("%s is %s, not %s", c[0], got, c[1])
		}
	}
}
