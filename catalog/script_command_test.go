package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

var kindWords = map[string]RelationKind{
	"stream": KindStream, "table": KindTable, "view": KindView,
	"materialized-view": KindMaterializedView, "index": KindIndex, "sequence": KindSequence,
}

// command makes the command of one line of a script.
func (sc *script) command(words []string) Command { //tidy:long one case per verb
	verb := words[0]
	plain, opt := args(words[1:])
	switch verb {
	case "stream", "table", "view", "materialized-view", "sequence", "index":
		return sc.create(kindWords[verb], plain, opt)
	case "batch":
		return sc.batchOf(strings.Join(words[1:], " "))
	case "insert": // insert TARGET from=a,b
		return &CreateQuery{Query: Query{Target: sc.relation(plain[0]).OID,
			Sources: sc.oids(opt["from"]), SQL: "SELECT"}}
	case "drop": // drop KIND NAME... cascade! if!
		d := &DropObjects{Kind: kindWords[plain[0]], IfExists: opt["if"] != "",
			Cascade: opt["cascade"] != ""}
		for _, n := range plain[1:] {
			d.Names = append(d.Names, parseName(n))
		}
		return d
	case "alter":
		return sc.alter(plain, opt)
	case "rename": // rename NAME SCHEMA.NEW rewrite=dependent
		n := parseName(plain[1])
		return &RenameRelation{OID: sc.relation(plain[0]).OID, Schema: n.Schema, NewName: n.Name,
			Rewrites: sc.rewrites(opt["rewrite"])}
	case "create-schema":
		return &CreateSchema{Name: plain[0], Owner: opt["owner"], IfNotExists: opt["if"] != ""}
	case "drop-schema":
		return &DropSchema{Names: plain, IfExists: opt["if"] != "", Cascade: opt["cascade"] != ""}
	case "rename-schema":
		return &RenameSchema{Name: plain[0], NewName: plain[1],
			Rewrites: sc.rewrites(opt["rewrite"])}
	case "state": // state QUERY STATE error=text turn=n
		states := map[string]QueryState{"backfilling": QueryBackfilling, "running": QueryRunning,
			"paused": QueryPaused, "failed": QueryFailed}
		c := &SetQueryState{OID: sc.query(plain[0]), State: states[plain[1]],
			Error: opt["error"], SQLState: opt["code"]}
		if turn, err := strconv.ParseUint(opt["turn"], 10, 64); err == nil {
			c.Turn = &turn
		}
		return c
	case "terminate":
		return &DropQuery{OID: sc.query(plain[0])}
	case "truncate":
		return &Truncate{OIDs: sc.oids(strings.Join(plain, ","))}
	case "comment":
		return sc.comment(plain, opt)
	case "role", "alter-role":
		return &CreateRole{OrReplace: verb == "alter-role", Role: Role{Name: plain[0],
			Superuser: opt["super"] != "", CanLogin: opt["login"] != "",
			MemberOf: splitList(opt["in"])}}
	case "drop-role":
		return &DropRole{Names: plain, IfExists: opt["if"] != ""}
	case "grant", "revoke":
		return sc.grantCommand(verb, plain, opt)
	case "enum", "domain":
		return sc.userType(verb, plain, opt)
	case "drop-type":
		return &DropType{Names: []QualifiedName{parseName(plain[0])}, IfExists: opt["if"] != "",
			Cascade: opt["cascade"] != ""}
	case "function": // function NAME RET ARG...
		n := parseName(plain[0])
		f := UserFunc{Schema: n.Schema, Name: n.Name, Ret: sc.typeNamed(plain[1]), Volatile: 'i',
			Body: "SELECT 1"}
		for _, a := range plain[2:] {
			f.Args = append(f.Args, sc.typeNamed(a))
		}
		return &CreateFunction{Func: f, OrReplace: opt["replace"] != ""}
	case "drop-function": // drop-function NAME ARG... args!
		d := &DropFunction{Names: []QualifiedName{parseName(plain[0])}, IfExists: opt["if"] != "",
			Cascade: opt["cascade"] != ""}
		if opt["args"] != "" || len(plain) > 1 {
			d.Args = append(d.Args, nil)
			for _, a := range plain[1:] {
				d.Args[0] = append(d.Args[0], sc.typeNamed(a))
			}
		}
		return d
	}
	sc.t.Fatalf("verb %q is not known", verb)
	return nil
}

