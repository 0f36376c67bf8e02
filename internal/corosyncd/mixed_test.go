package corosyncd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hacluster/corosync/client"
)

var mixedRing = flag.Duration("mixed-ring", 25*time.Second, "how long TestMixedRing has members come and go, for each ring")

// TestMixedRing has a ring of two original nodes and one of ours, as the lowest and as the highest node id, under load
// from all sides and with 5 % of ours' packets lost, go through cuts, deaths, leaves and returns. What each node's
// witness was given must be virtually synchronous: the same messages in the same order for those who go from ring to
// ring together, and none missing within a ring.
func TestMixedRing(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip(err)
	}
	t.Parallel()
	for _, c := range []struct {
		name, totem string
		ours        int
		long        bool // only where it is to take long: a ring under load takes much of a processor
	}{
		{"udpu-lowest", "transport: udpu", 0, false},
		{"udpu-highest", "transport: udpu", 2, false},
		{"knet-lowest", "transport: knet", 0, false},
		{"knet-highest", "transport: knet", 2, true},
		{"knet-aes256-lowest", "transport: knet\ncrypto_cipher: aes256\ncrypto_hash: sha256", 0, true},
		{"knet-aes256-highest", "transport: knet\ncrypto_cipher: aes256\ncrypto_hash: sha256", 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if *mixedRing < time.Minute {
				if c.long {
					t.Skip("only with -mixed-ring of a minute or more")
				}
				t.Parallel()
			}
			mixed(t, c.totem, c.ours)
		})
	}
}

func mixed(t *testing.T, totem string, ours int) {
	h := hosts(t, 3, func(nodes string) string {
		if *mixedRing < time.Minute {
			return confWith(totem)(nodes)
		}
		return strings.Replace(confWith(totem)(nodes), "logging {\n", "logging {\ndebug: on\n", 1) // a long one tells more
	})
	logs := [3]string{}
	start := func(i int) {
		h[i].quiet = *mixedRing < time.Minute // a long one tells more
		h[i].start(i != ours)
	}
	for i, o := range h {
		start(i)
		logs[i] = filepath.Join(o.dir, "witness")
		f, err := os.Create(logs[i])
		if err != nil {
			t.Fatal(err)
		}
		c := o.command(os.Args[0])
		c.Env = append(os.Environ(), "COROSYNCD_WITNESS="+fmt.Sprint(i+1))
		c.Stdout = f
		o.launch(c)
		f.Close()
	}
	together := func() {
		for _, o := range h {
			o.members(40*time.Second, 1, 2, 3)
		}
	}
	together()
	h[ours].must("nft", "add table inet lossy; add chain inet lossy in { type filter hook input priority 0; }; add rule inet lossy in udp dport 5405 numgen random mod 100 < 5 drop")
	rng := rand.New(rand.NewPCG(uint64(ours), 5))
	begin := time.Now()
	rounds := 0
	for ; time.Since(begin) < *mixedRing || rounds < 4; rounds++ {
		i := rng.IntN(3)
		what := rounds % 4 // each in turn, of any node
		t.Logf("%v: %s of node %d", time.Since(begin).Round(time.Second), [...]string{"cut", "death", "leave", "pause"}[what], i+1)
		switch what {
		case 0:
			h[0].bridge(i+1, 1)
			pass(rng, 5*time.Second)
			h[0].bridge(i+1, 0)
		case 1, 2:
			h[i].stop([...]syscall.Signal{1: syscall.SIGKILL, 2: syscall.SIGTERM}[what])
			pass(rng, 4*time.Second)
			start(i)
		case 3:
			_ = h[i].daemon.Process.Signal(syscall.SIGSTOP)
			pass(rng, 4*time.Second)
			_ = h[i].daemon.Process.Signal(syscall.SIGCONT)
		}
		together()
		pass(rng, 2*time.Second)
	}
	var lives []*witnessed
	for i, name := range logs {
		l, err := readWitness(name, i+1)
		if err != nil {
			t.Fatal(err)
		}
		lives = append(lives, l...)
	}
	told, err := os.ReadFile(h[ours].log)
	if err != nil {
		t.Fatal(err)
	}
	total, err := synchronous(lives, ours+1, ringsWithLoss(told))
	if err != nil {
		t.Error(err)
	}
	t.Logf("%d rounds in %v, %d lives of witnesses, %d messages held against each other", rounds, time.Since(begin).Round(time.Second), len(lives), total)
	if total < 1000 {
		t.Error("that is too few to tell anything")
	}
}

