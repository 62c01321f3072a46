package expr

import (
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

var textArray = types.ArrayOf(types.Of(types.Text))

// matchKernel is ~ and its like.
func matchKernel(flags string, not bool) Kernel {
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		last := ""
		var p *pattern
		for k, r := range rows {
			src := aliasString(args[1].Bytes(int(r)))
			if p == nil || src != last {
				var err error
				if p, err = compilePattern(src, flags); err != nil {
					return rowErr(k, err)
				}
				last = src
			}
			out.Bool[r] = p.re.Match(args[0].Bytes(int(r))) != not
		}
		return nil
	}
}

func optFlags(a []types.Datum, i int) string {
	if len(a) > i {
		return a[i].S
	}
	return ""
}

// noGlobal refuses flag g where it has no meaning.
func noGlobal(flags, fn, instead string) error {
	if !strings.Contains(flags, "g") {
		return nil
	}
	err := sqlerr.New(sqlerr.InvalidParameterValue, "%s does not support the \"global\" option", fn)
	if instead != "" {
		err.WithHint("Use the %s function instead.", instead)
	}
	return err
}

// groupsOf gives the captured groups of a match, or the match when there are none.
func groupsOf(s string, loc []int) []types.Datum {
	if len(loc) == 2 {
		return []types.Datum{types.TextDatum(s[loc[0]:loc[1]])}
	}
	var out []types.Datum
	for i := 2; i < len(loc); i += 2 {
		if loc[i] < 0 {
			out = append(out, types.NullDatum)
		} else {
			out = append(out, types.TextDatum(s[loc[i]:loc[i+1]]))
		}
	}
	return out
}

func regexpMatch(a []types.Datum) (types.Datum, error) {
	if err := noGlobal(optFlags(a, 2), "regexp_match()", "regexp_matches"); err != nil {
		return types.NullDatum, err
	}
	p, err := compilePattern(a[1].S, optFlags(a, 2))
	if err != nil {
		return types.NullDatum, err
	}
	loc := p.re.FindStringSubmatchIndex(a[0].S)
	if loc == nil {
		return types.NullDatum, nil
	}
	return makeArrayDatum(groupsOf(a[0].S, loc), textArray)
}

func regexpMatches(_ *Env, a []types.Datum, emit func([]types.Datum) error) error {
	if a[0].Null || a[1].Null || len(a) > 2 && a[2].Null {
		return nil
	}
	p, err := compilePattern(a[1].S, optFlags(a, 2))
	if err != nil {
		return err
	}
	for i, loc := range p.all(a[0].S) {
		if i > 0 && !p.global {
			break
		}
		d, err := makeArrayDatum(groupsOf(a[0].S, loc), textArray)
		if err != nil {
			return err
		}
		if err := emit([]types.Datum{d}); err != nil {
			return err
		}
	}
	return nil
}

// regexpReplace replaces the n-th match at or after byte start (n = 0: all).
func regexpReplace(b *limitedText, p *pattern, s, repl string, start, n int) {
	at, seen := 0, 0
	for _, loc := range p.allFrom(s, start) {
		seen++
		if n != 0 && seen != n {
			continue
		}
		b.add(s[at:loc[0]])
		expandReplacement(b, s, repl, loc)
		at = loc[1]
		if n != 0 || b.over {
			break
		}
	}
	b.add(s[at:])
}

func expandReplacement(b *limitedText, s, repl string, loc []int) {
	for i := 0; i < len(repl) && !b.over; i++ {
		c := repl[i]
		if c != '\\' || i+1 == len(repl) {
			b.add(repl[i : i+1])
			continue
		}
		i++
		switch g := repl[i]; {
		case g == '&':
			b.add(s[loc[0]:loc[1]])
		case g >= '1' && g <= '9':
			if k := 2 * int(g-'0'); k < len(loc) && loc[k] >= 0 {
				b.add(s[loc[k]:loc[k+1]])
			}
		case g == '\\':
			b.add("\\")
		default:
			b.add("\\")
			b.add(repl[i : i+1])
		}
	}
}

