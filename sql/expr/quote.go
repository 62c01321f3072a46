package expr

import (
	"strings"

	"github.com/millracedb/millrace/sql"
)

// QuoteIdent quotes a name where it needs quotes to be read as it is.
func QuoteIdent(name string) string { return sql.QuoteIdent(name) }

// QuoteLiteral writes s as a string literal, with E before it where it has
// backslashes, as quote_literal does.
func QuoteLiteral(s string) string {
	q := "'" + strings.ReplaceAll(strings.ReplaceAll(s, "'", "''"), "\\", "\\\\") + "'"
	if strings.ContainsRune(s, '\\') {
		return "E" + q
	}
	return q
}
