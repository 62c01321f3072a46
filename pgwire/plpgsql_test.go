package pgwire

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// postgresSocket is where a PostgreSQL 15 listens, whose answers are then recorded too.
var postgresSocket = flag.String("postgres", "", "socket of a PostgreSQL for testdata/plpgsql")

// TestPlpgsql runs testdata/plpgsql/*.test; the read-me there describes them.
func TestPlpgsql(t *testing.T) {
	files, err := filepath.Glob("../testdata/plpgsql/*.test")
	if err != nil || len(files) == 0 {
		t.Fatalf("no blocks: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".test"), func(t *testing.T) {
			blocksOf(t, file)
		})
	}
}

const (
	resultLine = "\n----"
	otherLine  = "\n---- postgres" // with ": " and the reason behind it
)

func blocksOf(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := startNode(t, nil).login(t)
	var pg *client
	if *postgresSocket != "" {
		pg = postgres(t)
	}
	var out []string
	for _, block := range strings.Split(strings.TrimRight(string(text), "\n"), "\n\n") {
		in, want, isCase := strings.Cut(block, resultLine)
		if !isCase {
			out = append(out, block)
			continue
		}
		want, other, differs := strings.Cut(want, otherLine)
		reason, other, _ := strings.Cut(other, "\n")
		want = strings.TrimPrefix(want, "\n")
		got := runBlock(c, in)
		if got != want && !*rewriteFiles {
			t.Errorf("%s\n---- got\n%s\n---- want\n%s", in, got, want)
		}
		if pg != nil {
			if other = runBlock(pg, in); (other != got) != differs && !*rewriteFiles {
				t.Errorf("%s\n---- got\n%s\n---- PostgreSQL\n%s", in, got, other)
			}
			differs = other != got
		}
		if differs && len(strings.TrimPrefix(reason, ": ")) == 0 {
			t.Errorf("%s\n---- PostgreSQL answers otherwise, and no reason is there", in)
		}
		entry := in + resultLine + "\n" + got
		if differs {
			entry += otherLine + reason + "\n" + other
		}
		out = append(out, strings.TrimRight(entry, "\n"))
	}
	if *rewriteFiles {
		err := os.WriteFile(file, []byte(strings.Join(out, "\n\n")+"\n"), 0o644)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// postgres connects to PostgreSQL, with an empty schema public.
func postgres(t *testing.T) *client {
	nc, err := net.Dial("unix", *postgresSocket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, nc: nc, r: bufio.NewReader(nc)}
	c.startup("user", "postgres", "database", "postgres")
	c.key(t)
	runBlock(c, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
	return c
}

// runBlock sends a text and gives what comes back: notices, rows, tags, errors.
func runBlock(c *client, text string) string {
	c.send('Q', cstring(text))
	var out []string
	for {
		switch kind, body := c.read(); kind {
		case 0:
			return strings.Join(append(out, "closed"), "\n")
		case 'Z':
			return strings.Join(out, "\n")
		case 'E', 'N':
			out = append(out, blockReport(text, body))
		case 'D':
			out = append(out, showRow(body))
		case 'C':
			if tag := string(body[:len(body)-1]); !strings.HasPrefix(tag, "SELECT") {
				out = append(out, tag)
			}
		}
	}
}

// blockReport shows an error or a notice; its position is shown as the word that is there.
func blockReport(text string, b []byte) string {
	f := map[byte]string{}
	for len(b) > 1 {
		v, rest, _ := bytes.Cut(b[1:], []byte{0})
		f[b[0]] = string(v)
		b = rest
	}
	s := fmt.Sprintf("%s %s: %s", f['S'], f['C'], f['M'])
	at := f['P']
	if f['q'] != "" {
		at, text = f['p'], f['q']
	}
	if n, err := strconv.Atoi(at); err == nil && f['S'] == "ERROR" {
		for ; n > 1; n-- {
			_, size := utf8.DecodeRuneInString(text)
			text = text[size:]
		}
		word, _, _ := strings.Cut(text+" ", " ")
		word, _, _ = strings.Cut(word, "\n")
		s += "\n  AT: " + strings.TrimRight(word, ";$,)")
	}
	for _, k := range []byte("DH") {
		if f[k] != "" {
			s += "\n  " + reportNames[k] + ": " + f[k]
		}
	}
	for _, k := range []byte("sctdn") {
		if f[k] != "" && f['S'] != "ERROR" {
			s += fmt.Sprintf("\n  %c: %s", k, f[k])
		}
	}
	if f['S'] == "ERROR" && f['W'] != "" {
		s += "\n  CONTEXT: " + strings.ReplaceAll(f['W'], "\n", "\n    ")
	}
	return s
}
