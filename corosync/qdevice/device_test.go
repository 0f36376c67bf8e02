package qdevice

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hacluster/corosync/qnet"
)

// world writes down what the device wants done.
type world struct {
	d     *Device
	now   time.Time
	words []string
}

func newWorld(cfg Config) *world {
	w := &world{now: time.Unix(1000, 0)}
	cfg.Cluster, cfg.Node, cfg.Heartbeat, cfg.Poll = "lab", 1, 8*time.Second, 5*time.Second
	w.d = New(cfg, w)
	w.d.Configure([]uint32{1, 2}, 0, false)
	w.d.Nodelist(w.now, qnet.Ring{Node: 1, Seq: 5}, []uint32{1, 2})
	return w
}

func (w *world) say(format string, a ...any) { w.words = append(w.words, fmt.Sprintf(format, a...)) }

func (w *world) Send(m *qnet.Message) {
	w.say("%s", m.Type)
	if m.Type == qnet.NodeList {
		w.words[len(w.words)-1] += fmt.Sprintf(" %d", m.ListType)
	}
}
func (w *world) StartTLS()                      { w.say("begin TLS") }
func (w *world) Close(reason string, last bool) { w.say("close (%s) %v", reason, last) }
func (w *world) Poll(r qnet.Ring, cast bool)    { w.say("poll %s %v", r, cast) }
func (w *world) RunHeuristics(n uint64, s bool) { w.say("check %d %v", n, s) }
func (w *world) Logf(string, ...any)            {}

func (w *world) expect(t *testing.T, what, want string) {
	t.Helper()
	if got := strings.Join(w.words, "; "); got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
	w.words = nil
}

func (w *world) reply(typ qnet.Type, v qnet.Vote, ring qnet.Ring) {
	m := qnet.New(typ, 1)
	m.Vote, m.Ring = v, ring
	w.d.Receive(w.now, m.With(qnet.OptVote, qnet.OptRing))
}

// join leads through the handshake up to the lists.
func (w *world) join(tls qnet.TLS) {
	w.d.Connected(w.now)
	m := qnet.New(qnet.PreinitReply, 1)
	m.TLS = tls
	w.d.Receive(w.now, m.With(qnet.OptTLS, qnet.OptCertRequired))
	if tls != qnet.TLSUnsupported && w.d.cfg.TLS != TLSOff {
		w.d.Secured()
	}
	w.d.Receive(w.now, qnet.New(qnet.InitReply, 2).With(qnet.OptCode))
}

var first = qnet.Ring{Node: 1, Seq: 5}

func TestVotes(t *testing.T) {
	w := newWorld(Config{Algorithm: qnet.FFSplit})
	w.expect(t, "before there is a server votequorum waits", "")
	w.join(qnet.TLSSupported)
	w.expect(t, "handshake", "preinit; starttls; begin TLS; init; set option; node list 0; node list 2; node list 3")
	w.reply(qnet.VoteInfo, qnet.ACK, first)
	w.expect(t, "vote", "poll 1.5 true; vote info reply")
	w.reply(qnet.NodeListReply, qnet.NoChange, first)
	w.expect(t, "no change", "")
	w.now = w.now.Add(5 * time.Second)
	w.d.Tick(w.now)
	w.expect(t, "sign of life", "poll 1.5 true")

	next := qnet.Ring{Node: 1, Seq: 9}
	w.d.Nodelist(w.now, next, []uint32{1})
	w.expect(t, "new ring: no vote until the server's word", "node list 2")
	w.reply(qnet.VoteInfo, qnet.ACK, first)
	w.expect(t, "a vote for the old ring does not count", "vote info reply")
	w.reply(qnet.VoteInfo, qnet.NACK, next)
	w.expect(t, "refused", "poll 1.9 false; vote info reply")
	w.reply(qnet.VoteInfo, qnet.ACK, next)
	w.words = nil
	w.d.Disconnected(w.now)
	w.expect(t, "without the server no vote", "poll 1.9 false")
}

