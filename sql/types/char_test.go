package types_test

import (
	"bytes"
	"testing"

	"github.com/millracedb/millrace/sql/types"
)

// The byte 0 of the type "char" is one value, however it comes: drivers compare
// columns of the catalogs with ”.
func TestCharZero(t *testing.T) {
	env, char := &types.Env{}, types.Of(types.Char)
	for _, text := range []string{"", `\000`} {
		if d, err := types.ParseText(env, char, text); err != nil || d.S != "" {
			t.Errorf("%q is %q, %v", text, d.S, err)
		}
	}
	b, err := types.AppendBinary(env, nil, char, types.TextDatum(""))
	if err != nil || !bytes.Equal(b, []byte{0}) {
		t.Errorf("binary form %v, %v", b, err)
	}
	if d, err := types.ParseBinary(env, char, []byte{0}); err != nil || d.S != "" {
		t.Errorf("from binary %q, %v", d.S, err)
	}
	d, err := types.Cast(env, types.Of(types.Int4), char, types.IntDatum(0), true)
	if err != nil || d.S != "" {
		t.Errorf("from integer %q, %v", d.S, err)
	}
	d, err = types.Cast(env, char, types.Of(types.Int4), types.TextDatum(""), true)
	if err != nil || d.I != 0 {
		t.Errorf("as integer %d, %v", d.I, err)
	}
}
