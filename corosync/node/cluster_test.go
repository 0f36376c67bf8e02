package node

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"hacluster/corosync/conf"
	"hacluster/corosync/ipc"
	"hacluster/corosync/local"
	"hacluster/corosync/totem"
)

// cluster is several nodes on virtual time.
type cluster struct {
	t     *testing.T
	rng   *rand.Rand
	now   time.Time
	queue events
	count int
	conf  *conf.Config
	hosts map[uint32]*host
	ids   []uint32
	side  map[uint32]int
	loss  float64
	late  time.Duration // by which one packet in a hundred comes later, at most
}

type event struct {
	at   time.Time
	n    int
	what func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].n < e[j].n
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	x := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return x
}

// host is a node of the cluster with its disk and its clients.
type host struct {
	c       *cluster
	id      uint32
	node    *Node
	seq     uint64
	tracked uint32
	timer   time.Time
	clients map[Client]*user
	ended   string // why the node ended itself
	paused  bool
	inbox   [][]byte // what has arrived meanwhile
	newKey  bool     // the next reload finds one
	rekeyed []uint32 // the steps of a change of key
}

// pause stops the process for a while: what arrives waits, timers are late.
func (h *host) pause(d time.Duration) {
	h.paused = true
	h.c.at(d, func() {
		h.paused = false
		inbox := h.inbox
		h.inbox = nil
		for _, b := range inbox {
			if h.node != nil {
				if err := h.node.Receive(h.c.now, b); err != nil {
					h.c.t.Fatal(err)
				}
			}
		}
		if h.node != nil && !h.node.Deadline().After(h.c.now) {
			h.node.Advance(h.c.now)
		}
		h.work()
	})
}

// user is a local client: what it was told and answered.
type user struct {
	id      Client
	busy    bool
	queue   [][]byte
	answers [][]byte
	events  [][]byte
	seen    func([]byte)
}

func newCluster(t *testing.T, seed uint64, nodes int, quorum string) *cluster {
	t.Helper()
	return clusterOf(t, seed, nodes, "token: 1000\ntoken_coefficient: 0\n", quorum)
}

// clusterOf is newCluster with settings of the section totem.
func clusterOf(t *testing.T, seed uint64, nodes int, timers, quorum string) *cluster {
	t.Helper()
	c := &cluster{
		t: t, rng: rand.New(rand.NewPCG(seed, 3)), now: time.Unix(1000, 0), hosts: map[uint32]*host{}, side: map[uint32]int{},
	}
	text := "totem {\nversion: 2\ntransport: udpu\n" + timers + "}\nnodelist {\n"
	for i := range nodes {
		id := uint32(i + 1)
		c.ids = append(c.ids, id)
		c.hosts[id] = &host{c: c, id: id}
		text += fmt.Sprintf("node {\nnodeid: %d\nring0_addr: 10.0.0.%d\nname: n%d\n}\n", id, id, id)
	}
	text += "}\nquorum {\nprovider: corosync_votequorum\n" + quorum + "}\n"
	var err error
	if c.conf, err = conf.Read("corosync.conf", []byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := c.conf.Validate(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cluster) at(d time.Duration, what func()) {
	c.count++
	heap.Push(&c.queue, event{c.now.Add(d), c.count, what})
}

func (c *cluster) run(d time.Duration) {
	end := c.now.Add(d)
	for len(c.queue) > 0 && !c.queue[0].at.After(end) {
		e := heap.Pop(&c.queue).(event)
		c.now = e.at
		e.what()
	}
	c.now = end
}

func (h *host) start() {
	h.c.t.Helper()
	addrs := map[uint32][]netip.Addr{}
	for _, id := range h.c.ids {
		addrs[id] = []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(id)})}
	}
	n, err := New(Config{
		Conf: h.c.conf, Node: h.id, Addresses: addrs, RingSeq: h.seq, Tracked: h.tracked,
		Rand: rand.New(rand.NewPCG(uint64(h.id), h.c.rng.Uint64())),
	})
	if err != nil {
		h.c.t.Fatal(err)
	}
	h.node, h.ended, h.clients = n, "", map[Client]*user{}
	n.Start(h.c.now)
	h.work()
}

func (h *host) kill() { h.node = nil }

func (h *host) leave() {
	n := h.node
	n.Leave(h.c.now)
	h.work()
	for !n.Left() {
		h.c.run(time.Millisecond)
	}
	h.work()
	h.kill()
}

