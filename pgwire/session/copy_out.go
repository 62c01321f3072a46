package session

import (
	"context"
	"encoding/binary"
	"strconv"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// copy runs COPY.
func (s *Session) copy(ctx context.Context, st *statement, x *sql.Copy, sink Sink) error {
	if x.To {
		if err := s.mayCopyOut(x); err != nil {
			return err
		}
	}
	sc := s.scope()
	defer sc.close()
	if err := s.ready(st, sc.point.Catalog); err != nil {
		return err
	}
	if err := s.planNotices(st.plan, sink); err != nil {
		return err
	}
	if !x.To {
		return s.copyIn(ctx, sc, st, x, sink)
	}
	return s.copyOut(ctx, sc, st, x, sink)
}

// copied is the relation that COPY names, nil for none.
func (s *Session) copied(x *sql.Copy) *catalog.Relation {
	snap := s.snapshot()
	switch schema := x.Table.Schema(); {
	case x.Query != nil:
		return nil
	case schema != "":
		return snap.Lookup(schema, x.Table.Last())
	}
	return snap.Resolve(snap.NamedPath(s.settings.path, s.currentUser()), x.Table.Last())
}

func columnNames(rel *catalog.Relation) []string {
	names := make([]string, len(rel.Columns))
	for i := range rel.Columns {
		names[i] = rel.Columns[i].Name
	}
	return names
}

// mayCopyOut refuses COPY of what is no table, as PostgreSQL does.
func (s *Session) mayCopyOut(x *sql.Copy) error {
	if x.Query != nil {
		return nil
	}
	rel := s.copied(x)
	if rel == nil {
		return nil // the planner says so, with a hint
	}
	kind, hint := "", "Try the COPY (SELECT ...) TO variant."
	switch rel.Kind {
	case catalog.KindView:
		kind = "view"
	case catalog.KindMaterializedView:
		kind = "materialized view"
	case catalog.KindSequence:
		kind, hint = "sequence", "Use SELECT on it, or currval()."
	case catalog.KindIndex:
		return sqlerr.New(sqlerr.WrongObjectType, "\"%s\" is an index", rel.Name).
			At(x.NamePos.Pos()).WithHint("Copy the table of the index.")
	default:
		return nil
	}
	return sqlerr.New(sqlerr.WrongObjectType, "cannot copy from %s \"%s\"", kind, rel.Name).
		At(x.NamePos.Pos()).WithHint("%s", hint)
}

// copyWriter writes rows in a format of COPY, one message each.
type copyWriter struct {
	opts    *copyOptions
	columns []Column
	values  *types.Env
	sink    Sink
	buf     []byte
	field   []byte
	coded   []byte // buf in another encoding
	rows    int64
	begun   bool
}

func (s *Session) copyOut(ctx context.Context, sc *scope, st *statement, x *sql.Copy, sink Sink) error {
	p := st.plan
	if p.Write != nil {
		if err := s.mustWrite("COPY"); err != nil {
			return err
		}
	}
	cols := columnsOf(p)
	names := make([]codec.CopyColumn, len(cols))
	for i, c := range cols {
		names[i] = codec.CopyColumn{Name: c.Name, Type: c.Type}
	}
	relation, table := "", []string(nil)
	if rel := s.copied(x); rel != nil {
		relation, table = rel.Name, columnNames(rel)
	}
	opts, err := readCopyOptions(x, relation, names, table)
	if err != nil {
		return err
	}
	w := &copyWriter{opts: opts, columns: cols, values: &sc.values, sink: sink}
	err = gone(sink.CopyOut(CopyHeader{Binary: opts.Format == codec.CopyBinary, Columns: len(cols)}))
	if err != nil {
		return err
	}
	if err := w.header(); err != nil {
		return err
	}
	out := func(b *batch.Batch) error { return expand(b, w.write) }
	switch {
	case p.Emit != nil:
		s.streaming()
		err = s.subscribe(ctx, sc, p, nil, s.settings.int(idxSubscriberBuffer), out,
			func() error { return gone(sink.Flush()) })
	case p.Write != nil:
		_, err = s.host.engine.Write(ctx, sc.read(p, nil), out)
	default:
		err = s.host.engine.Run(ctx, sc.read(p, nil), out)
	}
	if err == nil {
		err = w.trailer()
	}
	if err != nil {
		return err
	}
	if err := gone(sink.CopyDone()); err != nil {
		return err
	}
	return gone(sink.Complete("COPY " + strconv.FormatInt(w.rows, 10)))
}

func (w *copyWriter) header() error {
	if !w.opts.Header {
		return nil
	}
	w.buf = w.buf[:0]
	for i, c := range w.columns {
		if i > 0 {
			w.buf = append(w.buf, w.opts.Delim)
		}
		if w.opts.Format == codec.CopyCSV {
			w.buf = codec.AppendCopyCSV(w.buf, []byte(c.Name), &w.opts.CopyOptions, false)
		} else {
			w.buf = codec.AppendCopyText(w.buf, []byte(c.Name), w.opts.Delim)
		}
	}
	return w.send(append(w.buf, '\n'))
}

// send gives a message to the client, in the encoding that was asked for.
func (w *copyWriter) send(p []byte) (err error) {
	if e := w.opts.Encoding; e != nil && w.opts.Format != codec.CopyBinary {
		if w.coded, err = e.AppendEncoded(w.coded[:0], p); err != nil {
			return err
		}
		p = w.coded
	}
	return gone(w.sink.CopyData(p))
}

func (w *copyWriter) trailer() error {
	if w.opts.Format != codec.CopyBinary {
		return nil
	}
	if !w.begun {
		if err := gone(w.sink.CopyData(w.signature())); err != nil {
			return err
		}
	}
	return gone(w.sink.CopyData([]byte{0xff, 0xff}))
}

// signature is the start of binary data: the signature, flags, no extension.
func (w *copyWriter) signature() []byte {
	w.begun = true
	return append(append(w.buf[:0], codec.CopySignature...), make([]byte, 8)...)
}

// write gives the rows of a batch.
func (w *copyWriter) write(b *batch.Batch) (err error) {
	for k := range b.Rows() {
		i := b.Index(k)
		w.buf = w.buf[:0]
		switch w.opts.Format {
		case codec.CopyBinary:
			err = w.binaryRow(b, i)
		case codec.CopyJSON:
			w.jsonRow(b, i)
		default:
			w.textRow(b, i)
		}
		if err != nil {
			return err
		}
		if err := w.send(w.buf); err != nil {
			return err
		}
		w.rows++
	}
	return nil
}

func (w *copyWriter) textRow(b *batch.Batch, i int) {
	csv := w.opts.Format == codec.CopyCSV
	for c, v := range b.Cols {
		if c > 0 {
			w.buf = append(w.buf, w.opts.Delim)
		}
		if v.IsNull(i) {
			w.buf = append(w.buf, w.opts.Null...)
			continue
		}
		w.field = appendVectorText(w.values, w.field[:0], v, i)
		if csv {
			w.buf = codec.AppendCopyCSV(w.buf, w.field, &w.opts.CopyOptions,
				w.opts.Columns[c].ForceQuote)
		} else {
			w.buf = codec.AppendCopyText(w.buf, w.field, w.opts.Delim)
		}
	}
	w.buf = append(w.buf, '\n')
}

// jsonRow writes an object of column names and values.
func (w *copyWriter) jsonRow(b *batch.Batch, i int) {
	w.buf = append(w.buf, '{')
	for c, v := range b.Cols {
		if c > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = types.AppendJSONString(w.buf, w.columns[c].Name)
		w.buf = append(w.buf, ':')
		w.buf = types.AppendJSON(w.values, w.buf, v.Type, v.Datum(i))
	}
	w.buf = append(w.buf, '}', '\n')
}

func (w *copyWriter) binaryRow(b *batch.Batch, i int) error {
	if !w.begun {
		w.buf = w.signature()
	}
	w.buf = binary.BigEndian.AppendUint16(w.buf, uint16(len(b.Cols)))
	for _, v := range b.Cols {
		if v.IsNull(i) {
			w.buf = append(w.buf, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		at := len(w.buf)
		w.buf = append(w.buf, 0, 0, 0, 0)
		var err error
		if w.buf, err = types.AppendBinary(w.values, w.buf, v.Type, v.Datum(i)); err != nil {
			return err
		}
		binary.BigEndian.PutUint32(w.buf[at:], uint32(len(w.buf)-at-4))
	}
	return nil
}

// appendVectorText writes row i of a vector, which is not NULL, as text.
func appendVectorText(env *types.Env, dst []byte, v *batch.Vector, i int) []byte {
	i = v.Row(i)
	switch v.Type.Phys() {
	case types.PhysInt64:
		return types.AppendIntText(env, dst, v.Type.Kind, v.I64[i])
	case types.PhysFloat64:
		return types.AppendFloatText(dst, v.Type.Kind, v.F64[i])
	case types.PhysBool:
		return types.AppendBoolText(dst, v.Bool[i])
	}
	return types.AppendBytesText(env, dst, v.Type, v.Buf[v.Off[i]:v.Off[i+1]])
}