// create reads NAME col:type... key=a,b on=r,s reads=r.a,r.b query! if! replace!
// table=t.a,b (of an index or sequence) owner=r partitions=n serial=col.
func (sc *script) create(kind RelationKind, plain []string, opt map[string]string) Command {
	n := parseName(plain[0])
	c := &CreateRelation{IfNotExists: opt["if"] != "", OrReplace: opt["replace"] != ""}
	r := &c.Relation
	*r = Relation{Schema: n.Schema, Name: n.Name, Kind: kind, Columns: sc.columns(plain[1:]),
		TimeColumn: -1, GraceMicros: -1, Owner: opt["owner"], DependsOn: sc.oids(opt["on"])}
	if r.Kind.Stored() {
		r.Partitions = 6
	}
	if opt["partitions"] != "" {
		r.Partitions = number(sc.t, opt["partitions"])
	}
	for _, k := range splitList(opt["key"]) {
		r.Key = append(r.Key, slices.IndexFunc(r.Columns, func(c Column) bool { return c.Name == k }))
	}
	for _, use := range splitList(opt["reads"]) {
		rel, col, _ := strings.Cut(use, ".")
		src := sc.relation(rel)
		r.Reads = append(r.Reads, ColumnUse{src.OID, []int{src.ColumnIndex(col)}})
	}
	if r.DependsOn != nil {
		r.Definition = "SELECT FROM " + opt["on"]
	}
	if opt["query"] != "" {
		c.Query = &Query{SQL: r.Definition, Sources: r.DependsOn, OnError: "null"}
	}
	if table, cols, ok := strings.Cut(opt["table"], "."); ok {
		sc.belong(r, sc.relation(table), splitList(cols))
	}
	if kind == KindSequence && r.Sequence == nil {
		r.Sequence = &Sequence{Start: 1, Increment: 1}
	}
	serial := func(c Column) bool { return c.Name == opt["serial"] }
	if i := slices.IndexFunc(r.Columns, serial); i >= 0 {
		seq := r.Name + "_" + opt["serial"] + "_seq"
		r.Columns[i].Default = "nextval('" + seq + "'::regclass)"
		c.Companions = []Relation{{Schema: r.Schema, Name: seq, Kind: KindSequence, TimeColumn: -1,
			Sequence: &Sequence{Start: 1, Increment: 1, OwnedColumn: i}}}
	}
	return c
}

func (sc *script) belong(r, table *Relation, cols []string) {
	if r.Kind == KindSequence {
		r.Sequence = &Sequence{Start: 1, Increment: 1, OwnedBy: table.OID,
			OwnedColumn: table.ColumnIndex(cols[0])}
		return
	}
	r.Table = table.OID
	for _, c := range cols {
		r.IndexColumns = append(r.IndexColumns, table.ColumnIndex(c))
	}
}

// batchOf reads commands separated by "/", all decided on the snapshot before.
func (sc *script) batchOf(line string) Command {
	b := &Batch{}
	for _, part := range strings.Split(line, " / ") {
		if part == "stale" {
			b.NextOID = sc.machine.Current().NextOID() + 1
			continue
		}
		b.Commands = append(b.Commands, sc.command(strings.Fields(part)))
	}
	return b
}

// alter reads NAME add=col:type drop=col retype=col:type column=old:new
// identity=col stale! cascade! rewrite=dependent.
func (sc *script) alter(plain []string, opt map[string]string) Command {
	r := *sc.relation(plain[0])
	from := r.SchemaVersion
	r.Columns = slices.Clone(r.Columns)
	if opt["add"] != "" {
		r.Columns = append(r.Columns, sc.columns([]string{opt["add"]})...)
	}
	if opt["drop"] != "" {
		r.Columns[r.ColumnIndex(opt["drop"])].Dropped = true
	}
	if col, typ, ok := strings.Cut(opt["retype"], ":"); ok {
		r.Columns[r.ColumnIndex(col)].Type = sc.typeNamed(typ)
	}
	if old, now, ok := strings.Cut(opt["column"], ":"); ok {
		r.Columns[r.ColumnIndex(old)].Name = now
	}
	if opt["identity"] != "" {
		r.Columns[r.ColumnIndex(opt["identity"])].Identity = 'a'
	}
	if opt["stale"] != "" {
		from--
	}
	return &AlterRelation{Relation: r, From: from, Cascade: opt["cascade"] != "",
		Rewrites: sc.rewrites(opt["rewrite"])}
}

func (sc *script) rewrites(list string) []Rewrite {
	var out []Rewrite
	for _, name := range splitList(list) {
		oid := sc.relation(name).OID
		if q := sc.machine.Current().QueryByName(name); q != nil {
			oid = q.OID
		}
		out = append(out, Rewrite{OID: oid, Definition: "SELECT rewritten"})
	}
	return out
}

func (sc *script) comment(plain []string, opt map[string]string) Command {
	c := &SetComment{Class: plain[0], Column: -1, Comment: opt["is"]}
	s := sc.machine.Current()
	n := parseName(plain[1])
	switch plain[0] {
	case "relation":
		r := sc.relation(plain[1])
		c.OID = r.OID
		if opt["column"] != "" {
			c.Column = r.ColumnIndex(opt["column"])
		}
	case "schema":
		if x := s.Schema(plain[1]); x != nil {
			c.OID = x.OID
		}
	case "type":
		c.OID = s.UserType(n.Schema, n.Name).OID
	case "function":
		c.OID = s.Functions(n.Schema, n.Name)[0].OID
	}
	return c
}

