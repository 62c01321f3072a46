package log

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The format of an entry, see FORMAT.md. All numbers are little endian; every
// part starts at a multiple of 8 from the begin of the entry.
const (
	entryMagic   = 0x31454c4d // "MLE1"
	entryVersion = 1

	kindEntry = 1
	kindPart  = 2

	partCloses = 1

	txnClock = 1

	// EntryHeaderBytes is the size of the header of an entry and of a part.
	EntryHeaderBytes = 40
	txnHeaderBytes   = 32
	blockHeaderBytes = 40
	keyBytes         = 12
	trimBytes        = 16

	// MaxChainBytes is the most that a chain of parts may have in sum: four times
	// the largest transaction that a session may be allowed.
	MaxChainBytes = 1 << 30
)

// ErrBadEntry is the error of bytes that are no entry.
var ErrBadEntry = errors.New("log: malformed entry")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrBadEntry}, args...)...)
}

// Entry is what Raft commits: transactions and the leader's clock.
type Entry struct {
	// Clock is the leader's clock when it built the entry, microseconds since 1970.
	Clock int64
	Txns  []*Txn
}

// Part is a piece of an entry that is larger than MaxEntryBytes. The pieces of a
// chain, joined in order, are an entry.
type Part struct {
	// Chain names the chain; the same in all of its parts.
	Chain uint64
	// Number counts the parts from 0.
	Number uint32
	// Closes marks the last part: it makes the epoch.
	Closes bool
	// Total is the length of the joined entry.
	Total uint64
	Data  []byte
}

func pad8(n int) int { return (n + 7) &^ 7 }

// TxnBytes gives the encoded size of a transaction.
func TxnBytes(t *Txn) int {
	n := txnHeaderBytes + pad8(len(t.Reads)*keyBytes) + pad8(len(t.Writes)*keyBytes) +
		pad8(len(t.Command)) + len(t.Trims)*trimBytes
	for _, b := range t.Blocks {
		n += blockHeaderBytes + pad8(4*len(b.Sections))
		for _, s := range b.Sections {
			n += pad8(len(s))
		}
	}
	return n
}

// AppendEntry encodes an entry after dst, whose length must be a multiple of 8.
func AppendEntry(dst []byte, clock int64, txns []*Txn) []byte {
	start := len(dst)
	blocks, sections, keys := 0, 0, 0
	for _, t := range txns {
		blocks += len(t.Blocks)
		keys += len(t.Reads) + len(t.Writes)
		for _, b := range t.Blocks {
			sections += len(b.Sections)
		}
	}
	dst = appendHead(dst, kindEntry, 0)
	dst = le64(dst, uint64(clock))
	dst = le32(dst, uint32(len(txns)))
	dst = le32(dst, uint32(blocks))
	dst = le32(dst, uint32(sections))
	dst = le32(dst, uint32(keys))
	for _, t := range txns {
		dst = appendTxn(dst, t)
	}
	return seal(dst, start)
}

// AppendPart encodes a part after dst.
func AppendPart(dst []byte, p Part) []byte {
	start := len(dst)
	flags := uint16(0)
	if p.Closes {
		flags = partCloses
	}
	dst = appendHead(dst, kindPart, flags)
	dst = le64(dst, p.Chain)
	dst = le64(dst, p.Total)
	dst = le32(dst, p.Number)
	dst = le32(dst, 0)
	dst = append(dst, p.Data...)
	return seal(dst, start)
}

func appendHead(dst []byte, kind uint8, flags uint16) []byte {
	dst = le32(dst, entryMagic)
	dst = append(dst, entryVersion, kind, byte(flags), byte(flags>>8))
	return le64(dst, 0) // CRC and length: see seal
}

func seal(dst []byte, start int) []byte {
	e := dst[start:]
	binary.LittleEndian.PutUint32(e[12:], uint32(len(e)))
	binary.LittleEndian.PutUint32(e[8:], entrySum(e))
	return dst
}

// entrySum is the checksum of all bytes but the magic and itself.
func entrySum(e []byte) uint32 {
	return crc32.Update(crc32.Checksum(e[4:8], castagnoli), castagnoli, e[12:])
}

func appendTxn(dst []byte, t *Txn) []byte {
	flags := uint32(0)
	if t.Clock {
		flags |= txnClock
	}
	dst = le64(dst, uint64(t.ReadEpoch))
	dst = le32(dst, flags)
	dst = le32(dst, uint32(len(t.Reads)))
	dst = le32(dst, uint32(len(t.Writes)))
	dst = le32(dst, uint32(len(t.Command)))
	dst = le32(dst, uint32(len(t.Blocks)))
	dst = le32(dst, uint32(len(t.Trims)))
	dst = appendKeys(dst, t.Reads)
	dst = appendKeys(dst, t.Writes)
	dst = appendPadded(dst, t.Command)
	for _, x := range t.Trims {
		dst = le32(dst, uint32(x.Partition.Stream))
		dst = le32(dst, x.Partition.Part)
		dst = le64(dst, uint64(x.Begin))
	}
	for _, b := range t.Blocks {
		dst = appendBlock(dst, b)
	}
	return dst
}

func appendKeys(dst []byte, keys []Key) []byte {
	for i := range keys {
		dst = le64(dst, keys[i].Hash)
	}
	for i := range keys {
		dst = le32(dst, uint32(keys[i].Stream))
	}
	if len(keys)%2 == 1 {
		dst = le32(dst, 0)
	}
	return dst
}

func appendBlock(dst []byte, b *Block) []byte {
	dst = le32(dst, uint32(b.Partition.Stream))
	dst = le32(dst, b.Partition.Part)
	dst = le32(dst, b.Schema)
	dst = le32(dst, uint32(b.Flags))
	dst = le32(dst, uint32(b.Rows))
	dst = le32(dst, uint32(len(b.Sections)))
	dst = le64(dst, uint64(b.MinTime))
	dst = le64(dst, uint64(b.MaxTime))
	for _, s := range b.Sections {
		dst = le32(dst, uint32(len(s)))
	}
	if len(b.Sections)%2 == 1 {
		dst = le32(dst, 0)
	}
	for _, s := range b.Sections {
		dst = appendPadded(dst, s)
	}
	return dst
}

var zeros [8]byte

func appendPadded(dst, b []byte) []byte {
	dst = append(dst, b...)
	return append(dst, zeros[:pad8(len(b))-len(b)]...)
}

func le32(dst []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(dst, v) }
func le64(dst []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(dst, v) }
