package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millracedb/millrace/cmd/internal/client"
)

// subscriber follows late_flights on a connection of its own.
type subscriber struct {
	conn   *client.Conn
	cancel context.CancelFunc
	rows   chan string // closed at the end
	err    error       // after rows is closed
}

// shownRows is how many changes are printed; the others are counted.
const shownRows = 5

func subscribe(ctx context.Context, url string) (*subscriber, error) {
	conn, err := client.Connect(ctx, url, client.Options{AppName: "quickstart subscriber"})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &subscriber{conn: conn, cancel: cancel, rows: make(chan string, 4096)}
	begun := make(chan error, 1)
	go s.run(ctx, begun)
	return s, <-begun
}

// run ends with the subscription, which finish cancels.
func (s *subscriber) run(ctx context.Context, begun chan<- error) {
	defer close(s.rows)
	shown := 0
	s.err = s.conn.Stream(ctx, watchLate, client.Handler{
		Columns: func([]client.Column) error { begun <- nil; return nil },
		Row: func(row [][]byte) error {
			fields := make([]string, len(row))
			for i, v := range row {
				fields[i] = string(v)
			}
			if shown++; shown <= shownRows {
				fmt.Printf("  %s  %s to %s, %s minutes late\n", fields[0], fields[1], fields[2], fields[3])
			}
			select {
			case s.rows <- strings.Join(fields, ","):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	})
	select {
	case begun <- s.err:
	default:
	}
}

// subscriberWait is how long rows may be on their way to the subscriber.
const subscriberWait = 30 * time.Second

// finish waits until all rows have come, and that no other ones do, and ends the
// subscription.
func (s *subscriber) finish(want int) error {
	defer func() { _ = s.conn.Close() }()
	timer := time.NewTimer(subscriberWait)
	defer timer.Stop()
	seen := map[string]int{}
	for n := 0; n < want; n++ {
		select {
		case row, ok := <-s.rows:
			if !ok {
				return fmt.Errorf("the subscription ended after %d rows of %d: %w", n, want, s.err)
			}
			seen[row]++
		case <-timer.C:
			return fmt.Errorf("the subscriber got %d rows of %d in %v", n, want, subscriberWait)
		}
	}
	s.cancel()
	extra := 0
	for range s.rows {
		extra++
	}
	if extra > 0 {
		return fmt.Errorf("the subscriber got %d rows too many", extra)
	}
	if !cancelled(s.err) {
		return fmt.Errorf("the subscription did not end by our cancel: %w", s.err)
	}
	fmt.Printf("  ... %d changes in all, %d of them different\n", want, len(seen))
	return nil
}

// cancelled tells whether the server says that the client cancelled.
func cancelled(err error) bool {
	const queryCanceled = "57014"
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == queryCanceled
}
