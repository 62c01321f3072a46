package docgen

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the expected output anew")

var root = filepath.Join("..", "..", "..")

// generated pages are written by other tests; what they show is executed there.
var generated = []string{"docs/reference/errors.md", "docs/reference/functions.md",
	"docs/reference/commands.md", "docs/reference/views.md", "docs/reference/settings.md",
	"docs/reference/metrics.md"}

// pages lists README.md and every page below docs, by slashed path.
func pages(t *testing.T) []string {
	t.Helper()
	found := []string{"README.md"}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		rel, err := filepath.Rel(root, path)
		found = append(found, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestPages executes every block of SQL. Sessions live for a page; each page has a
// node of its own.
func TestPages(t *testing.T) {
	for _, name := range pages(t) {
		if slices.Contains(generated, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(root, filepath.FromSlash(name))
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			parts, err := parsePage(string(b))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			parts = playPage(t, name, parts)
			if have := formatPage(parts); *rewrite && have != string(b) {
				if err := os.WriteFile(path, []byte(have), 0o666); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// playPage runs the blocks of a page in order and gives the page as it should be.
func playPage(t *testing.T, name string, parts []part) []part {
	t.Helper()
	var p *player
	var out []part
	for i := 0; i < len(parts); i++ {
		b := parts[i].block
		out = append(out, parts[i])
		if b == nil {
			continue
		}
		where := fmt.Sprintf("%s:%d", name, b.line)
		if b.lang != "sql" {
			checkLanguage(t, where, b)
			continue
		}
		if p == nil {
			p = newPlayer(t)
		}
		got, refused, err := p.play(t.Context(), b)
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		want, next := outputOf(parts, i)
		got = strings.TrimRight(got, "\n")
		if got != "" {
			got += "\n"
		}
		switch {
		case *rewrite:
			if got != "" {
				out = append(out, part{prose: "\n"}, part{block: &block{lang: "text", text: got}})
			}
		case want == nil && refused:
			t.Fatalf("%s: the block is refused, and the page does not show it:\n%s", where, got)
		case want == nil && got != "":
			t.Errorf("%s: the page does not show the output:\n%s", where, got)
		case want != nil && want.text != got:
			t.Errorf("%s: output differs; run with -rewrite and read the diff\ngot:\n%s\nwant:\n%s",
				where, got, want.text)
		}
		if want != nil {
			i = next
		}
	}
	return out
}

// outputOf finds the block of output behind block i, and its place.
func outputOf(parts []part, i int) (*block, int) {
	for j := i + 1; j < len(parts); j++ {
		switch b := parts[j].block; {
		case b == nil && strings.TrimSpace(parts[j].prose) != "":
			return nil, 0
		case b != nil && b.lang == "text":
			return b, j
		case b != nil:
			return nil, 0
		}
	}
	return nil, 0
}

// checkLanguage demands that a block that is not executed says what it is.
func checkLanguage(t *testing.T, where string, b *block) {
	t.Helper()
	if b.lang == "text" {
		return // a picture, or output of a command; SQL's is taken with its block
	}
	if _, ok := languages[b.lang]; !ok {
		t.Errorf("%s: a block of language %q: write ```sql for what is executed, ```text for "+
			"what is shown, or one of the languages of cmd/internal/docgen", where, b.lang)
	}
}
