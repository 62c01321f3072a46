package planner

import (
	"fmt"
	"strings"
)

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// closest gives the candidate that is the nearest to name by edits, or "" when
// none is near: at most a third of the longer word, and never more than three.
func closest(name string, candidates []string) string {
	best, bestDist := "", 4
	for _, c := range candidates {
		d := distance(strings.ToLower(name), strings.ToLower(c))
		limit := max(len(name), len(c)) / 3
		if d <= limit && d < bestDist || d == 0 {
			best, bestDist = c, d
		}
	}
	return best
}

// distance is the Damerau-Levenshtein distance with adjacent transpositions.
func distance(a, b string) int {
	if abs(len(a)-len(b)) > 3 {
		return 4
	}
	prev2 := make([]int, len(b)+1)
	prev := make([]int, len(b)+1)
	cur := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}

func abs(n int) int { return max(n, -n) }
