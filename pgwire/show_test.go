package pgwire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// show writes a server's message as transcripts have it.
//
//tidy:long one case per message
func show(kind byte, body []byte) string {
	switch kind {
	case 0:
		return "closed"
	case '1':
		return "ParseComplete"
	case '2':
		return "BindComplete"
	case '3':
		return "CloseComplete"
	case 'n':
		return "NoData"
	case 's':
		return "PortalSuspended"
	case 'I':
		return "Empty"
	case 'c':
		return "CopyDone"
	case 'C':
		return "Complete " + string(body[:len(body)-1])
	case 'Z':
		return "Ready " + string(body)
	case 'd':
		return "CopyData " + quote(body)
	case 'T':
		return "Columns " + showColumns(body)
	case 'D':
		return "Row " + showRow(body)
	case 't':
		var out []string
		for b := body[2:]; len(b) >= 4; b = b[4:] {
			out = append(out, strconv.Itoa(int(binary.BigEndian.Uint32(b))))
		}
		return "Parameters [" + strings.Join(out, " ") + "]"
	case 'G', 'H':
		return map[byte]string{'G': "CopyIn", 'H': "CopyOut"}[kind] +
			fmt.Sprintf(" format=%d columns=%d", body[0], binary.BigEndian.Uint16(body[1:]))
	case 'S':
		p := bytes.Split(body, []byte{0})
		return fmt.Sprintf("Parameter %s=%s", p[0], p[1])
	case 'R':
		return fmt.Sprintf("Authentication %d", binary.BigEndian.Uint32(body))
	case 'v':
		return fmt.Sprintf("Negotiate %x", body)
	case 'K':
		return "Key"
	case 'E':
		return showReport("Error", body)
	case 'N':
		return showReport("Notice", body)
	}
	return fmt.Sprintf("%c %x", kind, body)
}

func quote(b []byte) string {
	if utf8.Valid(b) {
		return strconv.Quote(string(b))
	}
	return "0x" + hex.EncodeToString(b)
}

func showColumns(b []byte) string {
	n := binary.BigEndian.Uint16(b)
	b = b[2:]
	var out []string
	for range n {
		name, rest, _ := bytes.Cut(b, []byte{0})
		s := fmt.Sprintf("%s:%d", name, binary.BigEndian.Uint32(rest[6:]))
		if binary.BigEndian.Uint16(rest[16:]) == 1 {
			s += ":binary"
		}
		out, b = append(out, s), rest[18:]
	}
	return "[" + strings.Join(out, " ") + "]"
}

func showRow(b []byte) string {
	n := binary.BigEndian.Uint16(b)
	b = b[2:]
	var out []string
	for range n {
		size := int32(binary.BigEndian.Uint32(b))
		b = b[4:]
		if size < 0 {
			out = append(out, "NULL")
			continue
		}
		out, b = append(out, quote(b[:size])), b[size:]
	}
	return "[" + strings.Join(out, " ") + "]"
}

// reportNames are the fields of errors and notices that transcripts show.
var reportNames = map[byte]string{'D': "DETAIL", 'H': "HINT", 'W': "WHERE", 'P': "AT"}

func showReport(what string, b []byte) string {
	f := map[byte]string{}
	for len(b) > 1 {
		v, rest, _ := bytes.Cut(b[1:], []byte{0})
		f[b[0]] = string(v)
		b = rest
	}
	s := fmt.Sprintf("%s %s %s: %s", what, f['S'], f['C'], f['M'])
	for _, k := range []byte("PDHW") {
		if f[k] != "" {
			s += "\n  " + reportNames[k] + ": " + strings.ReplaceAll(f[k], "\n", "\n    ")
		}
	}
	return s
}
