package parse

// TokenKind is the lexical class of a Token.
type TokenKind uint8

// The kinds of tokens that languages around SQL tell apart.
const (
	TokenEnd    TokenKind = iota
	TokenWord             // an unquoted name or keyword; Text is folded
	TokenName             // a quoted name; Text is the name
	TokenString           // any string constant; Text is its source
	TokenOther            // numbers, operators, punctuation; Text is the source
)

// Token is a token of a text that contains SQL, such as a block of PL/pgSQL.
type Token struct {
	Kind       TokenKind
	Start, End int // bytes of the text
	Text       string
}

// Tokens splits a text by SQL's lexical rules. The last token is a TokenEnd.
func Tokens(text string) (list []Token, err error) {
	err = Config{}.with(text, func(p *parser) {
		list = make([]Token, len(p.toks))
		for i := range p.toks {
			t := &p.toks[i]
			o := Token{Kind: TokenOther, Start: int(t.start), End: int(t.end), Text: p.text(t)}
			switch t.kind {
			case kindEOF:
				o.Kind = TokenEnd
			case kindIdent:
				o.Kind, o.Text = TokenWord, p.clip(foldName(o.Text))
			case kindQIdent:
				o.Kind = TokenName
				o.Text = p.clip(quotedNameText(o.Text, '\\', o.Start))
			case kindStr:
				o.Kind = TokenString
			}
			list[i] = o
		}
	})
	return list, err
}

// StringValue gives the value of a string constant from its source.
func StringValue(source string) (value string, err error) {
	defer catch(source, &err)
	return stringText(source, '\\', 0), nil
}
