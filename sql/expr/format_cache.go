package expr

import (
	"strings"
	"sync"
	"sync/atomic"
)

// maxTemplates bounds the remembered templates; statements have few, and a query
// that takes them from rows does not fill memory.
const maxTemplates = 256

// timeTemplates remembers what templates of times mean: the same few are asked for
// once per row, and reading one takes longer than applying it.
var timeTemplates struct {
	parsed sync.Map // string to []timeToken
	count  atomic.Int32
}

// timeTemplate reads a template. The result is shared: do not change it.
func timeTemplate(s string) []timeToken {
	if t, ok := timeTemplates.parsed.Load(s); ok {
		return t.([]timeToken)
	}
	s = strings.Clone(s) // it may alias a batch
	tokens := parseTimeFormat(s)
	if timeTemplates.count.Add(1) > maxTemplates { // templates that data make: begin anew
		timeTemplates.parsed.Clear()
		timeTemplates.count.Store(1)
	}
	timeTemplates.parsed.Store(s, tokens)
	return tokens
}

// paddedNumber writes v with leading zeros.
func paddedNumber(v int64, width int) string {
	var buf [24]byte
	i, negative := len(buf), v < 0
	for n := v; ; n /= 10 {
		i--
		d := n % 10
		buf[i] = byte('0' + max(d, -d))
		if n/10 == 0 {
			break
		}
	}
	if negative {
		width--
	}
	for len(buf)-i < width && i > 1 {
		i--
		buf[i] = '0'
	}
	if negative {
		i--
		buf[i] = '-'
	}
	return string(buf[i:])
}
