package node

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hacluster/corosync/cmap"
	"hacluster/corosync/ipc"
	"hacluster/corosync/local"
	"hacluster/corosync/wire"
)

// member is a process that is in the group "g" and writes down what it is told.
type member struct {
	*user
	host  *host
	pid   uint32
	rings []string            // in order
	told  map[string][]string // by ring: what came after it was told of
	sent  int
	own   int
	gone  bool
}

func (h *host) join(pid uint32) *member {
	m := &member{user: h.connect(CPG), host: h, pid: pid, told: map[string][]string{}}
	m.user.seen = func(b []byte) {
		var text string
		switch ipc.ID(b) {
		case local.CPGTotemConfchgEvent:
			e, err := local.ParseTotemConfchg(b)
			if err != nil {
				h.c.t.Fatal(err)
			}
			m.rings = append(m.rings, e.Ring.String())
			return
		case local.CPGConfchgEvent:
			e, err := local.ParseConfchg(b)
			if err != nil {
				h.c.t.Fatal(err)
			}
			text = fmt.Sprintf("members %v left %v joined %v", e.Members, e.Left, e.Joined)
		case local.CPGDeliverEvent:
			e, err := local.ParseDeliver(b, "")
			if err != nil {
				h.c.t.Fatal(err)
			}
			text = fmt.Sprintf("%d/%d: %s", e.Node, e.PID, e.Data)
			if e.Node == h.id && e.PID == pid {
				if want := fmt.Sprintf("%d", m.own); string(e.Data) != want {
					h.c.t.Fatalf("own message %s comes back, not %s", e.Data, want)
				}
				m.own++
			}
		}
		if len(m.rings) > 0 {
			r := m.rings[len(m.rings)-1]
			m.told[r] = append(m.told[r], text)
		}
	}
	h.ask(m.user, local.Join{Group: "g", PID: pid, Flags: 1}.Marshal())
	return m
}

func (m *member) say() {
	if m.gone || m.host.node == nil || m.host.clients[m.id] != m.user {
		return
	}
	m.host.ask(m.user, local.McastRequest(fmt.Appendf(nil, "%d", m.sent)))
	m.sent++
}

// TestGroups holds that processes which are in the same two rings one after the other are told the
// same in the same order in between, whatever happens to the nodes.
func TestGroups(t *testing.T) {
	for seed := range 40 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			groupHistory(t, uint64(seed))
		})
	}
}

func groupHistory(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 9))
	c := newCluster(t, seed, 2+rng.IntN(3), "")
	c.loss = []float64{0, 0.02, 0.05}[rng.IntN(3)]
	var members []*member
	pid := uint32(100)
	for _, id := range c.ids {
		c.hosts[id].start()
		c.run(time.Duration(rng.IntN(1000)) * time.Millisecond)
		pid++
		members = append(members, c.hosts[id].join(pid))
	}
	for range 30 {
		h := c.hosts[c.ids[rng.IntN(len(c.ids))]]
		switch k := rng.IntN(12); {
		case k == 0 && h.node != nil:
			h.kill()
		case k == 1 && h.node != nil:
			h.leave()
		case k <= 3 && h.node == nil:
			h.start()
			pid++
			members = append(members, h.join(pid))
		case k == 4:
			for _, id := range c.ids {
				c.side[id] = rng.IntN(2)
			}
		case k == 5:
			clear(c.side)
		case k == 6 && h.node != nil:
			pid++
			members = append(members, h.join(pid))
		case k == 7:
			m := members[rng.IntN(len(members))]
			if !m.gone && m.host.node != nil && m.host.clients[m.id] == m.user {
				m.gone = true
				m.host.disconnect(m.user)
			}
		}
		for range rng.IntN(15) {
			members[rng.IntN(len(members))].say()
			c.run(time.Duration(rng.IntN(10)) * time.Millisecond)
		}
		c.run(time.Duration(rng.IntN(2000)) * time.Millisecond)
	}
	clear(c.side)
	c.loss = 0
	for _, id := range c.ids {
		if c.hosts[id].node == nil {
			c.hosts[id].start()
		}
	}
	c.run(30 * time.Second)
	check(t, c, members)
}

