package expr

import (
	"strings"
	"testing"
	"time"

	"github.com/millracedb/millrace/sql/parse"
)

// TestLocalTimeBeforeRange asks for local times that exist only west of the session's
// zone: the first moment of all is midnight in UTC.
func TestLocalTimeBeforeRange(t *testing.T) {
	for _, text := range []string{
		"to_timestamp('2024-09-4', 'JDDay')",
		"to_timestamp('4714-11-24 BC', 'YYYY-MM-DD BC')",
		"make_timestamptz(-4714, 11, 24, 0, 0, 0)",
		"pg_catalog.timestamptz(date '4714-11-24 BC', time '00:00')",
		"(timestamp '4714-11-24 BC')::timestamptz",
		"(date '4714-11-24 BC')::timestamptz",
	} {
		x, err := parse.ParseExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Check(x, sampleScope())
		if err != nil {
			t.Fatal(err)
		}
		zones := map[string]bool{"America/New_York": true, "UTC": true, "Asia/Tokyo": false}
		for name, exists := range zones {
			zone, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			_, err = EvalConst(e, &Env{Zone: zone})
			if exists && err != nil {
				t.Errorf("%s in %s: %v", text, name, err)
			}
			if !exists && (err == nil || !strings.HasPrefix(err.Error(), "22008: ")) {
				t.Errorf("%s in %s: %v, not out of range", text, name, err)
			}
		}
	}
}
