package exec_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// shrinks tells to make failing queries small before they are reported.
var shrinks = os.Getenv("MILLRACE_SHRINK") != ""

// maxTries bounds the candidates of one failing query.
const maxTries = 6000

var oracleToken = regexp.MustCompile(`«[^»]*»|'(?:[^']|'')*'|` +
	`[\pL_][\pL\d_]*(?:\.[\pL_*][\pL\d_]*)?|` +
	`\d+(?:\.\d+)?|[-+*/<>=~!@#%^&|:?]+|\S`)

// shrink takes parts out of a query for as long as it shows a difference of its kind.
func (o *oracle) shrink(q dual, shows func(dual) string) dual {
	kind := shows(q)
	if kind == "" {
		return q
	}
	tokens, tries := oracleToken.FindAllString(string(q), -1), 0
	try := func(next []string) bool {
		if tries++; tries > maxTries || !balanced(next) {
			return false
		}
		if shows(dual(strings.Join(next, " "))) != kind {
			return false
		}
		tokens = next
		return true
	}
	for again := true; again && tries < maxTries; {
		again = false
		for i := 0; i < len(tokens); i++ {
			for _, by := range [][]string{nil, {"1"}, {"NULL"}, {"true"}} {
				if j := closing(tokens, i); j > i+1 && !slices.Equal(tokens[i:j], by) {
					again = try(slices.Concat(tokens[:i], by, tokens[j:])) || again
				}
			}
			if j := closing(tokens, i); j > i+1 && (try(tokens[i+1:j-1:j-1]) ||
				try(slices.Concat(tokens[:i], tokens[i+1:j-1], tokens[j:]))) {
				again = true
			}
		}
		for n := len(tokens) / 2; n > 0; n = n * 2 / 3 {
			for i := 0; i+n <= len(tokens); i++ {
				again = try(slices.Concat(tokens[:i], tokens[i+n:])) || again
			}
		}
	}
	return dual(strings.Join(tokens, " "))
}

// closing gives the end of the parenthesis that opens at i, or i.
func closing(tokens []string, i int) int {
	depth := 0
	for j := i; j < len(tokens); j++ {
		switch tokens[j] {
		case "(":
			depth++
		case ")":
			depth--
		}
		if depth == 0 {
			if j == i {
				return i
			}
			return j + 1
		}
	}
	return i
}

func balanced(tokens []string) bool {
	depth := 0
	for _, t := range tokens {
		switch t {
		case "(":
			depth++
		case ")":
			depth--
		}
		if depth < 0 {
			return false
		}
	}
	return depth == 0
}

// otherPlans turn off how PostgreSQL would go about a query: what then changes was a
// matter of chance.
var otherPlans = []string{"enable_hashjoin", "enable_hashagg", "enable_mergejoin"}

// kindOfDifference names what a query shows, in a word that a smaller one must show too.
func (o *oracle) kindOfDifference(q dual) string {
	want, theirs := o.pg.run(q.theirs())
	if theirs != nil && pgCode(theirs)[:2] == "42" {
		return ""
	}
	got, err := o.node.run(q.ours())
	switch {
	case err == nil && theirs == nil:
		if difference(got, want) == "" || o.byChance(q, want) {
			return ""
		}
		return "rows"
	case err != nil && theirs != nil && string(sqlerr.As(err).Code) == pgCode(theirs):
		return ""
	case err != nil && theirs == nil:
		return "ours: " + string(sqlerr.As(err).Code)
	case err == nil:
		return "theirs: " + pgCode(theirs)
	}
	return fmt.Sprint(sqlerr.As(err).Code, pgCode(theirs))
}

func (o *oracle) byChance(q dual, want []string) bool {
	set := func(to string) {
		for _, s := range otherPlans {
			if _, err := o.pg.run("SET " + s + " = " + to); err != nil {
				o.Fatal(err)
			}
		}
	}
	set("off")
	again, err := o.pg.run(q.theirs())
	set("on")
	return err != nil || difference(again, want) != ""
}

// small gives a query that differs in fewer words, and the tables that it names. Risky
// queries are short, and one word less can make them ask for all memory.
func (o *oracle) small(q dual) string {
	if !shrinks || o.pg == nil || o.ordered || o.g.risky {
		return ""
	}
	q = o.shrink(q, o.kindOfDifference)
	var b strings.Builder
	fmt.Fprintf(&b, "\n-- small:\n%s;\n", q.ours())
	got, err := o.node.run(q.ours())
	want, theirs := o.pg.run(q.theirs())
	fmt.Fprintf(&b, "%s%v %v\n", difference(got, want), err, theirs)
	for _, t := range o.g.tables {
		if strings.Contains(string(q), t.name) {
			rows, _ := o.node.run("SELECT * FROM " + t.name)
			fmt.Fprintf(&b, "%s (%s):\n  %s\n", t.name, columnNames(t.cols), strings.Join(rows, "\n  "))
		}
	}
	return b.String()
}

// smallView gives a view and changes that differ from its SELECT.
func (o *oracle) smallView(v *oracleView) string {
	if !shrinks {
		return ""
	}
	steps := slices.Clone(o.history)
	i := slices.IndexFunc(steps, func(s string) bool {
		return strings.HasPrefix(s, "CREATE MATERIALIZED VIEW "+v.name+" ")
	})
	if i < 0 {
		return ""
	}
	name := "CREATE MATERIALIZED VIEW " + v.name + " AS "
	text := v.text
	differs := func(steps []string, text dual) (kind string) {
		o.Run("smaller", func(t *testing.T) {
			kind = viewDiffers(newNode(t, o.node.opts), v.name, steps,
				text)
		})
		return kind
	}
	for n := len(steps) / 2; n > 0; n /= 2 {
		for i := 0; i+n <= len(steps); {
			if next := slices.Concat(steps[:i], steps[i+n:]); differs(next, text) != "" {
				steps = next
			} else {
				i++
			}
		}
	}
	text = o.shrink(text, func(q dual) string { return differs(steps, q) })
	for i, s := range steps {
		if strings.HasPrefix(s, name) {
			steps[i] = name + text.ours()
		}
	}
	return "\n-- small:\n" + strings.Join(steps, ";\n") + ";"
}

// viewDiffers runs statements, of which one makes a view, and tells whether it comes to
// differ from its SELECT.
func viewDiffers(n *node, view string, steps []string, text dual) string {
	name := "CREATE MATERIALIZED VIEW " + view + " AS "
	made := false
	for _, s := range steps {
		if s == "-- restart" {
			n.reopen()
			continue
		}
		if strings.HasPrefix(s, name) {
			s, made = name+text.ours(), true
		}
		if _, err := n.run(s); err != nil {
			return ""
		}
		if !made {
			continue
		}
		want, err := n.run(text.ours())
		got, other := n.run("SELECT * FROM " + view)
		if err == nil && other == nil && difference(got, want) != "" {
			return "rows"
		}
	}
	return ""
}
