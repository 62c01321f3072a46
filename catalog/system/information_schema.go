package system

import (
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// db gives the session's database, the catalog of all names.
func (s *scan) db() types.Datum {
	if s.ctx.Database == "" {
		return text(DatabaseName)
	}
	return text(s.ctx.Database)
}

func yesNo(b bool) types.Datum {
	if b {
		return text("YES")
	}
	return text("NO")
}

// may tells whether the session's user has any privilege on a relation; the
// standard's views show only those.
func (s *scan) may(c *classRow) bool {
	if c.oid < catalog.FirstUserOID {
		return true
	}
	for _, p := range relationPrivileges {
		if s.snapshot().HasPrivilege(s.ctx.User, c.oid, c.owner, p.name) {
			return true
		}
	}
	return false
}

// eachAccessible is eachOfKind over what the user may see, by the usual column
// names.
func (s *scan) eachAccessible(kinds string, f func(*classRow) error) error {
	return s.eachOfKind(kinds, "table_schema", "table_name", func(c *classRow) error {
		if !s.may(c) {
			return nil
		}
		return f(c)
	})
}

func isCatalogName(s *scan) error { return s.columns("catalog_name").write(s.db()) }

func isSchemata(s *scan) error {
	out := s.columns("catalog_name schema_name schema_owner")
	for _, x := range s.snapshot().Schemas() {
		if err := out.write(s.db(), text(x.Name), text(x.Owner)); err != nil {
			return err
		}
	}
	return nil
}

func isTables(s *scan) error {
	out := s.columns("table_catalog table_schema table_name table_type is_insertable_into is_typed")
	return s.eachAccessible("rv", func(c *classRow) error {
		kind := "BASE TABLE"
		if c.relkind == 'v' {
			kind = "VIEW"
		}
		return out.write(s.db(), text(c.schema), text(c.name), text(kind),
			yesNo(c.relkind == 'r' && c.relation.Query == 0), yesNo(false))
	})
}

func isViews(s *scan) error {
	out := s.columns(`table_catalog table_schema table_name view_definition check_option
		is_updatable is_insertable_into is_trigger_updatable is_trigger_deletable
		is_trigger_insertable_into`)
	no := yesNo(false)
	return s.eachAccessible("v", func(c *classRow) error {
		return out.write(s.db(), text(c.schema), text(c.name),
			orNull(viewDefinition(s.ctx, c.relation)), text("NONE"), no, no, no, no, no)
	})
}

// typeFacts are what information_schema says of a type: the values of typeColumns
// in order.
const typeColumns = ` data_type character_maximum_length character_octet_length
	numeric_precision numeric_precision_radix numeric_scale datetime_precision interval_type
	udt_catalog udt_schema udt_name dtd_identifier`

func (s *scan) typeFacts(a *attribute) []types.Datum {
	schema, name, data := s.g.names(s.ctx).udt(a)
	maxLength, octets, precision, radix, scale, datetime, interval :=
		null, null, null, null, null, null, null
	t := a.Type
	if data == userDefined {
		t = types.Type{}
	}
	switch t.Kind {
	case types.Varchar, types.Bpchar:
		if n := t.MaxLength(); n > 0 {
			maxLength, octets = long(int64(n)), long(int64(n)*4)
		} else {
			octets = long(1 << 30)
		}
	case types.Text:
		octets = long(1 << 30)
	case types.Int2:
		precision, radix, scale = integer(16), integer(2), integer(0)
	case types.Int4:
		precision, radix, scale = integer(32), integer(2), integer(0)
	case types.Int8:
		precision, radix, scale = integer(64), integer(2), integer(0)
	case types.Float4:
		precision, radix = integer(24), integer(2)
	case types.Float8:
		precision, radix = integer(53), integer(2)
	case types.Numeric:
		radix = integer(10)
		if p, sc, ok := t.PrecisionScale(); ok {
			precision, scale = long(int64(p)), long(int64(sc))
		}
	case types.Date:
		datetime = integer(0)
	case types.Time, types.Timetz, types.Timestamp, types.Timestamptz, types.Interval:
		datetime = integer(datetimePrecision(t))
		if t.Kind == types.Interval {
			if fields, ok := strings.CutPrefix(t.String(), "interval "); ok {
				interval = text(strings.ToUpper(fields))
			}
		}
	}
	return []types.Datum{text(data), maxLength, octets, precision, radix, scale, datetime,
		interval, s.db(), text(schema), text(name), text(itoa(a.number))}
}

// datetimePrecision gives the digits of a second.
func datetimePrecision(t types.Type) int {
	const most = 6
	m := t.Typmod()
	if t.Kind == types.Interval {
		m &= 0xffff
	}
	if m < 0 || m > most {
		return most
	}
	return int(m)
}

// udt names a column's type: schema and name of the type, and the standard's
// word for it.
func (n *names) udt(a *attribute) (schema, name, data string) {
	if t := n.g.types().byOID[a.typeOID]; t != nil {
		schema, name = n.schemaName(t.namespace), t.name
		switch {
		case t.base != 0:
			b := n.g.types().byOID[t.base]
			schema, name = catalog.PgCatalogSchema, b.name
			return schema, name, n.formatType(t.base, -1, false)
		case t.category == 'A' && t.elem != 0 && t.length == -1:
			return schema, name, "ARRAY"
		}
		return schema, name, n.formatType(t.oid, -1, false)
	}
	t := n.typeDefByOID(a.typeOID)
	switch {
	case t == nil:
		return "", "", "???"
	case t.base != 0:
		b := n.g.types().byOID[t.base]
		return catalog.PgCatalogSchema, b.name, n.formatType(t.base, -1, false)
	case t.elem != 0:
		return t.schema, t.name, "ARRAY"
	}
	return t.schema, t.name, userDefined
}

// userDefined is data_type of a type of CREATE TYPE.
const userDefined = "USER-DEFINED"

func isColumns(s *scan) error {
	out := s.columns(`table_catalog table_schema table_name column_name ordinal_position
		column_default is_nullable is_self_referencing is_identity identity_generation
		identity_start identity_increment identity_maximum identity_minimum identity_cycle
		is_generated generation_expression is_updatable domain_catalog domain_schema
		domain_name` + typeColumns)
	return s.eachAccessible("rv", func(c *classRow) error {
		for i := range c.columns {
			a := &c.columns[i]
			if a.Dropped || !s.wantsName("column_name", a.Name) {
				continue
			}
			if err := out.write(s.columnFacts(c, a)...); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *scan) columnFacts(c *classRow, a *attribute) []types.Datum {
	deflt, generation := orNull(a.Default), null
	if a.Generated {
		deflt, generation = null, text(a.Default)
	}
	if a.Identity != 0 {
		deflt = null
	}
	generated := "NEVER"
	if a.Generated {
		generated = "ALWAYS"
	}
	row := []types.Datum{s.db(), text(c.schema), text(c.name), text(a.Name), integer(a.number),
		deflt, yesNo(!a.NotNull), yesNo(false), yesNo(a.Identity != 0)}
	row = append(row, s.identityFacts(c, a)...)
	row = append(row, text(generated), generation, yesNo(c.relkind == 'r' && !a.Generated))
	domain := []types.Datum{null, null, null}
	w := s.world()
	if t := w.s.UserTypeByOID(a.typeOID); t != nil && t.Labels == nil && !isComposite(t) {
		domain = []types.Datum{s.db(), text(t.Schema), text(t.Name)}
	} else if t := s.g.types().byOID[a.typeOID]; t != nil && t.base != 0 {
		domain = []types.Datum{s.db(), text(catalog.InformationSchema), text(t.name)}
	}
	return append(append(row, domain...), s.typeFacts(a)...)
}

// identityFacts gives generation, start, increment, maximum, minimum and cycle of
// an identity column.
func (s *scan) identityFacts(c *classRow, a *attribute) []types.Datum {
	if a.Identity == 0 {
		return []types.Datum{null, null, null, null, null, yesNo(false)}
	}
	generation := "BY DEFAULT"
	if a.Identity == 'a' {
		generation = "ALWAYS"
	}
	for _, r := range s.snapshot().OwnedSequences(c.oid) {
		if q := r.Sequence; q.OwnedColumn == a.number-1 {
			return []types.Datum{text(generation), number(q.Start), number(q.Increment),
				number(q.Max), number(q.Min), yesNo(q.Cycle)}
		}
	}
	return []types.Datum{text(generation), null, null, null, null, yesNo(false)}
}

// number writes a number as the standard's character_data.
func number(n int64) types.Datum { return text(itoa(int(n))) }

func isElementTypes(s *scan) error {
	out := s.columns("object_catalog object_schema object_name object_type " +
		"collection_type_identifier" + typeColumns)
	return s.world().eachClass(func(c *classRow) error {
		for i := range c.columns {
			a := c.columns[i]
			if a.Dropped || a.Type.Kind != types.Array || a.Type.Elem == nil {
				continue
			}
			elem := a
			elem.Type = a.Type.Innermost()
			if class, of := origin(a.typeOID); class == classArrayType {
				elem.typeOID = of
			} else {
				elem.typeOID = catalog.OID(elem.Type.OID())
			}
			row := append([]types.Datum{s.db(), text(c.schema), text(c.name), text("TABLE"),
				text(itoa(a.number))}, s.typeFacts(&elem)...)
			if err := out.write(row...); err != nil {
				return err
			}
		}
		return nil
	})
}

func isDomains(s *scan) error {
	out := s.columns("domain_catalog domain_schema domain_name" + typeColumns)
	for _, t := range s.snapshot().UserTypes() {
		if t.Labels != nil || isComposite(t) {
			continue
		}
		a := userColumn(&catalog.Column{Type: t.Base}, 1)
		row := append([]types.Datum{s.db(), text(t.Schema), text(t.Name)}, s.typeFacts(&a)...)
		if err := out.write(row...); err != nil {
			return err
		}
	}
	return nil
}

func isSequences(s *scan) error {
	out := s.columns(`sequence_catalog sequence_schema sequence_name data_type numeric_precision
		numeric_precision_radix numeric_scale start_value minimum_value maximum_value increment
		cycle_option`)
	return eachSequence(s, func(r *catalog.Relation) error {
		q := r.Sequence
		return out.write(s.db(), text(r.Schema), text(r.Name), text("bigint"), integer(64),
			integer(2), integer(0), number(q.Start), number(q.Min), number(q.Max),
			number(q.Increment), yesNo(q.Cycle))
	})
}

func isCharacterSets(s *scan) error {
	return s.columns(`character_set_name character_repertoire form_of_use default_collate_catalog
		default_collate_schema default_collate_name`).write(text("UTF8"), text("UCS"), text("UTF8"),
		s.db(), text(catalog.PgCatalogSchema), text("C.UTF-8"))
}

func isCollations(s *scan) error {
	out := s.columns("collation_catalog collation_schema collation_name pad_attribute")
	for _, row := range s.g.recordedRows(s.g.byName[catalog.PgCatalogSchema]["pg_collation"]) {
		err := out.write(s.db(), text(catalog.PgCatalogSchema), row[1], text("NO PAD"))
		if err != nil {
			return err
		}
	}
	return nil
}

func isRoutines(s *scan) error {
	out := s.columns(`specific_catalog specific_schema specific_name routine_catalog
		routine_schema routine_name routine_type data_type type_udt_catalog type_udt_schema
		type_udt_name dtd_identifier routine_body routine_definition external_language
		parameter_style is_deterministic sql_data_access is_null_call schema_level_routine
		max_dynamic_result_sets is_user_defined_cast security_type as_locator is_udt_dependent`)
	n := s.g.names(s.ctx)
	return n.eachProc(func(d *procDef) error {
		if d.kind != 'f' || !s.wantsName("routine_schema", d.schema) ||
			!s.wantsName("routine_name", d.name) {
			return nil
		}
		ret := userColumn(&catalog.Column{Type: d.ret}, 0)
		schema, udt, data := n.udt(&ret)
		body, definition, language := "EXTERNAL", null, "INTERNAL"
		if d.language == oidSQLLanguage {
			body, definition, language = "SQL", text(d.source), "SQL"
		}
		specific := text(d.name + "_" + itoa(int(d.oid)))
		return out.write(s.db(), text(d.schema), specific, s.db(), text(d.schema), text(d.name),
			text("FUNCTION"), text(data), s.db(), text(schema), text(udt), text("0"), text(body),
			definition, text(language), text("GENERAL"), yesNo(d.volatile == 'i'),
			text("MODIFIES"), yesNo(d.strict), yesNo(true), integer(0), yesNo(false),
			text("INVOKER"), yesNo(false), yesNo(false))
	})
}

func isParameters(s *scan) error {
	out := s.columns("specific_catalog specific_schema specific_name ordinal_position " +
		"parameter_mode is_result as_locator parameter_name" + typeColumns)
	return s.world().eachProc(func(d *procDef) error {
		specific := text(d.name + "_" + itoa(int(d.oid)))
		for i, t := range d.args {
			a := userColumn(&catalog.Column{Type: t}, i+1)
			name := null
			if i < len(d.argNames) {
				name = orNull(d.argNames[i])
			}
			row := append([]types.Datum{s.db(), text(d.schema), specific, integer(i + 1),
				text("IN"), yesNo(false), yesNo(false), name}, s.typeFacts(&a)...)
			if err := out.write(row...); err != nil {
				return err
			}
		}
		return nil
	})
}
