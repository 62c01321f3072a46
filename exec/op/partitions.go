package op

import (
	"encoding/binary"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// partitions keeps the rows of an input by partition and in order, for operators
// whose output is a function of a partition's rows: top n, DISTINCT ON, window
// functions, sessions. What a touched partition gave before is taken back, what it
// gives at the end of the epoch is given, and the net of both is the output.
type partitions struct {
	ctx    *Context
	rows   *orderedRows
	keyer  *state.Keyer
	groups *state.Table
	sorted *state.Ordered
	// give pushes a partition's output into the sink, each row's weight
	// multiplied by w.
	give    func(root state.Ref, w int32) error
	trim    func(root state.Ref) state.Ref // drops rows that can never matter; or nil
	after   func(r state.Ref)              // sees each touched partition that stays; or nil
	net     *netRows
	netOut  *builder // feeds net
	out     *builder
	sink    *builder // where give writes: netOut or out
	refs    []state.Ref
	touched []state.Ref
	nextID  int64
	other   func(r *state.Reader) error // loads records of the operator's own
}

// Words of a partition.
const (
	partRoot = iota // of its rows
	partID          // its number, for saving
	partWords
)

// newPartitions makes a store; ties in the order are broken by all columns, so that the
// result does not depend on history. Where no order is stated, bounded executions take
// the rows as they come.
func newPartitions(ctx *Context, ts []types.Type, part []expr.Expr, keys []expr.Order,
	outTypes []types.Type, out Sink) (*partitions, error) {
	rows, err := newOrderedRows(ts, part, keys)
	if err != nil {
		return nil, err
	}
	p := &partitions{ctx: ctx, rows: rows, keyer: state.NewKeyer(exprTypes(part)),
		out: newBuilder(outTypes, out)}
	order := *rows.cmp
	arrival := ctx.Bounded && len(keys) == 0
	if !arrival {
		order.Keys = append(append([]state.SortKey(nil), order.Keys...),
			rows.layout.AllColumns()[:len(ts)]...)
	}
	p.groups = state.NewTable(ctx.Mem, p.keyer, partWords)
	p.sorted = state.NewOrdered(ctx.Mem, &order, arrival)
	p.net = newNetRows(ctx.Mem, outTypes)
	p.netOut = newBuilder(outTypes, SinkFunc(func(b *batch.Batch) error {
		p.net.add(b)
		return nil
	}))
	return p, nil
}

func (p *partitions) push(b *batch.Batch) error {
	sel := rowsOf(b)
	if len(sel) == 0 {
		return nil
	}
	key, err := p.rows.encode(p.ctx.Env, b, sel)
	if err != nil {
		return err
	}
	p.refs = grow(p.refs, len(sel))
	p.groups.Probe(p.keyer.Keys(key, sel), p.refs, true)
	for k, r := range p.refs {
		if err := p.touch(r); err != nil {
			return err
		}
		words := p.groups.Words(r)
		p.nextID++
		root := p.sorted.Add(state.Ref(words[partRoot]), words[partID], p.rows.enc.Row(k),
			p.nextID, int64(b.Weight(int(sel[k]))))
		if p.trim != nil {
			root = p.trim(root)
		}
		words[partRoot] = int64(root)
	}
	return nil
}

// touch takes back what a partition gave, before its first change in the epoch.
func (p *partitions) touch(r state.Ref) error {
	var first bool
	if p.touched, first = p.groups.Mark(r, p.touched); !first {
		return nil
	}
	words := p.groups.Words(r)
	if words[partID] == 0 {
		p.nextID++
		words[partID] = p.nextID
		return nil
	}
	p.sink = p.netOut
	return p.give(state.Ref(words[partRoot]), -1)
}

func (p *partitions) endEpoch(op string, e Epoch) error {
	p.sink = p.netOut
	if p.ctx.Bounded {
		p.sink = p.out
	}
	for i, r := range p.touched {
		if i%relaxEvery == 0 {
			p.ctx.Mem.Relax()
		}
		root := state.Ref(*p.groups.Word(r, partRoot))
		if p.sorted.Minus() > 0 {
			return errNegative(op, e)
		}
		if root == 0 {
			p.groups.Delete(r)
			continue
		}
		if err := p.give(root, 1); err != nil {
			return err
		}
		if p.after != nil {
			p.after(r)
		}
	}
	p.touched = p.touched[:0]
	if err := p.netOut.flush(); err != nil {
		return err
	}
	if err := p.net.emit(p.out); err != nil {
		return err
	}
	return p.out.flush()
}

// Tables of the records.
const (
	savePartMeta = 0
	savePartKeys = 1
	savePartRows = 2
)

func (p *partitions) save(w *state.Writer) error {
	w.Put(savePartMeta, nil, binary.LittleEndian.AppendUint64(nil, uint64(p.nextID)))
	if err := p.groups.Save(w, savePartKeys); err != nil {
		return err
	}
	return p.sorted.Save(w, savePartRows)
}

func (p *partitions) load(r *state.Reader) error {
	for r.Next() {
		var err error
		switch {
		case r.ID == savePartMeta && len(r.Value) == 8:
			p.nextID = int64(binary.LittleEndian.Uint64(r.Value))
		case r.ID == savePartKeys:
			_, err = p.groups.LoadRecord(r)
		case r.ID == savePartRows:
			err = p.sorted.LoadRecord(r)
		case p.other != nil:
			err = p.other(r)
		default:
			err = errRecord
		}
		if err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	owners := map[int64]state.Ref{}
	err := p.groups.Scan(func(r state.Ref) error {
		words := p.groups.Words(r)
		owners[words[partID]] = r
		words[partRoot] = 0
		return nil
	})
	p.sorted.FinishLoad(func(owner int64) *int64 {
		if r, ok := owners[owner]; ok {
			return p.groups.Word(r, partRoot)
		}
		return nil
	})
	return err
}

func (p *partitions) usage() Usage {
	return Usage{Bytes: p.groups.Bytes() + p.sorted.Bytes(), Rows: int64(p.sorted.Len())}
}

func (p *partitions) close() {
	p.groups.Close()
	p.sorted.Close()
	p.net.rows.Close()
}
