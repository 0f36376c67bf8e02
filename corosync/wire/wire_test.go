package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// frame is a packet that a real node sent, and its fields as decoded by hand.
type frame struct {
	Name, Type, Hex string
	Fields          []struct {
		Name  string
		Value uint64
	}
	bytes []byte
}

func frames(t testing.TB) []frame {
	t.Helper()
	text, err := os.ReadFile("testdata/totem-udpu.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Frames []frame }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for i := range file.Frames {
		f := &file.Frames[i]
		if f.bytes, err = hex.DecodeString(f.Hex); err != nil {
			t.Fatal(err)
		}
	}
	if len(file.Frames) < 20 {
		t.Fatalf("%d frames only", len(file.Frames))
	}
	return file.Frames
}

// flat lists the fields of a packet under the names that the frames use.
func flat(p Packet) map[string]uint64 {
	m := map[string]uint64{}
	ring := func(prefix string, r RingID) { m[prefix+".rep"], m[prefix+".seq"] = uint64(r.Rep), r.Seq }
	flag := func(b bool) uint64 {
		if b {
			return 1
		}
		return 0
	}
	switch p := p.(type) {
	case *Token:
		m["nodeid"], m["seq"], m["token_seq"], m["aru"], m["aru_addr"] = uint64(p.Node), uint64(p.Seq), uint64(p.TokenSeq), uint64(p.Aru), uint64(p.AruAddr)
		ring("ring_id", p.Ring)
		m["backlog"], m["fcc"], m["retrans_flg"], m["rtr_list_entries"] = uint64(p.Backlog), uint64(p.FCC), flag(p.Retrans), uint64(len(p.Retransmit))
		for i, r := range p.Retransmit {
			ring(fmt.Sprintf("rtr[%d].ring_id", i), r.Ring)
			m[fmt.Sprintf("rtr[%d].seq", i)] = uint64(r.Seq)
		}
	case *Mcast:
		m["nodeid"], m["system_from"], m["seq"], m["this_seqno"] = uint64(p.Node), uint64(p.From), uint64(p.Seq), uint64(p.ThisSeq)
		ring("ring_id", p.Ring)
		m["encapsulated"] = 2 - flag(p.Encapsulated)
	case *MergeDetect:
		m["nodeid"], m["system_from"] = uint64(p.Node), uint64(p.From)
		ring("ring_id", p.Ring)
	case *Join:
		m["nodeid"], m["system_from"], m["ring_seq"] = uint64(p.Node), uint64(p.From), p.RingSeq
		for i, n := range p.Proc {
			m[fmt.Sprintf("proc_list[%d]", i)] = uint64(n)
		}
		for i, n := range p.Failed {
			m[fmt.Sprintf("failed_list[%d]", i)] = uint64(n)
		}
	case *Commit:
		m["nodeid"], m["token_seq"], m["memb_index"] = uint64(p.Node), uint64(p.TokenSeq), uint64(p.Index)
		ring("ring_id", p.Ring)
		for i, e := range p.Entries {
			m[fmt.Sprintf("addr[%d]", i)] = uint64(p.Members[i])
			pre := fmt.Sprintf("memb[%d].", i)
			ring(pre+"ring_id", e.Ring)
			m[pre+"aru"], m[pre+"high_delivered"], m[pre+"received_flg"] = uint64(e.Aru), uint64(e.HighDelivered), flag(e.Received)
		}
	case *HoldCancel:
		m["nodeid"] = uint64(p.Node)
		ring("ring_id", p.Ring)
	}
	return m
}

// TestCaptured holds that what real nodes sent is read as they meant it, and written as they wrote it.
func TestCaptured(t *testing.T) {
	for _, f := range frames(t) {
		p, err := Parse(f.bytes)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		if p.Kind().String() != f.Type {
			t.Errorf("%s is read as %v", f.Name, p.Kind())
		}
		got, compared := flat(p), 0
		for _, want := range f.Fields {
			if v, ok := got[want.Name]; ok {
				compared++
				if v != want.Value {
					t.Errorf("%s: %s is %d, not %d", f.Name, want.Name, v, want.Value)
				}
			}
		}
		if compared < len(got)-1 {
			t.Errorf("%s: %d of %d fields compared only", f.Name, compared, len(got))
		}
		// The target's node id is not defined on udpu.
		want := bytes.Clone(f.bytes)
		copy(want[9:13], []byte{0, 0, 0, 0})
		if !bytes.Equal(p.Marshal(), want) {
			t.Errorf("%s is written as\n%x, not\n%x", f.Name, p.Marshal(), want)
		}
	}
}

