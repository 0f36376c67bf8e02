package local

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"

	"hacluster/corosync/cmap"
	"hacluster/corosync/ipc"
)

// message is one message of a captured conversation between an original client and an original daemon.
type message struct {
	service string
	sent    bool // by the client
	event   bool
	bytes   []byte
}

func captured(t testing.TB) []message {
	t.Helper()
	text, err := os.ReadFile("testdata/libqb-ipc-corosync.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Sessions map[string]struct {
			Exchange []struct {
				Op, Channel, Hex string
				Padded           int `json:"zero_padded_to"`
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var list []message
	for _, s := range file.Sessions {
		for _, e := range s.Exchange {
			at := strings.LastIndex(e.Channel, "/qb-")
			if at < 0 || e.Hex == "" {
				continue
			}
			service, kind, _ := strings.Cut(e.Channel[at+4:], "-")
			b, err := hex.DecodeString(e.Hex)
			if err != nil {
				t.Fatal(err)
			}
			for len(b) < e.Padded {
				b = append(b, 0)
			}
			list = append(list, message{service, e.Op == "send", strings.HasPrefix(kind, "event"), b})
		}
	}
	if len(list) < 50 {
		t.Fatalf("%d messages only", len(list))
	}
	return list
}

// again parses a message and writes it anew.
func again(m message) (name string, b []byte, err error) {
	id := ipc.ID(m.bytes)
	switch key := fmt.Sprintf("%s %v %v %d", m.service, m.sent, m.event, id); key {
	case "cpg true false 0":
		j, err := ParseJoin(m.bytes)
		return "cpg join", j.Marshal(), err
	case "cpg true false 1":
		l, err := ParseLeave(m.bytes)
		return "cpg leave", l.Marshal(), err
	case "cpg true false 2":
		d, err := ParseMcast(m.bytes)
		return "cpg mcast", McastRequest(d), err
	case "cpg false true 4":
		c, err := ParseConfchg(m.bytes)
		return "cpg confchg", c.Marshal(), err
	case "cpg false true 5":
		d, err := ParseDeliver(m.bytes, "")
		if err == nil {
			d, err = ParseDeliver(m.bytes, d.Group)
		}
		return "cpg deliver", d.Marshal(), err
	case "cpg false true 13":
		c, err := ParseTotemConfchg(m.bytes)
		return "cpg totem confchg", c.Marshal(), err
	case "cpg false false 7":
		n, err := AnsweredNumber(m.bytes)
		return "cpg local", NumberAnswer(CPGLocalAnswer, OK, n), err
	case "cmap true false 2":
		k, room, err := ParseGet(m.bytes)
		return "cmap get", GetRequest(k, int(room)), err
	case "cmap false false 2":
		t, n, data, err := ParseGetAnswer(m.bytes)
		v := cmap.Value{Type: t, Data: data}
		if data == nil {
			v.Data = make([]byte, n)
		}
		return "cmap value", GetAnswer(OK, v, data != nil), err
	case "cmap true false 4":
		k, err := KeyOf(m.bytes)
		return "cmap iter", KeyRequest(CmapIterInit, k), err
	case "cmap true false 5":
		h, err := HandleOf(m.bytes)
		return "cmap next", HandleRequest(CmapIterNext, h), err
	case "cmap false false 5":
		k, err := ParseNextKey(m.bytes)
		return "cmap key", k.Marshal(), err
	case "cmap true false 9":
		n, err := NumberOf(m.bytes)
		return "cmap use", UseMap(n), err
	case "quorum true false 1":
		n, err := NumberOf(m.bytes)
		return "quorum track", TrackRequest(n), err
	case "quorum false true 3":
		q, err := ParseQuorate(m.bytes)
		return "quorum notify", q.Marshal(0), err
	case "votequorum true false 0":
		n, err := NumberOf(m.bytes)
		return "votequorum ask", InfoRequest(n), err
	case "votequorum false false 1":
		v, err := ParseVoteInfo(m.bytes)
		return "votequorum info", v.Marshal(OK), err
	case "votequorum true false 3":
		v, err := ParseVoteTrack(m.bytes)
		return "votequorum track", v.Marshal(), err
	case "votequorum false true 5":
		v, err := ParseVoteNodelist(m.bytes)
		return "votequorum nodelist", v.Marshal(), err
	case "cfg true false 9":
		n, _, err := ParseNodeStatusRequest(m.bytes)
		return "cfg status request", NodeStatusRequest(n), err
	case "cfg false false 16":
		s, err := ParseNodeStatus(m.bytes)
		return "cfg status", s.Marshal(OK), err
	}
	return "", nil, nil
}

// TestCaptured holds that what originals said is read and written as they did. What lies
// between fields is not defined: a difference there is let pass where ours is 0.
func TestCaptured(t *testing.T) {
	seen := map[string]int{}
	for _, m := range captured(t) {
		name, b, err := again(m)
		if name == "" {
			continue
		}
		seen[name]++
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(b) != len(m.bytes) && name != "cmap value" {
			t.Errorf("%s has %d bytes, not %d", name, len(b), len(m.bytes))
			continue
		}
		for i := range b {
			if i >= len(m.bytes) {
				break
			}
			// An answer to get is as long as the client has room, ours as its value is; the
			// error field of a delivery is not set.
			undefined := name == "cmap value" && i >= 8 && i < 12 || name == "cpg deliver" && i >= 16 && i < 20
			if b[i] != m.bytes[i] && b[i] != 0 && !undefined {
				t.Errorf("%s: byte %d is %#x, not %#x", name, i, b[i], m.bytes[i])
				break
			}
		}
	}
	for _, want := range []string{
		"cpg join", "cpg leave", "cpg mcast", "cpg confchg", "cpg deliver", "cpg totem confchg", "cpg local", "cmap get", "cmap value",
		"cmap iter", "cmap next", "cmap key", "quorum track", "quorum notify", "votequorum ask", "votequorum info", "votequorum track", "votequorum nodelist",
	} {
		if seen[want] == 0 {
			t.Errorf("no %s among the captures", want)
		}
	}
}

// TestRoundTrips writes and reads what the captures do not hold, or not with all fields set.
func TestRoundTrips(t *testing.T) {
	check := func(want, got any, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(want, got) {
			t.Errorf("%+v comes back as %+v, %v", want, got, err)
		}
	}
	ring := RingID{Rep: 3, Seq: 1 << 40}
	c := Confchg{"g\x00", []Member{{1, 2, 0}, {2, 3, 0}}, []Member{{3, 4, NodeDown}}, []Member{{2, 3, Joined}}}
	gc, err := ParseConfchg(c.Marshal())
	check(c, gc, err)
	p := PartialDeliver{"g", 1, 2, Partial{99, PartialLast, []byte("abc")}}
	gp, err := ParsePartialDeliver(p.Marshal())
	check(p, gp, err)
	p2 := Partial{7, PartialFirst, []byte("abc")}
	gp2, err := ParsePartial(p2.Marshal())
	check(p2, gp2, err)
	for model := range 2 {
		q := Quorate{true, ring, []uint32{1, 2, 3}}
		if model == 0 {
			q.Ring.Rep = 0
		}
		gq, err := ParseQuorate(q.Marshal(model))
		check(q, gq, err)
	}
	l := Nodelist{ring, []uint32{1, 2}, []uint32{2}, []uint32{3, 4}}
	gl, err := ParseNodelist(l.Marshal())
	check(l, gl, err)
	v := VoteQuorum{true, 5, []NodeState{{1, NodeMember}, {2, NodeDead}}}
	gv, err := ParseVoteQuorum(v.Marshal())
	check(v, gv, err)
	i := VoteInfo{1, 2, 3, 4, 5, 6, 7, 8, 9, "Qdevice"}
	gi, err := ParseVoteInfo(i.Marshal(OK))
	check(i, gi, err)
	d := DevicePoll{"Qdevice", true, ring}
	gd, err := ParseDevicePoll(d.Marshal())
	check(d, gd, err)
	u := DeviceUpdate{"a", "b"}
	gu, err := ParseDeviceUpdate(u.Marshal())
	check(u, gu, err)
	w := DeviceMasterWins{"a", true}
	gw, err := ParseDeviceMasterWins(w.Marshal())
	check(w, gw, err)
	k := KillNode{3, "reason"}
	gk, err := ParseKillNode(k.Marshal())
	check(k, gk, err)
	r := []RingStatus{{"10.0.0.1", "OK"}, {"10.0.1.1", "FAULTY"}}
	gr, err := ParseRingStatus(RingStatusAnswer(OK, r))
	check(r, gr, err)
	a := []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")}
	ga, err := ParseNodeAddrs(NodeAddrsAnswer(OK, a))
	check(a, ga, err)
	e := Notify{9, cmap.Event{Change: cmap.Modified, Key: "a.b.c", Old: cmap.U32(1), New: cmap.Text("x")}}
	ge, err := ParseNotify(e.Marshal())
	check(e, ge, err)
	s := NodeStatus{Node: 2, Reachable: true, Onwire: 1}
	s.Links[1] = Link{true, true, false, 1446, "10.0.0.1", "10.0.0.2"}
	gs, err := ParseNodeStatus(s.Marshal(OK))
	check(s, gs, err)
	m := []Member{{1, 2, 0}}
	gm, err := ParseMembershipAnswer(MembershipAnswer(OK, m))
	check(m, gm, err)
	// Sizes that clients of the original expect.
	for _, c := range []struct {
		b    []byte
		want int
	}{
		{MembershipAnswer(OK, nil), 9248}, {NodeStatus{}.Marshal(OK), 4200}, {RingStatusAnswer(OK, nil), 10272}, {VoteInfo{}.Marshal(OK), 320},
	} {
		if len(c.b) != c.want {
			t.Errorf("%d bytes, not %d", len(c.b), c.want)
		}
	}
}

func TestStatus(t *testing.T) {
	if StatusOf(Answer(1, OK)) != nil || !errors.Is(StatusOf(Answer(1, NotExist)), NotExist) || StatusOf([]byte("short")) != Library {
		t.Error("outcomes are mixed up")
	}
	if NotExist.Error() != "CS_ERR_NOT_EXIST" || Status(77).Error() != "unknown error 77" {
		t.Error("names of outcomes")
	}
}

// FuzzParse feeds every decoder.
func FuzzParse(f *testing.F) {
	for _, m := range captured(f) {
		f.Add(m.bytes)
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		for _, parse := range []func([]byte) error{
			func(b []byte) error { _, err := ParseJoin(b); return err },
			func(b []byte) error { _, err := ParseLeave(b); return err },
			func(b []byte) error { _, err := ParseMcast(b); return err },
			func(b []byte) error { _, err := ParsePartial(b); return err },
			func(b []byte) error { _, err := ParseDeliver(b, "a"); return err },
			func(b []byte) error { _, err := ParsePartialDeliver(b); return err },
			func(b []byte) error { _, err := ParseConfchg(b); return err },
			func(b []byte) error { _, err := ParseTotemConfchg(b); return err },
			func(b []byte) error { _, err := ParseMembershipRequest(b); return err },
			func(b []byte) error { _, err := ParseMembershipAnswer(b); return err },
			func(b []byte) error { _, err := ParseIterInit(b); return err },
			func(b []byte) error { _, err := ParseIterEntry(b); return err },
			func(b []byte) error { _, _, err := ParseSet(b); return err },
			func(b []byte) error { _, err := KeyOf(b); return err },
			func(b []byte) error { _, _, err := ParseGet(b); return err },
			func(b []byte) error { _, _, _, err := ParseGetAnswer(b); return err },
			func(b []byte) error { _, _, err := ParseAdjust(b); return err },
			func(b []byte) error { _, err := ParseNextKey(b); return err },
			func(b []byte) error { _, err := ParseTrackAdd(b); return err },
			func(b []byte) error { _, err := ParseNotify(b); return err },
			func(b []byte) error { _, err := ParseQuorate(b); return err },
			func(b []byte) error { _, err := ParseNodelist(b); return err },
			func(b []byte) error { _, err := ParseVoteInfo(b); return err },
			func(b []byte) error { _, _, err := ParseSetVotes(b); return err },
			func(b []byte) error { _, err := ParseVoteTrack(b); return err },
			func(b []byte) error { _, err := ParseVoteQuorum(b); return err },
			func(b []byte) error { _, err := ParseVoteNodelist(b); return err },
			func(b []byte) error { _, err := ParseVoteExpected(b); return err },
			func(b []byte) error { _, err := ParseDevice(b); return err },
			func(b []byte) error { _, err := ParseDevicePoll(b); return err },
			func(b []byte) error { _, err := ParseDeviceUpdate(b); return err },
			func(b []byte) error { _, err := ParseDeviceMasterWins(b); return err },
			func(b []byte) error { _, err := ParseRingStatus(b); return err },
			func(b []byte) error { _, err := ParseKillNode(b); return err },
			func(b []byte) error { _, err := ParseNodeAddrs(b); return err },
			func(b []byte) error { _, _, err := ParseNodeStatusRequest(b); return err },
			func(b []byte) error { _, err := ParseNodeStatus(b); return err },
			func(b []byte) error { _, err := NumberOf(b); return err },
			func(b []byte) error { _, err := AnsweredNumber(b); return err },
			func(b []byte) error { _, err := HandleOf(b); return err },
			func(b []byte) error { _, err := AnsweredHandle(b); return err },
		} {
			_ = parse(b)
		}
	})
}

// TestIterationWithoutGroup takes the bytes that the original's library leaves in the
// place of a group that does not matter.
func TestIterationWithoutGroup(t *testing.T) {
	m := IterInit{Type: IterNames}.Marshal()
	for i := 16; i < 152; i++ {
		m[i] = 0xff
	}
	if i, err := ParseIterInit(m); err != nil || i.Type != IterNames || i.Group != "" {
		t.Errorf("%+v, %v", i, err)
	}
	m[152] = IterOneGroup
	if _, err := ParseIterInit(m); err == nil {
		t.Error("a group of 4 GB is taken")
	}
}