func regexpReplaceRow(a []types.Datum) (types.Datum, error) {
	flags := optFlags(a, 3)
	if flags != "" && flags[0] >= '0' && flags[0] <= '9' {
		return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
			"invalid regular expression option: \"%c\"", flags[0]).
			WithHint("If you meant to use regexp_replace() with a start parameter, " +
				"cast the fourth argument to integer explicitly.")
	}
	p, err := compilePattern(a[1].S, flags)
	if err != nil {
		return types.NullDatum, err
	}
	n := 1
	if p.global {
		n = 0
	}
	var b limitedText
	regexpReplace(&b, p, a[0].S, a[2].S, 0, n)
	return b.datum()
}

// regexpReplaceAt is the form with a start, and with the number of the match.
func regexpReplaceAt(a []types.Datum) (types.Datum, error) {
	start, n := a[3].I, int64(1)
	flags := optFlags(a, 5)
	if len(a) > 4 {
		n = a[4].I
	} else if strings.Contains(flags, "g") {
		n = 0
	}
	if start < 1 {
		return types.NullDatum, errRegexParam("start", start)
	}
	if n < 0 {
		return types.NullDatum, errRegexParam("n", n)
	}
	p, err := compilePattern(a[1].S, flags)
	if err != nil {
		return types.NullDatum, err
	}
	if start > int64(utf8.RuneCountInString(a[0].S))+1 {
		return types.TextDatum(a[0].S), nil
	}
	from := runeOffset(aliasBytes(a[0].S), int(min(start-1, int64(len(a[0].S)))))
	var b limitedText
	regexpReplace(&b, p, a[0].S, a[2].S, from, int(n))
	return b.datum()
}

func errRegexParam(name string, v int64) error {
	return sqlerr.New(sqlerr.InvalidParameterValue,
		"invalid value for parameter \"%s\": %d", name, v)
}

// regexpSplit cuts s at the matches of p. Empty matches at the ends and right
// after another match do not split.
func regexpSplit(p *pattern, s string) []types.Datum {
	var out []types.Datum
	at := 0
	for _, loc := range p.re.FindAllStringIndex(s, -1) {
		if loc[0] == loc[1] && (loc[0] == at || loc[0] == len(s)) {
			continue
		}
		out = append(out, types.TextDatum(s[at:loc[0]]))
		at = loc[1]
	}
	return append(out, types.TextDatum(s[at:]))
}

func splitArgs(a []types.Datum, fn string) ([]types.Datum, error) {
	if err := noGlobal(optFlags(a, 2), fn, ""); err != nil {
		return nil, err
	}
	p, err := compilePattern(a[1].S, optFlags(a, 2))
	if err != nil {
		return nil, err
	}
	return regexpSplit(p, a[0].S), nil
}

// matchesFrom gives the matches at or after the start-th character, and the byte
// where that is.
func matchesFrom(s, src, flags string, start int64) ([][]int, error) {
	if start < 1 {
		return nil, errRegexParam("start", start)
	}
	p, err := compilePattern(src, flags)
	if err != nil {
		return nil, err
	}
	if start > int64(utf8.RuneCountInString(s))+1 {
		return nil, nil
	}
	from := runeOffset(aliasBytes(s), int(min(start-1, int64(len(s)))))
	return p.allFrom(s, from), nil
}

func intOr(a []types.Datum, i int, def int64) int64 {
	if len(a) > i {
		return a[i].I
	}
	return def
}

func regexpCount(a []types.Datum) (types.Datum, error) {
	if err := noGlobal(optFlags(a, 3), "regexp_count()", ""); err != nil {
		return types.NullDatum, err
	}
	ms, err := matchesFrom(a[0].S, a[1].S, optFlags(a, 3), intOr(a, 2, 1))
	return types.IntDatum(int64(len(ms))), err
}

func regexpInstr(a []types.Datum) (types.Datum, error) {
	start, n, end, sub := intOr(a, 2, 1), intOr(a, 3, 1), intOr(a, 4, 0), intOr(a, 6, 0)
	switch {
	case start < 1:
		return types.NullDatum, errRegexParam("start", start)
	case n < 1:
		return types.NullDatum, errRegexParam("n", n)
	case end != 0 && end != 1:
		return types.NullDatum, errRegexParam("endoption", end)
	case sub < 0:
		return types.NullDatum, errRegexParam("subexpr", sub)
	}
	loc, err := nthMatch(a, n, optFlags(a, 5), sub, "regexp_instr()")
	if err != nil || loc == nil {
		return types.IntDatum(0), err
	}
	at := loc[0]
	if end == 1 {
		at = loc[1]
	}
	return types.IntDatum(int64(utf8.RuneCountInString(a[0].S[:at])) + 1), nil
}

