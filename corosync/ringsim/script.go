package ringsim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hacluster/corosync/totem"
	"hacluster/corosync/wire"
)

// Play plays a scenario and yields its text anew, with what happens under each line. A line is a command;
// below it stands, indented, what the nodes are given because of it, and when:
//
//	nodes 1 2 3            the nodes; they are down
//	set token=500ms mtu=300 …   settings of the ring (token, merge, fail_recv, window, messages, mtu)
//	start 1 2 | kill 3 | leave 2
//	pause 2 800ms          it does not run for so long
//	say 1 3 [100]          node 1 sends three messages, of 100 bytes each
//	split 1 2 / 3          they do not hear each other; heal ends it
//	cut 1 2                what node 1 sends does not reach node 2; heal ends it
//	lose commit 1 2 [0 1]  the next commit token from 1 to 2 is lost, after 0 of them, and 1 of them in all; * is any node
//	when token 1 2 kill 2 [0]   as that token is sent, its receiver dies; pause 2 and split are the other things that can happen
//	run 500ms              time passes
//	together 5s            time passes until all that are up are in one ring and have all messages; so much at most
//	show                   what each node thinks
//	repeat 0 9             plays what follows ten times with $n as 0 to 9; only show is told, and must be the same
//
// What a node is given: "transitional 1.9 = 1 2, left 3", "regular 1.9 = 1 2", and messages, "1#1-3 2#1" are
// the first three of node 1 and the first of node 2. An error is of a line that cannot be read, or of a property that does not hold.
func Play(text string) (string, error) {
	from, to, rest, err := repeated(text)
	if err != nil {
		return "", err
	}
	if rest == "" {
		p := player{}
		return p.play(text)
	}
	head := strings.TrimSuffix(text, rest)
	body := ""
	for n := from; n <= to; n++ {
		p := player{quiet: true, n: strconv.Itoa(n)}
		got, err := p.play(rest)
		if err != nil {
			return "", fmt.Errorf("for %d: %w", n, err)
		}
		if body == "" {
			body = got
		}
		if got != body {
			return "", fmt.Errorf("for %d it ends otherwise than before:\n%s", n, got)
		}
	}
	return head + body, nil
}

// repeated finds the line "repeat"; rest is what follows it.
func repeated(text string) (from, to int, rest string, err error) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "repeat ") {
			if _, err := fmt.Sscanf(line, "repeat %d %d", &from, &to); err != nil || to < from {
				return 0, 0, "", fmt.Errorf("%q: from and to are missing", strings.TrimSpace(line))
			}
			_, rest, _ = strings.Cut(text, line)
			return from, to, rest, nil
		}
	}
	return 0, 0, "", nil
}

// player is a scenario being played.
type player struct {
	w     *World
	out   strings.Builder
	quiet bool
	n     string
	cfg   totem.Config
	told  []given
	begin time.Duration
}

// given is something that a node was given.
type given struct {
	at      time.Duration
	node    uint32
	text    string
	from    uint32 // of a message, else 0
	number  uint32 // of the message, and the last of those that follow it
	through uint32
}

func (p *player) play(text string) (string, error) {
	p.cfg = totem.Config{
		Token: time.Second, TokenRetransmit: 238 * time.Millisecond, Hold: 180 * time.Millisecond, Join: 50 * time.Millisecond,
		Consensus: 1200 * time.Millisecond, Merge: 200 * time.Millisecond, FailRecv: 2500, SeqnoUnchanged: 30,
		WindowSize: 50, MaxMessages: 17, MissCount: 5, NetMTU: 1500,
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "  ") {
			continue
		}
		p.out.WriteString(line + "\n")
		words := strings.Fields(strings.ReplaceAll(line, "$n", p.n))
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if p.w != nil {
			p.begin = p.w.Now()
		}
		err := p.command(words[0], words[1:])
		if err == nil && p.w != nil {
			err = p.w.Err()
		}
		p.report()
		if err != nil {
			return "", fmt.Errorf("%s: %w\n%s", line, err, p.out.String())
		}
	}
	return p.out.String(), nil
}

