package system

import (
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// eachTableConstraint calls f with the constraints of tables and the table.
func (s *scan) eachTableConstraint(f func(c *constraintRow, t *catalog.Relation) error) error {
	w := s.world()
	return w.eachConstraint(func(c *constraintRow) error {
		t := w.s.Relation(c.table)
		if t == nil || !s.may(w.userClass(t)) {
			return nil
		}
		return f(c, t)
	})
}

var constraintTypes = map[byte]string{'p': "PRIMARY KEY", 'u': "UNIQUE", 'c': "CHECK",
	'f': "FOREIGN KEY"}

func isTableConstraints(s *scan) error {
	w := s.world()
	out := s.columns(`constraint_catalog constraint_schema constraint_name table_catalog
		table_schema table_name constraint_type is_deferrable initially_deferred enforced
		nulls_distinct`)
	write := func(c *constraintRow, t *catalog.Relation) error {
		distinct := null
		if c.kind == 'u' {
			distinct = yesNo(!c.same)
		}
		k := c.foreign
		return out.write(s.db(), text(c.schema), text(c.name), s.db(), text(t.Schema),
			text(t.Name), text(constraintTypes[c.kind]), yesNo(k != nil && k.Deferrable),
			yesNo(k != nil && k.Deferred), yesNo(true), distinct)
	}
	if err := s.eachTableConstraint(write); err != nil {
		return err
	}
	return s.eachNotNull(func(t *catalog.Relation, name, _ string) error {
		return write(&constraintRow{schema: t.Schema, name: name, kind: 'c'}, t)
	}, w)
}

// eachNotNull calls f with the checks that NOT NULL columns count as in the
// standard's views, named as PostgreSQL names them.
func (s *scan) eachNotNull(f func(t *catalog.Relation, name, clause string) error, w *world) error {
	for _, t := range w.s.Relations() {
		if relkind(t.Kind) != 'r' || !s.may(w.userClass(t)) {
			continue
		}
		for i := range t.Columns {
			c := &t.Columns[i]
			if !c.NotNull || c.Dropped || c.Hidden {
				continue
			}
			name := itoa(int(w.schemaOID(t.Schema))) + "_" + itoa(int(t.OID)) + "_" +
				itoa(i+1) + "_not_null"
			if err := f(t, name, c.Name+" IS NOT NULL"); err != nil {
				return err
			}
		}
	}
	return nil
}

func isCheckConstraints(s *scan) error {
	w := s.world()
	out := s.columns("constraint_catalog constraint_schema constraint_name check_clause")
	err := w.eachConstraint(func(c *constraintRow) error {
		if c.kind != 'c' {
			return nil
		}
		return out.write(s.db(), text(c.schema), text(c.name), text("("+c.check+")"))
	})
	if err != nil {
		return err
	}
	return s.eachNotNull(func(t *catalog.Relation, name, clause string) error {
		return out.write(s.db(), text(t.Schema), text(name), text(clause))
	}, w)
}

func isKeyColumnUsage(s *scan) error {
	out := s.columns(`constraint_catalog constraint_schema constraint_name table_catalog
		table_schema table_name column_name ordinal_position position_in_unique_constraint`)
	w := s.world()
	return s.eachTableConstraint(func(c *constraintRow, t *catalog.Relation) error {
		for i, k := range c.keys {
			place := null
			if c.foreign != nil {
				place = integer(slices.Index(w.referencedKey(c), c.foreign.RefColumns[i]) + 1)
			}
			err := out.write(s.db(), text(c.schema), text(c.name), s.db(), text(t.Schema),
				text(t.Name), text(t.Columns[k].Name), integer(i+1), place)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// referencedKey gives the columns of the key that a foreign key refers to, in its order.
func (w *world) referencedKey(c *constraintRow) []int {
	if x := w.s.Relation(c.foreign.Index); x != nil && c.foreign.Index != 0 {
		return x.IndexColumns
	}
	if t := w.s.Relation(c.foreign.Table); t != nil && hasPrimaryKey(t) {
		return t.Key
	}
	return c.foreign.RefColumns
}

// ruleWords are the actions of foreign keys in the standard's views.
func ruleWords(action byte) string {
	if words := actionWords[action]; words != "" {
		return words
	}
	return "NO ACTION"
}

func isReferentialConstraints(s *scan) error {
	w := s.world()
	out := s.columns(`constraint_catalog constraint_schema constraint_name
		unique_constraint_catalog unique_constraint_schema unique_constraint_name match_option
		update_rule delete_rule`)
	return s.eachTableConstraint(func(c *constraintRow, _ *catalog.Relation) error {
		if c.foreign == nil {
			return nil
		}
		k, match := c.foreign, "NONE"
		if k.Full {
			match = "FULL"
		}
		schema, name := null, null
		if x := w.s.Relation(k.Index); x != nil && k.Index != 0 && !x.Bare {
			schema, name = text(x.Schema), text(x.Name)
		} else if t := w.s.Relation(k.Table); t != nil && hasPrimaryKey(t) && k.Index == 0 {
			schema, name = text(t.Schema), text(t.PrimaryKey())
		}
		return out.write(s.db(), text(c.schema), text(c.name), s.db(), schema, name, text(match),
			text(ruleWords(k.OnUpdate)), text(ruleWords(k.OnDelete)))
	})
}

// used gives the table and columns that a constraint uses: a foreign key those that it
// refers to.
func (w *world) used(c *constraintRow, t *catalog.Relation) (*catalog.Relation, []int) {
	if c.foreign == nil {
		return t, c.keys
	}
	if parent := w.s.Relation(c.foreign.Table); parent != nil {
		return parent, c.foreign.RefColumns
	}
	return t, nil
}

func isConstraintColumnUsage(s *scan) error {
	w := s.world()
	out := s.columns(`table_catalog table_schema table_name column_name constraint_catalog
		constraint_schema constraint_name`)
	return s.eachTableConstraint(func(c *constraintRow, t *catalog.Relation) error {
		t, keys := w.used(c, t)
		for _, k := range keys {
			err := out.write(s.db(), text(t.Schema), text(t.Name), text(t.Columns[k].Name), s.db(),
				text(c.schema), text(c.name))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func isConstraintTableUsage(s *scan) error {
	w := s.world()
	out := s.columns(`table_catalog table_schema table_name constraint_catalog constraint_schema
		constraint_name`)
	return s.eachTableConstraint(func(c *constraintRow, t *catalog.Relation) error {
		if c.kind == 'c' {
			return nil
		}
		t, _ = w.used(c, t)
		return out.write(s.db(), text(t.Schema), text(t.Name), s.db(), text(c.schema), text(c.name))
	})
}

func isViewTableUsage(s *scan) error {
	w := s.world()
	out := s.columns("view_catalog view_schema view_name table_catalog table_schema table_name")
	return w.eachView(func(r *catalog.Relation) error {
		for _, oid := range r.DependsOn {
			t := w.s.Relation(oid)
			if t == nil || r.Kind != catalog.KindView {
				continue
			}
			err := out.write(s.db(), text(r.Schema), text(r.Name), s.db(), text(t.Schema),
				text(t.Name))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func isEnabledRoles(s *scan) error {
	out := s.columns("role_name")
	return eachRole(s, func(r *catalog.Role) error {
		if me := s.snapshot().Role(s.ctx.User); me != nil && me.Superuser ||
			s.snapshot().IsMember(s.ctx.User, r.Name) {
			return out.write(text(r.Name))
		}
		return nil
	})
}

func isApplicableRoles(s *scan) error {
	out := s.columns("grantee role_name is_grantable")
	return eachRole(s, func(r *catalog.Role) error {
		for _, of := range r.MemberOf {
			if err := out.write(text(r.Name), text(of), yesNo(false)); err != nil {
				return err
			}
		}
		return nil
	})
}

// tableGrant is one privilege on a relation.
type tableGrant struct {
	c                  *classRow
	grantee, privilege string
	grantable          bool
}

// eachTableGrant calls f with the privileges on relations: those of the owner,
// SELECT of everybody on virtual relations, and what was granted.
func (s *scan) eachTableGrant(f func(g tableGrant) error) error {
	w := s.world()
	return s.eachAccessible("rvm", func(c *classRow) error {
		for _, p := range relationPrivileges {
			if err := f(tableGrant{c, c.owner, p.name, true}); err != nil {
				return err
			}
		}
		if c.oid < catalog.FirstUserOID {
			return f(tableGrant{c, "PUBLIC", "SELECT", false})
		}
		for _, g := range w.s.GrantsOn(c.oid) {
			grantee := g.Role
			if grantee == "public" {
				grantee = "PUBLIC"
			}
			if strings.Contains(g.Privilege, "#") {
				continue // on one column
			}
			err := f(tableGrant{c, grantee, strings.ToUpper(g.Privilege), g.Option})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// isTablePrivileges serves table_privileges and role_table_grants, which leaves
// PUBLIC out.
func isTablePrivileges(s *scan) error {
	out := s.columns(`grantor grantee table_catalog table_schema table_name privilege_type
		is_grantable with_hierarchy`)
	return s.eachTableGrant(func(g tableGrant) error {
		if g.grantee == "PUBLIC" && s.rel.Name == "role_table_grants" {
			return nil
		}
		return out.write(text(g.c.owner), text(g.grantee), s.db(), text(g.c.schema),
			text(g.c.name), text(g.privilege), yesNo(g.grantable), yesNo(g.privilege == "SELECT"))
	})
}

// eachColumnGrant calls f with what was granted on single columns.
func (s *scan) eachColumnGrant(f func(g tableGrant, column int) error) error {
	w := s.world()
	return s.eachAccessible("rvm", func(c *classRow) error {
		for _, g := range w.s.GrantsOn(c.oid) {
			name, number, ok := strings.Cut(g.Privilege, "#")
			i, err := strconv.Atoi(number)
			if !ok || err != nil || i > len(c.columns) || c.columns[i-1].Dropped {
				continue
			}
			grantee := g.Role
			if grantee == "public" {
				if grantee = "PUBLIC"; s.rel.Name == "role_column_grants" {
					continue
				}
			}
			if err := f(tableGrant{c, grantee, strings.ToUpper(name), g.Option}, i-1); err != nil {
				return err
			}
		}
		return nil
	})
}

// isColumnPrivileges serves column_privileges and role_column_grants.
func isColumnPrivileges(s *scan) error {
	out := s.columns(`grantor grantee table_catalog table_schema table_name column_name
		privilege_type is_grantable`)
	err := s.eachColumnGrant(func(g tableGrant, column int) error {
		return out.write(text(g.c.owner), text(g.grantee), s.db(), text(g.c.schema),
			text(g.c.name), text(g.c.columns[column].Name), text(g.privilege), yesNo(g.grantable))
	})
	if err != nil {
		return err
	}
	return s.eachTableGrant(func(g tableGrant) error {
		switch g.privilege {
		case "SELECT", "INSERT", "UPDATE", "REFERENCES":
		default:
			return nil
		}
		if g.grantee == "PUBLIC" && s.rel.Name == "role_column_grants" {
			return nil
		}
		for i := range g.c.columns {
			if g.c.columns[i].Dropped {
				continue
			}
			err := out.write(text(g.c.owner), text(g.grantee), s.db(), text(g.c.schema),
				text(g.c.name), text(g.c.columns[i].Name), text(g.privilege), yesNo(g.grantable))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// isUdtUsage serves column_udt_usage.
func isUdtUsage(s *scan) error {
	n := s.g.names(s.ctx)
	out := s.columns(`udt_catalog udt_schema udt_name table_catalog table_schema table_name
		column_name`)
	return n.eachUserClass(func(c *classRow) error {
		if c.relkind != 'r' && c.relkind != 'v' || !s.may(c) {
			return nil
		}
		for i := range c.columns {
			if c.columns[i].Dropped {
				continue
			}
			schema, name, _ := n.udt(&c.columns[i])
			err := out.write(s.db(), text(schema), text(name), s.db(), text(c.schema),
				text(c.name), text(c.columns[i].Name))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func isUserDefinedTypes(s *scan) error {
	out := s.columns(`user_defined_type_catalog user_defined_type_schema user_defined_type_name
		user_defined_type_category is_instantiable`)
	for _, t := range s.snapshot().UserTypes() {
		if !isComposite(t) {
			continue
		}
		err := out.write(s.db(), text(t.Schema), text(t.Name), text("STRUCTURED"), yesNo(true))
		if err != nil {
			return err
		}
	}
	return nil
}

func isAttributes(s *scan) error {
	out := s.columns(`udt_catalog udt_schema udt_name attribute_name ordinal_position is_nullable
		data_type attribute_udt_catalog attribute_udt_schema attribute_udt_name dtd_identifier
		is_derived_reference_attribute`)
	n := s.g.names(s.ctx)
	for _, t := range s.snapshot().UserTypes() {
		if !isComposite(t) {
			continue
		}
		c := n.compositeClass(t)
		for i := range c.columns {
			a := &c.columns[i]
			schema, name, data := n.udt(a)
			err := out.write(s.db(), text(t.Schema), text(t.Name), text(a.Name), integer(i+1),
				yesNo(true), text(data), s.db(), text(schema), text(name), text(itoa(i+1)),
				yesNo(false))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func isRoutinePrivileges(s *scan) error {
	out := s.columns(`grantor grantee specific_catalog specific_schema specific_name
		routine_catalog routine_schema routine_name privilege_type is_grantable`)
	return s.world().eachProc(func(d *procDef) error {
		specific := text(d.name + "_" + itoa(int(d.oid)))
		grantees := []types.Datum{text(catalog.Superuser), text("PUBLIC")}
		for i, grantee := range grantees {
			if i > 0 && s.rel.Name == "role_routine_grants" {
				continue
			}
			err := out.write(text(catalog.Superuser), grantee, s.db(), text(d.schema), specific,
				s.db(), text(d.schema), text(d.name), text("EXECUTE"), yesNo(i == 0))
			if err != nil {
				return err
			}
		}
		return nil
	})
}
