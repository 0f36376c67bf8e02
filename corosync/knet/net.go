package knet

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"hacluster/corosync/fifo"
	"hacluster/corosync/slab"
)

// MaxLinks is how many links two hosts can have.
const MaxLinks = 8

// Config is what a Net needs to know.
type Config struct {
	// Host is this host's number, not 0.
	Host uint16
	// Cipher and Hash are as crypto_cipher and crypto_hash in corosync.conf; Key is the cluster's.
	Cipher, Hash string
	Key          []byte
	// Mode is "passive", "active" or "rr".
	Mode string
	// Compression is of what this host sends.
	Compression Compression
	// Links are this host's links, by number.
	Links map[int]Link
	// Peers are the addresses of the other hosts: by host, by number of the link.
	Peers map[uint16]map[int]netip.AddrPort
	// Rand yields what encryption needs; it must be good where Cipher is not "none".
	Rand io.Reader
	// PMTUdInterval is how often the path MTU of a link is looked for again; 0 for never.
	PMTUdInterval time.Duration
	// Clock times what is done to packets, for the statistics; nil leaves that out.
	Clock func() time.Time
	Log   *slog.Logger
}

// Link is how one link is watched and used.
type Link struct {
	PingInterval time.Duration
	PingTimeout  time.Duration
	PongCount    int
	Priority     int
	// MTU is what a datagram may have, with the headers of IP and UDP; 0 where that is to be found out.
	MTU int
}

// Effect is *Transmit, *Deliver or *Changed.
type Effect any

// Transmit sends a datagram on a link.
type Transmit struct {
	Link     int
	To       netip.AddrPort
	Datagram []byte
}

// Deliver hands out a packet of a host.
type Deliver struct {
	From   uint16
	Packet []byte
}

// Changed tells that a link to a host has come up or gone down.
type Changed struct {
	Host uint16
	Link int
	Up   bool
}

// Net is a host's part of the transport.
type Net struct {
	cfg   Config
	log   *slog.Logger
	seal  *seal // what is sent with
	other *seal // while the key changes: what is taken, too
	// otherUntil is set when other is the old key.
	otherUntil time.Time
	out        fifo.Queue[Effect]
	packer     *model // nil: nothing is compressed
	hosts      map[uint16]*host
	order      []uint16
	seq        uint16 // of the last data packet
	turn       int    // rr: the link that comes next
	fragment   int    // what a datagram carries; 0 to be counted
	// What is being sent, to be used again.
	laid [][]byte
	ways []way
	// Blocks of datagrams: those that travel, and those that have been sent.
	lent, spare [][]byte
	slab        slab.Slab // of packets that were received

	forged uint64
	tx, rx Work
}

// host is another host.
type host struct {
	id    uint16
	links []*link // by number; nil where there is none
	// What has arrived.
	heard     bool // highest holds
	highest   uint16
	seen      [4096]bool // by seq modulo the size
	untimed   uint16
	timed     uint16
	untimedOK bool
	timedOK   bool
	parts     map[uint16]*assembly
	partOrder []uint16
}

// link is a link to another host.
type link struct {
	to       netip.AddrPort
	up       bool
	pongs    int
	nextPing time.Time
	lastPong time.Time
	down     time.Time // when it counts as down without pong
	doubted  bool      // something sent may have been lost, and no pong has come since, see Doubt
	path     discovery
	stats    LinkStats
}

// maxAssemblies bounds the packets of a host that are being put together.
const maxAssemblies = 64

