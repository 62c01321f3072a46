//go:build !unix

package state

func mapMemory(n int) []byte { return make([]byte, n) }

func unmapMemory([]byte) {}

func adviseHuge([]byte) {}

func adviseSmall([]byte) {}
