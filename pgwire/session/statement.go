package session

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// statement is a parsed statement with the plan last made for it. Plans are
// shared by executions; a change of the catalog or of a setting that plans depend
// on makes a new one.
type statement struct {
	text    string // the whole query text, for positions
	tree    sql.Statement
	given   []types.Type // parameter types that the client gave
	plan    *plan.Plan
	columns []Column
	version catalog.Version
	gen     uint64
	stat    *statementStat
	fine    *plan.Plan // the plan that constants was last happy with
	told    []string   // notices of the parser about the whole text
}

// statementCache keeps the statements of the texts last seen, so that a text that
// comes again is neither read nor planned.
type statementCache struct {
	texts map[string][]*statement
}

const (
	// cachedTexts bounds the cache: above it the cache starts anew, which costs one
	// planning per text that is still in use.
	cachedTexts = 512
	// maxCachedText keeps bulk INSERTs out: they do not come again.
	maxCachedText = 4 << 10
	// maxParseNotices bounds what one text of too long names makes a client read.
	maxParseNotices = 20
)

// parse reads a query text.
func (s *Session) parse(text string) ([]*statement, error) {
	if list, ok := s.cache.texts[text]; ok {
		return list, nil
	}
	if err := types.ValidText(text); err != nil {
		return nil, err
	}
	var told []string
	cfg := parse.Config{Notice: func(message string) {
		if len(told) < maxParseNotices {
			told = append(told, message)
		}
	}}
	cfg.Literal = !s.settings.substitutes()
	if len(s.variables) > 0 {
		cfg.Variables = func(name string) (string, bool) {
			v, ok := s.variables[name]
			return v, ok
		}
	}
	trees, err := cfg.Parse(text)
	if err != nil {
		return nil, err
	}
	list := make([]*statement, len(trees))
	for i, t := range trees {
		list[i] = &statement{text: text, tree: t}
	}
	if len(list) > 0 {
		list[0].told = told
	}
	if len(text) <= maxCachedText && !strings.Contains(text, "${") {
		if s.cache.texts == nil || len(s.cache.texts) >= cachedTexts {
			s.cache.texts = make(map[string][]*statement, 64)
		}
		s.cache.texts[text] = list
	}
	return list, nil
}

// source gives the statement's own text.
func (st *statement) source() string {
	from, to := st.tree.Range()
	if from < 0 || to > len(st.text) || from > to {
		return st.text
	}
	return st.text[from:to]
}

// planned tells whether a statement is the planner's; the others are the
// session's.
func planned(x sql.Statement) bool {
	switch x := x.(type) {
	case *sql.Begin, *sql.Commit, *sql.Rollback, *sql.Savepoint, *sql.Release, *sql.RollbackTo,
		*sql.SetTransaction, *sql.SetVar, *sql.ShowVar, *sql.ResetVar, *sql.Unset, *sql.Discard,
		*sql.Prepare, *sql.Execute, *sql.Deallocate, *sql.Fetch, *sql.Move, *sql.CloseCursor,
		*sql.Define, *sql.Undefine, *sql.Listen, *sql.Notify, *sql.Unlisten, *sql.AlterSystem,
		*sql.Vacuum, *sql.Analyze, *sql.Lock, *sql.SetConstraints,
		*sql.Checkpoint, *sql.Flush, *sql.RunScript, *sql.Do:
		return false
	case *sql.ShowObjects:
		return x.Kind != sql.ShowVariables && x.Kind != sql.ShowProperties
	case *sql.CreateAs:
		return x.Execute == nil
	case *sql.AlterRole:
		return x.Set == nil && x.Reset == nil
	}
	return true
}

// ready makes sure that the plan fits the catalog and the settings.
func (s *Session) ready(st *statement, snap *catalog.Snapshot) error {
	if st.plan != nil && st.version == snap.Version && st.gen == s.settings.planGen &&
		!positioned(st.tree) {
		return nil
	}
	if !planned(st.tree) {
		return nil
	}
	tree, err := s.prepareTree(st)
	if err != nil {
		return err
	}
	p, err := planner.Build(tree, s.planEnv(st, snap))
	if err != nil {
		return err
	}
	if p.Root == nil && p.Write == nil {
		p.Columns = nil
	}
	st.plan, st.version, st.gen = p, snap.Version, s.settings.planGen
	st.columns = columnsOf(p)
	if c, ok := st.tree.(*sql.Copy); ok && c != nil {
		st.columns = nil
	}
	if _, ok := st.tree.(*sql.DeclareCursor); ok {
		st.columns = nil
	}
	return nil
}

// planEnv is the session as the planner sees it.
func (s *Session) planEnv(st *statement, snap *catalog.Snapshot) *planner.Env {
	user := s.currentUser()
	values := s.settings.format
	values.Now = s.host.clock.NowMicros()
	d := s.describing()
	values.Names = &d.describer
	return &planner.Env{
		Snapshot: snap, System: s.host.system, SearchPath: snap.NamedPath(s.settings.path, user),
		User: user, Database: s.database, ParamTypes: st.given,
		Settings: func(name string) string {
			v, _ := s.Setting(name)
			return v
		},
		Zone: values.Zone, Values: &values, Text: st.source(), Cursor: s.currentRow,
	}
}

// prepareTree replaces what the planner cannot know: passwords by their
// verifiers, EXECUTE in EXPLAIN by what was prepared.
func (s *Session) prepareTree(st *statement) (sql.Statement, error) {
	switch x := st.tree.(type) {
	case *sql.CreateRole:
		c := *x
		var err error
		c.Options, err = s.hashPassword(x.Options)
		return &c, err
	case *sql.AlterRole:
		c := *x
		var err error
		c.Options, err = s.hashPassword(x.Options)
		return &c, err
	case *sql.Explain:
		e, ok := x.Stmt.(*sql.Execute)
		if !ok {
			return x, nil
		}
		p, err := s.findPrepared(e.Name)
		if err != nil {
			return nil, err
		}
		if err := p.checkCount(e); err != nil {
			return nil, err
		}
		c := *x
		c.Stmt = p.st.tree
		st.given = p.paramTypes()
		return &c, nil
	}
	return st.tree, nil
}

// sameColumns tells whether clients that know one result can read the other.
func sameColumns(a, b []Column) bool {
	return slices.EqualFunc(a, b, func(x, y Column) bool {
		return x.Name == y.Name && x.OID == y.OID
	})
}

func errResultChanged() error {
	return sqlerr.New(sqlerr.FeatureNotSupported, "cached plan must not change result type")
}

// constants evaluates a SELECT without FROM and parameters when it is bound, as
// PostgreSQL does while it plans: SELECT 1/0 fails before it is executed.
func (s *Session) constants(st *statement) error {
	p := st.plan
	if p == nil || p == st.fine || p.Root == nil || p.Volatile || len(p.Params) > 0 ||
		len(p.Subplans) > 0 {
		return nil
	}
	project, ok := p.Root.(*plan.Project)
	if !ok {
		return nil
	}
	if v, ok := project.Input.(*plan.Values); !ok || len(v.Rows) != 1 || len(v.Rows[0]) > 0 {
		return nil
	}
	x := s.describing()
	for _, e := range project.Exprs {
		if _, err := expr.EvalRow(e, &x.env, nil); err != nil {
			return err
		}
	}
	st.fine = p
	return nil
}
