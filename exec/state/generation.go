package state

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// generation is a checkpoint that is not the latest any more.
type generation struct {
	epoch     uint64
	meta      []byte
	manifests map[string]*manifest
}

type generationRecord struct {
	Epoch     uint64            `json:"epoch"`
	Meta      []byte            `json:"meta"`
	Manifests map[string][]byte `json:"manifests"`
}

func (g *generation) encode() []byte {
	rec := generationRecord{Epoch: g.epoch, Meta: g.meta, Manifests: map[string][]byte{}}
	for key, m := range g.manifests {
		rec.Manifests[key] = m.encode()
	}
	b, err := json.Marshal(rec)
	if err != nil {
		panic(fmt.Sprintf("state: encode plain data: %v", err))
	}
	return b
}

func (g *generation) decode(b []byte) error {
	var rec generationRecord
	if err := json.Unmarshal(b, &rec); err != nil {
		return fmt.Errorf("previous checkpoint: %w", err)
	}
	g.epoch, g.meta, g.manifests = rec.Epoch, rec.Meta, map[string]*manifest{}
	for key, v := range rec.Manifests {
		m, err := decodeManifest(v)
		if err != nil {
			return fmt.Errorf("manifest of %s in the previous checkpoint: %w", key, err)
		}
		g.manifests[key] = m
	}
	return nil
}

// choose makes the checkpoint of an epoch the latest one; later ones are dropped,
// because what follows will be computed anew.
func (s *Store) choose(at uint64) error {
	if s.have && s.epoch == at || !s.have && at == 0 {
		// The owner stands at the latest: it will not ask for the one before, and
		// the next checkpoint must keep this one.
		return s.dropKept()
	}
	b := s.db.NewBatch()
	err := b.DeleteRange([]byte{0}, []byte{0xff}, nil)
	g := s.kept(at)
	switch {
	case at == 0:
		g = &generation{manifests: map[string]*manifest{}}
	case g == nil:
		return fmt.Errorf("there is no checkpoint of epoch %d (the latest is of %d): %w",
			at, s.epoch, ErrCorrupt)
	default:
		rec, jerr := json.Marshal(metaRecord{g.epoch, g.meta})
		if jerr != nil {
			return fmt.Errorf("encode checkpoint record: %w", jerr)
		}
		err = errors.Join(err, b.Set([]byte(keyMeta), rec, nil))
		for key, m := range g.manifests {
			err = errors.Join(err, b.Set([]byte(keyManifest+key), m.encode(), nil))
		}
	}
	if err == nil {
		err = b.Commit(pebble.Sync)
	}
	if err != nil {
		return fmt.Errorf("return to the checkpoint of epoch %d: %w", at, err)
	}
	s.manifests, s.epoch, s.meta, s.have = g.manifests, g.epoch, g.meta, at != 0
	s.prev = nil
	return nil
}

// dropKept forgets all older checkpoints.
func (s *Store) dropKept() error {
	if len(s.prev) == 0 {
		return nil
	}
	s.prev = nil
	end := []byte(keyPrevious[:len(keyPrevious)-1] + "0") // '0' follows '/'
	if err := s.db.DeleteRange([]byte(keyPrevious), end, pebble.Sync); err != nil {
		return fmt.Errorf("forget older checkpoints: %w", err)
	}
	return nil
}

// kept gives the older checkpoint of an epoch, nil when there is none.
func (s *Store) kept(epoch uint64) *generation {
	for _, g := range s.prev {
		if g.epoch == epoch {
			return g
		}
	}
	return nil
}

// Forget gives up the checkpoints before an epoch: the owner will not ask for
// them again.
func (s *Store) Forget(before uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	b := s.db.NewBatch()
	for n < len(s.prev) && s.prev[n].epoch < before {
		if err := b.Delete(previousKey(s.prev[n].epoch), nil); err != nil {
			return fmt.Errorf("forget checkpoints before epoch %d: %w", before, err)
		}
		n++
	}
	if n == 0 {
		return b.Close()
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("forget checkpoints before epoch %d: %w", before, err)
	}
	was := s.liveBytes()
	s.prev = append([]*generation(nil), s.prev[n:]...)
	return s.removeDead(was)
}

// previousKey is the key of an older checkpoint's record; keys sort by epoch.
func previousKey(epoch uint64) []byte { return fmt.Appendf(nil, "%s%020d", keyPrevious, epoch) }
