package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

func undefinedRole(name string) *sqlerr.Error {
	return sqlerr.New(sqlerr.UndefinedObject, "role \"%s\" does not exist", name)
}

func (e *edit) createRole(c *CreateRole) error {
	r := c.Role
	old := e.next.roles[r.Name]
	switch {
	case c.OrReplace && old == nil:
		return undefinedRole(r.Name)
	case c.OrReplace:
		r.OID = old.OID
		if r.OID == superuserOID && !r.Superuser {
			return sqlerr.New(sqlerr.FeatureNotSupported,
				"role \"%s\" must stay a superuser", r.Name)
		}
	case strings.HasPrefix(r.Name, "pg_"):
		return sqlerr.New(sqlerr.ReservedName, "role name \"%s\" is reserved", r.Name).
			WithDetail("Role names starting with \"pg_\" are reserved.")
	case r.Name == "public" || r.Name == "none" || r.Name == "":
		return sqlerr.New(sqlerr.ReservedName, "role name \"%s\" is reserved", r.Name)
	case old != nil:
		return sqlerr.New(sqlerr.DuplicateObject, "role \"%s\" already exists", r.Name)
	default:
		r.OID = e.allot()
	}
	for _, m := range r.MemberOf {
		if e.next.roles[m] == nil {
			return undefinedRole(m)
		}
		if e.next.IsMember(m, r.Name) {
			return memberCycle(m, r.Name)
		}
	}
	e.ownRoles()[r.Name] = &r
	e.change.OID = r.OID
	return nil
}

func memberCycle(role, member string) *sqlerr.Error {
	return sqlerr.New(sqlerr.InvalidGrantOperation,
		"role \"%s\" is a member of role \"%s\"", role, member)
}

func (e *edit) dropRole(c *DropRole) error {
	for _, name := range c.Names {
		r := e.next.roles[name]
		switch {
		case r == nil && c.IfExists:
			e.notice("role \"%s\" does not exist, skipping", name)
			continue
		case r == nil:
			return undefinedRole(name)
		case r.OID == superuserOID:
			return sqlerr.New(sqlerr.DependentObjectsStillExist,
				"cannot drop role %s because it is required by the database system", name)
		}
		if uses := e.next.roleUses(name); len(uses) > 0 {
			return sqlerr.New(sqlerr.DependentObjectsStillExist,
				"role \"%s\" cannot be dropped because some objects depend on it", name).
				WithDetail("%s", strings.Join(uses, "\n"))
		}
		delete(e.ownRoles(), name)
		for _, other := range e.next.Roles() {
			if slices.Contains(other.MemberOf, name) {
				e.setMember(other, name, false)
			}
		}
	}
	return nil
}

// roleUses lists what keeps a role from being dropped.
func (s *Snapshot) roleUses(name string) []string {
	var out []string
	for _, x := range s.Schemas() {
		if x.Owner == name {
			out = append(out, "owner of schema "+QuoteIdent(x.Name))
		}
	}
	for _, r := range s.Relations() {
		if r.Owner == name {
			out = append(out, "owner of "+r.Title())
		}
	}
	for _, g := range s.grants {
		if g.Role != name {
			continue
		}
		if line := "privileges for " + s.objectTitle(g); !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return out
}

// objectTitle names the object of a grant.
func (s *Snapshot) objectTitle(g Grant) string {
	switch {
	case s.relations[g.Object] != nil:
		return s.relations[g.Object].Title()
	case s.SchemaByOID(g.Object) != nil:
		return s.title(object{class: classSchema, oid: g.Object})
	case s.UserTypeByOID(g.Object) != nil:
		return s.title(object{class: classType, oid: g.Object})
	case s.FunctionByOID(g.Object) != nil:
		return s.title(object{class: classFunction, oid: g.Object})
	}
	return fmt.Sprintf("%s %d", g.Kind, g.Object)
}

// DatabaseOID is the OID of the one database; privileges on it are granted under
// that OID.
const DatabaseOID OID = 5

// grant is GRANT and REVOKE.
func (e *edit) grant(c *GrantCommand) error {
	grants := slices.Clone(e.next.grants)
	for _, g := range c.Grants {
		if g.Role != "public" && e.next.roles[g.Role] == nil {
			return undefinedRole(g.Role)
		}
		if g.Kind == "role" {
			if err := e.grantRole(g, c.Revoke); err != nil {
				return err
			}
			continue
		}
		if !e.next.exists(g.Object) && e.next.SchemaByOID(g.Object) == nil &&
			g.Object != DatabaseOID {
			return gone(g.Kind, g.Object)
		}
		i := slices.IndexFunc(grants, func(x Grant) bool {
			return x.Object == g.Object && x.Role == g.Role &&
				strings.EqualFold(x.Privilege, g.Privilege)
		})
		switch {
		case c.Revoke && i >= 0 && g.Option:
			grants[i].Option = false // GRANT OPTION FOR
		case c.Revoke && i >= 0:
			grants = slices.Delete(grants, i, i+1)
		case c.Revoke:
		case i >= 0:
			grants[i].Option = grants[i].Option || g.Option
		default:
			grants = append(grants, g)
		}
	}
	e.next.grants = grants
	return nil
}

// grantRole makes a role a member of another, or ends that.
func (e *edit) grantRole(g Grant, revoke bool) error {
	of := e.next.RoleByOID(g.Object)
	if of == nil {
		return gone("role", g.Object)
	}
	member := e.next.roles[g.Role]
	if member == nil {
		return undefinedRole(g.Role)
	}
	if !revoke && e.next.IsMember(of.Name, member.Name) {
		return memberCycle(of.Name, member.Name)
	}
	e.setMember(member, of.Name, !revoke)
	return nil
}

func (e *edit) setMember(member *Role, of string, is bool) {
	r := *member
	r.MemberOf = slices.DeleteFunc(slices.Clone(r.MemberOf), func(m string) bool { return m == of })
	if is {
		r.MemberOf = append(r.MemberOf, of)
	}
	e.ownRoles()[r.Name] = &r
}
