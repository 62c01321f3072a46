package docgen

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var link = regexp.MustCompile(`\]\(([^)#]*)(#[^)]*)?\)`)

// TestLinks demands that every relative link of a page leads to a file, and that
// every page of docs/sql is reached from its index.
func TestLinks(t *testing.T) {
	reached := map[string]bool{}
	for _, name := range pages(t) {
		b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		parts, err := parsePage(string(b))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			for _, m := range link.FindAllStringSubmatch(p.prose, -1) {
				if m[1] == "" || strings.Contains(m[1], "://") {
					continue
				}
				target := filepath.Join(filepath.Dir(filepath.FromSlash(name)), m[1])
				if _, err := os.Stat(filepath.Join(root, target)); err != nil {
					t.Errorf("%s links to %s, which is not there", name, m[1])
				}
				reached[filepath.ToSlash(target)] = true
			}
		}
	}
	for _, name := range pages(t) {
		if strings.HasPrefix(name, "docs/sql/") && !reached[name] {
			t.Errorf("no page links to %s: add it to docs/sql/README.md", name)
		}
	}
}
