package node

import (
	"runtime/debug"
	"runtime/metrics"

	"github.com/millracedb/millrace/exec"
	"github.com/prometheus/client_golang/prometheus"
)

// goShare is the part of the memory budget from which on the collector works
// harder: the rest is for state, which it does not look at.
const goShare = 2

// registerMemory shows what the memory budget is used for.
func registerMemory(r *prometheus.Registry, e *exec.Engine) {
	gauge := func(name, help string, value func(exec.MemoryUse) int64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return float64(value(e.MemoryUse())) }))
	}
	counter := func(name, help string, value func(exec.MemoryUse) int64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(value(e.MemoryUse())) }))
	}
	gauge("millrace_state_limit_bytes", "Memory that state may use now; 0 is no limit.",
		func(m exec.MemoryUse) int64 { return m.Limit })
	gauge("millrace_state_memory_bytes", "Bytes of state in memory.",
		func(m exec.MemoryUse) int64 { return m.Used })
	gauge("millrace_state_spilled_bytes", "Bytes of state in the spill file.",
		func(m exec.MemoryUse) int64 { return m.Spilled })
	counter("millrace_state_moved_out_bytes_total", "Bytes written to the spill file.",
		func(m exec.MemoryUse) int64 { return m.MovedOut })
	counter("millrace_state_moved_in_bytes_total", "Bytes read back from the spill file.",
		func(m exec.MemoryUse) int64 { return m.MovedIn })
	counter("millrace_memory_stalls_total", "Times that writers waited for memory.",
		func(m exec.MemoryUse) int64 { return m.Stalls })
}

// limitGo tells the collector about the budget; 0 is none.
func limitGo(budget int64) {
	if budget > 0 {
		debug.SetMemoryLimit(budget / goShare)
	}
}

// programBytes is what the program itself takes: its code and constants.
const programBytes = 40 << 20

// goMemory gives the memory that the program and the Go runtime hold.
func goMemory() int64 {
	s := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(s)
	return programBytes + int64(s[0].Value.Uint64()-s[1].Value.Uint64())
}
