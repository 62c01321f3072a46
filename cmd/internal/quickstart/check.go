package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/millracedb/millrace/cmd/internal/client"
)

// results are what the three queries must give, by key.
type results struct {
	late   map[string]int // row as text: how often
	hourly map[string]*group
	states map[string]*group
}

// group is an aggregate.
type group struct{ count, sum, max int64 }

func (g *group) add(delay int64) {
	if g.count == 0 || delay > g.max {
		g.max = delay
	}
	g.count++
	g.sum += delay
}

func groupOf(m map[string]*group, key string) *group {
	g := m[key]
	if g == nil {
		g = &group{}
		m[key] = g
	}
	return g
}

// timeForm is how keys write times.
const timeForm = "2006-01-02 15:04:05"

// recompute makes the results from the files, knowing nothing of the server.
func recompute(dir string) (*results, error) {
	states, err := readStates(dir)
	if err != nil {
		return nil, err
	}
	res := &results{late: map[string]int{}, hourly: map[string]*group{}, states: map[string]*group{}}
	err = openFlights(dir, func(r io.Reader) error {
		return eachRecord(r, func(f []string) error { return res.flight(f, states) })
	})
	return res, err
}

// flight adds one flight: scheduled, origin, destination, delay, distance.
func (res *results) flight(f []string, states map[string]string) error {
	at, err := time.Parse("2006-01-02T15:04Z07:00", f[0])
	if err != nil {
		return err
	}
	delay, err := strconv.ParseInt(f[3], 10, 64)
	if err != nil {
		return err
	}
	if delay >= 180 {
		res.late[fmt.Sprintf("%s %s %s %d", at.Format(timeForm), f[1], f[2], delay)]++
	}
	groupOf(res.hourly, f[1]+" "+at.Truncate(time.Hour).Format(timeForm)).add(delay)
	if state, ok := states[f[1]]; ok {
		groupOf(res.states, state).add(delay)
	}
	return nil
}

// readStates gives the state of each airport.
func readStates(dir string) (map[string]string, error) {
	f, err := os.Open(filepath.Join(dir, "airports.csv"))
	if err != nil {
		return nil, err
	}
	states := map[string]string{}
	err = eachRecord(f, func(r []string) error { states[r[0]] = r[3]; return nil })
	return states, errors.Join(err, f.Close())
}

// eachRecord calls fn for the records behind the header.
func eachRecord(r io.Reader, fn func([]string) error) error {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	if _, err := in.Read(); err != nil {
		return err
	}
	for {
		record, err := in.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := fn(record); err != nil {
			return err
		}
	}
}

// compare reads all three results whole and finds every difference.
func compare(ctx context.Context, conn *client.Conn, want *results) error {
	if err := conn.Exec(ctx, `SET TIME ZONE 'UTC'`); err != nil {
		return err
	}
	checks := []struct {
		name, query string
		rows        int
		row         func(r []string) error
	}{
		{"late_flights", `SELECT to_char(scheduled, 'YYYY-MM-DD HH24:MI:SS'), origin, destination, delay
  FROM late_flights`, total(want.late), want.checkLate},
		{"hourly_delays", `SELECT origin || ' ' || to_char(window_start, 'YYYY-MM-DD HH24:MI:SS'),
  flights, mean_delay, worst FROM hourly_delays`, len(want.hourly), checker(want.hourly)},
		{"state_delays", `SELECT state, flights, mean_delay, NULL FROM state_delays`,
			len(want.states), checker(want.states)},
	}
	fmt.Println("Compared with a plain recomputation from the file:")
	for _, c := range checks {
		n, err := compareRows(ctx, conn, c.query, c.row)
		if err == nil && n != c.rows {
			err = fmt.Errorf("%d rows, the recomputation has %d", n, c.rows)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Printf("  %-14s %6d rows equal\n", c.name, n)
	}
	return nil
}

func total(m map[string]int) (n int) {
	for _, c := range m {
		n += c
	}
	return n
}

func compareRows(ctx context.Context, conn *client.Conn, query string,
	check func([]string) error,
) (n int, err error) {
	var wrong []error
	err = conn.Stream(ctx, query, client.Handler{Row: func(row [][]byte) error {
		n++
		fields := make([]string, len(row))
		for i, v := range row {
			fields[i] = string(v)
		}
		if err := check(fields); err != nil && len(wrong) < 10 {
			wrong = append(wrong, err)
		}
		return nil
	}})
	return n, errors.Join(append(wrong, err)...)
}

// checkLate takes a row off the expected ones.
func (res *results) checkLate(r []string) error {
	key := r[0] + " " + r[1] + " " + r[2] + " " + r[3]
	if res.late[key] == 0 {
		return fmt.Errorf("row %q is not expected, or not so often", key)
	}
	res.late[key]--
	return nil
}

// checker compares rows of key, count, mean and, unless it is null, maximum; each
// key may come once.
func checker(want map[string]*group) func([]string) error {
	seen := map[string]bool{}
	return func(r []string) error {
		g := want[r[0]]
		if g == nil || seen[r[0]] {
			return fmt.Errorf("key %q is not expected, or came before", r[0])
		}
		seen[r[0]] = true
		mean, err := strconv.ParseFloat(r[2], 64)
		if err != nil {
			return fmt.Errorf("key %q: mean %q: %w", r[0], r[2], err)
		}
		exact := float64(g.sum) / float64(g.count)
		switch {
		case r[1] != strconv.FormatInt(g.count, 10):
			return fmt.Errorf("key %q: %s flights, recomputed %d", r[0], r[1], g.count)
		case math.Abs(mean-exact) > 1e-9*max(1, math.Abs(exact)):
			return fmt.Errorf("key %q: mean %s, recomputed %v", r[0], r[2], exact)
		case r[3] != "" && r[3] != strconv.FormatInt(g.max, 10):
			return fmt.Errorf("key %q: maximum %s, recomputed %d", r[0], r[3], g.max)
		}
		return nil
	}
}