func (h *host) work() {
	n := h.node
	if n == nil {
		return
	}
	for e := n.Next(); e != nil && h.node == n; e = n.Next() {
		switch e := e.(type) {
		case *totem.Unicast:
			h.c.send(h.id, e.To, e.Packet)
		case *totem.Multicast:
			to := e.To
			if to == nil {
				to = h.c.ids
			}
			for _, id := range to {
				if id != h.id {
					h.c.send(h.id, id, e.Packet)
				}
			}
		case *totem.StoreSeq:
			h.seq = e.Seq
		case *StoreTracked:
			h.tracked = e.Votes
		case *Respond:
			if u := h.clients[e.Client]; u != nil {
				u.answers = append(u.answers, e.Message)
			}
		case *Tell:
			if u := h.clients[e.Client]; u != nil {
				m := e.Event()
				u.events = append(u.events, m)
				if u.seen != nil {
					u.seen(m)
				}
			}
		case *Done:
			if u := h.clients[e.Client]; u != nil {
				u.busy = false
				h.feed(u)
			}
		case *ReadConf:
			n.Reload(h.c.now, h.c.conf, n.addrs, h.newKey, nil)
			h.newKey = false
		case *Rekey:
			h.rekeyed = append(h.rekeyed, e.Phase)
		case *Exit:
			h.ended = e.Reason
			if e.Orderly {
				n.Leave(h.c.now)
				continue
			}
			h.kill()
		}
	}
	if h.ended != "" {
		h.kill()
	}
	if h.node == n {
		d := n.Deadline()
		h.timer = d
		h.c.at(max(0, d.Sub(h.c.now)), func() {
			if h.node == n && h.timer.Equal(d) && !h.paused {
				n.Advance(h.c.now)
				h.work()
			}
		})
	}
}

func (c *cluster) send(from, to uint32, packet []byte) {
	if from != to && c.rng.Float64() < c.loss {
		return
	}
	b := slices.Clone(packet)
	took := time.Duration(100+c.rng.IntN(400)) * time.Microsecond
	if c.late > 0 && c.rng.IntN(100) == 0 {
		took += time.Duration(c.rng.Int64N(int64(c.late)))
	}
	c.at(took, func() {
		h := c.hosts[to]
		if h == nil || h.node == nil || c.side[from] != c.side[to] {
			return
		}
		if h.paused {
			h.inbox = append(h.inbox, b)
			return
		}
		if err := h.node.Receive(c.now, b); err != nil {
			c.t.Fatal(err)
		}
		h.work()
	})
}

// connect adds a client to a host.
func (h *host) connect(s Service) *user {
	u := &user{id: Client(h.c.rng.Uint64())}
	h.clients[u.id] = u
	h.node.Connect(h.c.now, u.id, s, Process{})
	h.work()
	return u
}

func (h *host) disconnect(u *user) {
	delete(h.clients, u.id)
	h.node.Disconnect(h.c.now, u.id)
	h.work()
}

// ask sends a request; the next one waits until it is taken.
func (h *host) ask(u *user, m []byte) {
	u.queue = append(u.queue, m)
	h.feed(u)
	h.work()
}

func (h *host) feed(u *user) {
	if !u.busy && len(u.queue) > 0 {
		m := u.queue[0]
		u.queue, u.busy = u.queue[1:], true
		h.node.Request(h.c.now, u.id, m)
	}
}

// call is ask, and waits for the answer.
func (h *host) call(u *user, m []byte) []byte {
	h.c.t.Helper()
	n := len(u.answers)
	h.ask(u, m)
	for range 1000 {
		if len(u.answers) > n {
			return u.answers[n]
		}
		h.c.run(10 * time.Millisecond)
	}
	h.c.t.Fatalf("node %d: no answer to request %d", h.id, ipc.ID(m))
	return nil
}

// show tells what a node thinks of quorum.
func (h *host) show() string {
	if h.node == nil {
		if h.ended != "" {
			return fmt.Sprintf("%d: ended: %s", h.id, h.ended)
		}
		return fmt.Sprintf("%d: down", h.id)
	}
	i, _ := h.node.votes.Info(0)
	words := []string{}
	for _, f := range []struct {
		flag uint32
		word string
	}{
		{local.VQTwoNode, "2node"},
		{local.VQWaitForAll, "wfa"},
		{local.VQLastManStanding, "lms"},
		{local.VQAutoTieBreaker, "atb"},
		{local.VQAllowDownscale, "downscale"},
	} {
		if i.Flags&f.flag != 0 {
			words = append(words, f.word)
		}
	}
	if h.node.votes.Status().WaitForAll {
		words = append(words, "waiting")
	}
	quorate := "no"
	if i.Flags&local.VQQuorate != 0 {
		quorate = "yes"
	}
	return strings.TrimSpace(fmt.Sprintf("%d: members %v quorate %s votes %d expected %d quorum %d %s",
		h.id, h.node.Members(), quorate, i.Total, i.Expected, i.Quorum, strings.Join(words, " ")))
}
