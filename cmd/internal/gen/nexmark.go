package gen

import (
	"math"
	"math/bits"
	"strconv"
)

// Nexmark makes the events of an auction site by the rules of the benchmark: of
// fifty events one is a person, three are auctions, forty-six are bids. Half of the
// bids go to a hot auction, three of four bidders and sellers are hot ones, and ids
// run a little ahead, so that some bids come before their auction.
type Nexmark struct {
	Seed uint64
	// Rate is the number of events per second of event time.
	Rate int64

	channels []channel
	scratch  [4][]byte
}

type channel struct{ name, url []byte }

// The numbers of the benchmark.
const (
	personsOf50, auctionsOf50 = 1, 3
	firstID                   = 1000
	firstCategory, categories = 10, 5
	activePeople              = 1000
	auctionsInFlight          = 100
	idLead                    = 10
	hotBatch                  = 100
	channelCount              = 10_000
	personBytes               = 200
	auctionBytes              = 500
	bidBytes                  = 100
	baseTime                  = 1436918400000 // 2015-07-15 00:00:00 UTC
)

// NexmarkTables are the tables in the order of the kinds that Event gives.
var NexmarkTables = [3]Table{
	{"person", []string{"id", "name", "email_address", "credit_card", "city", "state",
		"date_time", "extra"}, `CREATE STREAM IF NOT EXISTS person (id bigint KEY, name text,
  email_address text, credit_card text, city text, state text, date_time timestamp, extra text,
  WATERMARK FOR date_time AS date_time - INTERVAL '4 seconds') WITH (timestamp = 'date_time')`},
	{"auction", []string{"id", "item_name", "description", "initial_bid", "reserve",
		"date_time", "expires", "seller", "category", "extra"},
		`CREATE STREAM IF NOT EXISTS auction (id bigint KEY, item_name text, description text,
  initial_bid bigint, reserve bigint, date_time timestamp, expires timestamp, seller bigint,
  category bigint, extra text,
  WATERMARK FOR date_time AS date_time - INTERVAL '4 seconds') WITH (timestamp = 'date_time')`},
	{"bid", []string{"auction", "bidder", "price", "channel", "url", "date_time", "extra"},
		`CREATE STREAM IF NOT EXISTS bid (auction bigint, bidder bigint, price bigint,
  channel text, url text, date_time timestamp, extra text,
  WATERMARK FOR date_time AS date_time - INTERVAL '4 seconds') WITH (timestamp = 'date_time')`},
}

// The kinds of events.
const (
	Person = iota
	Auction
	Bid
)

var (
	firstNames = words("Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah",
		"Deiter", "Walter")
	lastNames = words("Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones",
		"Noris")
	cities = words("Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend",
		"Redmond", "Seattle", "Kent", "Cheyenne")
	states      = words("AZ", "CA", "ID", "OR", "WA", "WY")
	hotChannels = words("Google", "Facebook", "Baidu", "Apple")
)

func words(list ...string) [][]byte {
	out := make([][]byte, len(list))
	for i, w := range list {
		out[i] = []byte(w)
	}
	return out
}

func (r *Random) pick(list [][]byte) []byte { return list[r.Below(int64(len(list)))] }

// NewNexmark makes a generator. It is used by one goroutine; equal ones give equal
// events.
func NewNexmark(seed uint64, rate int64) *Nexmark {
	return &Nexmark{Seed: seed, Rate: rate}
}

// Kind tells what event n is.
func (g *Nexmark) Kind(n int64) int {
	switch m := n % 50; {
	case m < personsOf50:
		return Person
	case m < personsOf50+auctionsOf50:
		return Auction
	}
	return Bid
}

// Append writes event n behind dst.
func (g *Nexmark) Append(dst []byte, n int64, f Format) []byte {
	rnd := randomFor(g.Seed, n, 0)
	w := row{buf: dst, format: f}
	kind := g.Kind(n)
	w.begin(&NexmarkTables[kind])
	switch kind {
	case Person:
		g.person(&w, n, &rnd)
	case Auction:
		g.auction(&w, n, &rnd)
	default:
		g.bid(&w, n, &rnd)
	}
	w.end()
	return w.buf
}

func (g *Nexmark) at(n int64) int64 { return baseTime + n*1000/g.Rate }

// lastPerson and lastAuction number the newest ones as of event n, from 0.
func lastPerson(n int64) int64 { return n / 50 }

func lastAuction(n int64) int64 {
	batch, m := n/50, n%50
	switch {
	case m < personsOf50:
		return batch*auctionsOf50 - 1
	case m >= personsOf50+auctionsOf50:
		return batch*auctionsOf50 + auctionsOf50 - 1
	}
	return batch*auctionsOf50 + m - personsOf50
}

