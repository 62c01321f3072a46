package state

import (
	"bytes"
	"math/bits"
	"unsafe"
)

// Ordered holds ordered multisets of rows, one per root: the rows of a group in
// the order that an aggregate, a top n or a window function needs. Each is a
// treap in pages without pointers: a binary search tree by the order and a heap
// by priorities that are a hash of the position of insertion, so that equal
// histories give equal trees. All operations are O(log n) but for the search
// among ties on deletion.
//
// Rows that compare equal are kept in the order of arrival (Arrival true: each
// insertion is a node of its own), or are one node with a weight when their bytes
// are equal (Arrival false: ties are ordered by bytes).
type Ordered struct {
	arena
	cmp     *Comparer
	arrival bool
	n       int
	dirty   []Ref
	tombs   []nodeKey // saved nodes that were deleted since
	loaded  map[nodeKey]loadedNode
	minus   int // nodes with negative weight; seldom any, and only inside an epoch
}

// node is an entry behind its block's header; the row's bytes follow.
type node struct {
	left, right Ref
	prio        uint32
	rowLen      uint32
	weight      int64 // multiplicity of this row
	sum         int64 // multiplicities of the subtree
	seq         int64 // order of arrival
	owner       int64 // the caller's number of the multiset, for saving
}

// nodeKey identifies a node in checkpoints.
type nodeKey struct{ owner, seq int64 }

const nodeBytes = int(unsafe.Sizeof(node{}))

// NewOrdered makes an empty store of rows of the comparer's layout.
func NewOrdered(mem *Memory, cmp *Comparer, arrival bool) *Ordered {
	o := &Ordered{cmp: cmp, arrival: arrival}
	o.arena.init(mem)
	return o
}

// Len gives the number of nodes in all multisets.
func (o *Ordered) Len() int { return o.n }

// Bytes gives the memory held.
func (o *Ordered) Bytes() int64 { return o.arena.size() }

// Close gives the memory back.
func (o *Ordered) Close() { o.arena.reset(); o.n, o.minus, o.dirty, o.tombs = 0, 0, nil, nil }

func (o *Ordered) node(r Ref) *node { return (*node)(unsafe.Add(o.at(r), headBytes)) }

// Row gives the bytes of a node's row, valid until the next insertion.
func (o *Ordered) Row(r Ref) []byte {
	return o.view(r, headBytes+nodeBytes, int(o.node(r).rowLen))
}

// Weight gives the multiplicity of a node's row.
func (o *Ordered) Weight(r Ref) int64 { return o.node(r).weight }

// Seq gives the order of arrival of a node.
func (o *Ordered) Seq(r Ref) int64 { return o.node(r).seq }

// Sum gives the number of rows of the multiset with the given root.
func (o *Ordered) Sum(root Ref) int64 {
	if root == 0 {
		return 0
	}
	return o.node(root).sum
}

func mixPriority(x uint64) uint32 {
	hi, lo := bits.Mul64(x+1, 0x9FB21C651E98DF25)
	return uint32((hi ^ lo) >> 16)
}

// order compares a row with that of node r, ties by arrival or bytes.
func (o *Ordered) order(row []byte, seq int64, r Ref) int {
	if d := o.cmp.Compare(row, o.Row(r)); d != 0 {
		return d
	}
	if !o.arrival {
		return bytes.Compare(row, o.Row(r))
	}
	switch s := o.node(r).seq; {
	case seq < s:
		return -1
	case seq > s:
		return 1
	}
	return 0
}

// Add changes the multiplicity of a row by w and gives the new root. owner is the
// caller's number of the multiset, seq the order of arrival, unique in it. With
// w < 0 and Arrival, the oldest equal rows are taken. A row that is not there is
// added with negative multiplicity, which a later addition in the same epoch
// cancels.
func (o *Ordered) Add(root Ref, owner int64, row []byte, seq, w int64) Ref {
	if o.arrival {
		return o.addArrival(root, owner, row, seq, w)
	}
	if r := o.search(root, row, seq); r != 0 {
		return o.reweigh(root, r, w)
	}
	return o.insert(root, owner, row, seq, w)
}

