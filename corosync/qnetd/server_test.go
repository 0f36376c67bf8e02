package qnetd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hacluster/corosync/qnet"
)

// world keeps what the server sends until the test hands it on.
type world struct {
	s      *Server
	now    time.Time
	queue  map[ID][]*qnet.Message
	closed map[ID]string
}

func newWorld(cfg Config) *world {
	w := &world{now: time.Unix(1000, 0), queue: map[ID][]*qnet.Message{}, closed: map[ID]string{}}
	w.s = New(cfg, w)
	return w
}

func (w *world) Send(to ID, m *qnet.Message)  { w.queue[to] = append(w.queue[to], m) }
func (w *world) StartTLS(ID)                  {}
func (w *world) Close(id ID, reason string)   { w.closed[id] = reason }
func (w *world) Logf(format string, a ...any) {}

// take gives what was sent to a client, as words.
func (w *world) take(id ID) string {
	var words []string
	for _, m := range w.queue[id] {
		words = append(words, say(m))
	}
	w.queue[id] = nil
	return strings.Join(words, "; ")
}

func say(m *qnet.Message) string {
	out := m.Type.String()
	if m.Has(qnet.OptVote) {
		out += " " + m.Vote.String()
	}
	if m.Has(qnet.OptCode) {
		out += " " + m.Code.String()
	}
	return out
}

func (w *world) join(id ID, node uint32, a qnet.Algorithm, tie qnet.TieBreaker, config ...uint32) {
	w.s.Connect(w.now, id, fmt.Sprintf("host%d", id))
	m := &qnet.Message{Type: qnet.Preinit, Cluster: "lab"}
	w.s.Receive(w.now, id, m.With(qnet.OptCluster))
	i := qnet.New(qnet.Init, 2)
	i.Node, i.Algorithm, i.Heartbeat, i.TieBreaker = node, a, 8000, tie
	w.s.Receive(w.now, id, i.With(qnet.OptNode, qnet.OptAlgorithm, qnet.OptHeartbeat, qnet.OptTieBreaker, qnet.OptRing))
	if len(config) > 0 {
		w.list(id, qnet.InitialConfig, qnet.Ring{}, config...)
	}
}

func (w *world) list(id ID, t qnet.ListType, ring qnet.Ring, nodes ...uint32) {
	m := qnet.New(qnet.NodeList, 3)
	m.ListType, m.Ring = t, ring
	for _, n := range nodes {
		m.Nodes = append(m.Nodes, qnet.Node{ID: n})
	}
	m.With(qnet.OptListType, qnet.OptNodeInfo)
	if t == qnet.Membership {
		m.With(qnet.OptRing)
	}
	w.s.Receive(w.now, id, m)
}

