package exec

// tickMicros is how often the leader looks whether time has to go on: windows
// close a second after the last partition fell silent, and an idle server does
// next to nothing.
const tickMicros = 1_000_000

// retainTicks is how many ticks pass between two looks at retention.
const retainTicks = 30

// keepTime lets the leader commit a time entry while some watermark could move
// by time alone, or a checkpoint is due and nobody writes. Its goroutine ends
// with the engine.
func (e *Engine) keepTime() {
	for ticks := 0; ; {
		select {
		case <-e.cfg.Clock.After(tickMicros):
		case <-e.ctx.Done():
			return
		}
		if !e.log.Leading() {
			continue
		}
		if ticks++; ticks%retainTicks == 0 {
			if err := e.log.Retain(e.ctx); err != nil && e.ctx.Err() == nil {
				e.cfg.Logger.Warn("retention not applied", "error", err)
			}
		}
		if !e.wantsTime() {
			continue
		}
		if err := e.log.Tick(e.ctx); err != nil && e.ctx.Err() == nil {
			e.cfg.Logger.Warn("time entry not committed", "error", err)
		}
	}
}

// wantsTime asks the loop whether an epoch without rows would change anything.
func (e *Engine) wantsTime() bool {
	want := false
	err := e.between(e.ctx, func() error {
		for _, r := range e.rels {
			if len(r.scans)+r.feeds > 0 && r.isStream() && r.wm.waiting() {
				want = true
			}
		}
		for _, q := range e.order {
			want = want || q.runs() && q.graph.at.lagging()
		}
		for _, f := range e.feeds {
			want = want || f.at.lagging()
		}
		late := e.cfg.Clock.NowMicros()-e.saved.clock >= e.cfg.CheckpointMicros
		if e.saved.dirty && late && !e.saved.running.Load() {
			want = true
		}
		return nil
	})
	return err == nil && want
}