// addArrival cancels equal rows of the opposite sign, oldest first, and adds the
// rest as a node of its own.
func (o *Ordered) addArrival(root Ref, owner int64, row []byte, seq, w int64) Ref {
	for w != 0 {
		r := Ref(0)
		if w < 0 || o.minus > 0 {
			r = o.findTie(root, row, w > 0)
		}
		if r == 0 {
			return o.insert(root, owner, row, seq, w)
		}
		have := o.node(r).weight
		d := w
		if (w < 0 && -w > have) || (w > 0 && w > -have) {
			d = -have
		}
		root = o.reweigh(root, r, d)
		w -= d
	}
	return root
}

// reweigh changes the weight of node r, which leaves when nothing is left of it.
func (o *Ordered) reweigh(root, r Ref, w int64) Ref {
	if o.node(r).weight+w == 0 {
		return o.remove(root, r)
	}
	o.minus += minusStep(o.node(r).weight, o.node(r).weight+w)
	o.touch(r)
	row, seq := o.Row(r), o.node(r).seq
	for at := root; ; {
		n := o.node(at)
		n.sum += w
		if at == r {
			n.weight += w
			return root
		}
		if o.order(row, seq, at) < 0 {
			at = n.left
		} else {
			at = n.right
		}
	}
}

// minusStep gives how the number of negative nodes changes with a weight.
func minusStep(from, to int64) int {
	d := 0
	if from < 0 {
		d--
	}
	if to < 0 {
		d++
	}
	return d
}

// search finds the node that is equal in the total order.
func (o *Ordered) search(root Ref, row []byte, seq int64) Ref {
	for root != 0 {
		d := o.order(row, seq, root)
		switch {
		case d == 0:
			return root
		case d < 0:
			root = o.node(root).left
		default:
			root = o.node(root).right
		}
	}
	return 0
}

// findTie finds the oldest node of a row with equal bytes whose weight is
// negative or positive.
func (o *Ordered) findTie(root Ref, row []byte, negative bool) Ref {
	if root == 0 {
		return 0
	}
	n := o.node(root)
	d := o.cmp.Compare(row, o.Row(root))
	if d <= 0 {
		if r := o.findTie(n.left, row, negative); r != 0 {
			return r
		}
	}
	if d == 0 && n.weight < 0 == negative && bytes.Equal(row, o.Row(root)) {
		return root
	}
	if d >= 0 {
		return o.findTie(n.right, row, negative)
	}
	return 0
}

func (o *Ordered) insert(root Ref, owner int64, row []byte, seq, w int64) Ref {
	r := o.alloc(nodeBytes + len(row))
	*o.node(r) = node{prio: mixPriority(uint64(seq)<<8 ^ uint64(owner)), rowLen: uint32(len(row)),
		weight: w, sum: w, seq: seq, owner: owner}
	copy(o.Row(r), row)
	o.touch(r)
	o.n++
	o.minus += minusStep(0, w)
	return o.insertAt(root, r)
}

// insertAt puts node r into the tree of root. No block is allocated here, so
// that pointers stay valid.
func (o *Ordered) insertAt(root, r Ref) Ref {
	if root == 0 {
		return r
	}
	rn, n := o.node(r), o.node(root)
	before := o.order(o.Row(r), rn.seq, root) < 0
	if rn.prio > n.prio {
		rn.left, rn.right = o.split(root, o.Row(r), rn.seq)
		o.resum(rn)
		return r
	}
	if before {
		n.left = o.insertAt(n.left, r)
	} else {
		n.right = o.insertAt(n.right, r)
	}
	o.resum(n)
	return root
}

func (o *Ordered) resum(n *node) { n.sum = n.weight + o.Sum(n.left) + o.Sum(n.right) }

// split parts a tree into the nodes before a row and the others.
func (o *Ordered) split(root Ref, row []byte, seq int64) (before, rest Ref) {
	if root == 0 {
		return 0, 0
	}
	n := o.node(root)
	if o.order(row, seq, root) <= 0 {
		before, n.left = o.split(n.left, row, seq)
		o.resum(n)
		return before, root
	}
	n.right, rest = o.split(n.right, row, seq)
	o.resum(n)
	return root, rest
}

