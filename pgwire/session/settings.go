package session

import (
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/catalog/system"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// The table of settings, by number; filled by init because its checks refer to it.
var (
	settingDefs  []*setting
	settingIndex map[string]int
	settingBoot  []string

	// What is read for each statement is read by number.
	idxStatementTimeout, idxMinMessages, idxMaxTransaction, idxSubscriberBuffer,
	idxApplicationName, idxIdleInTxn, idxIdle, idxWaitFor int
)

func init() {
	settingDefs = sortedSettings()
	settingIndex = indexSettings()
	settingBoot = bootValues()
	for name, idx := range map[string]*int{
		"statement_timeout":                   &idxStatementTimeout,
		"client_min_messages":                 &idxMinMessages,
		"max_transaction_bytes":               &idxMaxTransaction,
		"subscriber_buffer":                   &idxSubscriberBuffer,
		"application_name":                    &idxApplicationName,
		"wait_for":                            &idxWaitFor,
		"idle_in_transaction_session_timeout": &idxIdleInTxn,
		"idle_session_timeout":                &idxIdle,
	} {
		*idx = settingIndex[name]
	}
}

func sortedSettings() []*setting {
	t := settingTable()
	sort.Slice(t, func(i, j int) bool {
		return strings.ToLower(t[i].name) < strings.ToLower(t[j].name)
	})
	return t
}

func indexSettings() map[string]int {
	m := map[string]int{}
	for i, d := range settingDefs {
		m[strings.ToLower(d.name)] = i
	}
	// Spellings of other systems and of SET TIME ZONE.
	m["time_zone"] = m["timezone"]
	m["auto.offset.reset"] = m["auto_offset_reset"]
	m["ksql.streams.auto.offset.reset"] = m["auto_offset_reset"]
	return m
}

func bootValues() []string {
	vs := make([]string, len(settingDefs))
	for i, d := range settingDefs {
		vs[i] = d.boot
	}
	return vs
}

// settings are the values in force in one session. Transactions undo them: saved
// is a copy of all values before the first change in the block, and local has what
// SET LOCAL must return to at its end.
type settings struct {
	values []string // by number in settingDefs
	reset  []string // what RESET returns to: the start-up parameters
	custom map[string]string
	saved  *settingsCopy
	local  map[int]string
	// reported are the values that the client was last told.
	reported map[int]string
	dirty    bool
	// planGen counts changes of settings that plans depend on.
	planGen uint64

	// What is made of the values, for each statement.
	format      types.Env
	floatDigits int
	path        []string
}

type settingsCopy struct {
	values []string
	custom map[string]string
	local  map[int]string
}

func newSettings() *settings {
	g := &settings{values: slices.Clone(settingBoot), reset: slices.Clone(settingBoot),
		custom: map[string]string{}, dirty: true, reported: map[int]string{}}
	g.derive()
	return g
}

func (g *settings) copy() *settingsCopy {
	return &settingsCopy{slices.Clone(g.values), maps.Clone(g.custom), maps.Clone(g.local)}
}

func (g *settings) restore(c *settingsCopy) {
	g.values, g.custom = slices.Clone(c.values), maps.Clone(c.custom)
	g.local = maps.Clone(c.local)
	g.changed()
}

func (g *settings) changed() {
	g.dirty = true
	g.planGen++
	g.derive()
}

// commit ends a transaction: SET LOCAL ends.
func (g *settings) commit() {
	if len(g.local) > 0 {
		for i, v := range g.local {
			g.values[i] = v
		}
		g.changed()
	}
	g.saved, g.local = nil, nil
}

// rollback ends a transaction: all its changes go.
func (g *settings) rollback() {
	if g.saved != nil {
		g.restore(g.saved)
	}
	g.saved, g.local = nil, nil
}

// int gives a setting that is a number.
func (g *settings) int(i int) int64 {
	n, _ := strconv.ParseInt(g.values[i], 10, 64)
	return n
}

func (g *settings) get(name string) string { return g.values[settingIndex[name]] }

// derive makes what statements need of the values.
func (g *settings) derive() {
	g.format = types.Env{}
	g.format.Zone, _ = types.LoadZone(g.get("timezone"))
	if g.format.Zone == nil {
		g.format.Zone = time.UTC
	}
	style, order, _ := strings.Cut(g.get("datestyle"), ", ")
	switch style {
	case "SQL":
		g.format.DateStyle = types.DateSQL
	case "Postgres":
		g.format.DateStyle = types.DatePostgres
	case "German":
		g.format.DateStyle = types.DateGerman
	}
	switch order {
	case "DMY":
		g.format.DateOrder = types.DMY
	case "YMD":
		g.format.DateOrder = types.YMD
	}
	switch g.get("intervalstyle") {
	case "postgres_verbose":
		g.format.IntervalStyle = types.IntervalPostgresVerbose
	case "sql_standard":
		g.format.IntervalStyle = types.IntervalSQL
	case "iso_8601":
		g.format.IntervalStyle = types.IntervalISO
	}
	g.format.ByteaEscape = g.get("bytea_output") == "escape"
	g.floatDigits = int(g.int(settingIndex["extra_float_digits"]))
	g.path = splitPath(g.get("search_path"))
}

// splitPath reads a list of identifiers.
func splitPath(v string) []string {
	var out []string
	for v = strings.TrimSpace(v); v != ""; v = strings.TrimSpace(v) {
		var name string
		if v[0] == '"' {
			end := 1
			for end < len(v) && (v[end] != '"' || end+1 < len(v) && v[end+1] == '"') {
				if v[end] == '"' {
					end++
				}
				end++
			}
			name = strings.ReplaceAll(v[1:min(end, len(v))], `""`, `"`)
			v = v[min(end+1, len(v)):]
		} else {
			end := strings.IndexByte(v, ',')
			if end < 0 {
				end = len(v)
			}
			name = strings.ToLower(strings.TrimSpace(v[:end]))
			v = v[end:]
		}
		if name != "" {
			out = append(out, name)
		}
		v = strings.TrimPrefix(strings.TrimSpace(v), ",")
	}
	return out
}

// Setting gives the text that SHOW shows for a setting.
func (s *Session) Setting(name string) (string, bool) {
	if i, ok := settingIndex[name]; ok {
		return settingDefs[i].show(s.settings.values[i]), true
	}
	v, ok := s.settings.custom[name]
	return v, ok
}

// set changes a setting. A local change ends with the transaction.
func (s *Session) set(name, value string, local bool) error {
	i, ok := settingIndex[name]
	if !ok {
		if !strings.Contains(name, ".") {
			return s.undefinedSetting(name)
		}
		s.beforeSet()
		s.settings.custom[name] = value
		if strings.HasPrefix(name, ksqlPrefix) {
			s.settings.planGen++
		}
		return nil
	}
	d := settingDefs[i]
	if d.fixed {
		return sqlerr.New(sqlerr.CantChangeRuntimeParam, "parameter \"%s\" cannot be changed", d.name)
	}
	v, err := d.canonical(s, value)
	if err != nil {
		return err
	}
	s.assign(i, v, local)
	return nil
}

func (s *Session) undefinedSetting(name string) error {
	err := sqlerr.New(sqlerr.UndefinedObject,
		"unrecognized configuration parameter \"%s\"", name)
	if near := nearest(name); near != "" {
		err = err.WithHint("Did you mean \"%s\"?", near)
	}
	return err
}

// undefinedShow answers SHOW of what is neither a setting nor a kind of objects.
func (s *Session) undefinedShow(name string) error {
	var kinds []string
	for k := sql.ShowStreams; k <= sql.ShowCursors; k++ {
		kinds = append(kinds, k.String())
	}
	err := s.undefinedSetting(name)
	if near := catalog.Nearest(strings.ToUpper(name), kinds); near != "" {
		return sqlerr.As(err).WithHint("Did you mean SHOW %s?", near)
	}
	return err
}

// nearest gives the setting that a misspelt name most likely means.
func nearest(name string) string {
	plain := strings.ReplaceAll(strings.ToLower(name), "_", "")
	names := make([]string, len(settingDefs))
	for i, d := range settingDefs {
		names[i] = d.name
		if strings.ReplaceAll(strings.ToLower(d.name), "_", "") == plain {
			return d.name
		}
	}
	if near := catalog.Nearest(name, names); near != "" {
		return near
	}
	for _, n := range names {
		if len(name) >= 4 && (strings.HasPrefix(n, name) || strings.HasPrefix(name, n)) {
			return n
		}
	}
	return ""
}

// beforeSet keeps the values of before the first change in a block.
func (s *Session) beforeSet() {
	if s.block != noBlock && s.settings.saved == nil {
		s.settings.saved = s.settings.copy()
	}
}

func (s *Session) assign(i int, v string, local bool) {
	g := s.settings
	if g.values[i] == v && !local {
		delete(g.local, i)
		return
	}
	s.beforeSet()
	if local {
		if g.local == nil {
			g.local = map[int]string{}
		}
		if _, ok := g.local[i]; !ok {
			g.local[i] = g.values[i]
		}
	} else {
		delete(g.local, i)
	}
	g.values[i] = v
	g.dirty = true
	if settingDefs[i].plans {
		g.planGen++
	}
	g.derive()
}

// resetOne is RESET and SET ... TO DEFAULT.
func (s *Session) resetOne(name string, local bool) error {
	i, ok := settingIndex[name]
	if !ok {
		if _, ok := s.settings.custom[name]; !ok && !strings.Contains(name, ".") {
			return s.undefinedSetting(name)
		}
		s.beforeSet()
		delete(s.settings.custom, name)
		s.settings.planGen++
		return nil
	}
	if settingDefs[i].fixed {
		return sqlerr.New(sqlerr.CantChangeRuntimeParam,
			"parameter \"%s\" cannot be changed", settingDefs[i].name)
	}
	s.assign(i, s.settings.reset[i], local)
	return nil
}

// resetAll is RESET ALL; the transaction's own settings and the roles stay.
func (s *Session) resetAll() {
	for i, d := range settingDefs {
		if d.fixed || strings.HasPrefix(d.name, "transaction_") || d.name == "role" ||
			d.name == "session_authorization" {
			continue
		}
		s.assign(i, s.settings.reset[i], false)
	}
	s.beforeSet()
	clear(s.settings.custom)
}

// Parameter is a setting that the client is told of.
type Parameter struct{ Name, Value string }

// Reports gives the reported settings that changed since the last call, by name.
func (s *Session) Reports() []Parameter {
	g := s.settings
	if !g.dirty {
		return nil
	}
	g.dirty = false
	var out []Parameter
	for i, d := range settingDefs {
		if !d.report {
			continue
		}
		if old, ok := g.reported[i]; !ok || old != g.values[i] {
			g.reported[i] = g.values[i]
			out = append(out, Parameter{d.name, d.show(g.values[i])})
		}
	}
	return out
}

// systemSettings are the rows of pg_settings.
func (s *Session) systemSettings() []system.Setting {
	out := make([]system.Setting, len(settingDefs))
	kinds := [...]string{"bool", "integer", "real", "enum", "string", "string"}
	for i, d := range settingDefs {
		ctx := "user"
		if d.fixed {
			ctx = "internal"
		}
		out[i] = system.Setting{Name: d.name, Value: s.settings.values[i], Unit: d.unit,
			Category: d.category, ShortDesc: d.desc, Context: ctx, VarType: kinds[d.kind],
			BootVal: d.boot, ResetVal: s.settings.reset[i], EnumVals: d.enum}
	}
	return out
}

// settingValue gives the text of SET's values.
func settingValue(name string, values []sql.Expr) (string, error) {
	var parts []string
	i, known := settingIndex[name]
	for _, x := range values {
		v, err := literalText(x)
		if err != nil {
			return "", err
		}
		if known && settingDefs[i].name == "search_path" {
			v = sql.QuoteIdent(v)
		}
		parts = append(parts, v)
	}
	if len(parts) > 1 && known && settingDefs[i].kind != listSetting {
		return "", sqlerr.New(sqlerr.InvalidParameterValue,
			"SET %s takes only one argument", name).At(values[1].Pos())
	}
	return strings.Join(parts, ", "), nil
}

// literalText gives the text of a constant.
func literalText(x sql.Expr) (string, error) {
	switch x := x.(type) {
	case *sql.Const:
		return x.Val, nil
	case *sql.TypedLit:
		return x.Val, nil
	case *sql.Cast:
		return literalText(x.X)
	case *sql.Unary:
		if v, err := literalText(x.X); err == nil && (x.Op == "-" || x.Op == "+") {
			return strings.TrimPrefix(x.Op, "+") + v, nil
		}
	case *sql.ColRef:
		return x.Name.Last(), nil
	}
	return "", sqlerr.New(sqlerr.SyntaxError, "a setting needs a constant").At(x.Pos())
}
