package session

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

func TestSettingValues(t *testing.T) {
	s := &Session{settings: newSettings()}
	for _, c := range []struct{ name, in, want string }{
		{"statement_timeout", "90s", "90s"},
		{"statement_timeout", "60000", "1min"},
		{"statement_timeout", "1.5 min", "90s"},
		{"statement_timeout", "250 us", "0"},
		{"statement_timeout", "5kB", `invalid value for parameter "statement_timeout": "5kB"`},
		{"work_mem", "1GB", "1GB"},
		{"work_mem", "2048", "2MB"},
		{"max_transaction_bytes", "1MB", "1MB"},
		{"extra_float_digits", "4",
			`4 is outside the valid range for parameter "extra_float_digits" (-15 .. 3)`},
		{"jit", "YES", "on"},
		{"jit", "perhaps", `parameter "jit" requires a Boolean value`},
		{"intervalstyle", "ISO_8601", "iso_8601"},
		{"synchronous_commit", "true", "on"},
		{"datestyle", "dmy", "ISO, DMY"},
		{"datestyle", "Postgres", "Postgres, DMY"},
		{"client_encoding", "'Utf-8", "UTF8"},
		{"client_encoding", "klingon", `invalid value for parameter "client_encoding": "klingon"`},
		{"timezone", "utc", "UTC"},
		{"seq_page_cost", "1.50", "1.5"},
		{"server_version", "17", `parameter "server_version" cannot be changed`},
		{"nosuch", "1", `unrecognized configuration parameter "nosuch"`},
	} {
		err := s.set(c.name, c.in, false)
		got, _ := s.Setting(c.name)
		if err != nil {
			_, got, _ = strings.Cut(err.Error(), ": ")
		}
		if got != c.want {
			t.Errorf("SET %s = %s: %s, want %s", c.name, c.in, got, c.want)
		}
	}
}

func TestSettingTableIsWhole(t *testing.T) {
	s := &Session{settings: newSettings()}
	for i, d := range settingDefs {
		if i > 0 && strings.EqualFold(settingDefs[i-1].name, d.name) {
			t.Errorf("%s is there twice", d.name)
		}
		if d.desc == "" || d.category == "" {
			t.Errorf("%s has no description", d.name)
		}
		if d.name == "session_authorization" {
			continue
		}
		if v, err := d.canonical(s, d.boot); err != nil || v != d.boot {
			t.Errorf("%s: the default %q is kept as %q, %v", d.name, d.boot, v, err)
		}
	}
}

func TestSplitPath(t *testing.T) {
	for in, want := range map[string]string{
		`"$user", public`: "$user|public", `A, b`: "a|b", `"A ""b", c`: `A "b|c`, ``: "",
		`public`: "public", `"open`: "open",
	} {
		if got := strings.Join(splitPath(in), "|"); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestDurationMicros(t *testing.T) {
	for in, want := range map[string]int64{"1s": 1e6, "250ms": 250e3, "2 minutes": 120e6,
		"00:00:03": 3e6, "0": 0} {
		got, err := durationMicros(in)
		if err != nil || got != want {
			t.Errorf("%s: %d, %v", in, got, err)
		}
	}
	if _, err := durationMicros("soon"); err == nil {
		t.Error("soon is taken for a time")
	}
}

// emitted collects what an emitter gives, a row as its columns with blanks.
type emitted struct{ rows []string }

func (e *emitted) take(b *batch.Batch) error {
	for k := range b.Rows() {
		i := b.Index(k)
		var cols []string
		for _, v := range b.Cols {
			if v.IsNull(i) {
				cols = append(cols, "-")
				continue
			}
			cols = append(cols, types.TextOf(nil, v.Type, v.Datum(i)))
		}
		e.rows = append(e.rows, strings.Join(cols, " "))
	}
	return nil
}

// changes makes a batch of (key, value) rows from texts such as "+1 a".
func changes(list ...string) *batch.Batch {
	b := batch.New([]types.Type{types.Of(types.Int4), types.Of(types.Text)}, len(list))
	for _, c := range list {
		var w int32
		var k int64
		var v string
		fmt.Sscanf(c, "%d:%d:%s", &w, &k, &v)
		b.AppendDatums([]types.Datum{types.IntDatum(k), types.TextDatum(v)}, w)
	}
	return b
}

func TestEmitter(t *testing.T) {
	cols := []plan.Column{{Name: "k", Type: types.Of(types.Int4)}, {Name: "v", Type: types.Of(types.Text)}}
	op := plan.Column{Name: "op", Type: types.Of(types.Text)}
	epoch := plan.Column{Name: "epoch", Type: types.Of(types.Int8)}
	for _, c := range []struct {
		name string
		emit plan.Emit
		cols []plan.Column
		in   []string
		want []string
	}{
		{"keyed with op", plan.Emit{Op: true, Keyed: true, KeyCols: []int{0}},
			slices.Concat([]plan.Column{op}, cols),
			[]string{"-1:1:a", "1:1:b", "-1:2:x", "1:3:n"},
			[]string{"update 1 b", "insert 3 n", "delete 2 x"}},
		{"keyed without op", plan.Emit{Keyed: true, KeyCols: []int{0}}, cols,
			[]string{"-1:1:a", "1:1:b", "-1:2:x"}, []string{"1 b", "2 -"}},
		{"multiset", plan.Emit{Op: true}, slices.Concat([]plan.Column{op}, cols),
			[]string{"2:1:a", "-1:2:b"}, []string{"insert 1 a", "insert 1 a", "delete 2 b"}},
		{"progress", plan.Emit{Op: true, Progress: true},
			slices.Concat([]plan.Column{op}, cols, []plan.Column{epoch}),
			[]string{"1:1:a"}, []string{"insert 1 a 7", "progress - - 7"}},
		{"progress alone", plan.Emit{Progress: true}, slices.Concat(cols, []plan.Column{epoch}),
			[]string{"1:1:a"}, []string{"1 a 7", "- - 7"}},
	} {
		var got emitted
		p := &plan.Plan{Root: &plan.Values{Base: plan.Base{Out: cols}}, Columns: c.cols, Emit: &c.emit}
		f := newEmitter(p, got.take, func() error { return nil })
		if err := f.rows(7, changes(c.in...)); err != nil {
			t.Fatal(err)
		}
		if err := f.progress(7); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.rows, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got.rows, c.want)
		}
	}
}

func TestExpandWeights(t *testing.T) {
	var got emitted
	if err := expand(changes("3:1:a", "-1:2:b", "1:3:c"), got.take); err != nil {
		t.Fatal(err)
	}
	if want := []string{"1 a", "1 a", "1 a", "3 c"}; !slices.Equal(got.rows, want) {
		t.Errorf("%q", got.rows)
	}
}
