package catalog

import (
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Similar gives the name of the relation along a search path that is most like
// name, or "" if none is near enough: for "did you mean" hints. Relations of
// other schemas with exactly that name are given with their schema.
func (s *Snapshot) Similar(name string, path []string) string {
	best, limit := "", len(name)/3+1
	for _, schema := range path {
		for _, r := range s.RelationsIn(schema) {
			if !r.Kind.Reads() {
				continue
			}
			if d := editDistance(name, r.Name, limit); d < limit && r.Name != name {
				best, limit = r.Name, d
			}
		}
	}
	if best != "" {
		return best
	}
	for _, x := range s.Schemas() {
		if r := s.Lookup(x.Name, name); r != nil && r.Kind.Reads() {
			return x.Name + "." + name
		}
	}
	return ""
}

// Nearest gives the candidate most like name, or "" if none is near enough: for
// hints about columns, functions, settings.
func Nearest(name string, candidates []string) string {
	best, limit := "", len(name)/3+1
	for _, c := range candidates {
		if d := editDistance(name, c, limit); d < limit && c != name {
			best, limit = c, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions, replacements and swaps of
// neighbours that make b of a, without regard to case; it gives up with limit.
func editDistance(a, b string, limit int) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}
