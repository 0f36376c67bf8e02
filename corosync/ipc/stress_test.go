package ipc

import (
	"flag"
	"testing"
	"time"
)

var stress = flag.Duration("ipc-stress", time.Second, "how long requests and events race with who waits for them")

// answerer answers each request with an event; it is told of those that have come together at once.
type answerer struct{}

func (answerer) Connected(*Conn)             {}
func (answerer) Closed(*Conn)                {}
func (a answerer) Message(c *Conn, b []byte) { a.Messages(c, [][]byte{b}) }

func (answerer) Messages(c *Conn, list [][]byte) {
	for _, b := range list {
		c.EventLater(Response(ID(b), 0, ResponseHeader), nil)
	}
	c.Flush()
}

// TestNoMessageIsMissed has requests, some alone and some together, race with a server that is about to wait, and its events with a
// client that is: each is answered, or the test hangs. Nothing comes afterwards that would hide one that was missed.
func TestNoMessageIsMissed(t *testing.T) {
	kinds(t, func(t *testing.T, k Kind) {
		t.Parallel()
		name, _, _ := serve(t, k, func(c *Config) { c.Handler = answerer{} })
		c := dial(t, name)
		sent := 0
		for began := time.Now(); time.Since(began) < *stress; {
			first, count := sent, 1+sent%5*(sent%41)
			if n, err := c.SendMany(count, func(i int) (head, body []byte) { return Request(int32(first+i), RequestHeader), nil }); n != count || err != nil {
				t.Fatalf("%d of %d are sent: %v", n, count, err)
			}
			sent += count
			limit := time.NewTimer(time.Minute)
			for i := range count {
				select {
				case e := <-c.Events():
					if ID(e) != int32(first+i) {
						t.Fatalf("event %d comes in the place of %d", ID(e), first+i)
					}
				case <-limit.C:
					t.Fatalf("after %d messages the answer to %d of %d does not come", first, i, count)
				}
			}
			limit.Stop()
		}
		t.Logf("%d messages", sent)
	})
}