// nthMatch gives the n-th match of a pattern from a[2] on, or one of its groups.
func nthMatch(a []types.Datum, n int64, flags string, sub int64, fn string) ([]int, error) {
	if err := noGlobal(flags, fn, ""); err != nil {
		return nil, err
	}
	if _, err := compilePattern(a[1].S, flags); err != nil {
		return nil, err
	}
	if intOr(a, 2, 1) > int64(utf8.RuneCountInString(a[0].S))+1 {
		return nil, nil
	}
	ms, err := matchesFrom(a[0].S, a[1].S, flags, intOr(a, 2, 1))
	if err != nil || int64(len(ms)) < n {
		return nil, err
	}
	loc := ms[n-1]
	if len(loc) == 2 && sub == 1 { // without groups the whole is the first
		sub = 0
	}
	if 2*sub+1 >= int64(len(loc)) || loc[2*sub] < 0 {
		return nil, nil
	}
	return loc[2*sub : 2*sub+2], nil
}

func regexpSubstr(a []types.Datum) (types.Datum, error) {
	start, n, sub := intOr(a, 2, 1), intOr(a, 3, 1), intOr(a, 5, 0)
	if start < 1 {
		return types.NullDatum, errRegexParam("start", start)
	}
	if n < 1 {
		return types.NullDatum, errRegexParam("n", n)
	}
	if sub < 0 {
		return types.NullDatum, errRegexParam("subexpr", sub)
	}
	loc, err := nthMatch(a, n, optFlags(a, 4), sub, "regexp_substr()")
	if err != nil || loc == nil {
		return types.NullDatum, err
	}
	return types.TextDatum(a[0].S[loc[0]:loc[1]]), nil
}

func regexpLike(a []types.Datum) (types.Datum, error) {
	if err := noGlobal(optFlags(a, 2), "regexp_like()", ""); err != nil {
		return types.NullDatum, err
	}
	p, err := compilePattern(a[1].S, optFlags(a, 2))
	if err != nil {
		return types.NullDatum, err
	}
	return types.BoolDatum(p.re.MatchString(a[0].S)), nil
}

// substringRegex is substring(text from pattern): the first group, or the match.
func substringRegex(a []types.Datum) (types.Datum, error) {
	p, err := compilePattern(a[1].S, "")
	if err != nil {
		return types.NullDatum, err
	}
	loc := p.re.FindStringSubmatchIndex(a[0].S)
	if loc == nil {
		return types.NullDatum, nil
	}
	return groupsOf(a[0].S, loc)[0], nil
}

