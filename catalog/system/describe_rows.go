package system

import (
	"strings"
	"time"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// Functions of the catalog that give rows: they answer with an array of rows, whose
// columns are the function registry's.

// rowList makes an array of rows with columns of these kinds.
type rowList struct {
	t    types.Type
	rows []types.Datum
}

func newRows(kinds ...types.Kind) *rowList {
	r := &rowList{t: types.Of(types.Record)}
	for _, k := range kinds {
		r.t.Fields = append(r.t.Fields, types.Field{Type: types.Of(k)})
	}
	return r
}

func (r *rowList) add(ds ...types.Datum) { r.rows = append(r.rows, types.RecordDatum(r.t, ds)) }

func (r *rowList) done() (types.Datum, error) { return types.ArrayOfDatums(r.t, r.rows), nil }

// keywords is pg_get_keywords().
func (c *call) keywords() (types.Datum, error) {
	out := newRows(types.Text, types.Char, types.Bool, types.Text, types.Text)
	eachRecorded("keywords", func(f []string) {
		out.add(text(f[0]), text(f[1]), boolean(f[2] == "t"), text(f[3]), text(f[4]))
	})
	return out.done()
}

// privilegeNames gives the name of a privilege's letter.
var privilegeNames = func() map[byte]string {
	m := map[byte]string{'c': "CONNECT", 'T': "TEMPORARY", 'U': "USAGE", 'C': "CREATE",
		'X': "EXECUTE", 's': "SET", 'A': "ALTER SYSTEM"}
	for _, p := range relationPrivileges {
		m[p.letter] = p.name
	}
	return m
}()

// explodeACL is aclexplode(aclitem[]).
func (c *call) explodeACL() (types.Datum, error) {
	out := newRows(types.OID, types.OID, types.Text, types.Bool)
	for _, item := range c.args[0].Array(types.Of(types.Aclitem)).Elems {
		grantee, rest := aclRole(item.S)
		letters, by, ok := strings.Cut(strings.TrimPrefix(rest, "="), "/")
		if !ok {
			continue
		}
		grantor, _ := aclRole(by)
		for i := 0; i < len(letters); i++ {
			option := i+1 < len(letters) && letters[i+1] == '*'
			out.add(oidDatum(c.roleOID(grantor)), oidDatum(c.roleOID(grantee)),
				text(privilegeNames[letters[i]]), boolean(option))
			if option {
				i++
			}
		}
	}
	return out.done()
}

// aclRole reads the role that an aclitem begins with, and gives what follows it.
func aclRole(s string) (name, rest string) {
	if !strings.HasPrefix(s, `"`) {
		if end := strings.IndexByte(s, '='); end >= 0 {
			return s[:end], s[end:]
		}
		return s, ""
	}
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			i++
			continue
		}
		return strings.ReplaceAll(s[1:i], `""`, `"`), s[i+1:]
	}
	return s, ""
}

// defaultACL is acldefault(type, owner): what holds where nothing was granted.
func (c *call) defaultACL() (types.Datum, error) {
	owner := ""
	if r := c.s.RoleByOID(c.oid(1)); r != nil {
		owner = r.Name
	}
	var all privilegeSet
	public := ""
	switch kind := c.str(0); kind {
	case "c", "F", "S": // of a column nothing
	case "r":
		all = relationPrivileges
	case "s":
		all = privilegeSet{{'r', "SELECT"}, {'w', "UPDATE"}, {'U', "USAGE"}}
	case "d":
		all, public = databasePrivileges, "Tc"
	case "f":
		all, public = functionPrivileges, "X"
	case "l", "T":
		all, public = privilegeSet{{'U', "USAGE"}}, "U"
	case "n":
		all = schemaPrivileges
	case "t":
		all = privilegeSet{{'C', "CREATE"}}
	default:
		return null, sqlerr.New(sqlerr.InvalidParameterValue,
			"unrecognized object type abbreviation: \"%s\"", kind)
	}
	var items []string
	if public != "" {
		items = append(items, aclItem("", public, owner))
	}
	letters := ""
	for _, p := range all {
		letters += string(rune(p.letter))
	}
	if letters != "" {
		items = append(items, aclItem(owner, letters, owner))
	}
	return aclArray(items), nil
}

