package replica

import "github.com/prometheus/client_golang/prometheus"

// metrics are the collectors of one replica; they read its counters when scraped.
type metrics struct {
	reg  prometheus.Registerer
	list []prometheus.Collector
}

func newMetrics(r *Replica) *metrics {
	m := &metrics{reg: r.cfg.Registry}
	if m.reg == nil {
		return m
	}
	count := func(name, help string, f func() int64) {
		m.list = append(m.list, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "millrace", Subsystem: "log", Name: name, Help: help,
		}, func() float64 { return float64(f()) }))
	}
	gauge := func(name, help string, f func() float64) {
		m.list = append(m.list, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "millrace", Subsystem: "log", Name: name, Help: help,
		}, f))
	}
	count("entries_total", "Entries that this node proposed.", r.commit.entries.Load)
	count("transactions_total", "Transactions in these entries.", r.commit.txns.Load)
	count("entry_bytes_total", "Bytes of these entries.", r.commit.bytes.Load)
	s := r.set.Metrics()
	count("sealed_rows_total", "Rows written to sealed files.", s.SealedRows.Load)
	count("sealed_bytes_total", "Bytes written to sealed files.", s.SealedBytes.Load)
	count("files_written_total", "Sealed and spill files written.", s.FilesWritten.Load)
	count("files_removed_total", "Sealed and spill files removed.", s.FilesRemoved.Load)
	count("compacted_rows_total", "Rows that compaction by key dropped.", s.CompactedRows.Load)
	count("quarantined_blocks_total", "Blocks found damaged.", s.Quarantined.Load)
	gauge("epoch", "Last applied epoch.", func() float64 { e, _ := r.Applied(); return float64(e) })
	gauge("leader", "1 if this node leads.", func() float64 {
		if r.IsLeader() {
			return 1
		}
		return 0
	})
	for _, c := range m.list {
		// A second replica in one process (tests) shares the names; the first wins.
		_ = m.reg.Register(c)
	}
	return m
}

func (m *metrics) close() {
	for _, c := range m.list {
		m.reg.Unregister(c)
	}
}
