package expr

import (
	"math/big"
	"strings"
)

// plainNumber gives a number literal in decimal digits alone: 1_000 without what parts its
// digits, and 0x1F, 0o17 and 0b11 by their value, as later versions of PostgreSQL have them.
func plainNumber(s string) string {
	sign, digits := "", s
	if strings.HasPrefix(s, "-") {
		sign, digits = "-", s[1:]
	}
	if len(digits) > 2 && digits[0] == '0' && strings.IndexByte("xXoObB", digits[1]) >= 0 {
		base := map[byte]int{'x': 16, 'o': 8, 'b': 2}[digits[1]|0x20]
		plain := strings.ReplaceAll(digits[2:], "_", "")
		if v, ok := new(big.Int).SetString(plain, base); ok {
			return sign + v.String()
		}
		return s
	}
	if strings.IndexByte(digits, '_') >= 0 {
		return sign + strings.ReplaceAll(digits, "_", "")
	}
	return s
}
