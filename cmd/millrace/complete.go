package main

import (
	"context"
	"slices"
	"strings"

	"github.com/millracedb/millrace/cmd/internal/client"
)

// completer offers keywords and the names of relations and their columns.
type completer struct{ names []string }

var completedKeywords = strings.Fields(`ALTER AND AS ASC BEGIN BETWEEN BY CASE CAST CHANGES COLUMN
COMMIT COPY CREATE CROSS DELETE DESC DESCRIBE DISTINCT DROP EARLIEST ELSE EMIT END EXISTS EXPLAIN
EXTENDED FALSE FINAL FROM FULL GRACE GROUP HAVING HOPPING HOP IF IN INNER INSERT INTERVAL INTO IS
JOIN KEY LATEST LEFT LIKE LIMIT MATERIALIZED NOT NULL OFFSET ON OR ORDER OUTER PARTITION PAUSE
PERIOD PRIMARY PRINT QUERIES REPLACE RESUME RETURNING RIGHT ROLLBACK SCHEMA SELECT SESSION SET SHOW
STDIN STDOUT STREAM STREAMS TABLE TABLES TERMINATE THEN TO TRUE TRUNCATE TUMBLE TUMBLING UNION
UPDATE USING VALUES VIEW WATERMARK WHEN WHERE WINDOW WITH WITHIN`)

// refresh reads the names from the server; an old server that cannot tell leaves
// the old ones.
func (c *completer) refresh(ctx context.Context, conn *client.Conn) {
	r, err := conn.Query(ctx, `SELECT table_name FROM information_schema.tables
WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
UNION SELECT column_name FROM information_schema.columns
WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`)
	if err != nil {
		return
	}
	c.names = c.names[:0]
	for _, row := range r.Rows {
		if row[0] != nil {
			c.names = append(c.names, *row[0])
		}
	}
}

// complete implements liner.WordCompleter.
func (c *completer) complete(line string, pos int) (head string, found []string, tail string) {
	chars := []rune(line)
	before := string(chars[:pos])
	start := strings.LastIndexAny(before, " \t(,.=<>+-*/;\"'") + 1
	word := before[start:]
	head, tail = before[:start], string(chars[pos:])
	for _, name := range c.names {
		if strings.HasPrefix(name, strings.ToLower(word)) {
			found = append(found, name)
		}
	}
	if word != "" {
		for _, k := range completedKeywords {
			if strings.HasPrefix(k, strings.ToUpper(word)) {
				found = append(found, keepCase(k, word)+" ")
			}
		}
	}
	return head, slices.Compact(found), tail
}

// keepCase writes a keyword as its beginning was typed.
func keepCase(keyword, typed string) string {
	if typed == strings.ToLower(typed) {
		return strings.ToLower(keyword)
	}
	return keyword
}