// pass lets some time go by, as faults have it: nothing is waited for.
func pass(rng *rand.Rand, most time.Duration) {
	time.Sleep(most/4 + time.Duration(rng.Int64N(int64(most*3/4))))
}

// asWitness connects to its host's daemon, again and again; each time it joins a group, talks, and prints
// what it is given.
func asWitness() int {
	out := bufio.NewWriter(os.Stdout)
	for life := uint32(1); ; life++ {
		_ = witness(context.Background(), life, out)
		_ = out.Flush()
		time.Sleep(100 * time.Millisecond) // until the daemon is back: there is nothing to wait for
	}
}

func witness(ctx context.Context, life uint32, out *bufio.Writer) error {
	g, err := client.DialCPG(ctx)
	if err != nil {
		return err
	}
	defer g.Close()
	me, err := g.LocalNode(ctx)
	if err != nil {
		return err
	}
	if err := g.JoinWithRing(ctx, "witness"); err != nil {
		return err
	}
	fmt.Fprintf(out, "life %d %d\n", me, life)
	talk := time.NewTicker(4 * time.Millisecond)
	defer talk.Stop()
	sent, given := uint32(0), uint32(0)
	for {
		var due <-chan time.Time
		if sent-given < 50 {
			due = talk.C
		}
		select {
		case e, ok := <-g.Events():
			if !ok {
				return errors.Join(g.Err(), out.Flush())
			}
			switch e := e.(type) {
			case *client.TotemConfchg:
				fmt.Fprintf(out, "ring %v %v\n", e.Ring, e.Members)
			case *client.Confchg:
				for _, m := range e.Joined {
					if m.Node == me && m.PID == uint32(os.Getpid()) {
						fmt.Fprintln(out, "joined")
					}
				}
			case *client.Deliver:
				if len(e.Data) < 8 {
					continue
				}
				n, l := binary.LittleEndian.Uint32(e.Data[4:]), binary.LittleEndian.Uint32(e.Data)
				if e.Node == me && l == life {
					given = n
				}
				whole := bytes.Equal(e.Data[8:], pattern[n%1000:int(n%1000)+len(e.Data)-8])
				fmt.Fprintf(out, "%d/%d/%d %v\n", e.Node, l, n, whole)
			}
			if out.Buffered() > 3000 {
				_ = out.Flush()
			}
		case <-due:
			sent++
			size := int(sent*37) % 3000
			if sent%100 == 0 {
				size = 60_000
			}
			b := make([]byte, 8+size)
			binary.LittleEndian.PutUint32(b, life)
			binary.LittleEndian.PutUint32(b[4:], sent)
			copy(b[8:], pattern[sent%1000:])
			limit, cancel := context.WithTimeout(ctx, 20*time.Second)
			err := g.Mcast(limit, b)
			cancel()
			if err != nil {
				return err
			}
		}
	}
}

// witnessed is what one life of a witness was given, ring by ring.
type witnessed struct {
	node  int
	rings []witnessedRing
	// joined is the ring in whose midst it came into the group.
	joined int
}

type witnessedRing struct {
	id       string
	messages []string
}

func readWitness(name string, node int) ([]*witnessed, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return parseWitness(text, node)
}

