package system

import (
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// privilegeCall takes has_x_privilege([user,] object, ..., privilege) apart: the
// role, the index of the object's argument, and the privileges asked for.
func (c *call) privilegeCall(parts int, allowed privilegeSet) (role string, object int,
	privileges []string, err error) {
	role = c.ctx.User
	if len(c.args) > parts {
		object = 1
		if role, err = c.roleArg(0); err != nil {
			return "", 0, nil, err
		}
	}
	for given := range strings.SplitSeq(c.str(len(c.args)-1), ",") {
		p := strings.ToUpper(strings.TrimSpace(given))
		p = strings.TrimSpace(strings.TrimSuffix(p, "WITH GRANT OPTION"))
		if p == "TEMP" {
			p = "TEMPORARY"
		}
		if !allowed.has(p) {
			return "", 0, nil, sqlerr.New(sqlerr.InvalidParameterValue,
				"unrecognized privilege type: \"%s\"", strings.TrimSpace(given))
		}
		privileges = append(privileges, p)
	}
	return role, object, privileges, nil
}

func (set privilegeSet) has(name string) bool {
	for _, p := range set {
		if p.name == name {
			return true
		}
	}
	return false
}

// roleArg gives argument i, an OID or a name, as a role's name.
func (c *call) roleArg(i int) (string, error) {
	if name := c.str(i); name != "" {
		if name != "public" && c.s.Role(name) == nil {
			return "", sqlerr.New(sqlerr.UndefinedObject, "role \"%s\" does not exist", name)
		}
		return name, nil
	}
	if r := c.s.RoleByOID(c.oid(i)); r != nil {
		return r.Name, nil
	}
	return "", nil
}

// any tells whether a role has one of some privileges on an object.
func (c *call) any(role string, oid catalog.OID, owner string, privileges []string) types.Datum {
	for _, p := range privileges {
		if c.s.HasPrivilege(role, oid, owner, p) {
			return boolean(true)
		}
	}
	return boolean(false)
}

// sequencePrivileges are those of has_sequence_privilege.
var sequencePrivileges = privilegeSet{{'r', "SELECT"}, {'w', "UPDATE"}, {'U', "USAGE"}}

func (c *call) hasTable() (types.Datum, error) {
	set := relationPrivileges
	if c.fn == "has_sequence_privilege" {
		set = sequencePrivileges
	}
	role, object, privileges, err := c.privilegeCall(2, set)
	if err != nil {
		return null, err
	}
	return c.relationPrivilege(role, object, privileges)
}

func (c *call) relationPrivilege(role string, object int,
	privileges []string) (types.Datum, error) {
	r := c.classArg(object)
	if r == nil {
		if name := c.str(object); name != "" {
			return null, undefinedName(types.Regclass, name)
		}
		return null, nil
	}
	if r.oid < catalog.FirstUserOID {
		for _, p := range privileges {
			if p == "SELECT" {
				return boolean(true), nil
			}
		}
	}
	return c.any(role, r.oid, r.owner, privileges), nil
}

// hasColumn is has_column_privilege([user,] table, column, privilege).
func (c *call) hasColumn() (types.Datum, error) {
	role, object, privileges, err := c.privilegeCall(3, relationPrivileges)
	if err != nil {
		return null, err
	}
	if r := c.classArg(object); r != nil {
		for i := range r.columns {
			if r.columns[i].Name != c.str(object+1) && int64(i+1) != c.args[object+1].I {
				continue
			}
			for _, p := range slices.Clone(privileges) {
				privileges = append(privileges, p+"#"+strconv.Itoa(i+1))
			}
		}
	}
	return c.relationPrivilege(role, object, privileges)
}

func (c *call) hasSchema() (types.Datum, error) {
	role, object, privileges, err := c.privilegeCall(2, schemaPrivileges)
	if err != nil {
		return null, err
	}
	x := c.s.SchemaByOID(c.oid(object))
	if name := c.str(object); name != "" {
		if x = c.s.Schema(name); x == nil {
			return null, undefinedName(types.Regnamespace, name)
		}
	}
	if x == nil {
		return null, nil
	}
	// Everybody may use the schemas that exist from the start.
	for _, p := range privileges {
		if p == "USAGE" && (catalog.IsSystemSchema(x.Name) || x.Name == catalog.PublicSchema) {
			return boolean(true), nil
		}
	}
	return c.any(role, x.OID, x.Owner, privileges), nil
}

func (c *call) hasDatabase() (types.Datum, error) {
	role, object, privileges, err := c.privilegeCall(2, databasePrivileges)
	if err != nil {
		return null, err
	}
	found := false
	for _, db := range databases(c.ctx) {
		found = found || db.oid == c.oid(object) || db.name == c.str(object)
	}
	if !found {
		if name := c.str(object); name != "" {
			return null, sqlerr.New(sqlerr.InvalidCatalogName,
				"database \"%s\" does not exist", name)
		}
		return null, nil
	}
	for _, p := range privileges {
		if p != "CREATE" {
			return boolean(true), nil // PostgreSQL grants CONNECT and TEMPORARY to all
		}
	}
	return c.any(role, catalog.DatabaseOID, catalog.Superuser, privileges), nil
}

func (c *call) hasFunction() (types.Datum, error) {
	_, object, _, err := c.privilegeCall(2, functionPrivileges)
	if err != nil {
		return null, err
	}
	oid := c.oid(object)
	if name := c.str(object); name != "" {
		var ok bool
		if oid, ok = c.procNamed(name); !ok {
			return null, undefinedName(types.Regproc, name)
		}
	}
	if c.proc(oid) == nil {
		return null, nil
	}
	return boolean(true), nil // EXECUTE is granted to all
}

func (c *call) hasType() (types.Datum, error) {
	_, object, _, err := c.privilegeCall(2, privilegeSet{{'U', "USAGE"}})
	if err != nil {
		return null, err
	}
	oid := c.oid(object)
	if name := c.str(object); name != "" {
		if oid = c.typeNamed(name); oid == 0 {
			return null, undefinedName(types.Regtype, name)
		}
	}
	if c.formatType(oid, -1, false) == "???" {
		return null, nil
	}
	return boolean(true), nil
}

// hasRole is pg_has_role([user,] role, privilege).
func (c *call) hasRole() (types.Datum, error) {
	member, object := c.ctx.User, 0
	var err error
	if len(c.args) > 2 {
		object = 1
		if member, err = c.roleArg(0); err != nil {
			return null, err
		}
	}
	of, err := c.roleArg(object)
	if err != nil {
		return null, err
	}
	if r := c.s.Role(member); r != nil && r.Superuser {
		return boolean(true), nil
	}
	return boolean(c.s.IsMember(member, of)), nil
}

func (c *call) relationSize() (types.Datum, error) {
	r := c.classArg(0)
	if r == nil {
		return null, nil
	}
	if c.ctx.Stats == nil {
		return long(0), nil
	}
	st, _ := c.ctx.Stats(r.oid)
	return long(st.Bytes), nil
}

func (c *call) databaseSize() (types.Datum, error) {
	total := int64(0)
	if c.ctx.Stats != nil {
		c.s.EachRelation(func(r *catalog.Relation) {
			st, _ := c.ctx.Stats(r.OID)
			total += st.Bytes
		})
	}
	return long(total), nil
}

func (c *call) fileNode() (types.Datum, error) {
	if r := c.class(c.oid(0)); r != nil && fileNode(r) != 0 {
		return oidDatum(fileNode(r)), nil
	}
	return null, nil
}

// Bits of pg_relation_is_updatable: UPDATE, INSERT, DELETE.
const updateBit, insertBit, deleteBit = 1 << 2, 1 << 3, 1 << 4

func (c *call) updatable() (types.Datum, error) {
	r := c.class(c.oid(0))
	if r == nil || r.relation == nil || r.relation.Query != 0 {
		return integer(0), nil
	}
	switch r.relation.Kind {
	case catalog.KindTable:
		return integer(updateBit | insertBit | deleteBit), nil
	case catalog.KindStream:
		return integer(insertBit), nil
	}
	return integer(0), nil
}

func (c *call) columnUpdatable() (types.Datum, error) {
	r := c.class(c.oid(0))
	return boolean(r != nil && r.relation != nil && r.relation.Kind == catalog.KindTable &&
		r.relation.Query == 0), nil
}

// describeObject is pg_describe_object(class, object, column).
func (c *call) describeObject() (types.Datum, error) {
	class, oid := c.oid(0), c.oid(1)
	switch class {
	case oidPgClass:
		return c.describeClass(oid)
	case oidPgNamespace:
		if x := c.s.SchemaByOID(oid); x != nil {
			return text("schema " + catalog.QuoteIdent(x.Name)), nil
		}
	case oidPgType:
		if name := c.formatType(oid, -1, false); name != "???" {
			return text("type " + name), nil
		}
	case oidPgProc:
		if d := c.proc(oid); d != nil {
			return text("function " + c.signature(d)), nil
		}
	case oidPgConstraint:
		if con := c.constraint(oid); con != nil && con.table != 0 {
			return text("constraint " + catalog.QuoteIdent(con.name) + " on table " +
				c.className(c.class(con.table))), nil
		}
	case oidPgRewrite:
		if _, of := origin(oid); c.class(of) != nil {
			return text("rule _RETURN on view " + c.className(c.class(of))), nil
		}
	case oidPgAuthid:
		if r := c.s.RoleByOID(oid); r != nil {
			return text("role " + catalog.QuoteIdent(r.Name)), nil
		}
	case oidPgDatabase:
		return text("database " + DatabaseName), nil
	}
	return null, nil
}

var classWords = map[byte]string{'r': "table ", 'v': "view ", 'm': "materialized view ",
	'i': "index ", 'S': "sequence ", 'c': "composite type "}

func (c *call) describeClass(oid catalog.OID) (types.Datum, error) {
	r := c.class(oid)
	if r == nil {
		return null, nil
	}
	name := classWords[r.relkind] + c.className(r)
	if len(c.args) > 2 && c.args[2].I != 0 {
		for i := range r.columns {
			if int64(r.columns[i].number) == c.args[2].I {
				return text("column " + catalog.QuoteIdent(r.columns[i].Name) + " of " + name), nil
			}
		}
	}
	return text(name), nil
}

// indexColumnProperty is pg_index_column_has_property(index, column, property).
func (c *call) indexColumnProperty() (types.Datum, error) {
	r := c.classArg(0)
	if r == nil || r.relkind != 'i' || len(c.args) < 3 ||
		c.args[1].I < 1 || int(c.args[1].I) > len(r.columns) {
		return null, nil
	}
	switch strings.ToLower(c.str(2)) {
	case "asc", "nulls_last", "orderable", "returnable", "search_array", "search_nulls":
		return boolean(true), nil
	case "desc", "nulls_first", "distance_orderable":
		return boolean(false), nil
	}
	return null, nil
}

func (c *call) indexProperty() (types.Datum, error) {
	switch strings.ToLower(c.str(1)) {
	case "clusterable", "index_scan", "backward_scan":
		return boolean(true), nil
	case "bitmap_scan":
		return boolean(false), nil
	}
	return null, nil
}

func (c *call) methodProperty() (types.Datum, error) {
	if c.oid(0) != oidBtreeAM {
		return null, nil
	}
	switch strings.ToLower(c.str(1)) {
	case "can_order", "can_unique", "can_multi_col":
		return boolean(true), nil
	case "can_exclude", "can_include":
		return boolean(false), nil
	}
	return null, nil
}
