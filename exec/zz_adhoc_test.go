package exec_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestAdhocNexmark(t *testing.T) {
	dir := os.Getenv("NEXMARK")
	if dir == "" {
		t.Skip()
	}
	n := newNode(t, options{partitions: 2, workers: 1})
	strip := regexp.MustCompile(`(?s)/\*postgres.*?\*/`)
	load := func(f string) string {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		s := strip.ReplaceAllString(string(b), "")
		s = strings.ReplaceAll(s, "/*millrace", "")
		return strings.ReplaceAll(s, "*/", "")
	}
	if _, err := n.run(load(filepath.Join(dir, "schema.sql"))); err != nil {
		t.Fatal(err)
	}
	qs, _ := filepath.Glob(filepath.Join(dir, "queries", "*.sql"))
	ok := 0
	for _, q := range qs {
		_, err := n.run(load(q))
		if err != nil {
			fmt.Println(filepath.Base(q), errorText(err))
			continue
		}
		ok++
	}
	fmt.Println(ok, "of", len(qs))
}