func parseWitness(text []byte, node int) ([]*witnessed, error) {
	var lives []*witnessed
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	for line := range strings.Lines(string(whole)) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case kind == "life":
			lives = append(lives, &witnessed{node: node})
		case len(lives) == 0:
			return nil, fmt.Errorf("node %d: %q before all", node, line)
		case kind == "ring":
			// Who asks to join while the ring changes is told of the ring twice, by the original: when it has
			// changed, and when the join is through.
			if l := lives[len(lives)-1]; len(l.rings) == 0 || l.rings[len(l.rings)-1].id != rest {
				l.rings = append(l.rings, witnessedRing{id: rest})
			}
		case kind == "joined":
			l := lives[len(lives)-1]
			l.joined = len(l.rings) - 1
		case rest != "true":
			return nil, fmt.Errorf("node %d: message %s is damaged", node, kind)
		default:
			l := lives[len(lives)-1]
			if len(l.rings) == 0 {
				continue // joined while others talked: the ring is told of after that
			}
			r := &l.rings[len(l.rings)-1]
			r.messages = append(r.messages, kind)
		}
	}
	return lives, nil
}

// ringsWithLoss are the rings of which our daemon's log says that packets were lost with who left.
func ringsWithLoss(log []byte) map[string]bool {
	rings := map[string]bool{}
	for line := range strings.Lines(string(log)) {
		if !strings.Contains(line, "packets of the old ring are lost") {
			continue
		}
		_, rest, _ := strings.Cut(line, " ring=")
		if f := strings.Fields(rest); len(f) > 0 {
			rings[f[0]] = true
		}
	}
	return rings
}

// synchronous holds what witnesses were given against each other; ours is the node that is no original, lost the rings of which
// it has told that packets were lost.
func synchronous(lives []*witnessed, ours int, lost map[string]bool) (total int, err error) {
	type passage struct{ from, to string }
	type seen struct {
		node     int
		messages []string
	}
	passed := map[passage]seen{}
	for _, l := range lives {
		for i, r := range l.rings {
			total += len(r.messages)
			last := map[string]int{}
			for _, m := range r.messages {
				var from, life, number int
				if _, err := fmt.Sscanf(m, "%d/%d/%d", &from, &life, &number); err != nil {
					return 0, err
				}
				who := fmt.Sprint(from, "/", life)
				if before, ok := last[who]; ok && number != before+1 {
					return 0, fmt.Errorf("node %d, ring %s: message %d of %s comes after %d", l.node, r.id, number, who, before)
				}
				last[who] = number
			}
			if i <= max(l.joined, 0) || i == len(l.rings)-1 {
				continue
			}
			// A ring whose sync did not come to its end is told to nobody: only where there was no room for one
			// have those with the same next ring come to it together.
			p := passage{r.id, l.rings[i+1].id}
			if ringNumber(p.to) != ringNumber(p.from)+4 {
				continue
			}
			o, ok := passed[p]
			if !ok {
				passed[p] = seen{l.node, r.messages}
				continue
			}
			a, b := begunBefore(o.messages, r.messages, ours, l.node == ours), begunBefore(r.messages, o.messages, ours, o.node == ours)
			whole := a
			loss := lost[strings.Fields(p.from)[0]]
			if o.node != ours {
				a = freedEarly(a, b, p.to, l.node != ours || loss)
			}
			if l.node != ours {
				b = freedEarly(b, whole, p.to, o.node != ours || loss)
			}
			for k := range max(len(a), len(b)) {
				if k >= len(a) || k >= len(b) || a[k] != b[k] {
					near := func(list []string) []string { return list[min(max(k-5, 0), len(list)):min(k+5, len(list))] }
					return 0, fmt.Errorf("from ring %s to %s node %d has %d messages and node %d has %d; they differ from the %dth on: %v, %v\nonly the first has %v\nonly the second has %v",
						p.from, p.to, o.node, len(a), l.node, len(b), k+1, near(a), near(b), spans(a, b), spans(b, a))
				}
			}
		}
	}
	return total, nil
}