// report tells what the nodes were given since.
func (p *player) report() {
	for _, g := range p.told {
		text := g.text
		if g.from != 0 {
			text = fmt.Sprintf("%d#%d", g.from, g.number)
			if g.through > g.number {
				text += fmt.Sprintf("-%d", g.through)
			}
		}
		if !p.quiet {
			fmt.Fprintf(&p.out, "  %6s  %d: %s\n", g.at.Round(time.Millisecond), g.node, text)
		}
	}
	p.told = nil
}

// see is told what nodes are given.
func (p *player) see(n *Node, e totem.Effect) {
	g := given{at: p.w.Now() - p.begin, node: n.id}
	switch e := e.(type) {
	case *totem.Configuration:
		kind := "regular"
		if e.Transitional {
			kind = "transitional"
		}
		g.text = fmt.Sprintf("%s %v =%s", kind, e.Ring, list(e.Members))
		if len(e.Left) > 0 {
			g.text += ", left" + list(e.Left)
		}
		if len(e.Joined) > 0 {
			g.text += ", joined" + list(e.Joined)
		}
	case *totem.Deliver:
		if e.Group != wire.GroupServices {
			return
		}
		id := p.w.names[binary.LittleEndian.Uint64(e.Message)]
		g.from, g.number, g.through = id.node, id.number, id.number
		for i, o := range slices.Backward(p.told) {
			if o.node == n.id {
				if o.from == g.from && o.through+1 == g.number {
					p.told[i].through++
					return
				}
				break
			}
		}
	default:
		return
	}
	p.told = append(p.told, g)
}

func list(ids []uint32) string {
	s := ""
	for _, id := range ids {
		s += fmt.Sprintf(" %d", id)
	}
	return s
}

var errWords = errors.New("the command cannot be read")

func (p *player) command(verb string, words []string) error {
	if verb == "set" {
		return p.set(words)
	}
	if verb == "nodes" {
		ids, err := numbers(words)
		if err != nil {
			return err
		}
		p.w = New(1, p.cfg, ids...)
		p.w.Net = Net{Latency: time.Millisecond}
		p.w.Tell = p.see
		return nil
	}
	if p.w == nil {
		return errors.New("there are no nodes yet")
	}
	switch verb {
	case "start", "kill", "leave":
		return p.each(words, map[string]func(*Node){"start": (*Node).Start, "kill": (*Node).Kill, "leave": (*Node).Leave}[verb])
	case "split":
		return p.split(words)
	case "heal":
		p.w.Heal()
		return nil
	case "lose":
		return p.trap(words, func(from, to uint32) bool { return true })
	case "when":
		return p.when(words)
	case "show":
		p.show()
		return nil
	case "run", "together":
		if len(words) != 1 {
			return errWords
		}
		d, err := time.ParseDuration(words[0])
		if err != nil {
			return err
		}
		if verb == "together" {
			return p.w.Await(d)
		}
		p.w.Run(d)
		return nil
	}
	if len(words) < 2 {
		return errWords
	}
	n, err := p.node(words[0])
	if err != nil {
		return err
	}
	switch verb {
	case "pause":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			return err
		}
		n.Pause(d)
		return nil
	case "cut":
		to, err := p.node(words[1])
		if err != nil {
			return err
		}
		p.w.Cut(n.id, to.id)
		return nil
	case "say":
		count, err := numbers(words[1:])
		if err != nil {
			return err
		}
		count = append(count, 100)
		for range count[0] {
			if err := n.Say(int(count[1])); err != nil {
				return err
			}
		}
		return nil
	}
	return errWords
}

