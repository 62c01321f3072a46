package main

import (
	"strings"
	"unicode"
)

// splitStatement cuts the first statement from a text. It ends before end: ';', or
// '\\' where a command of the shell follows; 0 means that the text goes on.
// Quotes, dollar quotes and comments are PostgreSQL's.
func splitStatement(text string) (statement, rest string, end byte) {
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case ';', '\\':
			return text[:i], text[i+1:], c
		default:
			i = skipToken(text, i)
		}
	}
	return text, "", 0
}

// skipToken gives the position behind the token at i; len(text)+1 when it is not
// complete.
func skipToken(text string, i int) int {
	rest := text[i:]
	switch {
	case rest[0] == '\'':
		escapes := i > 0 && (text[i-1] == 'e' || text[i-1] == 'E') && (i < 2 || !wordByte(text[i-2]))
		return i + skipQuoted(rest, '\'', escapes)
	case rest[0] == '"':
		return i + skipQuoted(rest, '"', false)
	case strings.HasPrefix(rest, "--"):
		if n := strings.IndexByte(rest, '\n'); n >= 0 {
			return i + n
		}
		return len(text)
	case strings.HasPrefix(rest, "/*"):
		return i + skipComment(rest)
	case rest[0] == '$' && (i == 0 || !wordByte(text[i-1])):
		return i + skipDollar(rest)
	}
	return i + 1
}

func wordByte(c byte) bool {
	return c == '_' || c >= 0x80 || unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c))
}

func skipQuoted(s string, quote byte, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s) + 1
}

// skipComment skips a block comment; they nest.
func skipComment(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s) + 1
}

func skipDollar(s string) int {
	end := strings.IndexByte(s[1:], '$')
	if end < 0 {
		return 1
	}
	tag := s[:end+2]
	for i := 1; i < len(tag)-1; i++ {
		if !wordByte(tag[i]) || i == 1 && unicode.IsDigit(rune(tag[i])) {
			return 1 // a parameter or an operator
		}
	}
	closing := strings.Index(s[len(tag):], tag)
	if closing < 0 {
		return len(s) + 1
	}
	return len(tag) + closing + len(tag)
}

// blank tells whether a text has nothing but white space and comments.
func blank(text string) bool {
	for i := 0; i < len(text); {
		switch rest := text[i:]; {
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "/*"):
			i = skipToken(text, i)
		case unicode.IsSpace(rune(rest[0])):
			i++
		default:
			return false
		}
	}
	return true
}

// words gives the words of a statement in capitals, without what is quoted.
func words(text string) []string {
	var plain strings.Builder
	for i := 0; i < len(text); {
		next := min(skipToken(text, i), len(text))
		if next == i+1 {
			plain.WriteByte(text[i])
		} else {
			plain.WriteByte(' ')
		}
		i = next
	}
	return strings.FieldsFunc(strings.ToUpper(plain.String()), func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// The kinds of statements that the shell treats in ways of their own.
type statementKind uint8

const (
	plainStatement statementKind = iota
	endless                      // EMIT CHANGES, PRINT: rows are shown as they come
	copyIn
	copyOut
	ddl // changes what completion offers
)

func kindOf(text string) statementKind {
	w := words(text)
	if len(w) == 0 {
		return plainStatement
	}
	switch w[0] {
	case "COPY":
		return copyKind(w)
	case "CREATE", "DROP", "ALTER":
		return ddl
	case "PRINT":
		return endless
	case "SELECT", "WITH", "TABLE":
		if has(w, "EMIT", "CHANGES") {
			return endless
		}
	}
	return plainStatement
}

func copyKind(w []string) statementKind {
	switch {
	case has(w, "FROM", "STDIN"):
		return copyIn
	case has(w, "TO", "STDOUT"):
		return copyOut
	}
	return plainStatement
}

// has tells whether two words follow each other.
func has(w []string, first, second string) bool {
	for i := 1; i < len(w); i++ {
		if w[i-1] == first && w[i] == second {
			return true
		}
	}
	return false
}
