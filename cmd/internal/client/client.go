// Package client is a small PostgreSQL client for the shell, the benchmarks, the
// quickstart and the tests: statements as text, rows as text, COPY both ways.
//
// It knows nothing of Millrace beyond the wire protocol, so what works through it
// works through any driver. Invariant: it never holds more than one row of a
// streamed result.
package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// DefaultURL reaches a node that was started without flags.
const DefaultURL = "postgres://millrace@127.0.0.1:7433/millrace?sslmode=disable"

// Conn is one connection. It is used by one goroutine at a time.
type Conn struct {
	pg *pgconn.PgConn
}

// Options change how a connection behaves.
type Options struct {
	// AppName is what the server shows in millrace.sessions.
	AppName string
	// Notice takes the server's notices; nil drops them.
	Notice func(*pgconn.Notice)
	// TakeOutcome: the outcome of a cancelled statement is waited for so long;
	// then the connection is given up. 0 means 5 s.
	TakeOutcome time.Duration
}

// Connect opens a connection. A context that ends during a later call cancels the
// statement on the server and keeps the connection.
func Connect(ctx context.Context, url string, o Options) (*Conn, error) {
	cfg, err := pgconn.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the URL: %w", err)
	}
	if o.AppName != "" {
		cfg.RuntimeParams["application_name"] = o.AppName
	}
	if o.TakeOutcome == 0 {
		o.TakeOutcome = 5 * time.Second
	}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if o.Notice != nil {
			o.Notice(n)
		}
	}
	cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: o.TakeOutcome}
	}
	pg, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Conn{pg}, nil
}

// Close ends the connection.
func (c *Conn) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return c.pg.Close(ctx)
}

// Raw gives the driver's connection, for what this package does not do.
func (c *Conn) Raw() *pgconn.PgConn { return c.pg }

// Closed tells whether the connection is gone.
func (c *Conn) Closed() bool { return c.pg.IsClosed() }

// Parameter gives what the server reported about itself.
func (c *Conn) Parameter(name string) string { return c.pg.ParameterStatus(name) }

// InTransaction tells whether a block is open, and whether it has failed.
func (c *Conn) InTransaction() (open, failed bool) {
	s := c.pg.TxStatus()
	return s != 'I', s == 'E'
}

// Column describes a column of a result.
type Column struct {
	Name string
	OID  uint32
}

// Handler takes the results of statements as they arrive. Any part may be nil.
type Handler struct {
	// Columns is called before the rows of each result that has rows.
	Columns func([]Column) error
	// Row gets one row as text; a nil field is NULL. It is valid until Row returns.
	Row func(row [][]byte) error
	// Done gets the command tag of each statement.
	Done func(tag string) error
}

// Stream runs one or more statements and hands results over as they arrive. A
// refusal by the server is a *pgconn.PgError.
func (c *Conn) Stream(ctx context.Context, sql string, h Handler) error {
	mrr := c.pg.Exec(ctx, sql)
	err := stream(mrr, h)
	return errors.Join(err, mrr.Close())
}

func stream(mrr *pgconn.MultiResultReader, h Handler) error {
	for mrr.NextResult() {
		rr := mrr.ResultReader()
		if fields := rr.FieldDescriptions(); len(fields) > 0 && h.Columns != nil {
			if err := h.Columns(columnsOf(fields)); err != nil {
				return err
			}
		}
		for rr.NextRow() {
			if h.Row == nil {
				continue
			}
			if err := h.Row(rr.Values()); err != nil {
				return err
			}
		}
		tag, err := rr.Close()
		if err != nil {
			return nil // MultiResultReader.Close gives it too
		}
		if h.Done != nil {
			if err := h.Done(tag.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

func columnsOf(fields []pgconn.FieldDescription) []Column {
	out := make([]Column, len(fields))
	for i, f := range fields {
		out[i] = Column{f.Name, f.DataTypeOID}
	}
	return out
}

// Result is a whole result in memory.
type Result struct {
	Columns []Column
	Rows    [][]*string // nil: NULL
	Tag     string
}

// Query runs statements and gives the result of the last one.
func (c *Conn) Query(ctx context.Context, sql string) (*Result, error) {
	cur, last := &Result{}, &Result{}
	err := c.Stream(ctx, sql, Handler{
		Columns: func(cols []Column) error { cur.Columns = cols; return nil },
		Row: func(row [][]byte) error {
			cur.Rows = append(cur.Rows, copyRow(row))
			return nil
		},
		Done: func(tag string) error {
			cur.Tag = tag
			last, cur = cur, &Result{}
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	return last, nil
}

func copyRow(row [][]byte) []*string {
	out := make([]*string, len(row))
	for i, v := range row {
		if v != nil {
			s := string(v)
			out[i] = &s
		}
	}
	return out
}

// Exec runs statements and drops their rows.
func (c *Conn) Exec(ctx context.Context, sql string) error {
	return c.Stream(ctx, sql, Handler{})
}

// Value runs a statement that gives one row with one column; NULL is "".
func (c *Conn) Value(ctx context.Context, sql string) (string, error) {
	r, err := c.Query(ctx, sql)
	if err != nil {
		return "", err
	}
	if len(r.Rows) != 1 || len(r.Columns) != 1 {
		return "", fmt.Errorf("%d rows with %d columns where one value was expected: %s",
			len(r.Rows), len(r.Columns), sql)
	}
	if r.Rows[0][0] == nil {
		return "", nil
	}
	return *r.Rows[0][0], nil
}

// CopyFrom sends the input of a COPY ... FROM STDIN and gives the rows that it
// wrote.
func (c *Conn) CopyFrom(ctx context.Context, sql string, in io.Reader) (int64, error) {
	tag, err := c.pg.CopyFrom(ctx, in, sql)
	return tag.RowsAffected(), err
}

// CopyTo writes the output of a COPY ... TO STDOUT and gives its number of rows.
func (c *Conn) CopyTo(ctx context.Context, sql string, out io.Writer) (int64, error) {
	tag, err := c.pg.CopyTo(ctx, out, sql)
	return tag.RowsAffected(), err
}

// Wait connects as soon as the server answers, until ctx ends.
func Wait(ctx context.Context, url string, o Options) (*Conn, error) {
	for {
		c, err := Connect(ctx, url, o)
		if err == nil {
			return c, nil
		}
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code != "57P03" { // cannot_connect_now
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(retryEvery):
		}
	}
}

// retryEvery is the pause between two attempts of Wait: short against the time a
// node takes to start.
const retryEvery = 5 * time.Millisecond
