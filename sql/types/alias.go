package types

import "unsafe"

// str views b as a string without copying it. The result must not outlive the
// call that b was handed to: callees that keep a string copy it.
func str(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// byteView views s as bytes without a copy, never to be written to.
func byteView(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
