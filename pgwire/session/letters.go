package session

import (
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// maxLetterText bounds the text of a kept row.
const maxLetterText = 8 << 10

// letters gathers the rows that COPY ... ON_ERROR 'dead_letter' could not read:
// they are written to the stream of dead letters in the transaction of the rows
// around them.
type letters struct {
	stream *catalog.Relation
	batch  *batch.Batch
}

// openLetters finds the stream, before the first row is read.
func (c *copying) openLetters() error {
	stream, err := c.s.host.engine.SystemStream(c.ctx, catalog.DeadLetterStream())
	if err != nil {
		return err
	}
	c.letters = &letters{stream: stream}
	return nil
}

// put takes a row that cannot be read.
func (l *letters) put(now int64, target string, b *codec.BadRow) {
	if l.batch == nil {
		ts := make([]types.Type, len(l.stream.Columns))
		for i, c := range l.stream.Columns {
			ts[i] = c.Type
		}
		l.batch = batch.New(ts, 16)
	}
	row := b.Text
	if len(row) > maxLetterText {
		row = strings.ToValidUTF8(row[:maxLetterText], "")
	}
	column := types.NullDatum
	if _, after, ok := strings.Cut(b.Err.Where, ", column "); ok {
		name, _, _ := strings.Cut(after, ":")
		column = types.TextDatum(name)
	}
	l.batch.AppendDatums([]types.Datum{
		types.IntDatum(now), types.TextDatum(target), types.IntDatum(int64(b.Line)), column,
		types.TextDatum(string(b.Err.Code)), types.TextDatum(b.Err.Message),
		types.TextDatum(strings.ToValidUTF8(row, "\uFFFD")),
	}, 1)
}

// postLetters hands the gathered rows over.
func (c *copying) postLetters() error {
	if c.letters == nil || c.letters.batch == nil {
		return nil
	}
	b := c.letters.batch
	c.letters.batch = nil
	return c.app.Attach(c.ctx, c.letters.stream, b)
}