// freedEarly leaves out of a, of an original, the last messages of senders who do not come along to the ring to, where b
// has none after them. An original lets go of packets after one rotation, in place of two, when a token comes to it
// twice (messages_free of 3.1.7 stands before the look at the token's number): when their sender leaves then, nobody has them for who missed them.
// Where b has none of a sender at all, that counts only with all: b is an original's, too, or its daemon has told of the loss.
func freedEarly(a, b []string, to string, all bool) (kept []string) {
	_, members, _ := strings.Cut(to, "[")
	comes := strings.Fields(strings.TrimSuffix(members, "]"))
	has, last := map[string]bool{}, map[string]int{}
	number := func(m string) (who string, n int) {
		at := strings.LastIndexByte(m, '/')
		n, _ = strconv.Atoi(m[at+1:])
		return m[:at], n
	}
	for _, m := range b {
		who, n := number(m)
		has[who], last[who] = true, n
	}
	for _, m := range a {
		who, n := number(m)
		from, _, _ := strings.Cut(who, "/")
		if slices.Contains(comes, from) || !has[who] && !all || n <= last[who] {
			kept = append(kept, m)
		}
	}
	return kept
}

// spans are the messages of a that b does not have, by sender: the first and the last, and how many of this sender both have.
func spans(a, b []string) (list []string) {
	type span struct {
		first, last string
		count, both int
	}
	has := map[string]bool{}
	for _, m := range b {
		has[m] = true
	}
	by := map[string]*span{}
	for _, m := range a {
		who := m[:strings.LastIndexByte(m, '/')]
		s := by[who]
		if s == nil {
			s = &span{}
			by[who] = s
		}
		if has[m] {
			s.both++
			continue
		}
		if s.count == 0 {
			s.first = m
		}
		s.last = m
		s.count++
	}
	for who, s := range by {
		if s.count > 0 {
			list = append(list, fmt.Sprintf("%d of %s, from %s to %s; both have %d of it", s.count, who, s.first, s.last, s.both))
		}
	}
	return list
}

// ringNumber is the number of a ring such as "1.2f [1 2 3]".
func ringNumber(id string) uint64 {
	_, n, _ := strings.Cut(strings.Fields(id)[0], ".")
	seq, _ := strconv.ParseUint(n, 16, 64)
	return seq
}

// begunBefore leaves out of a what b need not have: the first message of a sender, where b begins with its next. It was
// under way, in pieces, when the ring came about, and whoever came to it then has not had its beginning. Originals throw more
// away with it: all that stands in the same packets, up to one that ends with a whole message or begins a new one. Ours
// neither does that (toOurs) nor sends packets to which it would happen.
func begunBefore(a, b []string, ours int, toOurs bool) []string {
	first := func(list []string) map[string]int {
		f := map[string]int{}
		for _, m := range list {
			var from, life, number int
			_, _ = fmt.Sscanf(m, "%d/%d/%d", &from, &life, &number)
			if who := fmt.Sprint(from, "/", life); f[who] == 0 {
				f[who] = number
			}
		}
		return f
	}
	fa, fb := first(a), first(b)
	var kept []string
	for _, m := range a {
		var from, life, number int
		_, _ = fmt.Sscanf(m, "%d/%d/%d", &from, &life, &number)
		who := fmt.Sprint(from, "/", life)
		strict := toOurs || from == ours
		if strict && number == fa[who] && fb[who] == number+1 || !strict && number < fb[who] {
			continue
		}
		kept = append(kept, m)
	}
	return kept
}

