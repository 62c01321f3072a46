package state

import "unsafe"

// aliasString views b as a string without a copy: valid as long as b is.
func aliasString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