func check(t *testing.T, c *cluster, members []*member) {
	t.Helper()
	alive := func(m *member) bool { return !m.gone && m.host.node != nil && m.host.clients[m.id] == m.user }
	for i, a := range members {
		if alive(a) && a.own != a.sent {
			t.Errorf("node %d process %d has %d of its %d messages back", a.host.id, a.pid, a.own, a.sent)
		}
		for _, b := range members[i+1:] {
			for k := range len(a.rings) - 1 {
				r, next := a.rings[k], a.rings[k+1]
				at := slices.Index(b.rings, r)
				if at < 0 || at+1 >= len(b.rings) || b.rings[at+1] != next {
					continue
				}
				apart := func(told []string, o *member) bool {
					return slices.ContainsFunc(told, func(s string) bool {
						return strings.Contains(s, fmt.Sprintf("{%d %d nodedown}", o.host.id, o.pid))
					})
				}
				// Who joins in the middle of a ring is told of it then: what came before is not its own.
				x, y := a.told[r], b.told[r]
				if apart(x, b) && apart(y, a) {
					continue // they were in rings without each other, for too short to be told of
				}
				if k == 0 || at == 0 {
					n := min(len(x), len(y))
					x, y = x[len(x)-n:], y[len(y)-n:]
				}
				if !slices.Equal(x, y) {
					t.Errorf("ring %s to %s: %d/%d and %d/%d are told otherwise\n%s\n\n%s", r, next,
						a.host.id, a.pid, b.host.id, b.pid, strings.Join(x, "\n"), strings.Join(y, "\n"))
					return
				}
			}
		}
	}
	// All nodes know the same processes.
	var want string
	for _, id := range c.ids {
		got := fmt.Sprint(c.hosts[id].node.cpg.Members("g"))
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("node %d knows %s, another %s", id, got, want)
		}
	}
	living := 0
	for _, m := range members {
		if alive(m) {
			living++
		}
	}
	if n := len(c.hosts[c.ids[0]].node.cpg.Members("g")); n != living {
		t.Errorf("%d processes are known, %d live", n, living)
	}
}

// TestGroupRules holds what requests are answered in which state.
func TestGroupRules(t *testing.T) {
	c := newCluster(t, 1, 1, "")
	h := c.hosts[1]
	h.start()
	c.run(time.Second)
	u, v := h.connect(CPG), h.connect(CPG)
	status := func(u *user, m []byte) local.Status { return local.Status(ipc.ErrorOf(h.call(u, m))) }
	join := local.Join{Group: "a", PID: 7}.Marshal()
	for i, s := range []struct {
		u    *user
		m    []byte
		want local.Status
	}{
		{u, local.Leave{Group: "a", PID: 7}.Marshal(), local.NotExist},
		{u, join, local.OK},
		{v, join, local.Exist}, // the same process
		{v, local.Join{Group: "a", PID: 8}.Marshal(), local.OK},
		{u, local.Plain(99), local.Invalid},
		{u, local.IterInit{Type: 9}.Marshal(), local.Invalid},
		{u, local.HandleRequest(local.CPGIterNext, 5), local.BadHandle},
		{u, []byte{0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0}, local.Invalid}, // a join without its fields
	} {
		if got := status(s.u, s.m); got != s.want {
			t.Errorf("request %d: %v, not %v", i, got, s.want)
		}
		c.run(10 * time.Millisecond)
	}
	m, err := local.ParseMembershipAnswer(h.call(u, local.MembershipRequest("a")))
	if err != nil || len(m) != 2 || m[0].PID != 7 || m[1].PID != 8 {
		t.Errorf("members %v, %v", m, err)
	}
	h.disconnect(v)
	c.run(10 * time.Millisecond)
	last, err := local.ParseConfchg(u.events[len(u.events)-1])
	if err != nil || len(last.Left) != 1 || last.Left[0] != (local.Member{Node: 1, PID: 8, Reason: local.ProcDown}) {
		t.Errorf("a process that died: %+v, %v", last, err)
	}
}

// TestControl holds shutdown, with and without somebody who objects, and the end of a node by another.
func TestControl(t *testing.T) {
	c := newCluster(t, 1, 2, "")
	for _, id := range c.ids {
		c.hosts[id].start()
	}
	c.run(4 * time.Second)
	h := c.hosts[1]
	a, b := h.connect(Cfg), h.connect(Cfg)
	if err := local.StatusOf(h.call(b, local.CfgTrackRequest())); err != nil {
		t.Fatal(err)
	}
	b.seen = func([]byte) { h.node.Request(c.now, b.id, local.ReplyToShutdown(false)) }
	if err := local.StatusOf(h.call(a, local.ShutdownRequestOf(local.ShutdownRequest))); err != local.Busy {
		t.Errorf("with an objection: %v", err)
	}
	b.seen = nil // it does not answer
	if err := local.StatusOf(h.call(a, local.ShutdownRequestOf(local.ShutdownRequest))); err != local.Timeout {
		t.Errorf("without an answer: %v", err)
	}
	if err := local.StatusOf(h.call(a, local.KillNode{Node: 2, Reason: "test"}.Marshal())); err != nil {
		t.Error(err)
	}
	c.run(4 * time.Second)
	if o := c.hosts[2]; o.node != nil || !strings.Contains(o.ended, "test") {
		t.Errorf("node 2 lives: %q", o.ended)
	}
	if err := local.StatusOf(h.call(a, local.ShutdownRequestOf(local.ShutdownImmediate))); err != nil {
		t.Error(err)
	}
	c.run(time.Second)
	if h.node != nil || h.ended != "shut down" {
		t.Errorf("node 1 lives: %q", h.ended)
	}
}

