package exec

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
)

// Engine runs everything that is computed from the log on one node. Make it
// with New, hand it to the replica as its log.Machine, then Start it.
type Engine struct {
	cfg    Config
	intake *intake
	points *points
	pool   *pool
	memory *state.Memory
	store  *state.Store
	views  *viewStats

	// log is set by Start.
	log      Log
	restored restorePoint

	// The loop's own state; nobody else touches it.
	rels     map[catalog.OID]*relation
	queries  map[catalog.OID]*query
	order    []*query // by OID: sources before readers
	feeds    []*feed
	retiring []retired
	saved    savedState
	pressure pressure
	maxLag   atomic.Int64

	// shared is what readers look up; the loop replaces it when objects come and
	// go.
	shared sharedObjects

	ctx  context.Context
	stop context.CancelFunc
	// unbuilt are indexes made in the epoch in progress; the loop's.
	unbuilt    []*index
	background sync.WaitGroup
	started    bool
	loopDone   chan struct{}
}

// sharedObjects lets readers find the running side of relations and queries.
type sharedObjects struct {
	mu      sync.RWMutex
	rels    map[catalog.OID]*relation
	queries map[catalog.OID]*query
}

// New makes an engine that takes epochs but does not run them yet.
func New(cfg Config) (*Engine, error) {
	if cfg.FS == nil || cfg.Dir == "" || cfg.Clock == nil || cfg.Catalog == nil ||
		cfg.System == nil || cfg.Logger == nil {
		return nil, fmt.Errorf("exec: incomplete configuration")
	}
	cfg.fill()
	ctx, stop := context.WithCancel(context.Background())
	e := &Engine{
		cfg: cfg, intake: newIntake(), points: newPoints(cfg.Catalog.Current()),
		pool:    &pool{workers: cfg.Workers},
		memory:  state.NewMemory(cfg.MemoryBytes),
		rels:    map[catalog.OID]*relation{},
		queries: map[catalog.OID]*query{},
		ctx:     ctx, stop: stop,
		loopDone: make(chan struct{}),
	}
	e.maxLag.Store(cfg.MaxEpochLag)
	if cfg.StoreBytes > 0 {
		e.memory.SetStoreLimit(cfg.StoreBytes)
	}
	e.shared.rels, e.shared.queries = map[catalog.OID]*relation{}, map[catalog.OID]*query{}
	e.restored.snap = cfg.Catalog.Current()
	e.views = newViewStats(e)
	if err := e.registerViews(); err != nil {
		return nil, err
	}
	return e, nil
}

func (c *Config) fill() {
	if c.CheckpointMicros == 0 {
		c.CheckpointMicros = 10_000_000
	}
	if c.MaxEpochLag == 0 {
		c.MaxEpochLag = maxEpochLag
	}
	if c.BatchRows == 0 {
		c.BatchRows = batch.MaxRows
	}
	if c.CheckpointBytes == 0 {
		c.CheckpointBytes = 256 << 20
		if c.MemoryBytes > 0 {
			// What is not saved yet is in memory twice, as rows and in the tails.
			c.CheckpointBytes = min(c.CheckpointBytes, c.MemoryBytes/16)
		}
	}
}

// Start loads the state of the last checkpoint and begins to run epochs. Epochs
// that the replica handed over before are run first.
func (e *Engine) Start(l Log) error {
	e.log = l
	if err := e.load(); err != nil {
		return fmt.Errorf("load state: %w", err)
	}
	e.intake.start()
	e.started = true
	go e.loop()
	e.background.Go(e.keepTime)
	e.background.Go(e.keepTTL)
	return nil
}

// Close stops the loop between two epochs and gives all memory back. The
// replica must not hand over epochs any more.
func (e *Engine) Close() error {
	e.stop()
	e.intake.close()
	if e.started {
		<-e.loopDone
	}
	e.background.Wait()
	for _, q := range e.order {
		if q.graph != nil {
			q.graph.close()
		}
	}
	for _, r := range e.rels {
		r.close()
	}
	err := e.memory.EndSpill()
	if e.store != nil {
		err = errors.Join(err, e.store.Close())
	}
	return err
}

// publishObjects shows the loop's objects to readers.
func (e *Engine) publishObjects() {
	rels := make(map[catalog.OID]*relation, len(e.rels))
	for k, v := range e.rels {
		rels[k] = v
	}
	queries := make(map[catalog.OID]*query, len(e.queries))
	for k, v := range e.queries {
		queries[k] = v
	}
	e.shared.mu.Lock()
	e.shared.rels, e.shared.queries = rels, queries
	e.shared.mu.Unlock()
}

func (e *Engine) relation(oid catalog.OID) *relation {
	e.shared.mu.RLock()
	defer e.shared.mu.RUnlock()
	return e.shared.rels[oid]
}

func (e *Engine) query(oid catalog.OID) *query {
	e.shared.mu.RLock()
	defer e.shared.mu.RUnlock()
	return e.shared.queries[oid]
}
