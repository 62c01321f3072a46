package client

import (
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// WriteNotice shows a notice as psql does.
func WriteNotice(w io.Writer, n *pgconn.Notice) {
	fmt.Fprintf(w, "%s:  %s\n", n.Severity, n.Message)
	writeMore(w, n.Detail, n.Hint)
}

func writeMore(w io.Writer, detail, hint string) {
	if detail != "" {
		fmt.Fprintf(w, "DETAIL:  %s\n", detail)
	}
	if hint != "" {
		fmt.Fprintf(w, "HINT:  %s\n", hint)
	}
}

// WriteError shows a refusal with its code and the place in the statement's text.
func WriteError(w io.Writer, e *pgconn.PgError, text string) {
	fmt.Fprintf(w, "%s:  %s: %s\n", e.Severity, e.Code, e.Message)
	if line, number, column, ok := placeOf(text, int(e.Position)); ok {
		prefix := fmt.Sprintf("LINE %d: ", number)
		fmt.Fprintf(w, "%s%s\n%*s^\n", prefix, line, len(prefix)+column, "")
	}
	writeMore(w, e.Detail, e.Hint)
	if e.Where != "" {
		fmt.Fprintf(w, "CONTEXT:  %s\n", e.Where)
	}
}

// placeOf finds the line of a position, which counts characters from 1.
func placeOf(text string, position int) (line string, number, column int, ok bool) {
	chars := []rune(text)
	if position < 1 || position > len(chars)+1 || text == "" {
		return "", 0, 0, false
	}
	before := string(chars[:position-1])
	number = 1 + strings.Count(before, "\n")
	start := strings.LastIndexByte(before, '\n') + 1
	column = len([]rune(before[start:]))
	line, _, _ = strings.Cut(text[start:], "\n")
	return strings.ReplaceAll(line, "\t", " "), number, column, true
}
