package pgwire

import (
	"io"
	"testing"

	"github.com/jackc/pgproto3/v2"
)

// decoders are what the server decodes, by type.
var decoders = map[byte]func() pgproto3.Message{
	'P': func() pgproto3.Message { return new(pgproto3.Parse) },
	'B': func() pgproto3.Message { return new(pgproto3.Bind) },
	'E': func() pgproto3.Message { return new(pgproto3.Execute) },
	'f': func() pgproto3.Message { return new(pgproto3.CopyFail) },
	'Q': func() pgproto3.Message { return new(pgproto3.Query) },
	'D': func() pgproto3.Message { return new(pgproto3.Describe) },
	'C': func() pgproto3.Message { return new(pgproto3.Close) },
}

// FuzzFrames gives any bytes to what stands before the decoders: nothing panics,
// and what is well-formed can be decoded.
func FuzzFrames(f *testing.F) {
	for _, m := range []pgproto3.FrontendMessage{
		&pgproto3.Query{String: "select 1"},
		&pgproto3.Parse{Name: "s", Query: "select $1", ParameterOIDs: []uint32{23}},
		&pgproto3.Bind{DestinationPortal: "p", PreparedStatement: "s",
			ParameterFormatCodes: []int16{1}, Parameters: [][]byte{{0, 0, 0, 1}, nil},
			ResultFormatCodes: []int16{0}},
		&pgproto3.Execute{Portal: "p", MaxRows: 7}, &pgproto3.Describe{ObjectType: 'S', Name: "s"},
		&pgproto3.Close{ObjectType: 'P', Name: "p"}, &pgproto3.CopyFail{Message: "x"},
		&pgproto3.CopyData{Data: []byte("1\n")}, &pgproto3.Sync{}, &pgproto3.Terminate{},
		&pgproto3.FunctionCall{Function: 1, Arguments: [][]byte{{1}}},
	} {
		b, err := m.Encode(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Add([]byte("Q\x00\x00\x00\x04"))
	f.Add([]byte("B\xff\xff\xff\xff"))
	f.Add([]byte("\x00\x00\x00\x08\x04\xd2\x16\x2f"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := newIntake()
		in.buf, in.err = append([]byte(nil), data...), io.EOF
		for {
			fr, err := in.next(maxBody, true)
			if err != nil {
				break
			}
			mk := decoders[fr.kind]
			if !wellFormed(fr) || mk == nil {
				continue
			}
			if err := mk().Decode(fr.body); err != nil {
				t.Errorf("%q is well-formed and cannot be decoded: %v", message(fr.kind, fr.body), err)
			}
		}
		if cap(in.buf) > 2*len(data)+64 {
			t.Errorf("%d bytes of input made a buffer of %d", len(data), cap(in.buf))
		}
		if u, err := parseStartup(version3, data); err == nil && u.user == "" {
			t.Error("a start-up message without a user was taken")
		}
	})
}

// TestAnnouncedLength sends the head of a huge message: memory follows what comes,
// not what is announced.
func TestAnnouncedLength(t *testing.T) {
	n := startNode(t, nil)
	c := n.login(t)
	c.write([]byte{'Q', 0x03, 0xff, 0xff, 0xff}, make([]byte, 100))
	// A second session's answer shows that the server has had time to read.
	if e := n.login(t).exec("select 1"); e != "" {
		t.Fatal(e)
	}
	n.server.mu.Lock()
	defer n.server.mu.Unlock()
	for c := range n.server.conns {
		c.in.mu.Lock()
		if cap(c.in.buf) > keptIntake {
			t.Errorf("100 bytes of 64 MB made a buffer of %d", cap(c.in.buf))
		}
		c.in.mu.Unlock()
	}
}
