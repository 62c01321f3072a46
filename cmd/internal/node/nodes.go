package node

import (
	"runtime/debug"
	"runtime/metrics"

	"github.com/millracedb/millrace/catalog/system"
	"github.com/millracedb/millrace/sql/types"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Version is the version of the program, for millrace.nodes and `millrace version`.
const Version = "0.1.0"

// Revision is the commit that the program was built from, "" if the build does not
// know it.
func Revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	revision, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	if revision == "" {
		return ""
	}
	return revision[:min(len(revision), 12)] + changed
}

// newRegistry makes the registry of /metrics with the process's own numbers.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// nodeRows makes the rows of millrace.nodes, in the order of its columns.
func (n *Node) nodeRows(_ *system.Context, _ []system.Hint,
	emit func([]types.Datum) error,
) error {
	members, err := n.replica.Members()
	if err != nil {
		return err
	}
	st := n.replica.Status()
	text := func(s string) types.Datum { return types.TextDatum(s) }
	for _, m := range members {
		row := []types.Datum{
			text(m.ID), types.BoolDatum(m.ID == n.cfg.NodeID), text(role(m.Leader, m.Voter)),
			types.BoolDatum(m.Voter), types.NullDatum, types.NullDatum, text(m.Addr),
			types.NullDatum, types.NullDatum, types.NullDatum, types.NullDatum, types.NullDatum,
			types.NullDatum,
		}
		if m.ID == n.cfg.NodeID {
			row[6] = text(n.mux.Addr()) // the configuration has the first one for ever
			n.describeSelf(row, int64(st.Epoch), int64(st.CommitIndex)-int64(st.Applied))
		}
		if err := emit(row); err != nil {
			return err
		}
	}
	return nil
}

func role(leader, voter bool) string {
	switch {
	case leader:
		return "leader"
	case voter:
		return "follower"
	}
	return "learner"
}

// describeSelf fills what only this node knows of itself.
func (n *Node) describeSelf(row []types.Datum, epoch, behind int64) {
	row[4] = types.TextDatum(n.SQLAddr())
	row[5] = types.TextDatum(n.HTTPAddr())
	row[7] = types.TextDatum(Version)
	row[8] = types.IntDatum(n.started)
	row[9] = types.IntDatum(epoch)
	row[10] = types.IntDatum(max(behind, 0))
	row[11] = types.IntDatum(memoryInUse())
	if u, err := n.cfg.FS.GetDiskUsage(n.cfg.Data); err == nil {
		row[12] = types.IntDatum(int64(u.AvailBytes))
	}
}

// memoryInUse is what the Go runtime holds of the machine's memory.
func memoryInUse() int64 {
	s := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(s)
	return int64(s[0].Value.Uint64() - s[1].Value.Uint64())
}
