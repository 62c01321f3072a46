package node

import (
	"runtime/debug"
	"runtime/metrics"
)

// goShare is the part of the memory budget from which on the collector works
// harder: the rest is for state, which it does not look at.
const goShare = 2

// limitGo tells the collector about the budget; 0 is none.
func limitGo(budget int64) {
	if budget > 0 {
		debug.SetMemoryLimit(budget / goShare)
	}
}

// goMemory gives the memory that the Go runtime holds.
func goMemory() int64 {
	s := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(s)
	return int64(s[0].Value.Uint64() - s[1].Value.Uint64())
}
