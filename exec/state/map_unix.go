//go:build unix

package state

import "golang.org/x/sys/unix"

// mapMemory gives n zeroed bytes outside the Go heap, or on it when the
// operating system refuses.
func mapMemory(n int) []byte {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n)
	}
	return b
}

// unmapMemory gives memory of mapMemory back. Memory that came from the Go heap
// is refused by the system call and left to the collector.
func unmapMemory(b []byte) { _ = unix.Munmap(b) }
