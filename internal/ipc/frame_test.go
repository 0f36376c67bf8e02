package ipc

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// recorded are the headers that programs of Pacemaker's were seen to send, and the texts after them.
var recorded = []struct {
	name, header, text string
	layout             Layout
	id                 int32
	flags              uint32
}{
	{
		"2.1.5's cibadmin registers", "01000000000000007e00000000000000000000000000000056000000000000000002000001000000",
		`<cib_command t="cib" cib_op="register" cib_clientname="cibadmin" cib_callopt="4096"/>`, Packed, 1, WaitsForReply,
	},
	{
		"3.0.2's cibadmin registers", "01000000000000008d00000000000000000000000000000065000000000200000100000000000000",
		`<cib_command t="cib" cib_op="register" cib_clientname="cibadmin" cib_callid="2" cib_callopt="4096"/>`, Parts, 1, WaitsForReply,
	},
	{
		"3.0.2's CIB manager answers a query later", "01000000000000003f01000000000000000000000000000017010000000003000100000000000000",
		`<cib-reply t="cib" cib_op="cib_query" cib_callid="1" cib_clientid="b782c80d-013b-4dd2-97dc-935f5f8fb5d4" cib_callopt="288" cib_rc="0"><cib_calldata><cib crm_feature_set="3.19.7" validate-with="pacemaker-3.9" epoch="5" num_updates="0" admin_epoch="0"/></cib_calldata></cib-reply>`,
		Parts, 1, EventFlag | ServerInternal,
	},
}

func recordedBytes(t testing.TB, header, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(header)
	if err != nil {
		t.Fatal(err)
	}
	return append(append(b, text...), 0)
}

func TestRecorded(t *testing.T) {
	for _, c := range recorded {
		data := recordedBytes(t, c.header, c.text)
		var r Reader
		f, done, err := r.Take(data)
		if err != nil || !done {
			t.Errorf("%s: %v, whole: %v", c.name, err, done)
			continue
		}
		if f.Layout != c.layout || f.ID != c.id || f.Flags != c.flags {
			t.Errorf("%s: layout %d, id %d, flags %#x", c.name, f.Layout, f.ID, f.Flags)
		}
		if again, err := f.Marshal(MessageSize); err != nil || len(again) != 1 || string(again[0]) != string(data) {
			t.Errorf("%s: %v, ours is %x", c.name, err, again)
		}
	}
}

func TestFrame(t *testing.T) {
	el := etree.NewElement("m")
	el.CreateAttr("a", strings.Repeat("<é>", 100000))
	for _, c := range []struct {
		layout Layout
		limit  int
		parts  int
	}{{Packed, 8 << 20, 1}, {Packed, 4000, 1}, {Parts, 4000, 253}, {Parts, 8 << 20, 8}} {
		parts, err := Frame{Layout: c.layout, ID: 7, Flags: WaitsForReply, Body: el}.Marshal(c.limit)
		if err != nil || len(parts) != c.parts {
			t.Errorf("%+v: %d parts, %v", c, len(parts), err)
			continue
		}
		limit := c.limit
		if c.layout == Parts {
			limit = min(limit, PartSize)
		}
		var r Reader
		for i, p := range parts {
			if len(p) > limit {
				t.Errorf("%+v: %d bytes", c, len(p))
			}
			f, done, err := r.Take(p)
			switch last := i == len(parts)-1; {
			case err != nil, done != last:
				t.Fatalf("%+v, part %d: whole: %v, %v", c, i, done, err)
			case last:
				if f.ID != 7 || f.Layout != c.layout || f.Flags&^Compressed != WaitsForReply || string(xml.Compact(f.Body)) != string(xml.Compact(el)) {
					t.Errorf("%+v: id %d, flags %#x", c, f.ID, f.Flags)
				}
			}
		}
	}
	for _, l := range []Layout{Packed, Parts} {
		if _, err := (Frame{Layout: l, Body: el}).Marshal(HeaderSize); err == nil {
			t.Errorf("layout %d: a message that there is no room for was sent", l)
		}
	}
}

// TestPartsAmiss has parts arrive that do not belong together.
func TestPartsAmiss(t *testing.T) {
	el := etree.NewElement("m")
	el.CreateAttr("a", strings.Repeat("x", 100))
	cut := func(id int32) [][]byte {
		parts, err := Frame{Layout: Parts, ID: id, Body: el}.Marshal(HeaderSize + 41)
		if err != nil || len(parts) != 3 {
			t.Fatal(len(parts), err)
		}
		return parts
	}
	a, b := cut(1), cut(2)
	small, _ := Frame{Layout: Parts, ID: 1, Body: etree.NewElement("m")}.Marshal(PartSize)
	for _, c := range []struct {
		want string
		come [][]byte
	}{
		{"part 1 of message 1 came without the first", [][]byte{a[1]}},
		{"part 2 of message 1 came where part 1 was due", [][]byte{a[0], a[2]}},
		{"part 0 of message 1 came where part 1 was due", [][]byte{a[0], a[0]}},
		{"message 2 came between the parts of message 1", [][]byte{a[0], b[1]}},
		{"message 1 came between the parts of message 1", [][]byte{a[0], small[0]}},
		{"", [][]byte{a[0], a[1], a[2]}},
	} {
		var r Reader
		var err error
		for _, p := range c.come {
			_, _, err = r.Take(p)
		}
		if fmt.Sprint(err) != c.want && (c.want != "" || err != nil) {
			t.Errorf("want %q, got %v", c.want, err)
		}
		if _, done, err := r.Take(small[0]); err != nil || !done {
			t.Errorf("after %q the next message is not taken: %v", c.want, err)
		}
	}
}

func FuzzTake(f *testing.F) {
	el := etree.NewElement("m")
	el.CreateAttr("a", "b")
	for _, l := range []Layout{Packed, Parts} {
		for _, limit := range []int{1 << 20, 44} {
			if parts, err := (Frame{Layout: l, ID: 1, Body: el}).Marshal(limit); err == nil {
				f.Add(parts[0], parts[len(parts)-1])
			}
		}
	}
	for _, c := range recorded {
		f.Add(recordedBytes(f, c.header, c.text), []byte{})
	}
	f.Add(make([]byte, HeaderSize), make([]byte, HeaderSize))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var r Reader
		for _, data := range [][]byte{a, b} {
			fr, done, err := r.Take(data)
			if done && (err != nil || fr.Body == nil) {
				t.Fatalf("whole, with %v and body %v", err, fr.Body)
			}
			if err == nil && done {
				if _, err := fr.Marshal(MessageSize); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