// TestPayloads goes through all layers of the captured mcasts, the fragments put together.
func TestPayloads(t *testing.T) {
	seen := map[string]int{}
	var part []byte
	for _, f := range frames(t) {
		p, err := Parse(f.bytes)
		if err != nil {
			t.Fatal(err)
		}
		m, ok := p.(*Mcast)
		if !ok {
			continue
		}
		if m.Encapsulated {
			inner, err := Parse(m.Payload)
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
				continue
			}
			m = inner.(*Mcast)
			seen["encapsulated"]++
			if len(f.bytes) == 1472 {
				continue // the capture has the first of two IP fragments only
			}
		}
		packed, err := ParsePacked(m.Payload, false)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		if !bytes.Equal(packed.Marshal(), m.Payload) {
			t.Errorf("%s: packed otherwise", f.Name)
		}
		for i, msg := range packed.Messages {
			if i == 0 && packed.Continuation != 0 {
				if part == nil {
					continue
				}
				msg = append(part, msg...)
			}
			part = nil
			if i == len(packed.Messages)-1 && packed.Fragmented != 0 {
				part = bytes.Clone(msg)
				continue
			}
			groups, body, err := ParseGrouped(msg, false)
			if err != nil || len(groups) != 1 {
				t.Errorf("%s: groups %q, %v", f.Name, groups, err)
				continue
			}
			if !bytes.Equal(Grouped(groups[0], body), msg) {
				t.Errorf("%s: grouped otherwise", f.Name)
			}
			name, again, err := reread(groups[0], body)
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
				continue
			}
			seen[name]++
			if d := differs(body, again); d != "" {
				t.Errorf("%s, %s: %s\n got %x\nwant %x", f.Name, name, d, again, body)
			}
		}
	}
	for _, name := range []string{"cpg mcast", "cpg procjoin", "cpg procleave", "cpg joinlist", "cpg downlist", "votequorum nodeinfo", "cmap mcast", "cfg shutdown", "sync barrier", "sync build", "encapsulated"} {
		if seen[name] == 0 {
			t.Errorf("no %s among the captures", name)
		}
	}
}

// reread parses a service message and writes it again.
func reread(group string, b []byte) (name string, again []byte, err error) {
	if group == GroupSync {
		s, err := ParseSync(b)
		if s.Services != nil {
			return "sync build", s.Marshal(), err
		}
		return "sync barrier", s.Marshal(), err
	}
	service, function, err := ServiceOf(b)
	if err != nil {
		return "", nil, err
	}
	switch service<<16 | function {
	case ServiceCPG<<16 | CPGMcast:
		m, err := ParseGroupMessage(b, "")
		return "cpg mcast", m.Marshal(), err
	case ServiceCPG<<16 | CPGPartialMcast:
		m, err := ParseGroupPart(b)
		return "cpg partial", m.Marshal(), err
	case ServiceCPG<<16 | CPGProcJoin:
		m, err := ParseProcess(b)
		return "cpg procjoin", m.Marshal(function), err
	case ServiceCPG<<16 | CPGProcLeave:
		m, err := ParseProcess(b)
		return "cpg procleave", m.Marshal(function), err
	case ServiceCPG<<16 | CPGJoinList:
		m, err := ParseJoinList(b)
		return "cpg joinlist", m.Marshal(), err
	case ServiceCPG<<16 | CPGDownlist:
		m, err := ParseDownlist(b)
		return "cpg downlist", m.Marshal(), err
	case ServiceVotequorum<<16 | VQNodeInfo:
		m, err := ParseNodeInfo(b)
		return "votequorum nodeinfo", m.Marshal(), err
	case ServiceCmap<<16 | CmapMcast:
		m, err := ParseConfigVersion(b)
		return "cmap mcast", m.Marshal(), err
	case ServiceCfg<<16 | CfgShutdown:
		return "cfg shutdown", Shutdown(), nil
	}
	return "", nil, fmt.Errorf("service %d, function %d", service, function)
}

// differs compares two service messages. Bytes between fields hold garbage: only those are let pass where ours is 0.
func differs(want, got []byte) string {
	if len(want) != len(got) {
		return fmt.Sprintf("%d bytes, not %d", len(got), len(want))
	}
	for i := range want {
		padding := i%8 >= 4
		if want[i] != got[i] && !(padding && got[i] == 0) {
			return fmt.Sprintf("byte %d is %#x, not %#x", i, got[i], want[i])
		}
	}
	return ""
}