// optionRows is pg_options_to_table(text[]).
func (c *call) optionRows() (types.Datum, error) {
	out := newRows(types.Text, types.Text)
	for _, o := range c.args[0].Array(types.Of(types.Text)).Elems {
		name, value, ok := strings.Cut(o.S, "=")
		if ok {
			out.add(text(name), text(value))
		} else {
			out.add(text(name), null)
		}
	}
	return out.done()
}

// zoneNameRows is pg_timezone_names().
func (c *call) zoneNameRows() (types.Datum, error) {
	out := newRows(types.Text, types.Text, types.Interval, types.Bool)
	_ = eachZone(c.ctx.Now, func(string) bool { return true }, func(ds ...types.Datum) error {
		out.add(ds...)
		return nil
	})
	return out.done()
}

// zoneAbbrevRows is pg_timezone_abbrevs().
func (c *call) zoneAbbrevRows() (types.Datum, error) {
	out := newRows(types.Text, types.Interval, types.Bool)
	types.ZoneAbbrevs(time.UnixMicro(c.ctx.Now), func(name string, east int, dst bool) {
		out.add(text(name), secondsInterval(east), boolean(dst))
	})
	return out.done()
}

// sequenceParameters is pg_sequence_parameters(oid).
func (c *call) sequenceParameters() (types.Datum, error) {
	r := c.s.Relation(c.oid(0))
	if r == nil || r.Sequence == nil {
		return null, sqlerr.New(sqlerr.WrongObjectType, "\"%d\" is not a sequence", c.oid(0))
	}
	q := r.Sequence
	out := newRows(types.Int8, types.Int8, types.Int8, types.Int8, types.Bool, types.Int8, types.OID)
	out.add(long(q.First()), long(q.Min), long(q.Max), long(q.Increment), boolean(q.Cycle), long(1),
		oidDatum(catalog.OID(types.Of(types.Int8).OID())))
	return out.done()
}

// identifyObject is pg_identify_object(class, object, column).
func (c *call) identifyObject() (types.Datum, error) {
	d, err := c.describeObject()
	if err != nil || d.Null {
		return null, err
	}
	oid := c.oid(1)
	schema, name := null, null
	switch c.oid(0) {
	case oidPgClass:
		if r := c.class(oid); r != nil && c.args[2].I == 0 {
			schema, name = text(r.schema), text(r.name)
			d = text(classWords[r.relkind] + qualified(r.schema, r.name, false))
		}
	case oidPgProc:
		if p := c.proc(oid); p != nil {
			schema = text(p.schema)
		}
	case oidPgNamespace:
		if x := c.s.SchemaByOID(oid); x != nil {
			name = text(x.Name)
		}
	}
	kind, identity := splitKind(d.S)
	out := newRows(types.Text, types.Text, types.Text, types.Text)
	out.add(text(kind), schema, name, text(identity))
	return out.done()
}

// splitKind parts "materialized view v" into the kind and the name.
func splitKind(s string) (kind, name string) {
	for _, k := range []string{"materialized view ", "composite type "} {
		if rest, ok := strings.CutPrefix(s, k); ok {
			return strings.TrimSpace(k), rest
		}
	}
	kind, name, _ = strings.Cut(s, " ")
	return kind, name
}

// pgTimezoneAbbrevs is the view of the abbreviations of time zones.
func pgTimezoneAbbrevs(s *scan) error {
	out := s.columns("abbrev utc_offset is_dst")
	var err error
	types.ZoneAbbrevs(time.UnixMicro(s.ctx.Now), func(name string, east int, dst bool) {
		if err == nil && s.wantsName("abbrev", name) {
			err = out.write(text(name), secondsInterval(east), boolean(dst))
		}
	})
	return err
}
