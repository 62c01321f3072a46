package planner

import (
	"github.com/millracedb/millrace/sql"
)

// columnName is PostgreSQL's FigureColname: what an unnamed item of a select list
// is called.
func columnName(x sql.Expr) string {
	name, _ := figureName(x)
	if name == "" {
		return "?column?"
	}
	return name
}

// figureName gives the name and how good it is: 2 for a column or function, 1 for
// a type, 0 for none.
func figureName(x sql.Expr) (string, int) {
	switch x := x.(type) {
	case *sql.ColRef:
		if !x.Star {
			return x.Name.Last(), 2
		}
	case *sql.Field:
		if !x.Star {
			return x.Name, 2
		}
	case *sql.Index:
		if f, q := figureName(x.X); q > 0 {
			return f, q
		}
	case *sql.Call:
		return callName(x), 2
	case *sql.Cast:
		if n, q := figureName(x.X); q > 1 {
			return n, q
		}
		return typeColumnName(x.Type), 1
	case *sql.TypedLit:
		return typeColumnName(x.Type), 1
	case *sql.Collate:
		return figureName(x.X)
	case *sql.AtTZ:
		return "timezone", 2
	case *sql.Case:
		if x.Else != nil {
			if n, q := figureName(x.Else); q > 1 {
				return n, q
			}
		}
		return "case", 1
	case *sql.ArrayLit:
		return "array", 2
	case *sql.Row:
		return "row", 2
	case *sql.MapLit:
		return "map", 2
	case *sql.StructLit:
		return "struct", 2
	case *sql.Subquery:
		return subqueryName(x)
	}
	return "", 0
}

func callName(x *sql.Call) string {
	return x.Name.Last()
}

// subqueryName is that of the first column of a scalar subquery.
func subqueryName(x *sql.Subquery) (string, int) {
	switch x.Kind {
	case sql.ExistsSubquery:
		return "exists", 2
	case sql.ArraySubquery:
		return "array", 2
	}
	body := x.Q.Body
	for {
		switch b := body.(type) {
		case *sql.Query:
			body = b.Body
			continue
		case *sql.SetOp:
			body = b.L
			continue
		case *sql.Select:
			if len(b.Items) == 0 {
				return "", 0
			}
			if b.Items[0].As != "" {
				return b.Items[0].As, 2
			}
			return columnName(b.Items[0].X), 2
		case *sql.Values:
			return "column1", 2
		}
		return "", 0
	}
}

// typeColumnName is the name of a cast: the catalog's name of the type.
func typeColumnName(t *sql.TypeName) string {
	n := t.Name.Last()
	if c, ok := catalogTypeNames[n]; ok && !t.Quoted {
		return c
	}
	return n
}

var catalogTypeNames = map[string]string{
	"int": "int4", "integer": "int4", "bigint": "int8", "smallint": "int2", "boolean": "bool",
	"real": "float4", "double": "float8", "double precision": "float8", "float": "float8",
	"decimal": "numeric", "dec": "numeric", "character varying": "varchar", "char": "bpchar",
	"character": "bpchar", "timestamp without time zone": "timestamp",
	"timestamp with time zone": "timestamptz", "time without time zone": "time",
	"time with time zone": "timetz",
}