// TestSynchronous holds that what witnesses were given is held against each other.
func TestSynchronous(t *testing.T) {
	names := map[string]string{"a": "1.5 [1 2]", "b": "1.9 [1 2]", "c": "1.d [1 2]", "d": "1.d [1]"}
	ring := func(name string, messages ...string) witnessedRing { return witnessedRing{names[name], messages} }
	life := func(node int, rings ...witnessedRing) *witnessed { return &witnessed{node: node, rings: rings} }
	end := ring("c")
	sound := life(1, ring("a"), ring("b", "1/1/1", "2/1/1", "1/1/2"), end)
	if _, err := synchronous([]*witnessed{sound, life(3, ring("a"), ring("b", "2/1/1", "1/1/2"), end)}, 2, nil); err != nil {
		t.Errorf("an original that has thrown a beginning away: %v", err)
	}
	// Node 1 leaves: an original has had more of it than another; ours must not.
	for _, c := range []struct {
		ours int
		bad  bool
	}{{3, false}, {2, true}, {1, false}} {
		gone := witnessedRing{"2.d [2 3]", nil}
		more := life(2, ring("a"), ring("b", "1/1/1", "2/1/1", "1/1/2"), gone)
		if _, err := synchronous([]*witnessed{more, life(3, ring("a"), ring("b", "1/1/1", "2/1/1"), gone)}, c.ours, nil); (err != nil) != c.bad {
			t.Errorf("the last message of who left is missing, node %d is ours: %v", c.ours, err)
		}
	}
	// All that it had to say in the ring was lost with it: who has none of it must have told so, where it is ours.
	for _, c := range []struct {
		ours int
		lost map[string]bool
		bad  bool
	}{{3, nil, true}, {3, map[string]bool{"1.9": true}, false}, {3, map[string]bool{"1.5": true}, true}, {2, map[string]bool{"1.9": true}, true}, {1, nil, false}} {
		gone := witnessedRing{"2.d [2 3]", nil}
		more := life(2, ring("a"), ring("b", "2/1/1", "1/1/1", "1/1/2"), gone)
		if _, err := synchronous([]*witnessed{more, life(3, ring("a"), ring("b", "2/1/1"), gone)}, c.ours, c.lost); (err != nil) != c.bad {
			t.Errorf("all messages of who left are missing, node %d is ours, told %v: %v", c.ours, c.lost, err)
		}
	}
	for _, c := range []struct {
		ours int
		bad  bool
	}{{1, true}, {3, true}, {2, false}} {
		more := life(1, ring("a"), ring("b", "1/1/1", "1/1/2", "1/1/3"), end)
		if _, err := synchronous([]*witnessed{more, life(3, ring("a"), ring("b", "1/1/3"), end)}, c.ours, nil); (err != nil) != c.bad {
			t.Errorf("two messages at the beginning are missing, node %d is ours: %v", c.ours, err)
		}
	}
	for name, c := range map[string]struct {
		other *witnessed
		bad   bool
	}{
		"the same":                        {life(2, ring("a"), ring("b", "1/1/1", "2/1/1", "1/1/2"), end), false},
		"another order":                   {life(2, ring("a"), ring("b", "2/1/1", "1/1/1", "1/1/2"), end), true},
		"the last is missing":             {life(2, ring("a"), ring("b", "1/1/1", "2/1/1"), end), true},
		"one in the midst is missing":     {life(2, ring("a"), ring("b", "1/1/1", "2/1/1", "1/1/3"), end), true},
		"one more":                        {life(2, ring("a"), ring("b", "1/1/1", "2/1/1", "1/1/2", "1/1/3"), end), true},
		"it parts":                        {life(2, ring("a"), ring("b", "1/1/1"), ring("d")), false},
		"it came in the midst":            {&witnessed{node: 2, joined: 1, rings: []witnessedRing{ring("a"), ring("b", "1/1/2"), end}}, false},
		"another ring in between":         {&witnessed{node: 2, rings: []witnessedRing{ring("a"), ring("b", "1/1/1"), {"1.15 [1 2]", nil}}}, false},
		"the first was begun before":      {life(2, ring("a"), ring("b", "2/1/1", "1/1/2"), end), false},
		"all of one sender's are missing": {life(2, ring("a"), ring("b", "1/1/1", "1/1/2"), end), true},
	} {
		if _, err := synchronous([]*witnessed{sound, c.other}, 2, nil); (err != nil) != c.bad {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWitnessTold holds that a ring of which a witness was told before and after its join is one, in whose midst it came.
func TestWitnessTold(t *testing.T) {
	lives, err := parseWitness([]byte("life 2 1\nring 1.5 [1 2]\njoined\nring 1.5 [1 2]\n2/1/1 true\nring 1.9 [1 2]\n2/1/2 true\n2/1/"), 2)
	if err != nil || len(lives) != 1 {
		t.Fatalf("%v, %d lives", err, len(lives))
	}
	if l := lives[0]; l.joined != 0 || len(l.rings) != 2 || len(l.rings[0].messages) != 1 || len(l.rings[1].messages) != 1 {
		t.Errorf("%+v", l)
	}
}