func somePerson(n int64, rnd *Random) int64 {
	people := lastPerson(n) + 1
	active := min(people, activePeople)
	return people - active + rnd.Below(active+idLead)
}

func someAuction(n int64, rnd *Random) int64 {
	last := lastAuction(n)
	first := max(last-auctionsInFlight, 0)
	return first + rnd.Below(last-first+1+idLead)
}

func price(rnd *Random) int64 { return int64(math.Round(math.Pow(10, rnd.unit()*6) * 100)) }

// extra pads a row to about its average size.
func (g *Nexmark) extra(w *row, rnd *Random, have, average int) {
	pad := max(average-have, 0)
	if spread := int64(pad / 5); spread > 0 {
		pad += int(rnd.Below(2*spread) - spread)
	}
	g.scratch[3] = rnd.letters(g.scratch[3][:0], pad)
	w.text(g.scratch[3])
}

func (g *Nexmark) person(w *row, n int64, rnd *Random) {
	from := len(w.buf)
	w.int(lastPerson(n) + firstID)
	w.text(rnd.pick(firstNames), []byte(" "), rnd.pick(lastNames))
	g.scratch[0] = rnd.word(g.scratch[0][:0], 7, '_')
	g.scratch[1] = rnd.word(g.scratch[1][:0], 5, '_')
	w.text(g.scratch[0], []byte("@"), g.scratch[1], []byte(".com"))
	card := g.scratch[2][:0]
	for i := range 4 {
		if i > 0 {
			card = append(card, ' ')
		}
		group := strconv.Itoa(int(10_000 + rnd.Below(10_000)))
		card = append(card, group[1:]...)
	}
	g.scratch[2] = card
	w.text(card)
	w.text(rnd.pick(cities))
	w.text(rnd.pick(states))
	w.time(g.at(n))
	g.extra(w, rnd, len(w.buf)-from, personBytes)
}

func (g *Nexmark) auction(w *row, n int64, rnd *Random) {
	from := len(w.buf)
	w.int(lastAuction(n) + firstID)
	g.scratch[0] = rnd.word(g.scratch[0][:0], 20, ' ')
	g.scratch[1] = rnd.word(g.scratch[1][:0], 100, ' ')
	w.text(g.scratch[0])
	w.text(g.scratch[1])
	initial := price(rnd)
	w.int(initial)
	w.int(initial + price(rnd))
	now := g.at(n)
	horizon := g.at(n+auctionsInFlight*50/auctionsOf50) - now
	w.time(now)
	w.time(now + 1 + rnd.Below(max(2*horizon, 1)))
	seller := lastPerson(n) / hotBatch * hotBatch
	if rnd.oneIn(4) {
		seller = somePerson(n, rnd)
	}
	w.int(seller + firstID)
	w.int(firstCategory + rnd.Below(categories))
	g.extra(w, rnd, len(w.buf)-from, auctionBytes)
}

func (g *Nexmark) bid(w *row, n int64, rnd *Random) {
	auction := lastAuction(n) / hotBatch * hotBatch
	if rnd.oneIn(2) {
		auction = someAuction(n, rnd)
	}
	bidder := lastPerson(n)/hotBatch*hotBatch + 1
	if rnd.oneIn(4) {
		bidder = somePerson(n, rnd)
	}
	w.int(auction + firstID)
	w.int(bidder + firstID)
	w.int(price(rnd))
	ch := g.channel(rnd)
	w.text(ch.name)
	w.text(ch.url)
	w.time(g.at(n))
	g.extra(w, rnd, 32, bidBytes) // three numbers and a time of eight bytes each
}

// channel picks one of the four hot channels or one of ten thousand.
func (g *Nexmark) channel(rnd *Random) channel {
	if g.channels == nil {
		g.makeChannels()
	}
	if rnd.oneIn(2) {
		return g.channels[rnd.Below(int64(len(hotChannels)))]
	}
	return g.channels[int64(len(hotChannels))+rnd.Below(channelCount)]
}

func (g *Nexmark) makeChannels() {
	for i := range int64(len(hotChannels) + channelCount) {
		rnd := randomFor(g.Seed, i, 1)
		url := []byte("https://www.nexmark.com/")
		for range 3 {
			url = append(rnd.word(url, 5, '_'), '/')
		}
		url = append(url, "item.htm?query=1"...)
		if i < int64(len(hotChannels)) {
			g.channels = append(g.channels, channel{hotChannels[i], url})
			continue
		}
		number := i - int64(len(hotChannels))
		if !rnd.oneIn(10) {
			id := int64(int32(bits.Reverse32(uint32(number))))
			url = strconv.AppendInt(append(url, "&channel_id="...), max(id, -id), 10)
		}
		g.channels = append(g.channels, channel{strconv.AppendInt([]byte("channel-"), number, 10), url})
	}
}
