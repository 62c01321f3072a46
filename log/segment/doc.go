// Package segment keeps the partitions of a group: for each an in-memory tail of
// blocks and, before it, immutable sealed files.
//
// It is not the commit log (that is log/wal): a tail that is lost in a crash is
// built again from the entries after the last manifest. It knows no SQL: columns
// are opaque sections, joined and keyed by a log.Merger.
//
// Its invariant: the rows of a partition are the sealed files in order followed by
// the tail, without gap and without overlap, and every manifest that was written
// names only files that are on disk.
//
// Who may call what. One goroutine (Raft's state machine) creates, alters, drops,
// trims and appends; derived rows are appended by the engine, one goroutine per
// partition; Seal, Compact and Retain run one at a time in the background. Readers
// take no lock of a writer: they load a view, an immutable picture of the
// partition. Lock order: Set.mu, partition.mu, file.mu.
package segment