// merge joins two trees, all of a before all of b.
func (o *Ordered) merge(a, b Ref) Ref {
	switch {
	case a == 0:
		return b
	case b == 0:
		return a
	}
	an, bn := o.node(a), o.node(b)
	if an.prio > bn.prio {
		an.right = o.merge(an.right, b)
		o.resum(an)
		return a
	}
	bn.left = o.merge(a, bn.left)
	o.resum(bn)
	return b
}

// remove takes node r out of the tree of root and frees it.
func (o *Ordered) remove(root, r Ref) Ref {
	o.minus += minusStep(o.node(r).weight, 0)
	root = o.removeAt(root, r, o.Row(r), o.node(r).seq)
	o.bury(r)
	o.release(r)
	o.n--
	return root
}

func (o *Ordered) removeAt(root, r Ref, row []byte, seq int64) Ref {
	n := o.node(root)
	if root == r {
		return o.merge(n.left, n.right)
	}
	if o.order(row, seq, root) < 0 {
		n.left = o.removeAt(n.left, r, row, seq)
	} else {
		n.right = o.removeAt(n.right, r, row, seq)
	}
	o.resum(n)
	return root
}

// RemoveNode takes node r out of the multiset of root and gives the new root.
func (o *Ordered) RemoveNode(root, r Ref) Ref { return o.remove(root, r) }

// First gives the first node of a multiset, 0 when it is empty.
func (o *Ordered) First(root Ref) Ref {
	for root != 0 && o.node(root).left != 0 {
		root = o.node(root).left
	}
	return root
}

// Last gives the last node of a multiset, 0 when it is empty.
func (o *Ordered) Last(root Ref) Ref {
	for root != 0 && o.node(root).right != 0 {
		root = o.node(root).right
	}
	return root
}

// Walk calls fn for the nodes of a multiset in order until it gives false.
func (o *Ordered) Walk(root Ref, fn func(r Ref) bool) {
	it := Iter{o: o}
	it.Reset(root)
	for r := it.Next(); r != 0; r = it.Next() {
		if !fn(r) {
			return
		}
	}
}

// Iter walks a multiset in order. The multiset must not change meanwhile.
type Iter struct {
	o     *Ordered
	stack []Ref
}

// Iter makes an iterator that Reset positions.
func (o *Ordered) Iter() *Iter { return &Iter{o: o} }

// Reset positions it before the first node of root.
func (it *Iter) Reset(root Ref) {
	it.stack = it.stack[:0]
	it.push(root)
}

func (it *Iter) push(r Ref) {
	for r != 0 {
		it.stack = append(it.stack, r)
		r = it.o.node(r).left
	}
}

// Next gives the next node, 0 at the end.
func (it *Iter) Next() Ref {
	n := len(it.stack)
	if n == 0 {
		return 0
	}
	r := it.stack[n-1]
	it.stack = it.stack[:n-1]
	it.push(it.o.node(r).right)
	return r
}

// Free releases all nodes of a multiset.
func (o *Ordered) Free(root Ref) {
	if root == 0 {
		return
	}
	n := *o.node(root)
	o.minus += minusStep(n.weight, 0)
	o.bury(root)
	o.release(root)
	o.n--
	o.Free(n.left)
	o.Free(n.right)
}

func (o *Ordered) touch(r Ref) {
	h := o.head(r)
	if h.flags&flagDirty == 0 {
		h.flags |= flagDirty
		o.dirty = append(o.dirty, r)
	}
}

// bury notes that a node goes which the last checkpoint has.
func (o *Ordered) bury(r Ref) {
	if o.head(r).flags&flagSaved != 0 {
		o.tombs = append(o.tombs, nodeKey{o.node(r).owner, o.node(r).seq})
	}
}

// Minus gives the number of rows, over all multisets, that were taken out more
// often than put in; 0 whenever an epoch is complete.
func (o *Ordered) Minus() int { return o.minus }

// At gives the node that holds the row at position i (from 0), counted with
// multiplicities; 0 when there are fewer.
func (o *Ordered) At(root Ref, i int64) Ref {
	for root != 0 {
		n := o.node(root)
		before := o.Sum(n.left)
		switch {
		case i < before:
			root = n.left
		case i < before+n.weight:
			return root
		default:
			i -= before + n.weight
			root = n.right
		}
	}
	return 0
}
