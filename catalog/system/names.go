package system

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// names finds objects by name along a search path, and says how objects are
// called under it.
type names struct {
	world
	path []string
}

// names gives the naming of a session.
func (g *Registry) names(ctx *Context) *names {
	return &names{world: *g.world(ctx.Snapshot), path: effectivePath(ctx)}
}

// effectivePath lists the schemas that the session's search path searches.
func effectivePath(ctx *Context) []string {
	return ctx.Snapshot.EffectivePath(ctx.SearchPath, ctx.User)
}

// namedPath is effectivePath without the implicit pg_catalog.
func namedPath(ctx *Context) []string {
	return ctx.Snapshot.NamedPath(ctx.SearchPath, ctx.User)
}

// findClass finds a relation along the path, or nil.
func (n *names) findClass(name string) *classRow {
	for _, schema := range n.path {
		if c := n.lookupClass(schema, name); c != nil {
			return c
		}
	}
	return nil
}

func (n *names) classVisible(c *classRow) bool {
	found := n.findClass(c.name)
	return found != nil && found.oid == c.oid
}

// qualified writes a name with its schema unless it is visible.
func qualified(schema, name string, visible bool) string {
	if visible {
		return catalog.QuoteIdent(name)
	}
	return catalog.QuoteIdent(schema) + "." + catalog.QuoteIdent(name)
}

func (n *names) className(c *classRow) string {
	return qualified(c.schema, c.name, n.classVisible(c))
}

// parseIdents takes a possibly qualified name apart, as PostgreSQL's
// stringToQualifiedNameList: unquoted parts fold to lower case.
func parseIdents(s string) ([]string, bool) {
	var out []string
	s = strings.TrimSpace(s)
	for {
		var part strings.Builder
		if strings.HasPrefix(s, `"`) {
			s = s[1:]
			for {
				i := strings.IndexByte(s, '"')
				if i < 0 {
					return nil, false
				}
				part.WriteString(s[:i])
				s = s[i+1:]
				if !strings.HasPrefix(s, `"`) {
					break
				}
				part.WriteByte('"')
				s = s[1:]
			}
		} else {
			i := strings.IndexAny(s, ". \t\n\"")
			if i < 0 {
				i = len(s)
			}
			part.WriteString(strings.ToLower(s[:i]))
			s = s[i:]
		}
		if part.Len() == 0 {
			return nil, false
		}
		out = append(out, part.String())
		s = strings.TrimSpace(s)
		if s == "" {
			return out, true
		}
		if s[0] != '.' {
			return nil, false
		}
		s = strings.TrimSpace(s[1:])
	}
}

// classNamed finds the relation of a regclass literal, or nil. A name of three
// parts begins with the database.
func (n *names) classNamed(s string) *classRow {
	parts, ok := parseIdents(s)
	if !ok {
		return nil
	}
	switch len(parts) {
	case 1:
		return n.findClass(parts[0])
	case 2:
		return n.lookupClass(parts[0], parts[1])
	case 3:
		return n.lookupClass(parts[1], parts[2])
	}
	return nil
}

// typeDefByOID finds a type that is not recorded, or nil.
func (w *world) typeDefByOID(oid catalog.OID) *typeDef {
	if t := w.s.UserTypeByOID(oid); t != nil {
		return w.userTypeDef(t)
	}
	switch class, of := origin(oid); class {
	case classRowType:
		if c := w.class(of); c != nil && c.rowType == oid {
			return rowTypeDef(c)
		}
	case classArrayType:
		if t := w.s.UserTypeByOID(of); t != nil {
			return arrayDef(w.userTypeDef(t))
		}
		if c := w.class(of); c != nil && c.rowType == derived(classRowType, of) {
			return arrayDef(rowTypeDef(c))
		}
	}
	if oid >= catalog.FirstUserOID {
		return nil
	}
	for _, r := range w.g.byOID {
		if r.rowType == oid {
			return rowTypeDef(w.systemClass(r))
		}
	}
	return nil
}

// formatType names a type as format_type does: mod is the type modifier, hasMod
// whether one was given.
func (n *names) formatType(oid catalog.OID, mod int32, hasMod bool) string {
	if oid == 0 {
		return "-"
	}
	if t, ok := types.TypeByOID(uint32(oid)); ok {
		return formatBuiltin(t, mod, hasMod)
	}
	if t := n.g.types().byOID[oid]; t != nil {
		if t.category == 'A' && t.elem != 0 {
			return n.formatType(t.elem, mod, hasMod) + "[]"
		}
		return qualified(n.schemaName(t.namespace), t.name, t.namespace == oidPgCatalogNS)
	}
	t := n.typeDefByOID(oid)
	switch {
	case t == nil:
		return "???"
	case t.elem != 0:
		return n.formatType(t.elem, -1, false) + "[]"
	}
	return qualified(t.schema, t.name, n.typeVisible(t))
}

