package pgwire

import (
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var rewriteFiles = flag.Bool("rewrite", false, "write actual results into testdata")

const testdata = "../testdata/pgwire"

// TestTranscripts plays testdata/pgwire/*.test; the read-me there describes them.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata, "*.test"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".test"), func(t *testing.T) {
			playFile(t, file)
		})
	}
}

func playFile(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := &player{t: t, node: startNode(t, nil)}
	p.c = p.node.login(t)
	var out []string
	for _, block := range strings.Split(strings.TrimRight(string(text), "\n"), "\n\n") {
		in, want, isCase := strings.Cut(block, "\n----")
		if !isCase {
			out = append(out, block)
			continue
		}
		got := p.play(strings.Split(in, "\n"))
		if want = strings.TrimPrefix(want, "\n"); got != want && !*rewriteFiles {
			t.Errorf("%s\n---- got\n%s\n---- want\n%s", in, got, want)
		}
		out = append(out, strings.TrimRight(in+"\n----\n"+got, "\n"))
	}
	if *rewriteFiles {
		err := os.WriteFile(file, []byte(strings.Join(out, "\n\n")+"\n"), 0o644)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// player plays one file: lines are sent, replies are read up to ReadyForQuery.
type player struct {
	t    *testing.T
	node *testNode
	c    *client
	dead bool
}

// play sends the lines of a case and gives the replies.
func (p *player) play(lines []string) string {
	if p.dead {
		p.c, p.dead = p.node.login(p.t), false
	}
	wait := 0
	var out []string
	for i := 0; i < len(lines); i++ {
		verb, rest, _ := strings.Cut(lines[i], " ")
		if strings.HasPrefix(verb, "#") || verb == "" {
			continue
		}
		if verb == "query" { // the rest of the case is the text
			text := strings.Join(lines[i+1:], "\n")
			p.c.send('Q', cstring(strings.TrimSpace(rest+"\n"+text)))
			return strings.Join(append(out, p.replies(1)...), "\n")
		}
		wait += p.line(verb, rest, &out)
	}
	return strings.Join(append(out, p.replies(wait)...), "\n")
}

// line does one line and says how many ReadyForQuery (or closes) it causes.
//
//tidy:long one case per verb
func (p *player) line(verb, rest string, out *[]string) int {
	arg := strings.Split(rest, "|")
	at := func(i int) string {
		if i < len(arg) {
			return arg[i]
		}
		return ""
	}
	switch verb {
	case "Q": // Q text: a simple query
		p.c.send('Q', cstring(rest))
		return 1
	case "P": // P name|text|oids: Parse
		b := append(cstring(at(0)), cstring(at(1))...)
		p.c.send('P', appendCodes(b, at(2), 4))
	case "B": // B portal|statement|formats|values|formats: Bind; \N is NULL, 0x.. is hex
		b := append(cstring(at(0)), cstring(at(1))...)
		b = appendCodes(b, at(2), 2)
		b = appendValues(b, at(3))
		p.c.send('B', appendCodes(b, at(4), 2))
	case "D", "C": // D S|name, C P|name: Describe, Close
		p.c.send(verb[0], append([]byte(at(0)), cstring(at(1))...))
	case "E": // E portal|rows: Execute
		n, _ := strconv.Atoi(at(1))
		p.c.send('E', binary.BigEndian.AppendUint32(cstring(at(0)), uint32(n)))
	case "S": // Sync
		p.c.send('S', nil)
		return 1
	case "H", "X", "c": // Flush, Terminate, CopyDone
		p.c.send(verb[0], nil)
		if verb == "X" {
			return 1
		}
	case "d": // d text: CopyData, with Go's escapes
		s, err := strconv.Unquote(`"` + strings.ReplaceAll(rest, `"`, `\"`) + `"`)
		if err != nil {
			p.t.Fatalf("%s: %v", rest, err)
		}
		p.c.send('d', []byte(s))
	case "f": // f text: CopyFail
		p.c.send('f', cstring(rest))
	case "raw": // raw hex: bytes as they are
		b, err := hex.DecodeString(strings.ReplaceAll(rest, " ", ""))
		if err != nil {
			p.t.Fatalf("%s: %v", rest, err)
		}
		p.c.write(b)
	case "ready": // ready n: n ReadyForQuery, or closes, are waited for
		n, _ := strconv.Atoi(rest)
		return n
	case "until": // until Word: replies up to the first that begins so
		*out = append(*out, p.until(rest)...)
	case "tick": // tick 777ms: who waits so long goes on
		d, err := time.ParseDuration(rest)
		if err != nil {
			p.t.Fatal(err)
		}
		p.node.clock.fire(d)
	case "cancel": // the running statement is cancelled; cancel 555s: one that waits so long
		if d, err := time.ParseDuration(rest); err == nil {
			p.node.clock.await(d)
		}
		p.cancel()
	case "new": // new k=v ...: a new connection, in place of the old one
		p.c.nc.Close()
		p.c = p.node.dial(p.t)
		var params []string
		for _, kv := range strings.Split(rest, ";") {
			k, v, _ := strings.Cut(kv, "=")
			params = append(params, k, v)
		}
		p.c.startup(params...)
		return 1
	case "bare": // a new connection without a start-up message
		p.c.nc.Close()
		p.c = p.node.dial(p.t)
	case "half": // the client closes its side
		if err := p.c.nc.(*net.TCPConn).CloseWrite(); err != nil {
			p.t.Fatal(err)
		}
		return 1
	default:
		p.t.Fatalf("unknown verb %q", verb)
	}
	return 0
}

// cancel cancels the only other session.
func (p *player) cancel() {
	s := p.node.server
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.session != nil {
			c.session.Cancel()
		}
	}
}

func appendCodes(b []byte, list string, size int) []byte {
	var codes []string
	if list != "" {
		codes = strings.Split(list, ",")
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(codes)))
	for _, c := range codes {
		n, _ := strconv.Atoi(c)
		if size == 4 {
			b = binary.BigEndian.AppendUint32(b, uint32(n))
		} else {
			b = binary.BigEndian.AppendUint16(b, uint16(n))
		}
	}
	return b
}

func appendValues(b []byte, list string) []byte {
	if list == "" {
		return append(b, 0, 0)
	}
	values := strings.Split(list, "~")
	b = binary.BigEndian.AppendUint16(b, uint16(len(values)))
	for _, v := range values {
		raw := []byte(v)
		if h, ok := strings.CutPrefix(v, "0x"); ok {
			raw, _ = hex.DecodeString(h)
		}
		if v == `\N` {
			b = append(b, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(raw))), raw...)
	}
	return b
}

// replies reads up to the n-th ReadyForQuery, or to the end. A CopyInResponse
// ends it too: it is the client's turn.
func (p *player) replies(n int) (out []string) {
	for n > 0 {
		kind, body := p.c.read()
		if kind == 'K' {
			continue
		}
		out = append(out, show(kind, body))
		switch kind {
		case 'Z':
			n--
		case 'G':
			return out
		case 0:
			p.dead = true
			return out
		}
	}
	return out
}

func (p *player) until(word string) (out []string) {
	for {
		kind, body := p.c.read()
		s := show(kind, body)
		out = append(out, s)
		if strings.HasPrefix(s, word) {
			return out
		}
		if kind == 0 {
			p.t.Fatalf("closed before %s; so far:\n%s", word, fmt.Sprint(out))
		}
	}
}
