package parse

import (
	"strings"

	"github.com/zeebo/xxh3"
)

// Fingerprint returns the text of one or more statements without what changes from call to
// call, and a hash of that: literals and parameters are ?, lists of them are (...), repeated
// rows are written once, unquoted names are in lower case, comments are gone and there is one
// space between words. It is stable between versions; a text that is not SQL at all comes
// back as it is.
func Fingerprint(text string) (normal string, hash uint64) {
	err := Config{}.with(text, func(p *parser) {
		normal = p.fingerprint()
	})
	if err != nil {
		normal = text
	}
	return normal, xxh3.HashString(normal)
}

// fingerprint writes the tokens from the cursor to the end.
func (p *parser) fingerprint() string {
	var b strings.Builder
	prev := byte(0) // class of the last thing written: see glue
	for p.tok().kind != kindEOF {
		if p.isC('(') && p.literalList() {
			glue(&b, prev, '(')
			b.WriteString("(...)")
			prev = ')'
			continue
		}
		t := p.tok()
		p.i++
		word, c := p.normalToken(t)
		glue(&b, prev, c)
		b.WriteString(word)
		prev = c
	}
	return strings.TrimRight(b.String(), "; ")
}

// normalToken returns how a token is written, and its class: the byte of punctuation, 'n' for
// names, 'a' for keywords and literals, '+' for operators.
func (p *parser) normalToken(t *token) (string, byte) {
	s := p.text(t)
	switch t.kind {
	case kindStr, kindBits, kindNum, kindParam, kindJunk:
		return "?", 'a'
	case kindIdent:
		if t.kw == kwNone {
			return foldName(s), 'n'
		}
		return foldName(s), 'a'
	case kindPunct:
		return s, t.c
	case kindOp:
		if s == "!=" {
			s = "<>"
		}
		return s, '+'
	}
	return s, 'n'
}

// glue writes the space between two tokens where there is one.
func glue(b *strings.Builder, prev, next byte) {
	switch {
	case prev == 0, prev == '(', prev == '[', prev == '.', prev == 'n' && next == '(':
		return
	case next == ')', next == ']', next == ',', next == ';', next == '.', next == '[':
		return
	}
	b.WriteByte(' ')
}

// literalList moves past (1, 'a', $2), ('b'), ... if that is at the cursor.
func (p *parser) literalList() bool {
	found := false
	for p.isC('(') && p.tok().match > 0 && p.onlyLiterals(p.i+1, int(p.tok().match)) {
		found = true
		p.i = int(p.tok().match) + 1
		if !p.isC(',') || !p.peek(1).isPunct('(') || p.peek(1).match == 0 ||
			!p.onlyLiterals(p.i+2, int(p.peek(1).match)) {
			break
		}
		p.i++
	}
	return found
}

// onlyLiterals reports whether the tokens from i to end are literals with commas between them.
func (p *parser) onlyLiterals(i, end int) bool {
	literals := 0
	for ; i < end; i++ {
		t := &p.toks[i]
		switch t.kind {
		case kindStr, kindBits, kindNum, kindParam:
			literals++
		case kindIdent:
			if t.kw != kwNull && t.kw != kwTrue && t.kw != kwFalse && t.kw != kwDefault {
				return false
			}
			literals++
		case kindOp:
			if t.c != '-' && t.c != '+' {
				return false
			}
		case kindPunct:
			if t.c != ',' {
				return false
			}
		default:
			return false
		}
	}
	return literals > 0
}
