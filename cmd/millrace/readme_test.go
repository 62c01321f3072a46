package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeTour runs the SQL of the README, block by block, and looks at what the
// text promises.
func TestReadmeTour(t *testing.T) {
	startTestNode(t)
	b, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(b), "```sql\n")[1:]
	if len(blocks) != 4 {
		t.Fatalf("the README has %d blocks of SQL, the test expects 4", len(blocks))
	}
	for i, want := range []string{
		" Lisbon |      2 | 25.55\n Osaka  |      1 | 94.00\n", "CREATE STREAM\n", "Lisbon\t7.35\n",
		"| RUNNING |",
	} {
		text, _, _ := strings.Cut(blocks[i], "```")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var out, errOut bytes.Buffer
		watched := writerFunc(func(p []byte) (int, error) {
			n, err := out.Write(p)
			if strings.Contains(text, "COPY") && strings.Contains(out.String(), want) {
				cancel() // the subscription does not end by itself
			}
			return n, err
		})
		if code := run(ctx, []string{"sql"}, strings.NewReader(text), watched, &errOut); code != exitOK {
			t.Errorf("block %d: exit code %d: %s\n%s", i+1, code, errOut.String(), text)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("block %d: no %q in\n%s", i+1, want, out.String())
		}
	}
}
