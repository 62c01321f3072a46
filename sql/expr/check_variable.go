package expr

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// variable resolves a name that may mean a variable of the block around the statement.
func (c *checker) variable(e *sql.ColRef) (Expr, error) {
	unknown := types.Of(types.Unknown)
	if e.VarFirst {
		return c.sc.Param(e.Var, unknown, e.Pos())
	}
	x, err := c.sc.Column(e.Name, e.Pos())
	switch {
	case err == nil && e.ColumnFirst:
		return x, nil
	case err == nil:
		return nil, sqlerr.New(sqlerr.AmbiguousColumn, "column reference \"%s\" is ambiguous",
			e.Name.String()).At(e.Pos()).
			WithDetail("It could refer to either a PL/pgSQL variable or a table column.")
	case sqlerr.Is(err, sqlerr.UndefinedColumn) || sqlerr.Is(err, sqlerr.UndefinedTable):
		return c.sc.Param(e.Var, unknown, e.Pos())
	}
	return nil, err
}