// confirm answers the vote infos in a client's queue.
func (w *world) confirm(id ID) {
	for _, m := range w.queue[id] {
		if m.Type == qnet.VoteInfo {
			w.s.Receive(w.now, id, m.Reply(qnet.VoteInfoReply))
		}
	}
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func ring(n uint32, seq uint64) qnet.Ring { return qnet.Ring{Node: n, Seq: seq} }

var lowest = qnet.TieBreaker{Mode: qnet.Lowest}

func TestFFSplitOfTwo(t *testing.T) {
	w := newWorld(Config{})
	w.join(1, 1, qnet.FFSplit, lowest, 1, 2)
	expect(t, "start", w.take(1), "preinit reply; init reply No error; node list reply Ask later")
	w.list(1, qnet.Membership, ring(1, 9), 1, 2)
	expect(t, "whole cluster", w.take(1), "vote info ACK; node list reply No change")
	w.join(2, 2, qnet.FFSplit, lowest, 1, 2)
	w.take(2)
	w.list(2, qnet.Membership, ring(1, 9), 1, 2)
	expect(t, "second node", w.take(2), "vote info ACK; node list reply No change")
	w.confirm(1)
	w.take(1)

	// They part: the first to tell waits until the other has told, too.
	w.list(2, qnet.Membership, ring(2, 13), 2)
	expect(t, "half of them told", w.take(2), "node list reply Wait for reply")
	w.list(1, qnet.Membership, ring(1, 13), 1)
	expect(t, "loser", w.take(2), "vote info NACK")
	expect(t, "winner waits for the loser", w.take(1), "node list reply No change")
	w.Send(2, nil)
	w.queue[2] = nil
	r := qnet.New(qnet.VoteInfoReply, 2)
	w.s.Receive(w.now, 2, r)
	expect(t, "winner", w.take(1), "vote info ACK")

	// The winner goes: the other half may go on.
	w.s.Disconnect(1)
	expect(t, "heir", w.take(2), "vote info ACK")
}

// Nodes that have not told yet whom they see are told of no vote, though others leave meanwhile.
func TestNoVoteBeforeTheLists(t *testing.T) {
	w := newWorld(Config{})
	w.join(1, 1, qnet.FFSplit, lowest)
	w.join(2, 2, qnet.FFSplit, lowest)
	w.join(3, 3, qnet.FFSplit, lowest)
	w.take(1)
	w.s.Disconnect(3)
	expect(t, "another one left", w.take(1), "")
	w.list(1, qnet.InitialConfig, qnet.Ring{}, 1, 2)
	w.list(2, qnet.InitialConfig, qnet.Ring{}, 1, 2)
	w.take(1)
	w.list(2, qnet.Membership, ring(2, 9), 2)
	expect(t, "the other one has told whom it sees", w.take(1), "")
	w.take(2)
	w.list(1, qnet.Membership, ring(1, 9), 1)
	expect(t, "both have told", w.take(1)+", "+w.take(2), "node list reply No change, vote info NACK")
}

func TestRefusals(t *testing.T) {
	w := newWorld(Config{})
	w.s.Connect(w.now, 1, "x")
	i := qnet.New(qnet.Init, 1)
	w.s.Receive(w.now, 1, i)
	expect(t, "init first", w.take(1), "init reply Preinit required")
	w.s.Receive(w.now, 1, qnet.New(qnet.NodeList, 1))
	expect(t, "list first", w.take(1), "server error Init required")
	w.s.Receive(w.now, 1, qnet.New(qnet.VoteInfo, 1))
	expect(t, "a server's message", w.take(1), "server error Unexpected message")
	w.s.Receive(w.now, 1, qnet.New(99, 1))
	expect(t, "unknown", w.take(1), "server error Unsupported message")
	w.join(2, 7, qnet.LMS, lowest, 7, 8)
	w.take(2)
	w.join(3, 7, qnet.LMS, lowest)
	expect(t, "same node", w.take(3), "preinit reply; init reply Duplicate node id")
	w.join(4, 8, qnet.FFSplit, lowest)
	expect(t, "other algorithm", w.take(4), "preinit reply; init reply Algorithm differs from other nodes")
	w.join(5, 8, qnet.LMS, qnet.TieBreaker{Mode: qnet.Highest})
	expect(t, "other tie breaker", w.take(5), "preinit reply; init reply Tie-breaker differs from other nodes")
	w.list(2, qnet.Membership, ring(7, 1), 8)
	expect(t, "list without itself", w.take(2), "server error Invalid membership node list")

	w.now = w.now.Add(12 * time.Second)
	w.s.Tick(w.now)
	if _, gone := w.closed[2]; !gone {
		t.Error("a silent client stays")
	}
}

func TestCertificateNamesTheCluster(t *testing.T) {
	w := newWorld(Config{TLS: qnet.TLSRequired, CertRequired: true})
	w.join(1, 1, qnet.LMS, lowest)
	expect(t, "in the clear", w.take(1), "preinit reply; server error TLS required")
	w.s.Connect(w.now, 2, "y")
	m := &qnet.Message{Type: qnet.Preinit, Cluster: "lab"}
	w.s.Receive(w.now, 2, m.With(qnet.OptCluster))
	w.s.Secured(2, []string{"other"})
	w.s.Receive(w.now, 2, qnet.New(qnet.Init, 1))
	if w.closed[2] == "" {
		t.Error("a certificate of another cluster is taken")
	}
}

func TestLMS(t *testing.T) {
	w := newWorld(Config{})
	for n := ID(1); n <= 3; n++ {
		w.join(n, uint32(n), qnet.LMS, lowest, 1, 2, 3)
		w.list(n, qnet.Membership, ring(1, 5), 1, 2, 3)
		w.take(n)
	}
	w.list(3, qnet.Membership, ring(3, 9), 3)
	expect(t, "alone, while the others still see it", w.take(3), "node list reply Wait for reply")
	w.list(1, qnet.Membership, ring(1, 9), 1, 2)
	w.list(2, qnet.Membership, ring(1, 9), 1, 2)
	expect(t, "majority", w.take(2), "node list reply ACK")
	w.now = w.now.Add(2 * time.Second)
	w.s.Tick(w.now)
	expect(t, "minority", w.take(3), "vote info NACK")
	w.s.Disconnect(1)
	w.s.Disconnect(2)
	w.list(3, qnet.Membership, ring(3, 9), 3)
	expect(t, "last man", w.take(3), "node list reply ACK")
}

// TestNeverTwoHalves lets clusters part and join at random, with messages that come
// late, and connections that break: two halves never hold the vote at once.
func TestNeverTwoHalves(t *testing.T) {
	seeds := uint64(3000)
	if testing.Short() {
		seeds = 300
	}
	votes := 0
	for seed := range seeds {
		votes += runHalves(t, seed)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if votes == 0 {
		t.Fatal("nobody ever got the vote")
	}
}

type simNode struct {
	id        ID // of its connection; 0: none
	ring      qnet.Ring
	partition []uint32
	vote      bool
	inbox     []*qnet.Message // from the server, not read yet
	told      qnet.Ring       // the last ring that the server was told of
}

func runHalves(t *testing.T, seed uint64) (votes int) {
	r := rand.New(rand.NewPCG(seed, 1))
	n := 2 * (1 + r.IntN(3))
	w := newWorld(Config{KeepActive: r.IntN(2) == 0})
	var all []uint32
	for i := range n {
		all = append(all, uint32(i+1))
	}
	nodes := make([]*simNode, n)
	for i := range nodes {
		nodes[i] = &simNode{partition: all, ring: ring(1, 1)}
	}
	next, seq := ID(0), uint64(1)
	for range 60 {
		i := r.IntN(n)
		node := nodes[i]
		switch r.IntN(6) {
		case 0: // the cluster parts in two, or joins
			seq++
			var parts [2][]uint32
			for j := range nodes {
				p := 0
				if r.IntN(3) > 0 {
					p = r.IntN(2)
				}
				parts[p] = append(parts[p], uint32(j+1))
			}
			for _, part := range parts {
				for _, m := range part {
					x := nodes[m-1]
					x.partition, x.ring, x.vote = part, ring(part[0], seq), false
				}
			}
		case 1: // connect, or tell the ring
			if node.id == 0 {
				next++
				node.id, node.told, node.inbox = next, qnet.Ring{}, nil
				w.join(node.id, uint32(i+1), qnet.FFSplit, lowest, all...)
				break
			}
			fallthrough
		case 2:
			if node.id != 0 && node.told != node.ring {
				node.told = node.ring
				w.list(node.id, qnet.Membership, node.ring, node.partition...)
			}
		case 3: // the connection breaks
			if node.id != 0 && r.IntN(4) == 0 {
				w.s.Disconnect(node.id)
				node.id, node.vote, node.inbox = 0, false, nil
			}
		default: // read one message
			if node.id == 0 || len(w.queue[node.id]) == 0 {
				break
			}
			m := w.queue[node.id][0]
			w.queue[node.id] = w.queue[node.id][1:]
			if m.Has(qnet.OptVote) && m.Ring == node.ring && (m.Vote == qnet.ACK || m.Vote == qnet.NACK) {
				node.vote = m.Vote == qnet.ACK
				if node.vote {
					votes++
				}
			}
			if m.Type == qnet.VoteInfo {
				w.s.Receive(w.now, node.id, m.Reply(qnet.VoteInfoReply))
			}
		}
		var holders []qnet.Ring
		for _, x := range nodes {
			if x.vote && !slices.Contains(holders, x.ring) {
				holders = append(holders, x.ring)
			}
		}
		if len(holders) > 1 {
			t.Errorf("%v hold the vote at once", holders)
			return votes
		}
	}
	return votes
}
