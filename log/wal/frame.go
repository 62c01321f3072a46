package wal

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/hashicorp/raft"
)

const (
	fileMagic   = 0x314c41574c4c494d // "MILLWAL1", little endian
	fileVersion = 1
	fileHeader  = 64 // bytes before the first frame
	frameHeader = 56
	frameAlign  = 8

	// maxPayload bounds one entry. Entries are 512 KiB at most by design; the bound only has to
	// keep a damaged length from asking for absurd memory, and positions within 32 bits.
	maxPayload = 256 << 20
	// maxExtensions is what the two bytes of the extension length can say.
	maxExtensions = 1<<16 - 1
)

// frameKind says what a frame means.
type frameKind uint8

const (
	kindStart    frameKind = 1 // first frame of a segment: links it to the one before
	kindEntry    frameKind = 2 // a Raft entry
	kindTruncate frameKind = 3 // entries from index on are void
	kindReset    frameKind = 4 // all entries are void; the next one is index+1, after term
	kindMark     frameKind = 5 // evidence that all before it is durable
	kindClose    frameKind = 6 // a mark written by a clean Close
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame is the decoded header of one frame, and its payload where that has been read.
type frame struct {
	kind     frameKind
	logType  raft.LogType
	extLen   int    // bytes of Extensions at the end of the payload
	length   int    // payload bytes, extensions included
	index    uint64 // entry index; start: last index before the segment
	term     uint64 // entry term; start: epoch of the segment before
	commit   uint64 // newest commit index that the writer knew
	appended int64  // unix nanoseconds, 0 means not set
	durable  uint32 // all bytes of this file before this position were durable when written
	extra    uint32 // start: end of the segment before; else 0
	dataCRC  uint32
}

// size is the number of bytes that the frame takes in the file.
func (f *frame) size() int64 { return frameSize(f.length) }

func frameSize(payload int) int64 {
	return int64(frameHeader+payload+frameAlign-1) &^ (frameAlign - 1)
}

// seedCRC folds the epoch of the file into a checksum, so that a frame written in an earlier life
// of the file can never pass in a later one.
func seedCRC(epoch uint64) uint32 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], epoch)
	return crc32.Update(0, castagnoli, b[:])
}

// dataSum is the checksum of a payload. The position is folded in by the header only.
func dataSum(epoch uint64, data, ext []byte) uint32 {
	c := crc32.Update(seedCRC(epoch), castagnoli, data)
	return crc32.Update(c, castagnoli, ext)
}

// putFrame writes the header of f into b[:frameHeader].
func putFrame(b []byte, epoch uint64, pos int64, f *frame) {
	le := binary.LittleEndian
	le.PutUint32(b[4:], uint32(f.length))
	le.PutUint64(b[8:], f.index)
	le.PutUint64(b[16:], f.term)
	le.PutUint64(b[24:], f.commit)
	le.PutUint64(b[32:], uint64(f.appended))
	le.PutUint32(b[40:], f.durable)
	le.PutUint32(b[44:], f.extra)
	b[48] = byte(f.kind)
	b[49] = byte(f.logType)
	le.PutUint16(b[50:], uint16(f.extLen))
	le.PutUint32(b[52:], f.dataCRC)
	le.PutUint32(b, headerSum(epoch, pos, b))
}

func headerSum(epoch uint64, pos int64, b []byte) uint32 {
	var p [8]byte
	binary.LittleEndian.PutUint64(p[:], uint64(pos))
	c := crc32.Update(seedCRC(epoch), castagnoli, p[:])
	return crc32.Update(c, castagnoli, b[4:frameHeader])
}

// getFrame decodes the header at b[:frameHeader], which lies at pos of a file of that epoch. It
// reports false if the header was not written there in that epoch, or has been damaged.
func getFrame(b []byte, epoch uint64, pos int64, f *frame) bool {
	le := binary.LittleEndian
	kind := frameKind(b[48])
	if kind < kindStart || kind > kindClose {
		return false
	}
	f.length = int(le.Uint32(b[4:]))
	f.durable = le.Uint32(b[40:])
	if f.length > maxPayload || int64(f.durable) > pos {
		return false
	}
	if le.Uint32(b) != headerSum(epoch, pos, b) {
		return false
	}
	f.kind = kind
	f.logType = raft.LogType(b[49])
	f.extLen = int(le.Uint16(b[50:]))
	f.index = le.Uint64(b[8:])
	f.term = le.Uint64(b[16:])
	f.commit = le.Uint64(b[24:])
	f.appended = int64(le.Uint64(b[32:]))
	f.extra = le.Uint32(b[44:])
	f.dataCRC = le.Uint32(b[52:])
	return f.extLen <= f.length
}

// toLog fills a raft.Log from a frame and its payload, which it keeps by reference.
func (f *frame) toLog(payload []byte, out *raft.Log) {
	n := f.length - f.extLen
	*out = raft.Log{Index: f.index, Term: f.term, Type: f.logType}
	if n > 0 {
		out.Data = payload[:n:n]
	}
	if f.extLen > 0 {
		out.Extensions = payload[n:f.length:f.length]
	}
	if f.appended != 0 {
		out.AppendedAt = time.Unix(0, f.appended)
	}
}

// putFileHeader writes the 64 bytes that open a segment file. size is the length that the file
// was pre-written to: a shorter file has been cut off by someone.
func putFileHeader(b []byte, epoch uint64, size int64) {
	clear(b[:fileHeader])
	binary.LittleEndian.PutUint64(b, fileMagic)
	binary.LittleEndian.PutUint32(b[8:], fileVersion)
	binary.LittleEndian.PutUint64(b[16:], epoch)
	binary.LittleEndian.PutUint64(b[24:], uint64(size))
	c := crc32.Checksum(b[:fileHeader-4], castagnoli)
	binary.LittleEndian.PutUint32(b[fileHeader-4:], c)
}

// getFileHeader reads back what putFileHeader wrote; the reason is empty if the header is sound.
func getFileHeader(b []byte) (epoch uint64, size int64, reason string) {
	le := binary.LittleEndian
	switch {
	case le.Uint32(b[fileHeader-4:]) != crc32.Checksum(b[:fileHeader-4], castagnoli):
		return 0, 0, "file header checksum does not match"
	case le.Uint64(b) != fileMagic:
		return 0, 0, "not a log segment"
	case le.Uint32(b[8:]) != fileVersion:
		return 0, 0, "log segment was written by another version of the format"
	}
	return le.Uint64(b[16:]), int64(le.Uint64(b[24:])), ""
}
