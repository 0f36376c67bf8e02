package knet

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"
)

type capture struct {
	Key    string `json:"key_hex"`
	Frames []struct {
		Name, Hex string
		Plain     string `json:"plain_hex"`
	}
}

func captured(t testing.TB, name string) capture {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var c capture
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Frames) < 8 {
		t.Fatalf("%d frames only", len(c.Frames))
	}
	return c
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCaptured holds that packets of real hosts are read and written as they are.
func TestCaptured(t *testing.T) {
	clear, sealed := captured(t, "knet-clear.json"), captured(t, "knet-aes256-sha256.json")
	s, err := newSeal("aes256", "sha256", unhex(t, sealed.Key), rand.NewChaCha8([32]byte{}))
	if err != nil {
		t.Fatal(err)
	}
	var packets [][]byte
	for _, f := range clear.Frames {
		packets = append(packets, unhex(t, f.Hex))
	}
	for _, f := range sealed.Frames {
		b := unhex(t, f.Hex)
		plain, err := s.open(slices.Clone(b))
		if err != nil || !bytes.Equal(plain, unhex(t, f.Plain)) {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		packets = append(packets, plain)
		again, err := s.close(plain)
		if err != nil || len(again) != len(b) {
			t.Errorf("%s: %d bytes sealed, not %d, %v", f.Name, len(again), len(b), err)
		}
		if back, err := s.open(slices.Clone(again)); err != nil || !bytes.Equal(back, plain) {
			t.Errorf("%s is not opened again: %v", f.Name, err)
		}
		for _, i := range []int{0, 20, len(b) - 1} {
			bad := slices.Clone(b)
			bad[i] ^= 1
			if _, err := s.open(slices.Clone(bad)); err == nil {
				t.Errorf("%s: byte %d changed and not noticed", f.Name, i)
			}
		}
	}
	kinds := map[byte]int{}
	for _, p := range packets {
		kind, _, err := header(p)
		if err != nil {
			t.Error(err)
			continue
		}
		kinds[kind]++
		var again []byte
		switch kind {
		case typeData:
			d, err := parseData(p)
			if err != nil {
				t.Error(err)
			}
			again = whole(d)
		case typePing, typePong:
			q, err := parsePing(p)
			if err != nil {
				t.Error(err)
			}
			again = q.marshal(kind)
		default:
			continue
		}
		if !bytes.Equal(again, p) {
			t.Errorf("%x is written as %x", p, again)
		}
	}
	for _, k := range []byte{typeData, typePing, typePong, typePMTUd, typePMTUdReply} {
		if kinds[k] == 0 {
			t.Errorf("no packet of type %#x among the captures", k)
		}
	}
}

func whole(d data) []byte {
	head := d.header()
	return append(head[:], d.payload...)
}

// TestDataMTU holds the sizes that the original reports.
func TestDataMTU(t *testing.T) {
	for _, c := range []struct {
		cipher, hash string
		want         int
	}{{"none", "none", 1446}, {"aes256", "sha256", 1397}} {
		p := newPair(t, 1, c.cipher, c.hash, "passive", 1)
		p.run(3 * time.Second)
		if got := p.a.DataMTU(2, 0); got != c.want {
			t.Errorf("%s %s: %d, not %d", c.cipher, c.hash, got, c.want)
		}
	}
}

// pair is two hosts and a network between them, on virtual time.
type pair struct {
	t     *testing.T
	rng   *rand.Rand
	now   time.Time
	a, b  *Net
	links int
	cut   map[int]bool
	loss  float64
	late  []wait
	// What the interface lets out and what the way takes, with headers.
	out, way int
	got      map[*Net][][]byte
	sent     int
}

type wait struct {
	at   time.Time
	to   *Net
	link int
	from netip.AddrPort
	b    []byte
}

func address(host, link int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(link), byte(host)}), uint16(5405+link))
}

