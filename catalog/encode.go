package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// commandFormat is the first byte of an encoded command; the second is the
// command's kind, the rest JSON. Numbers of kinds are never used again for
// something else.
const commandFormat = 1

// ErrFormat is the error of decoding bytes of another format.
var ErrFormat = errors.New("catalog: format is not known")

// commandKinds gives each kind of command its number.
var commandKinds = []struct {
	kind  byte
	empty func() Command
}{
	{1, func() Command { return &CreateRelation{} }},
	{2, func() Command { return &CreateQuery{} }},
	{3, func() Command { return &DropObjects{} }},
	{4, func() Command { return &AlterRelation{} }},
	{5, func() Command { return &RenameRelation{} }},
	{6, func() Command { return &CreateSchema{} }},
	{7, func() Command { return &DropSchema{} }},
	{8, func() Command { return &RenameSchema{} }},
	{9, func() Command { return &SetQueryState{} }},
	{10, func() Command { return &DropQuery{} }},
	{11, func() Command { return &Truncate{} }},
	{12, func() Command { return &SetComment{} }},
	{13, func() Command { return &CreateRole{} }},
	{14, func() Command { return &DropRole{} }},
	{15, func() Command { return &CreateType{} }},
	{16, func() Command { return &DropType{} }},
	{17, func() Command { return &CreateFunction{} }},
	{18, func() Command { return &DropFunction{} }},
	{19, func() Command { return &GrantCommand{} }},
	{20, func() Command { return &Batch{} }},
	{21, func() Command { return &CreateSystemStream{} }},
	{22, func() Command { return &Block{} }},
	{23, func() Command { return &ReserveOIDs{} }},
	{24, func() Command { return &SetSchemaOwner{} }},
}

// EncodeCommand writes a command for the log.
func EncodeCommand(c Command) ([]byte, error) {
	for _, k := range commandKinds {
		if reflect.TypeOf(k.empty()) == reflect.TypeOf(c) {
			return encodeJSON([]byte{commandFormat, k.kind}, c)
		}
	}
	return nil, fmt.Errorf("encode command %T: %w", c, ErrFormat)
}

// DecodeCommand reads what EncodeCommand wrote. Fields that are not known are an
// error: a node that would ignore them would come to another catalog.
func DecodeCommand(b []byte) (Command, error) {
	if len(b) < 2 || b[0] != commandFormat {
		return nil, fmt.Errorf("decode command: %w", ErrFormat)
	}
	for _, k := range commandKinds {
		if k.kind == b[1] {
			c := k.empty()
			return c, decodeJSON(b[2:], c)
		}
	}
	return nil, fmt.Errorf("decode command kind %d: %w", b[1], ErrFormat)
}

// batchFile is the stored form of a Batch; each command is in the form of
// EncodeCommand.
type batchFile struct {
	NextOID  OID
	Commands [][]byte
}

// MarshalJSON implements json.Marshaler.
func (b *Batch) MarshalJSON() ([]byte, error) {
	f := batchFile{NextOID: b.NextOID}
	for _, c := range b.Commands {
		enc, err := EncodeCommand(c)
		if err != nil {
			return nil, err
		}
		f.Commands = append(f.Commands, enc)
	}
	return json.Marshal(f)
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *Batch) UnmarshalJSON(text []byte) error {
	var f batchFile
	if err := decodeJSON(text, &f); err != nil {
		return err
	}
	*b = Batch{NextOID: f.NextOID}
	for _, enc := range f.Commands {
		c, err := DecodeCommand(enc)
		if err != nil {
			return err
		}
		b.Commands = append(b.Commands, c)
	}
	return nil
}

// snapshotFormat is the first byte of an encoded snapshot; the rest is JSON.
const snapshotFormat = 1

// snapshotFile is the stored form of a Snapshot. Lists are in the order of the
// accessors, so that equal snapshots are equal bytes.
type snapshotFile struct {
	Version   Version
	NextOID   OID
	QuerySeq  int
	Schemas   []*SchemaInfo
	Relations []*Relation
	Queries   []*Query
	Roles     []*Role
	Types     []*UserType
	Functions []*UserFunc
	Grants    []Grant
}

// Encode writes the snapshot for a manifest.
func (s *Snapshot) Encode() ([]byte, error) {
	return encodeJSON([]byte{snapshotFormat}, &snapshotFile{
		Version: s.Version, NextOID: s.nextOID, QuerySeq: s.querySeq,
		Schemas: s.Schemas(), Relations: s.Stored(), Queries: s.Queries(),
		Roles: s.Roles(), Types: s.UserTypes(), Functions: s.AllFunctions(),
		Grants: s.grants,
	})
}

// DecodeSnapshot reads what Encode wrote.
func DecodeSnapshot(b []byte) (*Snapshot, error) {
	if len(b) < 1 || b[0] != snapshotFormat {
		return nil, fmt.Errorf("decode catalog: %w", ErrFormat)
	}
	var f snapshotFile
	if err := decodeJSON(b[1:], &f); err != nil {
		return nil, err
	}
	s := New()
	clear(s.schemas)
	clear(s.roles)
	s.Version, s.nextOID, s.querySeq, s.grants = f.Version, f.NextOID, f.QuerySeq, f.Grants
	for _, x := range f.Schemas {
		s.schemas[x.Name] = x
	}
	for _, r := range f.Relations {
		s.relations[r.OID] = r
		if s.byName[r.Schema] == nil {
			s.byName[r.Schema] = map[string]*Relation{}
		}
		s.byName[r.Schema][r.Name] = r
	}
	for _, q := range f.Queries {
		s.queries[q.OID] = q
	}
	for _, r := range f.Roles {
		s.roles[r.Name] = r
	}
	for _, t := range f.Types {
		if t.complete(); t.Labels != nil {
			t.Base = t.enum()
		}
		s.types[joinName(t.Schema, t.Name)] = t
	}
	for _, fn := range f.Functions {
		name := joinName(fn.Schema, fn.Name)
		s.functions[name] = append(s.functions[name], fn)
	}
	s.links = &links{}
	return s, nil
}

// joinName is the key of types and functions. A zero byte separates the parts
// because names may contain any other character.
func joinName(schema, name string) string { return schema + "\x00" + name }

func encodeJSON(head []byte, v any) ([]byte, error) {
	buf := bytes.NewBuffer(head)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

func decodeJSON(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("decode %T: %w", v, err)
	}
	if dec.More() {
		return fmt.Errorf("decode %T: %w", v, errTrailing)
	}
	return nil
}

var errTrailing = errors.New("bytes after the end")
