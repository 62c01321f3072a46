package expr

import "strings"

// javaURI is a URI taken apart as java.net.URI does; a part that is not there is
// not the same as an empty one.
type javaURI struct {
	scheme, host, path, query, fragment   string
	hasHost, hasPath, hasQuery, hasSuffix bool
	port                                  int // -1: none
}

// parseURI reads a URI of RFC 2396, in which characters beyond ASCII may stand; ok
// is false for other texts.
func parseURI(s string) (u javaURI, ok bool) {
	u.port = -1
	if !legalURI(s) {
		return u, false
	}
	rest := s
	rest, u.fragment, u.hasSuffix = strings.Cut(rest, "#")
	if strings.Contains(u.fragment, "#") {
		return u, false
	}
	if end := strings.IndexAny(rest, ":/?"); end >= 0 && rest[end] == ':' {
		if u.scheme = rest[:end]; !validScheme(u.scheme) || rest[end+1:] == "" {
			return u, false
		}
		if rest = rest[end+1:]; rest[0] != '/' {
			return u, true // opaque, such as mailto:a@b
		}
	}
	rest, u.query, u.hasQuery = strings.Cut(rest, "?")
	if authority, has := strings.CutPrefix(rest, "//"); has {
		rest = ""
		if end := strings.IndexByte(authority, '/'); end >= 0 {
			authority, rest = authority[:end], authority[end:]
		} else if authority == "" {
			return u, false
		}
		u.authority(authority)
	}
	u.path, u.hasPath = rest, true
	return u, !strings.ContainsAny(rest, "[]")
}

// legalURI tells whether all characters may be in a URI.
func legalURI(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
		case c <= ' ' || c == 0x7F || strings.IndexByte("\"<>\\^`{|}", c) >= 0:
			return false
		}
	}
	return true
}

func validScheme(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) && (i == 0 || !isDigit(s[i]) && strings.IndexByte("+-.", s[i]) < 0) {
			return false
		}
	}
	return s != ""
}

// authority reads user, host and port; an authority of another form has no host.
func (u *javaURI) authority(s string) {
	host := s[strings.IndexByte(s, '@')+1:]
	port := -1
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		digits := host[colon+1:]
		v, n := digitsAt(digits, 0, 9)
		if n != len(digits) {
			return
		}
		if host = host[:colon]; n > 0 {
			port = v
		}
	}
	if !validHost(host) {
		return
	}
	u.host, u.hasHost, u.port = host, true, port
}

// validHost tells whether a name is an address or a host name, whose last label
// begins with a letter.
func validHost(s string) bool {
	if strings.HasPrefix(s, "[") {
		return strings.HasSuffix(s, "]") && strings.Count(s, ":") >= 2
	}
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	for _, l := range labels {
		if l == "" || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		for i := range len(l) {
			if !isLetter(l[i]) && !isDigit(l[i]) && l[i] != '-' {
				return false
			}
		}
	}
	if isLetter(labels[len(labels)-1][0]) {
		return true
	}
	for _, l := range labels {
		if v, n := digitsAt(l, 0, 3); n != len(l) || v > 255 {
			return false
		}
	}
	return len(labels) == 4
}

// decodeURI replaces the escapes of a part.
func decodeURI(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			b = append(b, hexValue(s[i+1])<<4|hexValue(s[i+2]))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return javaUTF8(string(b))
}

func hexValue(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	if c >= 'A' {
		return c - 'A' + 10
	}
	return c - '0'
}

// parameter gives the first value of a parameter of the query, after its escapes
// are replaced, as ksqlDB does.
func (u javaURI) parameter(name string) (string, bool) {
	if !u.hasQuery {
		return "", false
	}
	for _, p := range strings.Split(decodeURI(u.query), "&") {
		if k, v, _ := strings.Cut(p, "="); k == name {
			return v, true
		}
	}
	return "", false
}
