package codec

import (
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// jsonRow reads a line that is a JSON object: members are columns by name, without
// regard to case when there is no exact match; members that name no column are
// ignored, columns without a member are NULL.
func (c *CopyIn) jsonRow(line []byte) error {
	text := string(line)
	if err := types.ValidJSON(text); err != nil {
		return sqlerr.New(sqlerr.BadCopyFileFormat, "invalid JSON: %s", sqlerr.As(err).Message)
	}
	if types.JSONKind(text) != 'o' {
		return sqlerr.New(sqlerr.BadCopyFileFormat, "a line must hold one JSON object")
	}
	found := c.jsonMembers(text)
	for i := range c.opts.Columns {
		if err := c.jsonColumn(found[i], i); err != nil {
			return err
		}
	}
	return nil
}

// jsonMembers finds each column's value in an object, "" for none. Members mostly
// come in the columns' order, so that the search starts where the last one ended.
func (c *CopyIn) jsonMembers(text string) []string {
	n := len(c.opts.Columns)
	if c.found == nil {
		c.found = make([]string, n)
	}
	clear(c.found)
	at := 0
	for it := types.JSONElements(text); it.Next(); {
		if n == 0 {
			break
		}
		if i, ok := c.member(&it, at); ok {
			c.found[i] = it.Value
			at = i + 1
		}
	}
	return c.found
}

func (c *CopyIn) member(it *types.JSONIter, at int) (int, bool) {
	n := len(c.opts.Columns)
	for k := range n {
		if i := (at + k) % n; it.KeyIs(c.opts.Columns[i].Name) {
			return i, true
		}
	}
	key := types.JSONUnquote(it.Key)
	for i, col := range c.opts.Columns {
		if strings.EqualFold(key, col.Name) && c.found[i] == "" {
			return i, true
		}
	}
	return 0, false
}

func (c *CopyIn) jsonColumn(v string, i int) error {
	if v == "" || v == "null" {
		c.b.Cols[i].AppendNull()
		return nil
	}
	d, err := types.DatumFromJSON(c.opts.Env, c.types[i], v)
	if err != nil {
		return c.inColumn(err, i, []byte(v))
	}
	c.b.Cols[i].AppendDatum(d)
	return nil
}
