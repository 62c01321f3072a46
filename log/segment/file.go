package segment

import (
	"context"
	"errors"

	"github.com/millracedb/millrace/log"
)

var errRemoved = errors.New("segment: file was removed")

type file struct {
	base, end        log.Offset
	lastEpoch        log.Epoch
	minTime, maxTime int64
	rows, size       int64
	blocks           []log.Block
}

func (f *file) endAt(e log.Epoch) log.Offset { return f.end }
func (f *file) read(ctx context.Context, from, to log.Offset, columns []int, fn func(*log.Block) error) (log.Offset, error) {
	return from, errRemoved
}

type spill struct{}
