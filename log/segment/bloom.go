package segment

// bloomBits is the number of bits per key: 10 bits and 6 probes let 1 of 120 keys
// that are not there pass.
const (
	bloomBits   = 10
	bloomProbes = 6
)

// makeBloom builds the filter of a block's key hashes.
func makeBloom(hashes []uint64) []byte {
	b := make([]byte, pad8((len(hashes)*bloomBits+7)/8))
	if len(b) == 0 {
		return nil
	}
	n := uint64(len(b)) * 8
	for _, h := range hashes {
		step := h>>33 | 1
		for range bloomProbes {
			b[h%n/8] |= 1 << (h % 8)
			h += step
		}
	}
	return b
}

// mayHold tells whether a key may be in the block; an empty filter says yes.
func mayHold(b []byte, h uint64) bool {
	if len(b) == 0 {
		return true
	}
	n := uint64(len(b)) * 8
	step := h>>33 | 1
	for range bloomProbes {
		if b[h%n/8]&(1<<(h%8)) == 0 {
			return false
		}
		h += step
	}
	return true
}
