package batch

import "math/bits"

// Bitmap is a validity bitmap in Arrow's layout: bit i of word i/64, least
// significant first, 1 = valid, 0 = NULL. A nil Bitmap means that all rows are
// valid: test for that first, it is the fast path.
type Bitmap []uint64

// Valid tells whether row i is not NULL.
func (b Bitmap) Valid(i int) bool { return b == nil || b[i>>6]>>(uint(i)&63)&1 != 0 }

// Set marks row i valid. b must be long enough.
func (b Bitmap) Set(i int) { b[i>>6] |= 1 << (uint(i) & 63) }

// Clear marks row i NULL. b must be long enough.
func (b Bitmap) Clear(i int) { b[i>>6] &^= 1 << (uint(i) & 63) }

// Words gives the number of words that n rows need.
func Words(n int) int { return (n + 63) >> 6 }

// CountNull counts the NULLs among the first n rows.
func (b Bitmap) CountNull(n int) int {
	if b == nil {
		return 0
	}
	valid := 0
	for i := range n >> 6 {
		valid += bits.OnesCount64(b[i])
	}
	if r := uint(n) & 63; r != 0 {
		valid += bits.OnesCount64(b[n>>6] & (1<<r - 1))
	}
	return n - valid
}
