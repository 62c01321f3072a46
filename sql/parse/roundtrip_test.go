package parse

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql"
)

// statementsAtLeast is how many statements each folder must give to TestRoundTrips: a
// form of file that is no longer understood would otherwise go unnoticed. They are
// somewhat below what was there when they were written down.
var statementsAtLeast = map[string]int{
	"testdata/sql": 900, "testdata/planner": 500, "testdata/exec": 2000, "testdata/pgwire": 1500,
	"testdata/plpgsql": 200, "testdata/catalog": 10, "testdata/expr": 4000, "docs": 500,
}

// TestRoundTrips checks parse(print(x)) == x for every statement of every corpus, and of
// the pages of the documentation. What is not SQL there, names of verbs and wrong
// statements, does not parse and is left out.
func TestRoundTrips(t *testing.T) {
	for folder, least := range statementsAtLeast {
		t.Run(strings.ReplaceAll(folder, "/", "_"), func(t *testing.T) {
			seen := map[string]bool{}
			for _, file := range corpusFiles(t, filepath.Join("../..", folder)) {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				for _, candidate := range candidates(file, string(text)) {
					roundTrips(t, file, candidate, seen)
				}
			}
			t.Logf("%d statements", len(seen))
			if len(seen) < least {
				t.Errorf("%d statements, want at least %d", len(seen), least)
			}
		})
	}
}

func roundTrips(t *testing.T, file, text string, seen map[string]bool) {
	t.Helper()
	list, err := Parse(text)
	if err != nil {
		return
	}
	for _, s := range list {
		printed := sql.Print(s)
		if seen[printed] {
			continue
		}
		seen[printed] = true
		if problem := roundTrip(s); problem != "" {
			t.Errorf("%s: %s\n%s", file, text, problem)
		}
	}
}

func corpusFiles(t *testing.T, folder string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); ext == ".test" || ext == ".md" {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	return files
}

var (
	sqlBlock = regexp.MustCompile("(?ms)^```sql[^\n]*\n(.*?)^```")
	// linePrefix is what stands before the statement in the line of a transcript:
	// "Q select 1", "P name|select 1|20", "b: COMMIT".
	linePrefix = regexp.MustCompile(`^(?:Q |P [^|]*\||[a-z0-9]+: )`)
)

// candidates gives the texts of a file that may be SQL: blocks, blocks without their
// first line, and lines without what stands before the statement.
func candidates(file, text string) []string {
	var out []string
	if filepath.Ext(file) == ".md" {
		for _, m := range sqlBlock.FindAllStringSubmatch(text, -1) {
			out = append(out, m[1])
			out = append(out, strings.SplitAfter(m[1], ";\n")...)
		}
		return out
	}
	for block := range strings.SplitSeq(text, "\n\n") {
		input, _, _ := strings.Cut("\n"+block, "\n----")
		input = strings.TrimPrefix(input, "\n")
		out = append(out, input)
		if _, rest, ok := strings.Cut(input, "\n"); ok {
			out = append(out, rest)
			out = append(out, strings.SplitAfter(rest, ";\n")...)
		}
		for line := range strings.SplitSeq(input, "\n") {
			line = line[len(linePrefix.FindString(line)):]
			out = append(out, line)
			if head, _, ok := strings.Cut(line, "|"); ok {
				out = append(out, head)
			}
			if x, _, ok := strings.Cut(line, "\t=> "); ok {
				out = append(out, "SELECT "+x)
			}
		}
	}
	return out
}
