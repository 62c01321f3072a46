package types

import (
	"encoding/json"
	"fmt"
)

// kindByName finds kinds by Kind.String, the stored form of a kind.
var kindByName = func() map[string]Kind {
	m := make(map[string]Kind, kindCount)
	for k := Unknown; k < kindCount; k++ {
		m[kinds[k].name] = k
	}
	return m
}()

// typeJSON is the stored form of a Type.
type typeJSON struct {
	Kind   string      `json:"kind"`
	Mod    int32       `json:"mod,omitempty"`
	Elem   *Type       `json:"elem,omitempty"`
	Key    *Type       `json:"key,omitempty"`
	Fields []fieldJSON `json:"fields,omitempty"`
	Enum   *EnumType   `json:"enum,omitempty"`
	Row    *RowType    `json:"row,omitempty"`
}

type fieldJSON struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
}

// MarshalJSON implements json.Marshaler: a kind is stored by name, never by
// number. A type without modifier, element or fields is just the name.
func (t Type) MarshalJSON() ([]byte, error) {
	if t.Mod == 0 && t.Elem == nil && t.Key == nil && len(t.Fields) == 0 && t.Enum == nil {
		return json.Marshal(t.Kind.String())
	}
	j := typeJSON{Kind: t.Kind.String(), Mod: t.Mod, Elem: t.Elem, Key: t.Key, Enum: t.Enum,
		Row: t.Row}
	for _, f := range t.Fields {
		j.Fields = append(j.Fields, fieldJSON(f))
	}
	return json.Marshal(j)
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Type) UnmarshalJSON(b []byte) error {
	var j typeJSON
	var err error
	if len(b) > 0 && b[0] == '"' {
		err = json.Unmarshal(b, &j.Kind)
	} else {
		err = json.Unmarshal(b, &j)
	}
	if err != nil {
		return fmt.Errorf("decode type: %w", err)
	}
	kind, ok := kindByName[j.Kind]
	if !ok && j.Kind != Invalid.String() {
		return fmt.Errorf("decode type: kind %q is not known", j.Kind)
	}
	*t = Type{Kind: kind, Mod: j.Mod, Elem: j.Elem, Key: j.Key, Enum: j.Enum, Row: j.Row}
	for _, f := range j.Fields {
		t.Fields = append(t.Fields, Field(f))
	}
	return nil
}
