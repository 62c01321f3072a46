package log

import "encoding/binary"

// IsPart tells whether buf is a part of a chain, after checking its header and
// checksum.
func IsPart(buf []byte) (bool, error) {
	if len(buf) < EntryHeaderBytes {
		return false, bad("%d bytes", len(buf))
	}
	le := binary.LittleEndian
	if le.Uint32(buf) != entryMagic {
		return false, bad("magic %#x", le.Uint32(buf))
	}
	if buf[4] != entryVersion {
		return false, bad("format version %d, this program reads %d", buf[4], entryVersion)
	}
	if n := le.Uint32(buf[12:]); int64(n) != int64(len(buf)) {
		return false, bad("length %d in a buffer of %d", n, len(buf))
	}
	if want := le.Uint32(buf[8:]); entrySum(buf) != want {
		return false, bad("checksum differs")
	}
	switch buf[5] {
	case kindEntry:
		return false, nil
	case kindPart:
		return true, nil
	}
	return false, bad("kind %d", buf[5])
}

// DecodePart decodes a part. Data aliases buf.
func DecodePart(buf []byte) (Part, error) {
	part, err := IsPart(buf)
	if err != nil {
		return Part{}, err
	}
	if !part {
		return Part{}, bad("kind %d is no part", buf[5])
	}
	le := binary.LittleEndian
	p := Part{
		Closes: le.Uint16(buf[6:])&partCloses != 0,
		Chain:  le.Uint64(buf[16:]),
		Total:  le.Uint64(buf[24:]),
		Number: le.Uint32(buf[32:]),
		Data:   buf[EntryHeaderBytes:],
	}
	if p.Total > MaxChainBytes {
		return Part{}, bad("chain of %d bytes", p.Total)
	}
	return p, nil
}

// DecodeEntry decodes an entry. Commands and sections alias buf, which must not
// change afterwards. Nothing is allocated before the counts were compared with
// the bytes that are there.
func DecodeEntry(buf []byte) (*Entry, error) {
	part, err := IsPart(buf)
	if err != nil {
		return nil, err
	}
	if part {
		return nil, bad("a part of a chain")
	}
	le := binary.LittleEndian
	e := &Entry{Clock: int64(le.Uint64(buf[16:]))}
	txns, blocks := int(le.Uint32(buf[24:])), int(le.Uint32(buf[28:]))
	sections, keys := int(le.Uint32(buf[32:])), int(le.Uint32(buf[36:]))
	body := len(buf) - EntryHeaderBytes
	if txns > body/txnHeaderBytes || blocks > body/blockHeaderBytes ||
		sections > body/4 || keys > body/keyBytes {
		return nil, bad("counts over the length")
	}
	d := decoder{buf: buf, pos: EntryHeaderBytes,
		blocks:   make([]Block, blocks),
		ptrs:     make([]*Block, blocks),
		sections: make([][]byte, sections),
		keys:     make([]Key, keys),
	}
	e.Txns = make([]*Txn, txns)
	store := make([]Txn, txns)
	for i := range store {
		if err := d.txn(&store[i]); err != nil {
			return nil, err
		}
		e.Txns[i] = &store[i]
	}
	if d.pos != len(buf) || len(d.blocks)+len(d.sections)+len(d.keys) != 0 {
		return nil, bad("bytes or counts left over")
	}
	return e, nil
}

// decoder cuts an entry; the slices are what is left of the one allocation of
// each kind.
type decoder struct {
	buf      []byte
	pos      int
	blocks   []Block
	ptrs     []*Block
	sections [][]byte
	keys     []Key
}

// take gives the next n bytes and skips their padding.
func (d *decoder) take(n int) ([]byte, error) {
	if n < 0 || n > len(d.buf)-d.pos || pad8(n) > len(d.buf)-d.pos {
		return nil, bad("cut off at %d", d.pos)
	}
	b := d.buf[d.pos : d.pos+n : d.pos+n]
	d.pos += pad8(n)
	return b, nil
}

func (d *decoder) txn(t *Txn) error {
	h, err := d.take(txnHeaderBytes)
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	t.ReadEpoch = Epoch(le.Uint64(h))
	t.Clock = le.Uint32(h[8:])&txnClock != 0
	if t.Reads, err = d.keyList(int(le.Uint32(h[12:]))); err != nil {
		return err
	}
	if t.Writes, err = d.keyList(int(le.Uint32(h[16:]))); err != nil {
		return err
	}
	command, err := d.take(int(le.Uint32(h[20:])))
	if err != nil {
		return err
	}
	if len(command) > 0 {
		t.Command = command
	}
	if t.Trims, err = d.trims(int(le.Uint32(h[28:]))); err != nil {
		return err
	}
	n := int(le.Uint32(h[24:]))
	if n > len(d.blocks) {
		return bad("%d blocks", n)
	}
	if n == 0 {
		return nil
	}
	t.Blocks, d.ptrs = d.ptrs[:n:n], d.ptrs[n:]
	for i := range t.Blocks {
		t.Blocks[i] = &d.blocks[0]
		d.blocks = d.blocks[1:]
		if err := d.block(t.Blocks[i]); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) keyList(n int) ([]Key, error) {
	if n == 0 {
		return nil, nil
	}
	if n > len(d.keys) {
		return nil, bad("%d keys", n)
	}
	b, err := d.take(n * keyBytes)
	if err != nil {
		return nil, err
	}
	keys := d.keys[:n:n]
	d.keys = d.keys[n:]
	for i := range keys {
		keys[i].Hash = binary.LittleEndian.Uint64(b[8*i:])
		keys[i].Stream = StreamID(binary.LittleEndian.Uint32(b[8*n+4*i:]))
	}
	return keys, nil
}

func (d *decoder) trims(n int) ([]Trim, error) {
	if n == 0 {
		return nil, nil
	}
	if n > (len(d.buf)-d.pos)/trimBytes {
		return nil, bad("%d trims", n)
	}
	b, err := d.take(n * trimBytes)
	if err != nil {
		return nil, err
	}
	trims := make([]Trim, n)
	le := binary.LittleEndian
	for i := range trims {
		x := b[i*trimBytes:]
		trims[i].Partition = PartitionID{Stream: StreamID(le.Uint32(x)), Part: le.Uint32(x[4:])}
		trims[i].Begin = Offset(le.Uint64(x[8:]))
	}
	return trims, nil
}

func (d *decoder) block(b *Block) error {
	h, err := d.take(blockHeaderBytes)
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	b.Partition = PartitionID{Stream: StreamID(le.Uint32(h)), Part: le.Uint32(h[4:])}
	b.Schema = le.Uint32(h[8:])
	b.Flags = BlockFlags(le.Uint32(h[12:]))
	b.Rows = int(le.Uint32(h[16:]))
	b.MinTime, b.MaxTime = int64(le.Uint64(h[24:])), int64(le.Uint64(h[32:]))
	if b.Rows < 1 || b.Rows > MaxBlockRows {
		return bad("block of %d rows", b.Rows)
	}
	n := int(le.Uint32(h[20:]))
	if n > len(d.sections) {
		return bad("%d sections", n)
	}
	lengths, err := d.take(4 * n)
	if err != nil {
		return err
	}
	b.Sections = d.sections[:n:n]
	d.sections = d.sections[n:]
	for i := range b.Sections {
		if b.Sections[i], err = d.take(int(le.Uint32(lengths[4*i:]))); err != nil {
			return err
		}
	}
	return nil
}