func TestLMSKeepsQuorumBehindWaitForAll(t *testing.T) {
	for _, guarded := range []bool{true, false} {
		w := newWorld(Config{Algorithm: qnet.LMS, WaitForAll: guarded, TLS: TLSOff})
		w.join(qnet.TLSUnsupported)
		w.d.Quorum(true, nil)
		w.reply(qnet.NodeListReply, qnet.ACK, first)
		w.words = nil
		w.d.Disconnected(w.now)
		want := "poll 1.5 false"
		if guarded {
			want = ""
		}
		w.expect(t, fmt.Sprintf("wait_for_all %v", guarded), want)
	}
}

func TestServersThatCannotBeUsed(t *testing.T) {
	w := newWorld(Config{TLS: TLSRequired})
	w.join(qnet.TLSUnsupported)
	if !strings.Contains(strings.Join(w.words, ";"), "which is required here) true") {
		t.Errorf("TLS required, none there: %q", w.words)
	}
	w = newWorld(Config{TLS: TLSOff})
	w.d.Connected(w.now)
	m := qnet.New(qnet.InitReply, 1)
	w.d.Receive(w.now, m)
	w.expect(t, "out of order", "preinit; close (the server sent an unexpected init reply) false")
	w.d.Connected(w.now)
	w.words = nil
	w.now = w.now.Add(8 * time.Second)
	w.d.Tick(w.now)
	w.expect(t, "silence", "close (the server did not answer in time) false")
}

func TestHeuristics(t *testing.T) {
	w := newWorld(Config{Algorithm: qnet.FFSplit, Heuristics: true, Every: 30 * time.Second, TLS: TLSOff})
	w.expect(t, "a ring is checked", "check 1 true")
	w.join(qnet.TLSUnsupported)
	w.expect(t, "a connection is checked", "preinit; init; check 2 true")
	w.d.Heuristics(w.now, 1, false)
	w.expect(t, "an earlier run does not count", "")
	w.d.Heuristics(w.now, 2, true)
	w.expect(t, "checked", "set option; node list 0; node list 2; node list 3")
	w.reply(qnet.NodeListReply, qnet.ACK, first)
	w.words = nil
	w.now = w.now.Add(30 * time.Second)
	w.d.Tick(w.now)
	if !strings.Contains(strings.Join(w.words, ";"), "check 3 false") {
		t.Errorf("regular: %q", w.words)
	}
	w.words = nil
	w.d.Heuristics(w.now, 3, false)
	w.expect(t, "a change is told", "heuristics change")
}

// Checks that take longer than the server may be silent: the connection stands, each side hears of the other, and a vote that the server tells of
// meanwhile is none. What has failed is over at once, with nothing left that is due.
func TestChecksThatTakeLong(t *testing.T) {
	w := newWorld(Config{Algorithm: qnet.FFSplit, Heuristics: true, TLS: TLSOff})
	w.join(qnet.TLSUnsupported)
	w.words = nil
	for n := range uint32(3) {
		w.now = w.now.Add(8 * time.Second)
		w.d.Tick(w.now)
		w.expect(t, "while it checks", "echo request")
		w.d.Receive(w.now, qnet.New(qnet.EchoReply, n+1))
	}
	w.reply(qnet.VoteInfo, qnet.ACK, qnet.Ring{})
	w.expect(t, "a vote while it checks", "vote info reply")
	w.d.Heuristics(w.now, 2, true)
	w.expect(t, "checked", "set option; node list 0; node list 2; node list 3")
	w.d.Receive(w.now, qnet.New(qnet.InitReply, 9))
	w.expect(t, "out of order", "close (the server sent an unexpected init reply) false")
	if next := w.d.Tick(w.now); !next.IsZero() {
		t.Errorf("after that something is due at %v", next)
	}
}
