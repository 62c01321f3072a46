package types

// uuidSize is the bytes of a uuid.
const uuidSize = 16

// ParseUUID reads a uuid: 32 hexadecimal digits, a hyphen allowed after every
// fourth, braces around allowed.
func ParseUUID(s string) ([uuidSize]byte, error) {
	var u [uuidSize]byte
	t := s
	if len(t) > 0 && t[0] == '{' {
		if t[len(t)-1] != '}' || len(t) < 2 {
			return u, errSyntax("uuid", s)
		}
		t = t[1 : len(t)-1]
	}
	for i := range uuidSize {
		if len(t) < 2 {
			return u, errSyntax("uuid", s)
		}
		hi, ok1 := hexValue(t[0])
		lo, ok2 := hexValue(t[1])
		if !ok1 || !ok2 {
			return u, errSyntax("uuid", s)
		}
		u[i] = hi<<4 | lo
		t = t[2:]
		if i&1 == 1 && i < uuidSize-1 && len(t) > 0 && t[0] == '-' {
			t = t[1:]
		}
	}
	if t != "" {
		return u, errSyntax("uuid", s)
	}
	return u, nil
}

// AppendUUIDText writes 8-4-4-4-12 hexadecimal digits.
func AppendUUIDText(dst []byte, u string) []byte {
	for i := range len(u) {
		switch i {
		case 4, 6, 8, 10:
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[u[i]>>4], hexDigits[u[i]&15])
	}
	return dst
}
