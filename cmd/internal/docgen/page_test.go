package docgen

import (
	"fmt"
	"strconv"
	"strings"
)

// block is a fenced block of a page.
type block struct {
	lang string
	// options are the words behind the language: session=b, live=3.
	options map[string]string
	text    string // with its last line end
	line    int    // of the opening fence, from 1
	// gap says that something other than blank lines stands between the block
	// before and this one.
	gap bool
}

// part is a piece of a page: a block, or the lines around it.
type part struct {
	prose string
	block *block
}

// languages are those of blocks that are not executed.
var languages = map[string]string{
	"sh": "commands", "ini": "settings", "syntax": "a grammar", "json": "data", "csv": "data",
	"python": "a program", "go": "a program", "java": "a program",
}

// parsePage cuts a page at its fences. Blocks that are indented belong to lists and
// are treated alike.
func parsePage(text string) ([]part, error) {
	var parts []part
	var prose strings.Builder
	var open *block
	fence := "```"
	flush := func() {
		if prose.Len() > 0 {
			parts = append(parts, part{prose: prose.String()})
			prose.Reset()
		}
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		switch trimmed := strings.TrimRight(line, "\n"); {
		case open == nil && strings.HasPrefix(trimmed, fence):
			gap := strings.TrimSpace(prose.String()) != "" || len(parts) == 0
			flush()
			open = &block{line: number, gap: gap, options: map[string]string{}}
			words := strings.Fields(trimmed[len(fence):])
			if len(words) > 0 {
				open.lang = words[0]
				for _, w := range words[1:] {
					k, v, _ := strings.Cut(w, "=")
					open.options[k] = v
				}
			}
		case open != nil && trimmed == fence:
			parts = append(parts, part{block: open})
			open = nil
		case open != nil:
			open.text += line
		default:
			prose.WriteString(line)
		}
	}
	flush()
	if open != nil {
		return nil, fmt.Errorf("line %d: the block is not closed", open.line)
	}
	return parts, nil
}

// header is the opening fence of a block.
func (b *block) header() string {
	h := "```" + b.lang
	for _, k := range []string{"session", "user", "live"} {
		if v, ok := b.options[k]; ok {
			h += " " + k + "=" + v
		}
	}
	return h
}

// formatPage is the inverse of parsePage.
func formatPage(parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		if p.block == nil {
			b.WriteString(p.prose)
			continue
		}
		fmt.Fprintf(&b, "%s\n%s```\n", p.block.header(), p.block.text)
	}
	return b.String()
}

// rows is the number of rows after which an endless statement is ended.
func (b *block) rows() (int, error) {
	v, ok := b.options["live"]
	if !ok {
		return 0, nil
	}
	return strconv.Atoi(v)
}

// statement is one statement of a block, with the lines of data behind a COPY ...
// FROM STDIN.
type statement struct {
	text string
	data string
	copy bool
}

// splitBlock cuts a block into statements: a statement ends with a semicolon at the
// end of a line, outside $$. Lines that begin with -- between statements are
// comments of the page.
func splitBlock(text string) []statement {
	var out []statement
	var cur strings.Builder
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if cur.Len() == 0 && (strings.TrimSpace(line) == "" || strings.HasPrefix(line, "--")) {
			continue
		}
		cur.WriteString(line)
		done := strings.HasSuffix(strings.TrimSpace(withoutComment(line)), ";")
		if !done || strings.Count(cur.String(), "$$")%2 == 1 {
			continue
		}
		s := statement{text: strings.TrimRight(cur.String(), "\n")}
		cur.Reset()
		upper := strings.ToUpper(s.text)
		if strings.HasPrefix(upper, "COPY") && strings.Contains(upper, "FROM STDIN") {
			s.copy = true
			for i++; i < len(lines) && strings.TrimRight(lines[i], "\n") != `\.`; i++ {
				s.data += lines[i]
			}
		}
		out = append(out, s)
	}
	if strings.TrimSpace(cur.String()) != "" {
		out = append(out, statement{text: strings.TrimRight(cur.String(), "\n")})
	}
	return out
}

// withoutComment drops a comment at the end of a line; the pages use no -- in
// quotes at the end of a line.
func withoutComment(line string) string {
	before, _, _ := strings.Cut(line, "  --")
	return before
}
