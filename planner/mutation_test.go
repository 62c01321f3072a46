package planner

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/parse"
)

var mutationSeed = flag.Uint64("seed", 1, "seed of TestMutations")
var mutationCount = flag.Int("mutations", 20000, "statements that TestMutations makes")

// corpus gives the statements of testdata/planner, and a catalog that most of them
// bind against.
func corpus(t *testing.T) (statements []string, s *script) {
	t.Helper()
	s = newScript()
	files, err := filepath.Glob("../testdata/planner/*.test")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(text), "\n\n") {
			in, _, _ := strings.Cut(block, "\n----")
			verb, body, _ := strings.Cut(in, "\n")
			if verb == "do" {
				s.run(verb, body)
			}
			statements = append(statements, strings.Split(body, ";\n")...)
		}
	}
	return statements, s
}

// TestMutations plans statements whose words were exchanged, doubled, dropped or
// taken from other statements. None may panic, whatever it means.
func TestMutations(t *testing.T) {
	statements, s := corpus(t)
	rng := rand.New(rand.NewPCG(*mutationSeed, 0))
	t.Logf("seed %d: go test ./planner -run TestMutations -seed %d", *mutationSeed, *mutationSeed)
	planned := 0
	for range *mutationCount {
		text := mutate(rng, statements)
		n, err := planAll(s, text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		planned += n
	}
	t.Logf("%d of %d statements have a plan", planned, *mutationCount)
	if planned < *mutationCount/20 {
		t.Errorf("only %d of %d statements have a plan", planned, *mutationCount)
	}
}

// token splits a statement into words, numbers, strings and signs.
var token = regexp.MustCompile(`'[^']*'|[A-Za-z_][A-Za-z_0-9]*|[0-9.]+|\$[0-9]|[^\s]`)

// mutate exchanges a few tokens for others of their class, mostly within the
// statement, and sometimes breaks it.
func mutate(rng *rand.Rand, statements []string) string {
	words := token.FindAllString(statements[rng.IntN(len(statements))], -1)
	for range 1 + rng.IntN(3) {
		if len(words) == 0 {
			return ""
		}
		i := rng.IntN(len(words))
		from := words
		if rng.IntN(3) == 0 {
			from = token.FindAllString(statements[rng.IntN(len(statements))], -1)
		}
		if len(from) == 0 {
			continue
		}
		if w := from[rng.IntN(len(from))]; class(w) == class(words[i]) || rng.IntN(12) == 0 {
			words[i] = w
		}
		if rng.IntN(20) == 0 {
			words = append(words[:i:i], words[i+1:]...)
		}
	}
	return strings.Join(words, " ")
}

// class tells key words, names, literals and signs apart.
func class(w string) int {
	switch c := w[0]; {
	case c == '\'' || c >= '0' && c <= '9':
		return 1
	case w == strings.ToUpper(w) && c >= 'A' && c <= 'Z':
		return 2
	case c >= 'a' && c <= 'z' || c == '_' || c >= 'A' && c <= 'Z':
		return 3
	}
	return 4
}

// planAll plans a text's statements, and the continuous queries that they make; the
// error is a panic. It counts the statements that have a plan.
func planAll(s *script, text string) (planned int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	stmts, perr := parse.Parse(text)
	if perr != nil {
		return 0, nil
	}
	for _, st := range stmts {
		p, berr := Build(st, s.env(text))
		if berr != nil {
			continue
		}
		if planned++; p.Command == nil {
			continue
		}
		next, change, aerr := s.snap.Apply(s.snap.Version+1, p.Command)
		if aerr != nil {
			continue
		}
		for _, q := range change.Queries {
			env := s.env("")
			env.Snapshot = next
			if _, cerr := BuildContinuous(q, env); cerr != nil && q.State == catalog.QueryBackfilling {
				return planned, fmt.Errorf("a query that was accepted cannot be built: %w", cerr)
			}
		}
	}
	return planned, nil
}

// TestContinuousIsDeterministic builds each continuous query of the corpus twice
// from its stored text.
func TestContinuousIsDeterministic(t *testing.T) {
	statements, s := corpus(t)
	built := 0
	for _, text := range statements {
		stmts, err := parse.Parse(text)
		if err != nil {
			continue
		}
		for _, st := range stmts {
			p, err := Build(st, s.env(text))
			if err != nil || p.Command == nil {
				continue
			}
			next, change, err := s.snap.Apply(s.snap.Version+1, p.Command)
			if err != nil {
				continue
			}
			for _, q := range change.Queries {
				env := s.env("")
				env.Snapshot = next
				a, err := BuildContinuous(q, env)
				if err != nil {
					continue
				}
				b, err := BuildContinuous(q, env)
				if err != nil || a.Hash != b.Hash || ExplainNode(a.Root) != ExplainNode(b.Root) {
					t.Errorf("%s: hashes %x and %x, error %v", q.SQL, a.Hash, b.Hash, err)
				}
				built++
			}
		}
	}
	if built == 0 {
		t.Fatal("no continuous query was built")
	}
}
