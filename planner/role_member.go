package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// roleMembers takes the options out of CREATE ROLE that say who becomes a member of the
// new role. Who may pass the membership on is not kept: superusers may.
func (b *builder) roleMembers(opts []sql.Option) (rest []sql.Option, members []*catalog.Role,
	err error) {
	for _, o := range opts {
		switch lower(o.Name) {
		case "sysid":
			b.notice("SYSID can no longer be specified")
			continue
		case "role", "user", "admin":
		default:
			rest = append(rest, o)
			continue
		}
		names, err := optionNames(o)
		if err != nil {
			return nil, nil, err
		}
		for _, n := range names {
			r := b.env.Snapshot.Role(n)
			if r == nil {
				return nil, nil, sqlerr.New(sqlerr.UndefinedObject, "role \"%s\" does not exist", n)
			}
			if !slices.Contains(members, r) {
				members = append(members, r)
			}
		}
	}
	return rest, members, nil
}

// optionNames gives the names that an option lists.
func optionNames(o sql.Option) ([]string, error) {
	row, ok := o.Value.(*sql.Row)
	if !ok {
		text, err := optionText(o)
		return []string{text}, err
	}
	var out []string
	for _, x := range row.Elems {
		text, err := optionText(sql.Option{Loc: o.Loc, Name: o.Name, Value: x})
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}
