package expr

import (
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func defineFuzzy(r *registry) {
	r.fn("levenshtein(text, text) int4", func(a []types.Datum) (types.Datum, error) {
		return levenshtein(a[0].S, a[1].S, 1, 1, 1)
	}, "number of insertions, deletions and replacements between texts (fuzzystrmatch)",
		"levenshtein('GUMBO', 'GAMBOL')")
	r.fn("levenshtein(text, text, int4, int4, int4) int4", func(a []types.Datum) (types.Datum, error) {
		return levenshtein(a[0].S, a[1].S, a[2].I, a[3].I, a[4].I)
	}, "distance with the costs of an insertion, deletion and replacement (fuzzystrmatch)",
		"levenshtein('GUMBO', 'GAMBOL', 2, 1, 1)")
	r.fn("soundex(text) text", func(s string) string { return soundex(s) },
		"code of how an English word sounds (fuzzystrmatch)", "soundex('Anne')")
	r.fn("difference(text, text) int4", func(a []types.Datum) (types.Datum, error) {
		return types.IntDatum(soundexDifference(a[0].S, a[1].S)), nil
	}, "places in which the sounds of two words agree: 0 to 4 (fuzzystrmatch)",
		"difference('Anne', 'Andrew')")
}

// maxLevenshtein is the longest text, in characters.
const maxLevenshtein = 255

// levenshtein is the distance of Wagner and Fischer, in one row of the matrix.
func levenshtein(s, t string, insert, remove, replace int64) (types.Datum, error) {
	from, to := int64(utf8.RuneCountInString(s)), []rune(t)
	if from > maxLevenshtein || len(to) > maxLevenshtein {
		return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
			"levenshtein argument exceeds maximum length of %d characters", maxLevenshtein)
	}
	if !isInt32(from*remove) || !isInt32(int64(len(to))*insert) {
		return types.NullDatum, errLevenshtein()
	}
	row := make([]int64, len(to)+1)
	for j := range to {
		row[j+1] = row[j] + insert
	}
	first := int64(0)
	for _, c := range s {
		corner := first
		first += remove
		row[0] = first
		for j, d := range to {
			cost := corner
			if c != d {
				cost += replace
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j+1]+remove, row[j]+insert)
		}
	}
	if !isInt32(row[len(to)]) {
		return types.NullDatum, errLevenshtein()
	}
	return types.IntDatum(row[len(to)]), nil
}

func isInt32(v int64) bool { return v == int64(int32(v)) }

func errLevenshtein() error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "levenshtein distance out of range")
}

// soundexCodes has the digit of each letter from A on; 0 is not written.
const soundexCodes = "01230120022455012623010202"

const soundexLen = 4

// soundexCode gives the digit of a letter, and other bytes as they are.
func soundexCode(c byte) byte {
	if up := c &^ 0x20; isLetter(c) {
		return soundexCodes[up-'A']
	}
	return c
}

// soundex gives the first letter and the digits of those that follow, without repetition;
// nothing where there is no letter.
func soundex(s string) string {
	i := 0
	for i < len(s) && !isLetter(s[i]) {
		i++
	}
	if i == len(s) {
		return ""
	}
	out := append(make([]byte, 0, soundexLen), s[i]&^0x20)
	for i++; i < len(s) && len(out) < soundexLen; i++ {
		code := soundexCode(s[i])
		if isLetter(s[i]) && code != soundexCode(s[i-1]) && code != '0' {
			out = append(out, code)
		}
	}
	for len(out) < soundexLen {
		out = append(out, '0')
	}
	return string(out)
}

func soundexDifference(s, t string) int64 {
	a, b := soundex(s), soundex(t)
	n := int64(0)
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			n++
		}
	}
	if a == "" && b == "" {
		return soundexLen
	}
	return n
}