func (p *player) set(words []string) error {
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		durations := map[string]*time.Duration{"token": &p.cfg.Token, "merge": &p.cfg.Merge}
		counts := map[string]*int{"fail_recv": &p.cfg.FailRecv, "window": &p.cfg.WindowSize, "messages": &p.cfg.MaxMessages, "mtu": &p.cfg.NetMTU}
		var err error
		switch {
		case durations[name] != nil:
			*durations[name], err = time.ParseDuration(value)
		case counts[name] != nil:
			*counts[name], err = strconv.Atoi(value)
		default:
			err = errWords
		}
		if err != nil {
			return err
		}
	}
	p.cfg.TokenRetransmit = p.cfg.Token * 10 / 42
	p.cfg.Hold = p.cfg.TokenRetransmit*8/10 - 10*time.Millisecond
	p.cfg.Consensus = p.cfg.Token * 12 / 10
	return nil
}

func numbers(words []string) ([]uint32, error) {
	var l []uint32
	for _, w := range words {
		n, err := strconv.ParseUint(w, 10, 32)
		if err != nil {
			return nil, err
		}
		l = append(l, uint32(n))
	}
	if len(l) == 0 {
		return nil, errWords
	}
	return l, nil
}

func (p *player) node(word string) (*Node, error) {
	ids, err := numbers([]string{word})
	if err != nil {
		return nil, err
	}
	if n := p.w.Node(ids[0]); n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("there is no node %s", word)
}

func (p *player) each(words []string, do func(*Node)) error {
	for _, w := range words {
		n, err := p.node(w)
		if err != nil {
			return err
		}
		do(n)
	}
	return nil
}

func (p *player) split(words []string) error {
	sides := [][]uint32{nil}
	for _, w := range words {
		if w == "/" {
			sides = append(sides, nil)
			continue
		}
		n, err := p.node(w)
		if err != nil {
			return err
		}
		sides[len(sides)-1] = append(sides[len(sides)-1], n.id)
	}
	p.w.Split(sides...)
	return nil
}

var kinds = map[string]wire.Kind{
	"token": wire.KindToken, "message": wire.KindMcast, "merge": wire.KindMergeDetect, "join": wire.KindJoin,
	"commit": wire.KindCommit, "cancel": wire.KindHoldCancel,
}

// trap reads "kind from to [skip [times]]".
func (p *player) trap(words []string, do func(from, to uint32) bool) error {
	if len(words) < 3 {
		return errWords
	}
	kind, ok := kinds[words[0]]
	if !ok {
		return errWords
	}
	var ends [2]uint32
	for i, w := range words[1:3] {
		if w == "*" {
			continue
		}
		n, err := p.node(w)
		if err != nil {
			return err
		}
		ends[i] = n.id
	}
	count := []uint32{0, 1}
	for i, w := range words[3:] {
		n, err := numbers([]string{w})
		if err != nil {
			return err
		}
		if i < len(count) {
			count[i] = n[0]
		}
	}
	p.w.Trap(kind, ends[0], ends[1], int(count[0]), int(count[1]), do)
	return nil
}

// when reads "kind from to kill|pause node [skip]" and "kind from to split node [skip]", which cuts that node off.
func (p *player) when(words []string) error {
	if len(words) < 5 {
		return errWords
	}
	n, err := p.node(words[4])
	if err != nil {
		return err
	}
	var do func()
	switch words[3] {
	case "kill":
		do = n.Kill
	case "pause":
		do = func() { n.Pause(p.cfg.Token * 2) }
	case "split":
		do = func() {
			var others []uint32
			for _, o := range p.w.nodes {
				if o != n {
					others = append(others, o.id)
				}
			}
			p.w.Split(others, []uint32{n.id})
		}
	default:
		return errWords
	}
	return p.trap(append(slices.Clone(words[:3]), words[5:]...), func(uint32, uint32) bool {
		p.w.At(0, do)
		return false
	})
}

func (p *player) show() {
	for _, n := range p.w.nodes {
		if n.ring == nil {
			fmt.Fprintf(&p.out, "  %d: down\n", n.id)
			continue
		}
		ring := ""
		if !p.quiet {
			ring = fmt.Sprintf(" %v", n.ring.ID())
		}
		fmt.Fprintf(&p.out, "  %d: %v%s =%s, has had %d messages\n", n.id, n.ring.State(), ring, list(n.ring.Members()), n.had)
	}
}