// grantCommand reads PRIVILEGE OBJECT ROLE, or "role" ROLE MEMBER.
func (sc *script) grantCommand(verb string, plain []string, opt map[string]string) Command {
	g := Grant{Kind: "table", Privilege: plain[0], Role: plain[2], Option: opt["option"] != ""}
	if plain[0] == "role" {
		g.Kind, g.Privilege = "role", ""
		if r := sc.machine.Current().Role(plain[1]); r != nil {
			g.Object = r.OID
		}
	} else {
		g.Object = sc.relation(plain[1]).OID
	}
	return &GrantCommand{Grants: []Grant{g}, Revoke: verb == "revoke"}
}

func (sc *script) userType(verb string, plain []string, opt map[string]string) Command {
	n := parseName(plain[0])
	t := UserType{Schema: n.Schema, Name: n.Name, Base: sc.typeNamed("text")}
	if verb == "enum" {
		t.Labels = plain[1:]
	} else {
		t.Base = sc.typeNamed(plain[1])
	}
	return &CreateType{Type: t, IfNotExists: opt["if"] != "", OrReplace: opt["replace"] != ""}
}

// show prints parts of the snapshot.
func (sc *script) show(b *strings.Builder, words []string) {
	s := sc.machine.Current()
	switch words[0] {
	case "relations":
		for _, r := range s.Relations() {
			sc.showRelation(b, r)
		}
	case "queries":
		for _, q := range s.Queries() {
			fmt.Fprintf(b, "%d %s target=%d sources=%v %s owns=%v created=%d active=%d",
				q.OID, q.Name, q.Target, q.Sources, q.State, q.Owns, q.Created, q.Active)
			if q.Error != "" {
				fmt.Fprintf(b, " error=%s/%s", q.SQLState, q.Error)
			}
			fmt.Fprintf(b, " sql=%q\n", q.SQL)
		}
	case "schemas":
		for _, x := range s.Schemas() {
			fmt.Fprintf(b, "%d %s owner=%s comment=%q\n", x.OID, x.Name, x.Owner, x.Comment)
		}
	case "roles":
		for _, r := range s.Roles() {
			fmt.Fprintf(b, "%d %s super=%v login=%v in=%v\n", r.OID, r.Name, r.Superuser,
				r.CanLogin, r.MemberOf)
		}
	case "types":
		for _, t := range s.UserTypes() {
			fmt.Fprintf(b, "%d %s.%s labels=%v base=%s comment=%q\n", t.OID, t.Schema, t.Name,
				t.Labels, t.Base, t.Comment)
		}
	case "functions":
		for _, f := range s.AllFunctions() {
			fmt.Fprintf(b, "%d %s returns %s comment=%q\n", f.OID, f.signature(), f.Ret, f.Comment)
		}
	case "grants":
		for _, g := range s.Grants() {
			fmt.Fprintf(b, "%d %s to %s option=%v\n", g.Object, g.Privilege, g.Role, g.Option)
		}
	case "dependents":
		fmt.Fprintln(b, s.Dependents(sc.relation(words[1]).OID))
	case "similar":
		fmt.Fprintf(b, "%q\n", s.Similar(words[1], []string{PublicSchema}))
	case "may": // may ROLE PRIVILEGE RELATION
		r := sc.relation(words[3])
		fmt.Fprintln(b, s.HasPrivilege(words[1], r.OID, r.Owner, words[2]))
	default:
		sc.t.Fatalf("show %q is not known", words[0])
	}
}

func (sc *script) showRelation(b *strings.Builder, r *Relation) {
	fmt.Fprintf(b, "%d %s v%d created=%d owner=%s\n", r.OID, r.Title(), r.SchemaVersion, r.Created,
		r.Owner)
	for i, c := range r.Columns {
		fmt.Fprintf(b, "  %d %s %s", i, c.Name, c.Type)
		if slices.Contains(r.Key, i) {
			b.WriteString(" key")
		}
		if c.Dropped {
			b.WriteString(" dropped")
		}
		if c.Default != "" {
			b.WriteString(" default " + c.Default)
		}
		if c.Comment != "" {
			fmt.Fprintf(b, " comment=%q", c.Comment)
		}
		b.WriteString("\n")
	}
	if r.Query != 0 {
		fmt.Fprintf(b, "  query %d\n", r.Query)
	}
	if r.Definition != "" {
		fmt.Fprintf(b, "  as %s (%v)\n", r.Definition, r.DependsOn)
	}
	if r.Kind == KindIndex {
		fmt.Fprintf(b, "  on %d %v\n", r.Table, r.IndexColumns)
	}
	if r.Sequence != nil && r.Sequence.OwnedBy != 0 {
		fmt.Fprintf(b, "  owned by %d.%d\n", r.Sequence.OwnedBy, r.Sequence.OwnedColumn)
	}
	if r.Comment != "" {
		fmt.Fprintf(b, "  comment %q\n", r.Comment)
	}
}
