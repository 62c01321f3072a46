package catalog

import "github.com/millracedb/millrace/sql/types"

// DeadLetters is the name of the stream, and of the view before it, of input
// rows that could not be read.
const DeadLetters = "dead_letters"

// DeadLetterStream defines that stream. Bad rows are for looking at what was
// wrong: they go after a week, or when there are too many.
func DeadLetterStream() *CreateSystemStream {
	const week = 7 * 24 * 60 * 60 * 1_000_000
	r := Relation{Schema: MillraceSchema, Name: DeadLetters, Kind: KindStream, AppendOnly: true,
		Partitions: 1, TimeColumn: -1, GraceMicros: -1, RetentionMicros: week,
		RetentionBytes: 256 << 20, Owner: Superuser}
	for _, c := range []struct {
		name string
		kind types.Kind
	}{
		{"received", types.Timestamptz}, {"target", types.Text}, {"line", types.Int8},
		{"column_name", types.Text}, {"sqlstate", types.Text}, {"error", types.Text},
		{"row", types.Text},
	} {
		r.Columns = append(r.Columns, Column{Name: c.name, Type: types.Of(c.kind)})
	}
	return &CreateSystemStream{Relation: r}
}
