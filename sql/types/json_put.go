package types

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// JSONPut gives s with the value at a path replaced, as an assignment to a subscripted
// jsonb does it: keys and arrays that are missing are made, and arrays are filled up with
// null to the index.
func JSONPut(s string, path []string, value string) (string, error) {
	return jsonPut(s, path, value, 1)
}

func jsonPut(s string, path []string, value string, level int) (string, error) {
	if len(path) == 0 {
		return value, nil
	}
	switch JSONKind(s) {
	case 'o':
		child, ok := JSONGet(s, path[0])
		if !ok {
			child = ""
		}
		child, err := jsonPutChild(child, ok, path[1:], value, level)
		if err != nil {
			return "", err
		}
		return JSONConcat(s, "{"+string(AppendJSONString(nil, path[0]))+": "+child+"}"), nil
	case 'a':
		return jsonPutElement(s, path, value, level)
	}
	return "", sqlerr.New(sqlerr.InvalidParameterValue, "cannot replace existing key").WithDetail(
		"The path assumes key is a composite object, but it is a scalar value.")
}

// jsonPutChild is jsonPut below a key or index: what is not there is made from the path.
func jsonPutChild(child string, there bool, path []string, value string, level int) (string, error) {
	if there {
		return jsonPut(child, path, value, level+1)
	}
	for i := len(path) - 1; i >= 0; i-- {
		if n, err := strconv.ParseInt(strings.TrimSpace(path[i]), 10, 32); err == nil {
			value = "[" + strings.Repeat("null, ", int(min(max(n, 0), MaxGrownArray))) + value + "]"
		} else {
			value = "{" + string(AppendJSONString(nil, path[i])) + ": " + value + "}"
		}
	}
	return value, nil
}

func jsonPutElement(s string, path []string, value string, level int) (string, error) {
	at, err := strconv.ParseInt(strings.TrimSpace(path[0]), 10, 32)
	if err != nil {
		return "", sqlerr.New(sqlerr.InvalidTextRepresentation,
			"path element at position %d is not an integer: \"%s\"", level, path[0])
	}
	var elems []string
	for it := JSONElements(s); it.Next(); {
		elems = append(elems, it.Value)
	}
	if at < 0 {
		if at += int64(len(elems)); at < 0 {
			return "", sqlerr.New(sqlerr.InvalidParameterValue,
				"path element at position %d is out of range: %s", level, path[0])
		}
	}
	if at >= MaxGrownArray {
		return "", sqlerr.New(sqlerr.ProgramLimitExceeded,
			"number of jsonb array elements exceeds the maximum allowed (%d)", MaxGrownArray)
	}
	there := at < int64(len(elems))
	child := ""
	if there {
		child = elems[at]
	}
	if child, err = jsonPutChild(child, there, path[1:], value, level); err != nil {
		return "", err
	}
	for int64(len(elems)) <= at {
		elems = append(elems, "null")
	}
	elems[at] = child
	return "[" + strings.Join(elems, ", ") + "]", nil
}
