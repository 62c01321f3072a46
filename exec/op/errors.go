package op

import (
	"fmt"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// errWeight refuses a multiplicity that no batch can carry.
func errWeight(w int64) error {
	return sqlerr.New(sqlerr.ProgramLimitExceeded, "row occurs too often").
		WithDetail("A row of the result would occur %d times.", w)
}

// errNegative reports input in which more rows were taken out than put in, which
// is a bug of whoever produced it.
func errNegative(op string, e Epoch) error {
	return fmt.Errorf("%s: epoch %d takes out a row that is not there", op, e.N)
}
