package state

// Blobs keeps byte strings of any length outside the Go heap.
type Blobs struct{ arena }

// NewBlobs makes an empty store.
func NewBlobs(mem *Memory) *Blobs {
	b := &Blobs{}
	b.arena.init(mem)
	return b
}

// Put stores a copy of data in place of old (0: none) and gives its ref.
func (b *Blobs) Put(old Ref, data []byte) Ref {
	if old != 0 {
		h := b.head(old)
		if room := int(h.units)*unitBytes - headBytes; len(data) <= room && len(data) > room/2 {
			h.keyLen = uint32(len(data))
			copy(b.view(old, headBytes, len(data)), data)
			return old
		}
		b.release(old)
	}
	r := b.alloc(len(data))
	b.head(r).keyLen = uint32(len(data))
	copy(b.view(r, headBytes, len(data)), data)
	return r
}

// Get gives the bytes of a ref, valid until the next Put.
func (b *Blobs) Get(r Ref) []byte { return b.view(r, headBytes, int(b.head(r).keyLen)) }

// Free releases a ref.
func (b *Blobs) Free(r Ref) { b.release(r) }

// Bytes gives the memory held.
func (b *Blobs) Bytes() int64 { return b.arena.size() }

// Close gives the memory back.
func (b *Blobs) Close() { b.arena.reset() }
