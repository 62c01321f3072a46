// Package wal is Raft's log and stable store on recycled, pre-written segment files. It is the
// only code that syncs on the commit path.
//
// It is not the record log that readers see (that is log/segment) and it knows nothing of what an
// entry means: an entry is an index, a term and bytes.
//
// Its one invariant: an entry that StoreLogs acknowledged is read back unchanged until
// DeleteRange or Install drops it, or an error says why not. It is never silently shortened.
//
// How a write travels. StoreLogs lays all its entries out as frames behind the last valid byte of
// the active segment, writes them with one call, makes them durable, and only then publishes them
// to readers. Files are append-only: a conflict truncation is a frame too, so a valid frame is
// never overwritten during the life (the epoch) of a file. The epoch is folded into every
// checksum; that is what makes the stale frames of a recycled file harmless.
//
// Ownership of bytes: the Data and Extensions of an entry given to StoreLogs are kept by reference
// in the in-memory tail and handed out again by GetLog. Callers must not change them after
// StoreLogs, nor what GetLog returned.
//
// Locks, in the order they may be taken: Store.wmu (writers), Store.mu (index, tail),
// Store.rmu (spares, dead segments), stable.mu.
//
// The byte layout is in FORMAT.md.
package wal
