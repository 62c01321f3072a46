package expr

import "testing"

// TestClock checks that clock_timestamp() goes on from call to call and now() does not.
func TestClock(t *testing.T) {
	b, sc := numbersBatch(10)
	env := testEnv()
	ticks := env.Now
	env.Clock = func() int64 { ticks++; return ticks }
	for _, c := range []struct {
		text string
		step int64
	}{{"clock_timestamp()", 1}, {"now()", 0}} {
		vs, err := compileText(t, sc, c.text).Eval(env, b)
		if err != nil {
			t.Fatal(err)
		}
		first, last := vs[0].I64[0], vs[0].I64[0]
		if !vs[0].Const {
			last = vs[0].I64[9]
		}
		if got := last - first; got != 9*c.step {
			t.Errorf("%s went on by %d over ten rows, not by %d", c.text, got, 9*c.step)
		}
	}
	if ticks != env.Now+10 {
		t.Errorf("the clock was asked %d times, not 10", ticks-env.Now)
	}
}
