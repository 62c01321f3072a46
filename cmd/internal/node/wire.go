package node

import (
	"context"

	"github.com/millracedb/millrace/pgwire"
)

// serveWire lets clients of the PostgreSQL protocol in.
func (n *Node) serveWire(context.Context) error {
	var err error
	n.wire, err = pgwire.Serve(pgwire.Config{
		Engine: n.engine, System: n.system, Listener: n.sqlListener, Logger: n.cfg.Logger,
		Clock: n.cfg.Clock, Random: n.cfg.Random, Registry: n.registry, Insecure: n.cfg.Insecure,
	})
	return err
}