// New makes a Net. It does nothing until Start.
func New(cfg Config) (*Net, error) {
	if cfg.Host == 0 {
		return nil, errors.New("knet: host 0")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	switch cfg.Mode {
	case "":
		cfg.Mode = "passive"
	case "passive", "active", "rr":
	default:
		return nil, fmt.Errorf("link_mode %s is not known", cfg.Mode)
	}
	s, err := newSeal(cfg.Cipher, cfg.Hash, cfg.Key, cfg.Rand)
	if err != nil {
		return nil, err
	}
	m, err := cfg.Compression.compressor()
	if err != nil {
		return nil, err
	}
	n := &Net{cfg: cfg, log: cfg.Log, seal: s, packer: m, hosts: map[uint16]*host{}}
	n.setPeers(cfg.Peers)
	return n, nil
}

func (n *Net) setPeers(peers map[uint16]map[int]netip.AddrPort) {
	hosts := map[uint16]*host{}
	n.order = nil
	for id, links := range peers {
		if id == n.cfg.Host {
			continue
		}
		h := n.hosts[id]
		if h == nil {
			h = &host{id: id, links: make([]*link, MaxLinks), parts: map[uint16]*assembly{}}
		}
		for i := range h.links {
			to, ok := links[i]
			_, own := n.cfg.Links[i]
			switch {
			case !ok || !own:
				h.links[i] = nil
			case h.links[i] == nil || h.links[i].to != to:
				h.links[i] = &link{to: to, stats: LinkStats{Down: 1}}
			}
		}
		hosts[id] = h
		n.order = append(n.order, id)
	}
	slices.Sort(n.order)
	n.hosts = hosts
	n.fragment = 0
}

// Start begins to watch the links.
func (n *Net) Start(now time.Time) { n.Advance(now) }

// Configure changes who the other hosts are, and how the links are watched.
func (n *Net) Configure(now time.Time, links map[int]Link, peers map[uint16]map[int]netip.AddrPort) {
	n.cfg.Links = links
	n.setPeers(peers)
	n.Advance(now)
}

// Next takes the next effect; nil when there is none.
func (n *Net) Next() Effect {
	if n.out.Len() == 0 {
		return nil
	}
	return n.out.Pop()
}

// Deadline is when Advance wants to be called at the latest; zero where there is nothing to watch.
func (n *Net) Deadline() time.Time {
	var d time.Time
	for _, id := range n.order {
		for _, l := range n.hosts[id].links {
			if l == nil {
				continue
			}
			if d.IsZero() || l.nextPing.Before(d) {
				d = l.nextPing
			}
			if l.up && l.down.Before(d) {
				d = l.down
			}
			if t := l.path.until; l.up && l.path.size != 0 && t.Before(d) {
				d = t
			} else if t := l.path.next; l.up && l.path.size == 0 && !t.IsZero() && t.Before(d) {
				d = t
			}
		}
	}
	return d
}

// Advance sends pings that are due, and notices links that are down.
func (n *Net) Advance(now time.Time) {
	for _, id := range n.order {
		h := n.hosts[id]
		for i, l := range h.links {
			if l == nil {
				continue
			}
			c := n.cfg.Links[i]
			if l.up && !now.Before(l.down) {
				n.setLink(now, h, i, false)
			}
			n.discoveries(now, h, i)
			if !now.Before(l.nextPing) {
				l.nextPing = now.Add(c.PingInterval)
				n.ping(now, i, l, true)
			}
		}
	}
}

func (n *Net) ping(now time.Time, i int, l *link, timed bool) {
	p := ping{host: n.cfg.Host, link: uint8(i), seq: n.seq, timed: timed}
	be.PutUint64(p.stamp[:], uint64(now.UnixNano()))
	n.transmit(i, l, p.marshal(typePing))
}

func (n *Net) transmit(i int, l *link, packet []byte) {
	b, err := n.seal.lay(make([]byte, 0, n.seal.sealed(len(packet))), packet)
	if err != nil {
		n.log.Error("a packet cannot be encrypted", "error", err)
		return
	}
	n.laid = append(n.laid[:0], b)
	n.sealed(n.laid, len(packet))
	b = n.laid[0]
	if packet[1] != typePMTUdReply {
		l.stats.kindOf(packet[1]).sent(len(b))
	}
	n.out.Push(&Transmit{i, l.to, b})
}

func (n *Net) setLink(now time.Time, h *host, i int, up bool) {
	l := h.links[i]
	before := h.reachable()
	l.up = up
	n.fragment = 0
	if up {
		l.stats.Up++
		n.discover(now, h, i)
	} else {
		l.stats.Down++
		l.pongs, l.doubted = 0, false
		l.path.size, l.path.good = 0, 0
	}
	n.log.Info("link", "host", h.id, "link", i, "up", up)
	n.out.Push(&Changed{h.id, i, up})
	if before && !h.reachable() {
		n.log.Warn("host has no active links", "host", h.id)
		h.parts, h.partOrder = map[uint16]*assembly{}, nil
	}
}

func (h *host) reachable() bool { return h.linksUp() > 0 }

// Up tells whether a link to a host is up.
func (n *Net) Up(id uint16, i int) bool {
	h := n.hosts[id]
	return h != nil && i < len(h.links) && h.links[i] != nil && h.links[i].up
}

// Reachable tells whether a host is reachable.
func (n *Net) Reachable(id uint16) bool {
	h := n.hosts[id]
	return h != nil && h.reachable()
}

// Send sends a packet to one host, or with to 0 to all. Who is not reachable does not get it.
func (n *Net) Send(to uint16, packet []byte) {
	if len(packet) == 0 || len(packet) > MaxPacket {
		return
	}
	targets := n.order
	if to != 0 {
		if n.hosts[to] == nil {
			return
		}
		targets = []uint16{to}
	}
	if n.seq++; n.seq == 0 {
		n.seq = 1
	}
	packet, compress := n.shrink(packet)
	size := n.fragmentSize()
	count := (len(packet) + size - 1) / size
	// All fragments are in one block, each with room for itself.
	room := n.seal.sealed(dataSize + size)
	block := n.block((count-1)*room + n.seal.sealed(dataSize+len(packet)-(count-1)*size))
	n.laid = n.laid[:0]
	for f := range count {
		d := data{
			host: n.cfg.Host, seq: n.seq, compress: compress, broadcast: to == 0, fragments: uint8(count),
			payload: packet[f*size : min((f+1)*size, len(packet))],
		}
		if count > 1 {
			d.fragment = uint8(f + 1)
		}
		head := d.header()
		own := block[f*room : min((f+1)*room, len(block))]
		b, err := n.seal.lay(own[:0:len(own)], head[:], d.payload)
		if err != nil {
			n.log.Error("a packet cannot be encrypted", "error", err)
			return
		}
		n.laid = append(n.laid, b)
	}
	n.sealed(n.laid, len(packet)+count*dataSize)
	n.ways = n.ways[:0]
	for _, id := range targets {
		n.ways = n.choose(n.ways, n.hosts[id])
	}
	list := make([]Transmit, 0, count*len(n.ways))
	for _, b := range n.laid {
		for _, w := range n.ways {
			l := n.hosts[w.host].links[w.link]
			l.stats.Data.sent(len(b))
			list = append(list, Transmit{w.link, l.to, b})
			n.out.Push(&list[len(list)-1])
		}
	}
	n.turn++
}

// What is kept of blocks that have been sent: so many, and of so many bytes at least.
const (
	spareBlocks = 32
	spareLeast  = 8 << 10
)

// block is room for the datagrams of a packet, of n bytes with anything in them.
func (n *Net) block(size int) []byte {
	if size < spareLeast {
		return make([]byte, size)
	}
	for i, b := range n.spare {
		if cap(b) >= size {
			last := len(n.spare) - 1
			n.spare[i], n.spare[last] = n.spare[last], nil
			n.spare = n.spare[:last]
			n.lend(b)
			return b[:size]
		}
	}
	b := make([]byte, size)
	n.lend(b)
	return b
}

func (n *Net) lend(b []byte) {
	if len(n.lent) < spareBlocks { // of more there is no need
		n.lent = append(n.lent, b)
	}
}

// Sent tells that all datagrams that were handed out have been sent: their blocks are the Net's again. Who does not tell, keeps them.
func (n *Net) Sent() {
	for i, b := range n.lent {
		if len(n.spare) < spareBlocks {
			n.spare = append(n.spare, b)
		}
		n.lent[i] = nil
	}
	n.lent = n.lent[:0]
}

// Doubt tells that something that was sent may not have arrived: of several links to a host, those that do not answer a ping from now on carry
// data only where none does. So data goes over another link as soon as one fails, and not only when it counts as down.
func (n *Net) Doubt(now time.Time) {
	for _, id := range n.order {
		h := n.hosts[id]
		if h.linksUp() < 2 {
			continue
		}
		for i, l := range h.links {
			if l != nil && l.up && !l.doubted {
				l.doubted = true
				n.ping(now, i, l, true)
			}
		}
	}
}

func (h *host) linksUp() int {
	up := 0
	for _, l := range h.links {
		if l != nil && l.up {
			up++
		}
	}
	return up
}

// way is a link to a host.
type way struct {
	host uint16
	link int
}

// choose appends the links that data for a host goes over.
func (n *Net) choose(ways []way, h *host) []way {
	first := len(ways)
	for i, l := range h.links {
		if l != nil && l.up {
			ways = append(ways, way{h.id, i})
		}
	}
	up := ways[first:]
	if len(up) < 2 || n.cfg.Mode == "active" {
		return ways
	}
	sound := 0
	for i, w := range up {
		if !h.links[w.link].doubted {
			up[i], up[sound] = up[sound], w
			sound++
		}
	}
	if sound == 0 {
		return ways // one of them may get through
	}
	if up = up[:sound]; n.cfg.Mode == "rr" {
		up[0] = up[n.turn%sound]
	}
	for _, w := range up[1:] {
		if n.cfg.Mode == "passive" && n.cfg.Links[w.link].Priority > n.cfg.Links[up[0].link].Priority {
			up[0] = w
		}
	}
	return ways[:first+1]
}

// Receive takes a datagram that has arrived on a link. It is decrypted in its block, which is the caller's again afterwards. An error
// tells what is wrong with it.
func (n *Net) Receive(now time.Time, i int, from netip.AddrPort, datagram []byte) error {
	began := time.Time{}
	if n.seal.hash != nil {
		began = n.begin(&n.rx.encryptTimed)
	}
	b, err := n.unseal(now, datagram)
	if err != nil {
		n.forged++
		return err
	}
	if n.seal.hash != nil {
		n.took(&n.rx.EncryptTime, began)
		n.rx.Encrypted++
	}
	kind, id, err := header(b)
	if err != nil {
		return err
	}
	h := n.hosts[id]
	if h == nil {
		return fmt.Errorf("host %d is not known", id)
	}
	if i < 0 || i >= len(h.links) || h.links[i] == nil || h.links[i].to != from {
		return fmt.Errorf("host %d has no link %d at %v", id, i, from)
	}
	l := h.links[i]
	l.stats.kindOf(kind).heard(len(b))
	switch kind {
	case typeData:
		return n.data(h, b)
	case typePing:
		p, err := parsePing(b)
		if err != nil {
			return err
		}
		h.pinged(p)
		p.host = n.cfg.Host
		n.transmit(i, l, p.marshal(typePong))
	case typePong:
		p, err := parsePing(b)
		if err != nil {
			return err
		}
		if took := now.UnixNano() - int64(be.Uint64(p.stamp[:])); took >= 0 && took < int64(time.Hour) {
			l.stats.Latency.add(uint64(took / 1000))
		}
		n.pong(now, h, i)
	case typePMTUd:
		if len(b) < pmtudSize {
			return fmt.Errorf("pmtud of %d bytes", len(b))
		}
		r := slices.Clone(b[:pmtudSize])
		r[1] = typePMTUdReply
		be.PutUint16(r[2:], n.cfg.Host)
		n.transmit(i, l, r)
	case typePMTUdReply:
		return n.answered(now, h, i, b)
	default:
		return fmt.Errorf("packet of type %#x", kind)
	}
	return nil
}

func (n *Net) pong(now time.Time, h *host, i int) {
	l := h.links[i]
	c := n.cfg.Links[i]
	l.lastPong, l.doubted = now, false
	l.down = now.Add(c.PingTimeout)
	if l.up {
		return
	}
	if l.pongs++; l.pongs < c.PongCount {
		return
	}
	n.setLink(now, h, i, true)
	// The host learns at which number this one's packets go on.
	n.ping(now, i, l, false)
}

// pinged looks whether the host has begun to count anew.
func (h *host) pinged(p ping) {
	if p.timed {
		if h.timedOK && p.seq == h.timed {
			return
		}
		h.timed, h.timedOK = p.seq, true
		if p.seq == 0 {
			h.forget()
		}
		return
	}
	if h.untimedOK && p.seq == h.untimed {
		return
	}
	h.untimed, h.untimedOK = p.seq, true
	h.forget()
}

func (h *host) forget() {
	h.heard = false
	h.seen = [4096]bool{}
	h.parts, h.partOrder = map[uint16]*assembly{}, nil
}

// fresh tells whether data packet seq was not seen before.
func (h *host) fresh(seq uint16) bool {
	const size = uint16(len(h.seen))
	if !h.heard {
		return true
	}
	ahead := seq - h.highest
	switch {
	case ahead == 0:
		return !h.seen[seq%size]
	case ahead < 1<<15:
		return true
	}
	return h.highest-seq >= size || !h.seen[seq%size]
}

// note notes that data packet seq was seen whole.
func (h *host) note(seq uint16) {
	h.advance(seq)
	h.seen[seq%uint16(len(h.seen))] = true
}

// advance moves the window up to seq.
func (h *host) advance(seq uint16) {
	const size = uint16(len(h.seen))
	ahead := seq - h.highest
	switch {
	case !h.heard:
		h.heard, h.highest = true, seq
	case ahead >= 1<<15 && h.highest-seq < size:
		return // inside the window
	case ahead >= 1<<15, ahead >= size:
		h.seen = [4096]bool{}
		h.highest = seq
	default:
		for s := h.highest + 1; s != seq+1; s++ {
			h.seen[s%size] = false
		}
		h.highest = seq
	}
}

func (n *Net) data(h *host, b []byte) error {
	d, err := parseData(b)
	if err != nil {
		return err
	}
	if !h.reachable() || !h.fresh(d.seq) {
		return nil
	}
	if d.fragments == 1 {
		h.note(d.seq)
		b := d.payload
		if d.compress == 0 {
			b = n.slab.Take(len(b))
			copy(b, d.payload)
		}
		return n.deliver(h, b, d.compress)
	}
	h.advance(d.seq)
	a := h.parts[d.seq]
	if a == nil || len(a.have) != int(d.fragments) {
		if len(h.partOrder) >= maxAssemblies {
			delete(h.parts, h.partOrder[0])
			h.partOrder = h.partOrder[1:]
		}
		if a == nil {
			h.partOrder = append(h.partOrder, d.seq)
		}
		a = &assembly{have: make([]bool, d.fragments), left: int(d.fragments)}
		h.parts[d.seq] = a
	}
	err = a.add(int(d.fragment)-1, d.payload)
	if a.left == 0 {
		delete(h.parts, d.seq)
		h.partOrder = slices.DeleteFunc(h.partOrder, func(s uint16) bool { return s == d.seq })
		h.note(d.seq)
	}
	if err != nil {
		return fmt.Errorf("host %d: %w", h.id, err)
	}
	if a.left > 0 {
		return nil
	}
	return n.deliver(h, a.packet, d.compress)
}

// deliver hands a whole packet out.
func (n *Net) deliver(h *host, b []byte, compress uint8) error {
	b, err := n.grown(b, compress)
	if err != nil {
		return fmt.Errorf("host %d: %w", h.id, err)
	}
	n.out.Push(&Deliver{h.id, b})
	return nil
}