// TestConfigVersion holds that a node with an older file does not stay with those who have a newer one.
func TestConfigVersion(t *testing.T) {
	c := newCluster(t, 1, 2, "")
	old := *c.conf
	old.Totem.ConfigVersion, c.conf.Totem.ConfigVersion = 3, 4
	c.hosts[1].start()
	c.run(4 * time.Second)
	c.conf = &old
	c.hosts[2].start()
	c.run(4 * time.Second)
	if c.hosts[2].node != nil || !strings.Contains(c.hosts[2].ended, "newer config_version") {
		t.Errorf("node 2: %q", c.hosts[2].ended)
	}
	if v := c.hosts[1].node.cmap.Uint("runtime.members.2.config_version"); v != 3 {
		t.Errorf("version of node 2 is shown as %d", v)
	}
}

// TestKeys holds the whole map of a node of two against what Corosync 3.1.7 shows.
func TestKeys(t *testing.T) {
	c := newCluster(t, 1, 2, "two_node: 1\n")
	for _, id := range c.ids {
		c.hosts[id].start()
	}
	c.run(4 * time.Second)
	h := c.hosts[1]
	u := h.connect(Cmap)
	get := func(key string) string {
		_, _, data, err := local.ParseGetAnswer(h.call(u, local.GetRequest(key, 4096)))
		if err != nil {
			return err.Error()
		}
		v, _ := h.node.cmap.Get(key)
		v.Data = data
		return fmt.Sprintf("%v %v", v.Type, v)
	}
	for key, want := range map[string]string{
		"internal_configuration.service.7.name":       "str corosync_wd",
		"nodelist.local_node_pos":                     "u32 0",
		"nodelist.node.1.ring0_addr":                  "str 10.0.0.2",
		"quorum.two_node":                             "u8 1",
		"runtime.config.totem.token":                  "u32 1000",
		"runtime.config.totem.knet_compression_level": "i32 0",
		"runtime.members.2.ip":                        "str r(0) ip(10.0.0.2) ",
		"runtime.members.2.join_count":                "u32 1",
		"runtime.members.2.status":                    "str joined",
		"runtime.members.1.config_version":            "u64 0",
		"runtime.services.cpg.service_id":             "u16 2",
		"runtime.votequorum.ev_barrier":               "u32 2",
		"runtime.votequorum.wait_for_all_status":      "u8 0",
		"resources.system.load_15min.current":         "dbl 0.000000",
		"totem.interface.0.bindnetaddr":               "str 10.0.0.1",
	} {
		if got := get(key); got != want {
			t.Errorf("%s = %s, not %s", key, got, want)
		}
	}
	status := func(m []byte) error { return local.StatusOf(h.call(u, m)) }
	if err := status(local.SetRequest("nodelist.node.0.nodeid", cmap.U32(9))); err != local.Access {
		t.Errorf("a read-only key: %v", err)
	}
	if err := status(local.SetRequest("x y", cmap.U32(9))); err != local.Invalid {
		t.Errorf("a bad key: %v", err)
	}
	if err := status(local.TrackAdd{Key: "runtime.members.", What: cmap.Prefix | cmap.Modified | cmap.Added, Instance: 5}.Marshal()); err != nil {
		t.Error(err)
	}
	c.hosts[2].kill()
	c.run(4 * time.Second)
	found := false
	for _, b := range u.events {
		e, err := local.ParseNotify(b)
		if err == nil && e.Key == "runtime.members.2.status" && e.New.String() == "left" && e.Instance == 5 {
			found = true
		}
	}
	if !found {
		t.Error("nobody tells that node 2 has left")
	}
}