func defineRegexp(r *registry) {
	for _, l := range []string{"text", "bpchar", "name"} {
		r.op("~("+l+", text) bool", matchKernel("", false), "matches a regular expression",
			"'thomas'::"+l+" ~ 't.*ma'")
		r.op("!~("+l+", text) bool", matchKernel("", true), "does not match a regular expression",
			"'thomas'::"+l+" !~ 't.*max'")
		r.op("~*("+l+", text) bool", matchKernel("i", false),
			"matches a regular expression, case aside", "'thomas'::"+l+" ~* 'T.*ma'")
		r.op("!~*("+l+", text) bool", matchKernel("i", true),
			"does not match a regular expression, case aside", "'thomas'::"+l+" !~* 'T.*ma'")
	}
	r.fn("substring(text, text) text", substringRegex, "what a regular expression matches",
		"substring('Thomas' from '...$')")
	r.fn("substring(text, text, text) text", substringSimilar, "what a SQL pattern matches",
		"substring('Thomas' similar '%#\"o_a#\"_' escape '#')")
	r.fn("similar_to_escape(text) text", func(s string) (string, error) {
		return similarPattern(s, "\\")
	}, "SQL pattern as a regular expression", "similar_to_escape('a%')")
	r.fn("similar_to_escape(text, text) text", similarPattern,
		"SQL pattern as a regular expression", "similar_to_escape('a#%', '#')")
	for _, opt := range []string{"", ", text"} {
		tail := strings.Replace(opt, "text", "'i'", 1)
		r.fn("regexp_match(text, text"+opt+") text[]", regexpMatch,
			"the groups of the first match", "regexp_match('foobarbequebaz', '(bar)(beque)'"+tail+")")
		r.fn("regexp_matches(text, text"+opt+") text[]", regexpMatches,
			"the groups of the first match, or of all with flag g",
			"regexp_matches('foobarbequebaz', 'ba.'"+tail+")").nullable()
		r.fn("regexp_replace(text, text, text"+opt+") text", regexpReplaceRow,
			"matches replaced: the first, or all with flag g",
			"regexp_replace('Thomas', '.[mN]a.', 'M'"+tail+")")
		r.fn("regexp_like(text, text"+opt+") bool", regexpLike, "whether there is a match",
			"regexp_like('Hello World', 'world$'"+tail+")")
		r.fn("regexp_split_to_array(text, text"+opt+") text[]",
			func(a []types.Datum) (types.Datum, error) {
				parts, err := splitArgs(a, "regexp_split_to_array()")
				if err != nil {
					return types.NullDatum, err
				}
				return makeArrayDatum(parts, textArray)
			}, "the pieces between matches", "regexp_split_to_array('hello world', '\\s+'"+tail+")")
		r.fn("regexp_split_to_table(text, text"+opt+") text", splitToTable,
			"the pieces between matches, one a row",
			"regexp_split_to_table('hello world', '\\s+'"+tail+")").nullable()
	}
	defineRegexpPositions(r)
}

func splitToTable(_ *Env, a []types.Datum, emit func([]types.Datum) error) error {
	for _, d := range a {
		if d.Null {
			return nil
		}
	}
	parts, err := splitArgs(a, "regexp_split_to_table()")
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := emit([]types.Datum{p}); err != nil {
			return err
		}
	}
	return nil
}

func defineRegexpPositions(r *registry) {
	r.fn("regexp_replace(text, text, text, int4) text", regexpReplaceAt,
		"the first match from a position on replaced",
		"regexp_replace('A PostgreSQL function', 'a|e|i|o|u', 'X', 4)")
	r.fn("regexp_replace(text, text, text, int4, int4) text", regexpReplaceAt,
		"the n-th match from a position on replaced",
		"regexp_replace('A PostgreSQL function', 'a|e|i|o|u', 'X', 1, 3)")
	r.fn("regexp_replace(text, text, text, int4, int4, text) text", regexpReplaceAt,
		"the n-th match from a position on replaced",
		"regexp_replace('A PostgreSQL function', 'a|e|i|o|u', 'X', 1, 3, 'i')")
	opts := []struct{ sig, args string }{
		{"", ""}, {", int4", ", 2"}, {", int4, text", ", 2, 'i'"},
	}
	for _, o := range opts {
		r.fn("regexp_count(text, text"+o.sig+") int4", regexpCount, "number of matches",
			"regexp_count('123456789012', '\\d\\d\\d'"+o.args+")")
	}
	opts = []struct{ sig, args string }{
		{"", ""}, {", int4", ", 1"}, {", int4, int4", ", 1, 2"}, {", int4, int4, int4", ", 1, 1, 1"},
		{", int4, int4, int4, text", ", 1, 1, 0, 'i'"},
		{", int4, int4, int4, text, int4", ", 1, 1, 0, 'i', 2"},
	}
	for _, o := range opts {
		r.fn("regexp_instr(text, text"+o.sig+") int4", regexpInstr, "place of a match, from 1",
			"regexp_instr('ABCDEFG', '(c)(d)|(.)'"+o.args+")")
	}
	opts = []struct{ sig, args string }{
		{"", ""}, {", int4", ", 1"}, {", int4, int4", ", 1, 2"}, {", int4, int4, text", ", 1, 1, 'i'"},
		{", int4, int4, text, int4", ", 1, 1, 'i', 2"},
	}
	for _, o := range opts {
		r.fn("regexp_substr(text, text"+o.sig+") text", regexpSubstr, "what a match matches",
			"regexp_substr('ABCDEFG', '(C)(..)|(.)'"+o.args+")")
	}
}