func formatBuiltin(t types.Type, mod int32, hasMod bool) string {
	if !hasMod && t.Kind == types.Bpchar {
		return "character"
	}
	if t.Kind == types.Array && t.Elem != nil {
		return formatBuiltin(*t.Elem, mod, hasMod) + "[]"
	}
	if mod < 0 {
		return t.String()
	}
	return t.WithTypmod(mod).String()
}

func (n *names) schemaName(oid catalog.OID) string {
	if x := n.s.SchemaByOID(oid); x != nil {
		return x.Name
	}
	return catalog.InformationSchema
}

func (n *names) typeVisible(t *typeDef) bool {
	for _, schema := range n.path {
		if schema == catalog.PgCatalogSchema && n.g.types().named(t.name) != nil {
			return false
		}
		if n.typeOIDIn(schema, t.name) != 0 {
			return schema == t.schema
		}
	}
	return false
}

// typeOIDIn finds a type by name in a schema, 0 for none.
func (w *world) typeOIDIn(schema, name string) catalog.OID {
	if t := w.g.types().named(name); t != nil && w.schemaOID(schema) == t.namespace {
		return t.oid
	}
	if t := w.s.UserType(schema, name); t != nil {
		return t.OID
	}
	if c := w.lookupClass(schema, name); c != nil && c.rowType != 0 {
		return c.rowType
	}
	if elem, ok := strings.CutPrefix(name, "_"); ok {
		if t := w.typeDefByOID(w.typeOIDIn(schema, elem)); t != nil {
			return t.array
		}
	}
	return 0
}

// typeNamed finds the type of a regtype literal: a name of PostgreSQL's grammar
// such as "character varying(20)[]", or one of a user's type. 0 means none.
func (n *names) typeNamed(s string) catalog.OID {
	if t, err := types.ByName(strings.TrimSpace(s), nil); err == nil {
		return catalog.OID(t.OID())
	}
	base, isArray := strings.CutSuffix(strings.TrimSpace(s), "[]")
	parts, ok := parseIdents(base)
	if !ok {
		return 0
	}
	var oid catalog.OID
	switch len(parts) {
	case 1:
		for _, schema := range n.path {
			if oid = n.typeOIDIn(schema, parts[0]); oid != 0 {
				break
			}
		}
	case 2:
		oid = n.typeOIDIn(parts[0], parts[1])
	}
	if !isArray || oid == 0 {
		return oid
	}
	if t := n.g.types().byOID[oid]; t != nil {
		return t.array
	}
	return n.typeDefByOID(oid).array
}

// procNamed finds the function of a regproc literal by its name alone; ok is
// false for none.
func (n *names) procNamed(s string) (oid catalog.OID, ok bool) {
	name, _, _ := strings.Cut(s, "(")
	parts, valid := parseIdents(name)
	if !valid {
		return 0, false
	}
	last := parts[len(parts)-1]
	if len(parts) < 2 || parts[0] != catalog.PgCatalogSchema {
		schemas := n.path
		if len(parts) == 2 {
			schemas = parts[:1]
		}
		if fs := n.s.ResolveFunctions(schemas, last); len(fs) > 0 {
			return fs[0].OID, true
		}
	}
	if ds := n.g.procs().byName[last]; len(ds) > 0 {
		return ds[0].oid, true
	}
	oid, ok = n.g.procs().recordedOIDs[last]
	return oid, ok
}

// ObjectNames gives the names of a session's catalog objects to the text forms of
// regclass and its like.
func (g *Registry) ObjectNames(ctx *Context) types.Names { return g.names(ctx) }

// NameOf implements types.Names.
func (n *names) NameOf(k types.Kind, o uint32) (string, bool) {
	oid := catalog.OID(o)
	switch k {
	case types.Regclass:
		if c := n.class(oid); c != nil {
			return n.className(c), true
		}
	case types.Regtype:
		if name := n.formatType(oid, -1, false); name != "???" {
			return name, true
		}
	case types.Regnamespace:
		if x := n.s.SchemaByOID(oid); x != nil {
			return catalog.QuoteIdent(x.Name), true
		}
	case types.Regrole:
		if r := n.s.RoleByOID(oid); r != nil {
			return catalog.QuoteIdent(r.Name), true
		}
	}
	return n.regName(k, oid)
}

// OIDOf implements types.Names.
func (n *names) OIDOf(k types.Kind, name string) (uint32, bool) {
	var oid catalog.OID
	switch k {
	case types.Regclass:
		if c := n.classNamed(name); c != nil {
			oid = c.oid
		}
	case types.Regtype:
		oid = n.typeNamed(name)
	case types.Regnamespace:
		if parts, ok := parseIdents(name); ok && len(parts) == 1 {
			oid = n.schemaOID(parts[0])
		}
	case types.Regrole:
		if parts, ok := parseIdents(name); ok && len(parts) == 1 {
			oid = n.roleOID(parts[0])
		}
	case types.Regproc:
		oid, _ = n.procNamed(name)
	default:
		oid, _ = n.regOID(k, name)
	}
	return uint32(oid), oid != 0
}

// parseNumber reads an OID that was written as a number.
func parseNumber(s string) (catalog.OID, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	return catalog.OID(n), err == nil
}