func newPair(t *testing.T, seed uint64, cipher, hash, mode string, links int) *pair {
	t.Helper()
	p := &pair{t: t, rng: rand.New(rand.NewPCG(seed, 5)), now: time.Unix(1000, 0), links: links, cut: map[int]bool{}, got: map[*Net][][]byte{}, out: 1500, way: 1500}
	p.a, p.b = p.host(1, cipher, hash, mode), p.host(2, cipher, hash, mode)
	return p
}

func (p *pair) host(id int, cipher, hash, mode string) *Net {
	cfg := Config{
		Host: uint16(id), Cipher: cipher, Hash: hash, Key: bytes.Repeat([]byte("key"), 80), Mode: mode, Links: map[int]Link{},
		Peers: map[uint16]map[int]netip.AddrPort{}, Rand: rand.NewChaCha8([32]byte{byte(id)}),
		PMTUdInterval: 30 * time.Second,
	}
	for h := 1; h <= 2; h++ {
		cfg.Peers[uint16(h)] = map[int]netip.AddrPort{}
		for l := range p.links {
			cfg.Peers[uint16(h)][l] = address(h, l)
			cfg.Links[l] = Link{PingInterval: 250 * time.Millisecond, PingTimeout: 500 * time.Millisecond, PongCount: 2, Priority: l}
		}
	}
	n, err := New(cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	n.Start(p.now)
	return n
}

func (p *pair) work(n *Net) {
	other, id := p.b, 1
	if n == p.b {
		other, id = p.a, 2
	}
	for e := n.Next(); e != nil; e = n.Next() {
		switch e := e.(type) {
		case *Transmit:
			p.sent++
			if len(e.Datagram)+28 > p.out {
				n.TooBig(p.now, e.Link, p.out)
				continue
			}
			if len(e.Datagram)+28 > p.way {
				continue
			}
			if !p.cut[e.Link] && p.rng.Float64() >= p.loss {
				p.late = append(p.late, wait{p.now.Add(time.Duration(p.rng.IntN(2000)) * time.Microsecond), other, e.Link, address(id, e.Link), slices.Clone(e.Datagram)})
			}
		case *Deliver:
			p.got[n] = append(p.got[n], e.Packet)
		}
	}
}

func (p *pair) run(d time.Duration) {
	for end := p.now.Add(d); p.now.Before(end); p.now = p.now.Add(time.Millisecond) {
		for _, n := range []*Net{p.a, p.b} {
			if !n.Deadline().After(p.now) {
				n.Advance(p.now)
			}
			p.work(n)
		}
		slices.SortStableFunc(p.late, func(x, y wait) int { return x.at.Compare(y.at) })
		for len(p.late) > 0 && !p.late[0].at.After(p.now) {
			w := p.late[0]
			p.late = p.late[1:]
			if w.to != p.a && w.to != p.b {
				continue // a host that is no more
			}
			if err := w.to.Receive(p.now, w.link, w.from, w.b); err != nil {
				p.t.Fatal(err)
			}
			p.work(w.to)
		}
	}
}

func (p *pair) packet(i, size int) []byte {
	b := fmt.Appendf(nil, "%d:", i)
	for len(b) < size {
		b = append(b, byte(len(b)*i))
	}
	return b
}

func TestPairs(t *testing.T) {
	for _, c := range []struct{ cipher, hash, mode string }{
		{"none", "none", "passive"}, {"aes256", "sha256", "passive"}, {"aes128", "sha512", "active"}, {"none", "sha1", "rr"}, {"aes192", "md5", "passive"},
	} {
		t.Run(c.cipher+"-"+c.hash+"-"+c.mode, func(t *testing.T) {
			p := newPair(t, 1, c.cipher, c.hash, c.mode, 2)
			p.a.Send(0, []byte("too early")) // nobody is reachable yet
			p.run(2 * time.Second)
			if !p.a.Reachable(2) || !p.b.Reachable(1) || !p.a.Up(2, 0) || !p.a.Up(2, 1) {
				t.Fatal("the links do not come up")
			}
			if len(p.got[p.b]) != 0 {
				t.Error("a packet to a host that was not reachable arrives")
			}
			var want [][]byte
			for i, size := range []int{10, 1300, 1397, 1398, 1446, 1447, 5000, 65536} {
				b := p.packet(i, size)
				want = append(want, b)
				p.a.Send(2, b)
				p.run(5 * time.Millisecond)
			}
			p.run(100 * time.Millisecond)
			if len(p.got[p.b]) != len(want) {
				t.Fatalf("%d packets of %d", len(p.got[p.b]), len(want))
			}
			for i := range want {
				if !bytes.Equal(p.got[p.b][i], want[i]) {
					t.Errorf("packet %d arrives with %d bytes", i, len(p.got[p.b][i]))
				}
			}
			// One link less, then none, then both again.
			p.cut[1] = true
			p.run(time.Second)
			if !p.a.Reachable(2) || p.a.Up(2, 1) {
				t.Error("a cut link is up")
			}
			p.a.Send(0, []byte("over the other"))
			p.run(50 * time.Millisecond)
			if n := len(p.got[p.b]); n != len(want)+1 {
				t.Errorf("%d packets over the link that is left", n-len(want))
			}
			p.cut[0] = true
			p.run(time.Second)
			if p.a.Reachable(2) {
				t.Error("a host without links is reachable")
			}
			clear(p.cut)
			p.run(2 * time.Second)
			p.b.Send(1, []byte("back"))
			p.run(50 * time.Millisecond)
			if len(p.got[p.a]) != 1 {
				t.Error("nothing comes after the links are back")
			}
			// A host that begins anew counts from the start.
			old := p.a
			p.a = p.host(1, c.cipher, c.hash, c.mode)
			p.got[p.a] = p.got[old]
			p.run(2 * time.Second)
			before := len(p.got[p.b])
			for i := range 20 {
				p.a.Send(2, p.packet(i, 100))
			}
			p.b.Send(1, []byte("hello again"))
			p.run(100 * time.Millisecond)
			if n := len(p.got[p.b]) - before; n != 20 {
				t.Errorf("%d of 20 packets after the sender's restart", n)
			}
			if len(p.got[p.a]) != 2 {
				t.Errorf("%d packets at the host that began anew", len(p.got[p.a]))
			}
		})
	}
}

// TestDoubt: when a link fails, what is sent after the first doubt gets through, long before the link counts as down, and goes over the link
// that answers alone; the other one carries again what is its own once it answers.
func TestDoubt(t *testing.T) {
	for _, mode := range []string{"passive", "rr"} {
		p := newPair(t, 4, "none", "none", mode, 2)
		p.run(2100 * time.Millisecond) // the next pings are some time off
		carried := func(link int) uint64 { return p.a.hosts[2].links[link].stats.Data.TxPackets }
		send := func(what string, want int) {
			t.Helper()
			before := len(p.got[p.b])
			for i := range 4 {
				p.a.Send(2, p.packet(i, 100))
			}
			p.run(5 * time.Millisecond)
			if n := len(p.got[p.b]) - before; n != want {
				t.Errorf("%s, %s: %d packets of 4 arrive, not %d", mode, what, n, want)
			}
		}
		p.cut[1] = true
		send("before anybody doubts", map[string]int{"passive": 0, "rr": 2}[mode])
		p.a.Doubt(p.now)
		send("when somebody doubts", 4)
		before := carried(1)
		send("when the other link has answered", 4)
		p.a.Doubt(p.now)
		send("when somebody doubts again", 4)
		if n := carried(1) - before; n > 4 || !p.a.Up(2, 1) {
			t.Errorf("%s: the link that is dead carried %d, up %v", mode, n, p.a.Up(2, 1))
		}
		clear(p.cut)
		p.run(300 * time.Millisecond)
		before = carried(1)
		send("when the link answers again", 4)
		if carried(1) == before {
			t.Errorf("%s: the link that answers carries nothing (up %v)", mode, p.a.Up(2, 1))
		}
	}
	p := newPair(t, 4, "none", "none", "passive", 1)
	p.run(2 * time.Second)
	p.work(p.a)
	sent := p.sent
	if p.a.Doubt(p.now); p.a.Next() != nil || p.sent != sent {
		t.Error("of one link alone something is asked")
	}
}

// TestNoDoubles sends many packets over two links at once, with losses, past the end of the numbers.
func TestNoDoubles(t *testing.T) {
	p := newPair(t, 2, "none", "none", "active", 2)
	p.run(2 * time.Second)
	p.a.seq = 65000
	p.loss = 0.1
	seen := map[string]int{}
	for i := range 3000 {
		p.a.Send(2, p.packet(i, 10+i%3000))
		if i%3 == 0 {
			p.run(time.Millisecond)
		}
	}
	p.run(100 * time.Millisecond)
	for _, b := range p.got[p.b] {
		if seen[string(b)]++; seen[string(b)] > 1 {
			t.Fatal("a packet arrives twice")
		}
	}
	if len(seen) < 2500 {
		t.Errorf("%d of 3000 packets over two links that lose a tenth", len(seen))
	}
}

func TestRefused(t *testing.T) {
	key := bytes.Repeat([]byte{1}, 200)
	for _, c := range []Config{
		{Host: 0},
		{Host: 1, Cipher: "rot13", Hash: "sha1", Key: key},
		{Host: 1, Cipher: "aes256", Hash: "none", Key: key},
		{Host: 1, Hash: "crc", Key: key},
		{Host: 1, Hash: "sha1", Key: key[:50]},
		{Host: 1, Mode: "wild"},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	p := newPair(t, 1, "aes256", "sha256", "passive", 1)
	for _, b := range [][]byte{nil, []byte("x"), make([]byte, 100), make([]byte, 1472)} {
		if err := p.a.Receive(p.now, 0, address(2, 0), b); err == nil {
			t.Errorf("%d bytes of nothing are taken", len(b))
		}
	}
	q := newPair(t, 1, "none", "none", "passive", 1)
	good := ping{host: 2, timed: true}.marshal(typePing)
	for i, c := range []struct {
		link int
		from netip.AddrPort
		b    []byte
	}{
		{0, address(7, 0), good},
		{1, address(2, 1), good},
		{0, address(2, 0), ping{host: 9}.marshal(typePing)},
		{0, address(2, 0), good[:20]},
		{0, address(2, 0), whole(data{host: 2, fragments: 0})},
		{0, address(2, 0), whole(data{host: 2, fragments: 2, fragment: 3})},
		{0, address(2, 0), append([]byte{9}, good[1:]...)},
		{0, address(2, 0), append([]byte{1, 0x77}, good[2:]...)},
	} {
		if err := q.a.Receive(q.now, c.link, c.from, c.b); err == nil {
			t.Errorf("packet %d is taken", i)
		}
	}
}

func FuzzReceive(f *testing.F) {
	for _, x := range captured(f, "knet-clear.json").Frames {
		f.Add(unhex(f, x.Hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := New(Config{
			Host: 3, Links: map[int]Link{0: {PingInterval: time.Second, PingTimeout: time.Second, PongCount: 1}},
			Peers: map[uint16]map[int]netip.AddrPort{1: {0: address(1, 0)}, 2: {0: address(2, 0)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(1, 0)
		for h := 1; h <= 2; h++ {
			_ = n.Receive(now, 0, address(h, 0), ping{host: uint16(h)}.marshal(typePong))
			for range 2 {
				_ = n.Receive(now, 0, address(h, 0), bytes.Clone(b))
			}
		}
		for e := n.Next(); e != nil; e = n.Next() {
			if d, ok := e.(*Deliver); ok && len(d.Packet) > len(b) {
				t.Fatal("more bytes than came")
			}
		}
	})
}