// TestRoundTrips writes and reads what the captures do not hold.
func TestRoundTrips(t *testing.T) {
	check := func(want, got any, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(want, got) {
			t.Errorf("%+v comes back as %+v, %v", want, got, err)
		}
	}
	part := GroupPart{Group: "g\x00", Size: 99, PID: 3, Type: 2, Node: 4, Source: 5, Data: []byte("data")}
	gotPart, err := ParseGroupPart(part.Marshal())
	check(part, gotPart, err)
	rec := Reconfigure{1, 2, 3}
	gotRec, err := ParseReconfigure(rec.Marshal())
	check(rec, gotRec, err)
	reg := DeviceRegister{true, "Qdevice"}
	gotReg, err := ParseDeviceRegister(reg.Marshal())
	check(reg, gotReg, err)
	ren := DeviceRename{"a", "b"}
	gotRen, err := ParseDeviceRename(ren.Marshal())
	check(ren, gotRen, err)
	kill := KillNode{7, "because"}
	gotKill, err := ParseKillNode(kill.Marshal())
	check(kill, gotKill, err)
	for _, v := range []ConfigVersion{{0, true, 12}, {1, false, 0}} {
		got, err := ParseConfigVersion(v.Marshal())
		check(v, got, err)
	}
	if len(DeviceRegister{}.Marshal()) != 280 || len(DeviceRename{}.Marshal()) != 528 || len(KillNode{}.Marshal()) != 288 || len(ConfigVersion{}.Marshal()) != 328 {
		t.Error("sizes differ from the original's")
	}
}

// TestBigEndian holds that a packet of the other byte order is read the same.
func TestBigEndian(t *testing.T) {
	want := &Join{Node: 3, From: 3, RingSeq: 77, Proc: []uint32{1, 2, 3}, Failed: []uint32{9}}
	b := want.Marshal()
	swap := func(off, size int) {
		f := b[off : off+size]
		for i := range size / 2 {
			f[i], f[size-1-i] = f[size-1-i], f[i]
		}
	}
	for _, f := range [][2]int{{0, 2}, {5, 4}, {9, 4}, {13, 4}, {17, 4}, {21, 4}, {25, 8}, {33, 4}, {37, 4}, {41, 4}, {45, 4}} {
		swap(f[0], f[1])
	}
	got, err := Parse(b)
	if err != nil || !reflect.DeepEqual(got, Packet(want)) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestForeign(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("hello, world!"), {0xfe, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, append([]byte{0x70, 0xc0, 9}, make([]byte, 20)...)} {
		if _, err := Parse(b); err == nil || !strings.Contains(err.Error(), "not a packet of Corosync 3") {
			t.Errorf("%x: %v", b, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, x := range frames(f) {
		f.Add(x.bytes)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			return
		}
		if again, err := Parse(p.Marshal()); err != nil || reflect.TypeOf(again) != reflect.TypeOf(p) {
			t.Fatalf("%+v cannot be read again: %v", p, err)
		}
		m, ok := p.(*Mcast)
		if !ok {
			return
		}
		packed, err := ParsePacked(m.Payload, m.Swapped)
		if err != nil {
			return
		}
		for _, msg := range packed.Messages {
			if groups, body, err := ParseGrouped(msg, m.Swapped); err == nil {
				for _, g := range append(groups, GroupSync, GroupServices) {
					_, _, _ = reread(g, body)
				}
			}
		}
	})
}

// FuzzService feeds every decoder of service messages, whatever its id.
func FuzzService(f *testing.F) {
	f.Add(JoinList{{1, "a"}}.Marshal())
	f.Add(ConfigVersion{0, true, 1}.Marshal())
	f.Add(Sync{Services: []int{0, 2}}.Marshal())
	f.Add(GroupMessage{Group: "x", Data: []byte("y")}.Marshal())
	f.Fuzz(func(_ *testing.T, b []byte) {
		for service := range 6 {
			for function := range 8 {
				c := bytes.Clone(b)
				if len(c) >= 4 {
					binary.LittleEndian.PutUint32(c, uint32(service<<16|function))
				}
				_, _, _ = reread(GroupServices, c)
			}
		}
		_, _, _ = reread(GroupSync, b)
		_, _ = ParseGroupPart(b)
		_, _ = ParseReconfigure(b)
		_, _ = ParseDeviceRegister(b)
		_, _ = ParseDeviceRename(b)
		_, _ = ParseKillNode(b)
	})
}
