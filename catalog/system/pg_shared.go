package system

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

func pgNamespace(s *scan) error {
	w := s.world()
	out := s.columns("oid nspname nspowner nspacl")
	for _, x := range w.s.Schemas() {
		err := out.write(oidDatum(x.OID), text(x.Name), oidDatum(w.roleOID(x.Owner)),
			w.schemaACL(x))
		if err != nil {
			return err
		}
	}
	return nil
}

// schemaACL is acl: everybody may use the schema public, without a grant.
func (w *world) schemaACL(x *catalog.SchemaInfo) types.Datum {
	acl := w.acl(x.OID, x.Owner, schemaPrivileges)
	if x.Name != catalog.PublicSchema || !acl.Null {
		return acl
	}
	return aclArray([]string{aclItem(x.Owner, "UC", x.Owner), aclItem("public", "U", x.Owner)})
}

// databases lists the names of the one database: a session that came by its alias
// must find that too.
func databases(ctx *Context) []catalogDatabase {
	out := []catalogDatabase{{catalog.DatabaseOID, DatabaseName}}
	if ctx.Database != "" && ctx.Database != DatabaseName {
		out = append(out, catalogDatabase{aliasOID, ctx.Database})
	}
	return out
}

type catalogDatabase struct {
	oid  catalog.OID
	name string
}

// DatabaseName is the name of the one database.
const DatabaseName = "millrace"

// aliasOID is the OID of the database under the name that a session used
// instead.
const aliasOID catalog.OID = 6

// utf8Encoding is PostgreSQL's number of UTF8.
const utf8Encoding = 6

func pgDatabase(s *scan) error {
	w := s.world()
	out := s.columns(`oid datname datdba encoding datlocprovider datistemplate datallowconn
		datconnlimit datfrozenxid datminmxid dattablespace datcollate datctype datacl`)
	for _, db := range databases(s.ctx) {
		err := out.write(oidDatum(db.oid), text(db.name), oidDatum(w.roleOID(catalog.Superuser)),
			integer(utf8Encoding), charDatum('c'), boolean(false), boolean(true), integer(-1),
			long(0), long(0), oidDatum(oidDefaultSpace), text("C.UTF-8"), text("C.UTF-8"),
			w.acl(catalog.DatabaseOID, catalog.Superuser, databasePrivileges))
		if err != nil {
			return err
		}
	}
	return nil
}

func pgAuthid(s *scan) error {
	out := s.columns(`oid rolname rolsuper rolinherit rolcreaterole rolcreatedb rolcanlogin
		rolreplication rolbypassrls rolconnlimit rolpassword`)
	return eachRole(s, func(r *catalog.Role) error {
		su := boolean(r.Superuser)
		return out.write(oidDatum(r.OID), text(r.Name), su, boolean(true), su, su,
			boolean(r.CanLogin), su, su, integer(-1), s.secret(r))
	})
}

// secret shows a role's verifier to superusers only.
func (s *scan) secret(r *catalog.Role) types.Datum {
	if me := s.snapshot().Role(s.ctx.User); me != nil && me.Superuser {
		return orNull(r.Secret)
	}
	return null
}

func eachRole(s *scan, f func(r *catalog.Role) error) error {
	for _, r := range s.snapshot().Roles() {
		if err := f(r); err != nil {
			return err
		}
	}
	return nil
}

func pgRoles(s *scan) error {
	out := s.columns(`rolname rolsuper rolinherit rolcreaterole rolcreatedb rolcanlogin
		rolreplication rolconnlimit rolpassword rolbypassrls rolconfig oid`)
	return eachRole(s, func(r *catalog.Role) error {
		su := boolean(r.Superuser)
		return out.write(text(r.Name), su, boolean(true), su, su, boolean(r.CanLogin), su,
			integer(-1), text("********"), su, optionList(r.Settings), oidDatum(r.OID))
	})
}

func pgUser(s *scan) error {
	out := s.columns(`usename usesysid usecreatedb usesuper userepl usebypassrls passwd useconfig`)
	return eachRole(s, func(r *catalog.Role) error {
		if !r.CanLogin {
			return nil
		}
		su := boolean(r.Superuser)
		passwd := text("********")
		if s.rel.Name == "pg_shadow" {
			passwd = s.secret(r)
		}
		return out.write(text(r.Name), oidDatum(r.OID), su, su, su, su, passwd,
			optionList(r.Settings))
	})
}

func pgGroup(s *scan) error {
	out := s.columns("groname grosysid grolist")
	w := s.world()
	return eachRole(s, func(r *catalog.Role) error {
		if r.CanLogin {
			return nil
		}
		var members []catalog.OID
		for _, m := range w.s.Roles() {
			if slices.Contains(m.MemberOf, r.Name) {
				members = append(members, m.OID)
			}
		}
		return out.write(text(r.Name), oidDatum(r.OID), oidArray(members))
	})
}

func pgAuthMembers(s *scan) error {
	w := s.world()
	out := s.columns("roleid member grantor admin_option")
	return eachRole(s, func(r *catalog.Role) error {
		for _, of := range r.MemberOf {
			err := out.write(oidDatum(w.roleOID(of)), oidDatum(r.OID),
				oidDatum(oidBootstrapUser), boolean(false))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func pgDbRoleSetting(s *scan) error {
	out := s.columns("setdatabase setrole setconfig")
	return eachRole(s, func(r *catalog.Role) error {
		if len(r.Settings) == 0 {
			return nil
		}
		return out.write(oidDatum(0), oidDatum(r.OID), optionList(r.Settings))
	})
}

func pgSettings(s *scan) error {
	if s.ctx.Settings == nil {
		return nil
	}
	out := s.columns(`name setting unit category short_desc context vartype source enumvals
		boot_val reset_val pending_restart`)
	for _, x := range s.ctx.Settings() {
		source, enum := "default", null
		if x.Value != x.BootVal {
			source = "session"
		}
		if x.EnumVals != nil {
			enum = textArray(x.EnumVals)
		}
		err := out.write(text(x.Name), text(x.Value), orNull(x.Unit), text(x.Category),
			text(x.ShortDesc), text(x.Context), text(x.VarType), text(source), enum,
			text(x.BootVal), text(x.ResetVal), boolean(false))
		if err != nil {
			return err
		}
	}
	return nil
}
