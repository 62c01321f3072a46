package node

import (
	"context"
	"log/slog"
	"strings"
)

// calmRaft makes Raft's warnings informative ones: elections and timeouts are how
// it starts, and nothing that a user should act on. Its errors stay errors.
type calmRaft struct{ slog.Handler }

// Handle implements slog.Handler.
func (h calmRaft) Handle(ctx context.Context, r slog.Record) error {
	if r.Level == slog.LevelWarn && strings.HasPrefix(r.Message, "raft: ") {
		r.Level = slog.LevelInfo
		if !h.Enabled(ctx, r.Level) {
			return nil
		}
	}
	return h.Handler.Handle(ctx, r)
}
