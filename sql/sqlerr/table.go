package sqlerr

// Doc says what a code means to a user: when it is given, the way out, and a
// statement that provokes it. The reference page is generated from these, and a
// test runs each Example.
type Doc struct {
	Code Code
	Name string // PostgreSQL's condition name
	When string // one sentence
	// WayOut is what to do about it; "" where the message says it all.
	WayOut string
	// Example is one or more statements; the last one is answered with the code. A
	// line \connect DATABASE USER opens another session. "" where no statement
	// provokes it at will; then Test is the file of the test that does.
	Example string
	Test    string
}

// Docs gives the documentation of every code, in the order of codes.go.
func Docs() []Doc {
	var all []Doc
	for _, part := range [][]Doc{sessionDocs, valueDocs, stateDocs, nameDocs, serverDocs} {
		all = append(all, part...)
	}
	return all
}
