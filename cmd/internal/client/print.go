package client

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Format is how rows are printed.
type Format string

// The formats.
const (
	Table Format = "table" // as psql
	CSV   Format = "csv"   // RFC 4180 with a header
	JSON  Format = "json"  // one object per line
)

// ParseFormat reads the name of a format.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case Table, CSV, JSON:
		return f, nil
	}
	return "", fmt.Errorf("format %q does not exist: use table, csv or json", s)
}

// Printer prints results row by row.
type Printer struct {
	out    *bufio.Writer
	format Format
	// live prints each row when it comes: the query may never end. A table's
	// columns are then as wide as the first row asks for.
	live    bool
	columns []Column
	rows    [][]string // of a table that is not live
	widths  []int
	count   int
	csv     *csv.Writer
}

// NewPrinter makes a printer.
func NewPrinter(out io.Writer, f Format, live bool) *Printer {
	w := bufio.NewWriter(out)
	return &Printer{out: w, format: f, live: live, csv: csv.NewWriter(w)}
}

// Handler connects the printer to Stream. Tags of statements without rows are
// given to tag.
func (p *Printer) Handler(tag func(string)) Handler {
	return Handler{
		Columns: p.Begin,
		Row:     p.Row,
		Done: func(t string) error {
			if p.columns == nil {
				tag(t)
				return nil
			}
			return p.End()
		},
	}
}

// Begin starts a result.
func (p *Printer) Begin(columns []Column) error {
	p.columns, p.widths, p.count = columns, nil, 0
	p.rows = p.rows[:0]
	if p.format == CSV {
		names := make([]string, len(columns))
		for i, c := range columns {
			names[i] = c.Name
		}
		return p.writeCSV(names)
	}
	return nil
}

func (p *Printer) writeCSV(fields []string) error {
	if err := p.csv.Write(fields); err != nil {
		return err
	}
	if !p.live {
		return nil
	}
	p.csv.Flush()
	return p.out.Flush()
}

// Row prints or keeps one row.
func (p *Printer) Row(row [][]byte) error {
	p.count++
	switch p.format {
	case CSV:
		fields := make([]string, len(row))
		for i, v := range row {
			fields[i] = string(v)
		}
		return p.writeCSV(fields)
	case JSON:
		p.writeJSON(row)
	default:
		p.tableRow(row)
	}
	if p.live {
		return p.out.Flush()
	}
	return nil
}

// End completes a result.
func (p *Printer) End() error {
	switch p.format {
	case CSV:
		p.csv.Flush()
	case Table:
		if p.widths == nil {
			p.measure()
			p.header()
		}
		for _, r := range p.rows {
			p.line(r)
		}
		word := "rows"
		if p.count == 1 {
			word = "row"
		}
		fmt.Fprintf(p.out, "(%d %s)\n\n", p.count, word)
	}
	p.columns = nil
	return p.out.Flush()
}

func (p *Printer) tableRow(row [][]byte) {
	fields := make([]string, len(row))
	for i, v := range row {
		fields[i] = string(v)
	}
	if !p.live {
		p.rows = append(p.rows, fields)
		return
	}
	if p.widths == nil {
		p.rows = append(p.rows, fields)
		p.measure()
		p.rows = p.rows[:0]
		p.header()
	}
	p.line(fields)
}

// measure finds the widths of the columns.
func (p *Printer) measure() {
	p.widths = make([]int, len(p.columns))
	for i, c := range p.columns {
		p.widths[i] = utf8.RuneCountInString(c.Name)
	}
	for _, r := range p.rows {
		for i, v := range r {
			for line := range strings.SplitSeq(v, "\n") {
				p.widths[i] = max(p.widths[i], utf8.RuneCountInString(line))
			}
		}
	}
}

func (p *Printer) header() {
	for i, c := range p.columns {
		left := (p.widths[i] - utf8.RuneCountInString(c.Name)) / 2
		p.cell(i, strings.Repeat(" ", left)+c.Name, false)
	}
	p.out.WriteByte('\n')
	for i, w := range p.widths {
		if i > 0 {
			p.out.WriteByte('+')
		}
		p.out.WriteString(strings.Repeat("-", w+2))
	}
	p.out.WriteByte('\n')
}

// line prints one row; a value of several lines takes several.
func (p *Printer) line(row []string) {
	parts, height := make([][]string, len(row)), 1
	for i, v := range row {
		parts[i] = strings.Split(v, "\n")
		height = max(height, len(parts[i]))
	}
	for l := range height {
		for i := range row {
			text := ""
			if l < len(parts[i]) {
				text = parts[i][l]
			}
			p.cell(i, text, rightAligned(p.columns[i].OID))
		}
		p.out.WriteByte('\n')
	}
}

func (p *Printer) cell(i int, text string, right bool) {
	if i > 0 {
		p.out.WriteByte('|')
	}
	pad := strings.Repeat(" ", max(p.widths[i]-utf8.RuneCountInString(text), 0))
	switch {
	case right:
		p.out.WriteString(" " + pad + text)
	case i == len(p.columns)-1:
		p.out.WriteString(" " + text)
		return
	default:
		p.out.WriteString(" " + text + pad)
	}
	if i < len(p.columns)-1 {
		p.out.WriteByte(' ')
	}
}

// The OIDs that matter for printing; they are PostgreSQL's for ever.
const (
	oidBool    = 16
	oidInt8    = 20
	oidInt2    = 21
	oidInt4    = 23
	oidOID     = 26
	oidJSON    = 114
	oidFloat4  = 700
	oidFloat8  = 701
	oidNumeric = 1700
	oidJSONB   = 3802
)

func rightAligned(oid uint32) bool {
	switch oid {
	case oidInt2, oidInt4, oidInt8, oidOID, oidFloat4, oidFloat8, oidNumeric:
		return true
	}
	return false
}

// writeJSON prints a row as an object: numbers, booleans and JSON as they are, all
// else as strings.
func (p *Printer) writeJSON(row [][]byte) {
	p.out.WriteByte('{')
	for i, v := range row {
		if i > 0 {
			p.out.WriteByte(',')
		}
		p.out.Write(jsonString(p.columns[i].Name))
		p.out.WriteByte(':')
		p.out.Write(jsonValue(v, p.columns[i].OID))
	}
	p.out.WriteString("}\n")
}

func jsonString(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil { // cannot be: every string has a JSON form
		return []byte(`""`)
	}
	return b
}

func jsonValue(v []byte, oid uint32) []byte {
	switch {
	case v == nil:
		return []byte("null")
	case oid == oidBool:
		if string(v) == "t" {
			return []byte("true")
		}
		return []byte("false")
	case oid == oidJSON || oid == oidJSONB:
		return v
	case rightAligned(oid) && json.Valid(v): // NaN and infinity are strings
		return v
	}
	return jsonString(string(v))
}
