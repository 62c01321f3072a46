package node

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// systemClock is the machine's clock.
type systemClock struct{}

// NowMicros implements Clock.
func (systemClock) NowMicros() int64 { return time.Now().UnixMicro() }

// After implements Clock.
func (systemClock) After(micros int64) <-chan struct{} {
	ch := make(chan struct{}, 1)
	time.AfterFunc(time.Duration(micros)*time.Microsecond, func() { ch <- struct{}{} })
	return ch
}

// systemRandom gives random bits from the machine's source.
func systemRandom() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: it aborts the program instead
	return binary.LittleEndian.Uint64(b[:])
}
