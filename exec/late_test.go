package exec

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/millracedb/millrace/log"
)

// TestRejected follows a list of late rows through growth, retention and a
// checkpoint, beside a plain list of the same rows.
func TestRejected(t *testing.T) {
	type row struct {
		at        log.Offset
		epoch     log.Epoch
		watermark int64
	}
	const seed = 7
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	var got rejected
	var want []row
	at, epoch := log.Offset(0), log.Epoch(0)
	for step := range 2000 {
		switch n := rnd.IntN(20); {
		case n == 0:
			begin := log.Offset(0)
			if len(want) > 0 {
				begin = want[rnd.IntN(len(want))].at + log.Offset(rnd.IntN(2))
			}
			got = got.from(begin)
			for len(want) > 0 && want[0].at < begin {
				want = want[1:]
			}
		case n == 1:
			b, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			got = rejected{}
			if err := json.Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
		default:
			epoch += log.Epoch(rnd.IntN(2))
			at += 1 + log.Offset(rnd.IntN(300))
			got.add(at, epoch, int64(epoch)*10)
			want = append(want, row{at, epoch, int64(epoch) * 10})
		}
		var list []row
		for i, o := range got.offsets {
			m := got.mark(i)
			list = append(list, row{o, m.Epoch, m.Watermark})
		}
		if len(list) != len(want) || len(want) > 0 && !reflect.DeepEqual(list, want) {
			t.Fatalf("step %d: %v, want %v", step, list, want)
		}
	}
	var broken rejected
	if err := json.Unmarshal([]byte(`{"Offsets":"gA=="}`), &broken); err == nil {
		t.Error("offsets that are cut short were read")
	}
}
