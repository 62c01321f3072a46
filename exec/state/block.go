package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/s2"
)

// blockBytes is the size of a block of records before compression, by intent:
// large enough for sequential writes, small enough to be re-read alone.
const blockBytes = 64 << 10

// A block in a checkpoint file: magic (4 bytes), length of the compressed
// records (4), CRC-32C of them (4), then the records compressed with S2. All
// integers little endian.
const blockHead = 12

const blockMagic = 0x4b4c424d // "MBLK"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrCorrupt says that a checkpoint file does not hold what was written.
var ErrCorrupt = errors.New("state is corrupt")

// record tags.
const (
	recPut    = 1
	recDelete = 2
)

// appendBlock appends a block of records to dst.
func appendBlock(dst, records []byte) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, blockHead+s2.MaxEncodedLen(len(records)))...)
	n := len(s2.Encode(dst[at+blockHead:], records))
	dst = dst[:at+blockHead+n]
	binary.LittleEndian.PutUint32(dst[at:], blockMagic)
	binary.LittleEndian.PutUint32(dst[at+4:], uint32(n))
	crc := crc32.Checksum(dst[at+blockHead:], castagnoli)
	binary.LittleEndian.PutUint32(dst[at+8:], crc)
	return dst
}

// readBlock decodes the block at the start of b into records (whose memory is
// used again) and gives the rest of b.
func readBlock(b, records []byte) (rest, out []byte, err error) {
	if len(b) < blockHead || binary.LittleEndian.Uint32(b) != blockMagic {
		return nil, nil, fmt.Errorf("no block: %w", ErrCorrupt)
	}
	n := int(binary.LittleEndian.Uint32(b[4:]))
	if n > len(b)-blockHead {
		return nil, nil, fmt.Errorf("block of %d bytes is cut: %w", n, ErrCorrupt)
	}
	body := b[blockHead : blockHead+n]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[8:]) {
		return nil, nil, fmt.Errorf("block checksum differs: %w", ErrCorrupt)
	}
	size, err := s2.DecodedLen(body)
	if err != nil || size > 1<<30 {
		return nil, nil, fmt.Errorf("block length: %w", ErrCorrupt)
	}
	if cap(records) < size {
		records = make([]byte, size)
	}
	out, err = s2.Decode(records[:size], body)
	if err != nil {
		return nil, nil, fmt.Errorf("block does not decompress: %w", ErrCorrupt)
	}
	return b[blockHead+n:], out, nil
}
