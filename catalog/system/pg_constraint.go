package system

import (
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

func pgConstraint(s *scan) error {
	w := s.world()
	out := s.columns(`oid conname connamespace contype condeferrable condeferred convalidated
		conrelid contypid conindid conparentid confrelid confupdtype confdeltype confmatchtype
		conislocal coninhcount connoinherit conkey confkey confdelsetcols conbin`)
	return w.eachConstraint(func(c *constraintRow) error {
		if !s.wantsOID("conrelid", c.table) || !s.wantsOID("oid", c.oid) {
			return nil
		}
		keys, refKeys, setKeys := attributeNumbers(c.keys), null, null
		refTable, onUpdate, onDelete, match := catalog.OID(0), byte(' '), byte(' '), byte(' ')
		deferrable, deferred := false, false
		if k := c.foreign; k != nil {
			refTable, onUpdate, onDelete, match = k.Table, k.OnUpdate, k.OnDelete, 's'
			if k.Full {
				match = 'f'
			}
			refKeys, setKeys = attributeNumbers(k.RefColumns), attributeNumbers(k.SetColumns)
			deferrable, deferred = k.Deferrable, k.Deferred
		}
		return out.write(oidDatum(c.oid), text(c.name), oidDatum(w.schemaOID(c.schema)),
			charDatum(c.kind), boolean(deferrable), boolean(deferred), boolean(!c.fresh),
			oidDatum(c.table), oidDatum(c.domain), oidDatum(c.index), oidDatum(0),
			oidDatum(refTable), charDatum(onUpdate), charDatum(onDelete), charDatum(match),
			boolean(true), integer(0), boolean(c.kind != 'c'), keys, refKeys, setKeys,
			orNull(c.check))
	})
}

// attributeNumbers gives ordinals as an array of attnums; nil is NULL.
func attributeNumbers(ordinals []int) types.Datum {
	if ordinals == nil {
		return null
	}
	numbers := make([]int, len(ordinals))
	for i, k := range ordinals {
		numbers[i] = k + 1
	}
	return int2Array(numbers)
}

// eachView calls f with every view and materialized view of the catalog that has
// a definition.
func (w *world) eachView(f func(r *catalog.Relation) error) error {
	for _, r := range w.s.Relations() {
		if r.Kind != catalog.KindView && r.Kind != catalog.KindMaterializedView {
			continue
		}
		if err := f(r); err != nil {
			return err
		}
	}
	return nil
}

func pgRewrite(s *scan) error {
	out := s.columns("oid rulename ev_class ev_type ev_enabled is_instead ev_qual ev_action")
	return s.world().eachView(func(r *catalog.Relation) error {
		if !s.wantsOID("ev_class", r.OID) {
			return nil
		}
		return out.write(oidDatum(derived(classRewrite, r.OID)), text("_RETURN"), oidDatum(r.OID),
			charDatum('1'), charDatum('O'), boolean(true), text(""), text(r.Definition))
	})
}

// pgDepend has the edges that clients ask for: what a view reads (through its
// rule), which sequence goes with a column, which index with a constraint.
func pgDepend(s *scan) error {
	w := s.world()
	out := s.columns("classid objid objsubid refclassid refobjid refobjsubid deptype")
	edge := func(class, obj catalog.OID, refClass, ref catalog.OID, sub int, kind byte) error {
		if !s.wantsOID("objid", obj) || !s.wantsOID("refobjid", ref) {
			return nil
		}
		return out.write(oidDatum(class), oidDatum(obj), integer(0), oidDatum(refClass),
			oidDatum(ref), integer(sub), charDatum(kind))
	}
	for _, r := range w.s.Relations() {
		if err := w.dependencies(r, edge); err != nil {
			return err
		}
	}
	return s.extensionMembers(edge)
}

type dependency func(class, obj catalog.OID, refClass, ref catalog.OID, sub int, kind byte) error

func (w *world) dependencies(r *catalog.Relation, edge dependency) error {
	if err := edge(oidPgClass, r.OID, oidPgNamespace, w.schemaOID(r.Schema), 0, 'n'); err != nil {
		return err
	}
	if r.Definition != "" && relkind(r.Kind) != 'r' {
		rule := derived(classRewrite, r.OID)
		if err := edge(oidPgRewrite, rule, oidPgClass, r.OID, 0, 'i'); err != nil {
			return err
		}
		for _, on := range r.DependsOn {
			class := oidPgClass
			if w.s.Relation(on) == nil {
				class = oidPgProc
			}
			if err := edge(oidPgRewrite, rule, class, on, 0, 'n'); err != nil {
				return err
			}
		}
	}
	if q := r.Sequence; q != nil && q.OwnedBy != 0 {
		kind := byte('a')
		if w.s.Relation(q.OwnedBy).Columns[q.OwnedColumn].Identity != 0 {
			kind = 'i'
		}
		if err := edge(oidPgClass, r.OID, oidPgClass, q.OwnedBy, q.OwnedColumn+1, kind); err != nil {
			return err
		}
	}
	for i := range r.Columns {
		if c := &r.Columns[i]; c.Default != "" && !c.Dropped && c.Identity == 0 {
			def := defaultOID(r.OID, i+1)
			if err := edge(oidPgAttrdef, def, oidPgClass, r.OID, i+1, 'a'); err != nil {
				return err
			}
			if seq := w.sequenceOfDefault(r.Schema, c.Default); seq != nil {
				if err := edge(oidPgAttrdef, def, oidPgClass, seq.OID, 0, 'n'); err != nil {
					return err
				}
			}
		}
	}
	for _, c := range w.constraints(r) {
		for _, k := range c.keys {
			if err := edge(oidPgConstraint, c.oid, oidPgClass, c.table, k+1, 'a'); err != nil {
				return err
			}
		}
		if c.foreign != nil {
			for _, k := range c.foreign.RefColumns {
				err := edge(oidPgConstraint, c.oid, oidPgClass, c.foreign.Table, k+1, 'n')
				if err != nil {
					return err
				}
			}
			continue
		}
		if c.index != 0 {
			if err := edge(oidPgClass, c.index, oidPgConstraint, c.oid, 0, 'i'); err != nil {
				return err
			}
		}
	}
	return nil
}

func pgDescription(s *scan) error {
	w := s.world()
	out := s.columns("objoid classoid objsubid description")
	describe := func(oid, class catalog.OID, sub int, comment string) error {
		if comment == "" || !s.wantsOID("objoid", oid) {
			return nil
		}
		return out.write(oidDatum(oid), oidDatum(class), integer(sub), text(comment))
	}
	for _, x := range w.s.Schemas() {
		if err := describe(x.OID, oidPgNamespace, 0, x.Comment); err != nil {
			return err
		}
	}
	for _, t := range w.s.UserTypes() {
		if err := describe(t.OID, oidPgType, 0, t.Comment); err != nil {
			return err
		}
	}
	for _, f := range w.s.AllFunctions() {
		if err := describe(f.OID, oidPgProc, 0, f.Comment); err != nil {
			return err
		}
	}
	for _, e := range extensions {
		if err := describe(e.oid, oidPgExtension, 0, e.comment); err != nil {
			return err
		}
	}
	if err := w.describeProcs(describe); err != nil {
		return err
	}
	return w.eachClass(func(c *classRow) error {
		if err := describe(c.oid, oidPgClass, 0, c.comment); err != nil {
			return err
		}
		for i := range c.columns {
			a := &c.columns[i]
			if a.Dropped {
				continue
			}
			if err := describe(c.oid, oidPgClass, a.number, a.Comment); err != nil {
				return err
			}
		}
		return nil
	})
}

// sequenceOfDefault gives the sequence that a default of a relation in a schema takes its
// numbers from: nextval('name'), nextval('name'::regclass); nil of others.
func (w *world) sequenceOfDefault(schema, text string) *catalog.Relation {
	name, ok := strings.CutPrefix(text, "nextval('")
	if !ok {
		return nil
	}
	if name, ok = strings.CutSuffix(strings.Replace(name, "'::regclass)", "')", 1), "')"); !ok {
		return nil
	}
	parts, ok := parseIdents(strings.ReplaceAll(name, "''", "'"))
	switch {
	case !ok:
		return nil
	case len(parts) > 1:
		return w.s.Lookup(parts[0], parts[1])
	}
	for _, in := range []string{schema, catalog.PublicSchema} {
		if r := w.s.Lookup(in, parts[0]); r != nil && r.Sequence != nil {
			return r
		}
	}
	return nil
}