// TestStats holds the map of statistics: its keys, who is told of what, and what clearing does.
func TestStats(t *testing.T) {
	c := newCluster(t, 1, 2, "two_node: 1\n")
	for _, id := range c.ids {
		c.hosts[id].start()
	}
	c.run(4 * time.Second)
	h := c.hosts[1]
	u := h.connect(Cmap)
	status := func(m []byte) error { return local.StatusOf(h.call(u, m)) }
	number := func(key string) int64 {
		t.Helper()
		m := h.call(u, local.GetRequest("stats."+key, 4096))
		kind, _, data, err := local.ParseGetAnswer(m)
		if err != nil || local.StatusOf(m) != nil {
			t.Errorf("%s: %v %v", key, err, local.StatusOf(m))
			return -1
		}
		n, _ := cmap.Value{Type: kind, Data: data}.Uint()
		return int64(n)
	}
	if err := status(local.UseMap(local.MapStats)); err != nil {
		t.Fatal(err)
	}
	if n := number("srp.operational_entered"); n < 1 {
		t.Errorf("operational %d times", n)
	}
	if n := number("srp.orf_token_rx"); n < 10 {
		t.Errorf("%d tokens", n)
	}
	for what, want := range map[cmap.Change]error{
		cmap.Prefix | cmap.Modified:                             local.NotSupported,
		cmap.Prefix | cmap.Added:                                local.NotSupported,
		cmap.Prefix | cmap.Added | cmap.Deleted | cmap.Modified: nil,
	} {
		if err := status(local.TrackAdd{Key: "stats.ipcs.service", What: what, Instance: 1}.Marshal()); err != want {
			t.Errorf("tracking %d: %v", what, err)
		}
	}
	if err := status(local.TrackAdd{Key: "stats.srp.orf_token_rx", What: cmap.Added | cmap.Deleted | cmap.Modified, Instance: 2}.Marshal()); err != nil {
		t.Error(err)
	}
	told := func() (came, went, tokens int) {
		for _, b := range u.events {
			e, err := local.ParseNotify(b)
			switch {
			case err != nil:
				t.Error(err)
			case e.Instance == 2:
				tokens++
			case e.Change == cmap.Added:
				came++
			case e.Change == cmap.Deleted:
				went++
			default:
				t.Errorf("%+v", e)
			}
		}
		u.events = nil
		return came, went, tokens
	}
	c.run(4 * time.Second)
	if came, went, tokens := told(); came != 0 || went != 0 || tokens != 2 {
		t.Errorf("an idle ring: %d keys came, %d went, %d times tokens", came, went, tokens)
	}
	other := h.connect(Quorum)
	if came, _, _ := told(); came != 13 {
		t.Errorf("a connection: %d keys came", came)
	}
	if n := number("ipcs.global.active"); n != 2 {
		t.Errorf("%d connections", n)
	}
	h.disconnect(other)
	if _, went, _ := told(); went != 13 {
		t.Errorf("a connection: %d keys went", went)
	}
	if n := number("ipcs.global.closed"); n != 1 {
		t.Errorf("%d connections are over", n)
	}
	for key, want := range map[string]error{
		"stats.clear.totem": nil, "stats.clear.knet": nil, "stats.clear.ipc": nil, "stats.clear.schedmiss": nil, "stats.clear.all": nil,
		"stats.clear.x": local.NotSupported, "stats.srp.mcast_tx": local.Access,
	} {
		if err := status(local.SetRequest(key, cmap.U32(1))); err != want {
			t.Errorf("%s: %v, not %v", key, err, want)
		}
	}
	if closed, entered := number("ipcs.global.closed"), number("srp.operational_entered"); closed != 0 || entered != 0 {
		t.Errorf("after clearing: %d, %d", closed, entered)
	}
	// Nothing is made any more when nobody tracks.
	h.disconnect(u)
	c.run(4 * time.Second)
	if !h.node.statsDue.IsZero() {
		t.Error("the map is made for nobody")
	}
}

// TestStringsOfClients holds that a string is kept as far as its NUL, which it may come without.
func TestStringsOfClients(t *testing.T) {
	c := newCluster(t, 1, 1, "")
	c.hosts[1].start()
	c.run(4 * time.Second)
	h := c.hosts[1]
	u := h.connect(Cmap)
	for _, data := range []string{"word", "word\x00", "word\x00more"} {
		if err := local.StatusOf(h.call(u, local.SetRequest("test.key", cmap.Value{Type: cmap.String, Data: []byte(data)}))); err != nil {
			t.Errorf("%q: %v", data, err)
		}
		if v, err := h.node.cmap.Get("test.key"); err != nil || string(v.Data) != "word\x00" {
			t.Errorf("%q is kept as %q, %v", data, v.Data, err)
		}
	}
}

// TestHostileMessages feeds a node with service messages that are cut short or wrong.
func TestHostileMessages(t *testing.T) {
	c := newCluster(t, 1, 1, "")
	h := c.hosts[1]
	h.start()
	c.run(time.Second)
	u := h.connect(CPG)
	for service := range 9 {
		for function := range 9 {
			b := wire.GroupMessage{Group: "g", Data: []byte("x")}.Marshal()
			b[0], b[2] = byte(function), byte(service)
			if service == wire.ServiceCfg && function == wire.CfgShutdown {
				continue // that one is a whole message
			}
			for _, cut := range []int{0, 8, 16, 20, 100, len(b)} {
				h.node.send(b[:cut])
				h.work()
				c.run(5 * time.Millisecond)
			}
		}
	}
	if h.node == nil {
		t.Fatalf("the node has ended: %s", h.ended)
	}
	if err := local.StatusOf(h.call(u, local.Join{Group: "g", PID: 1}.Marshal())); err != nil {
		t.Error(err)
	}
}
