package expr

import (
	"math/rand"
	"testing"
	"time"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// TestPlainTemplates compares the short way of to_char with the long one.
func TestPlainTemplates(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	env := &Env{Zone: zone}
	whole := func(env *Env, us int64) moment { return momentAt(zoneOf(env), us) }
	kernel := charOfTimes(zoneTime, whole)
	rnd := rand.New(rand.NewSource(1))
	for _, format := range []string{"YYYY-MM-DD", "yyyymmdd", "HH24:MI:SS.MS", "DD/MM/YYYY US",
		"\"at\" HH24", "YYYY-MM-DD FMHH24", "DDth", "Day"} {
		v := batch.NewVector(types.Of(types.Timestamptz), 64)
		rows := []uint16{}
		for i := range 200 {
			us := rnd.Int63n(4e15) - 1e15
			switch i % 50 {
			case 7:
				us = daysOf(9999, 12, 31)*usecPerDay + rnd.Int63n(2*usecPerDay)
			case 9:
				us = daysOf(1, 1, 1)*usecPerDay - usecPerDay + rnd.Int63n(2*usecPerDay)
			case 11:
				us = types.Infinity
			case 13, 14, 15:
				us = 1_700_000_000e6 + int64(i)
			}
			v.AppendInt(us)
			rows = append(rows, uint16(i))
		}
		f := &batch.Vector{Type: types.Of(types.Text), Const: true, Off: []int32{0}}
		putString(f, 0, format)
		out := batch.NewVector(types.Of(types.Text), 256)
		out.Valid = batch.Bitmap{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
		if err := kernel(env, len(rows), rows, []*batch.Vector{v, f}, out); err != nil {
			t.Fatal(err)
		}
		for i, r := range rows {
			us := v.I64[r]
			if isInfinite(us) {
				if !out.IsNull(i) {
					t.Errorf("%q of infinity is not null", format)
				}
				continue
			}
			want, err := toCharTime(whole(env, us), format)
			if got := string(out.Bytes(i)); err != nil || got != want {
				t.Fatalf("%q of %d: %q, want %q, %v", format, us, got, want, err)
			}
		}
	}
	if _, ok := plainTemplate("FMYYYY"); ok {
		t.Error("a template with FM has no plain form")
	}
}
