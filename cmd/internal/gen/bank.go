package gen

// BankTable has transfers between accounts. Whatever the transfers, the sum over
// all accounts of credits less debits is zero: a view that shows another sum has
// shown a state that never was.
var BankTable = Table{"transfer", []string{"id", "from_account", "to_account", "amount", "ts"},
	`CREATE STREAM IF NOT EXISTS transfer (id bigint KEY, from_account bigint, to_account bigint,
  amount bigint, ts timestamp,
  WATERMARK FOR ts AS ts - INTERVAL '10 seconds') WITH (timestamp = 'ts')`}

// Bank makes transfers.
type Bank struct {
	Seed uint64
	// Accounts is the number of accounts, from 0.
	Accounts int64
	// Rate is the number of transfers per second of event time.
	Rate int64
}

// bankBase is 2021-01-01 00:00:00 UTC.
const bankBase = 1609459200000

// Append writes transfer n behind dst. Event times are up to 10 s out of order.
func (g *Bank) Append(dst []byte, n int64, f Format) []byte {
	rnd := randomFor(g.Seed, n, 2)
	w := row{buf: dst, format: f}
	w.begin(&BankTable)
	w.int(n)
	w.int(rnd.Below(g.Accounts))
	w.int(rnd.Below(g.Accounts))
	w.int(1 + rnd.Below(100))
	w.time(bankBase + n*1000/g.Rate - rnd.Below(10_000))
	w.end()
	return w.buf
}
