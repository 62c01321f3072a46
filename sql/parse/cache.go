package parse

import (
	"sync"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// outlineCache keeps TiDB's trees by outline. An outline holds no name and no literal, so
// statements that differ only in those share a tree; a tree is only read.
//
// The two maps are generations: when young has grown full it becomes old, and what is then
// asked for again moves back to young. So a stream of one-off queries cannot drive out those
// that come often, and there is no list to keep in order on the fast path.
type outlineCache struct {
	mu         sync.RWMutex
	young, old map[string]ast.StmtNode
	bytes      int // total length of the keys in young
}

// maxGenerationBytes bounds a generation by the text of its outlines. A tree takes about 40
// times its outline (measured: 57 kB for 1.4 kB), so both generations stay below 10 MB.
// maxOutlineBytes keeps huge generated queries out.
const (
	maxGenerationBytes = 128 << 10
	maxOutlineBytes    = 8 << 10
)

var outlines outlineCache

// get returns the tree of an outline, or nil.
func (c *outlineCache) get(text []byte) ast.StmtNode {
	c.mu.RLock()
	st := c.young[string(text)]
	if st != nil {
		c.mu.RUnlock()
		return st
	}
	st = c.old[string(text)]
	c.mu.RUnlock()
	if st != nil {
		c.put(string(text), st)
	}
	return st
}

// put adds a tree to the young generation.
func (c *outlineCache) put(text string, st ast.StmtNode) {
	if len(text) > maxOutlineBytes {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young[text] != nil {
		return
	}
	if c.young == nil || c.bytes+len(text) > maxGenerationBytes {
		c.old, c.young, c.bytes = c.young, make(map[string]ast.StmtNode), 0
	}
	c.young[text] = st
	c.bytes += len(text)
}
