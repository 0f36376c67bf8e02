package cmap

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestMap(t *testing.T) {
	var m Map
	var events []Event
	tell := func(e Event) { events = append(events, e) }
	all, err := m.Track("totem.", Added|Modified|Deleted|Prefix, tell)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Track("totem.token", Modified, tell); err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		key  string
		v    Value
		want int // events until then
	}{
		{"totem.token", U32(1000), 1},
		{"totem.token", U32(1000), 1}, // no change
		{"totem.token", U32(2000), 3}, // both trackers
		{"totem.token", Text("2000"), 5},
		{"quorum.provider", Text("x"), 5},
	} {
		if err := m.Set(s.key, s.v); err != nil {
			t.Fatal(err)
		}
		if len(events) != s.want {
			t.Errorf("after %s = %v there are %d events, not %d", s.key, s.v, len(events), s.want)
		}
	}
	if e := events[1]; e.Change != Modified || e.Old.String() != "1000" || e.New.String() != "2000" {
		t.Errorf("event %+v", e)
	}
	m.Untrack(all)
	if err := m.Delete("totem.token"); err != nil || len(events) != 5 {
		t.Errorf("%v, %d events", err, len(events))
	}
	if _, err := m.Get("totem.token"); !errors.Is(err, ErrNotExist) {
		t.Error(err)
	}
	for _, bad := range []string{"", "ab", "a b c", "ü.x.y", strings.Repeat("x", 256)} {
		if err := m.Set(bad, U8(1)); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := m.Set("a.b.c", Value{Uint32, []byte{1}}); err == nil {
		t.Error("a number of one byte was taken for one of four")
	}
	if err := m.Set("a.n.i", I32(-5)); err != nil {
		t.Fatal(err)
	}
	if err := m.Adjust("a.n.i", -2); err != nil || m.cell("a.n.i") != "-7" {
		t.Errorf("%v, %s", err, m.cell("a.n.i"))
	}
	if err := m.Adjust("quorum.provider", 1); !errors.Is(err, ErrNotInt) {
		t.Error(err)
	}
}

func (m *Map) cell(key string) string { v, _ := m.Get(key); return v.String() }

// TestKeys holds the order, which corosync-cmapctl prints: a name before those that begin with it.
func TestKeys(t *testing.T) {
	var m Map
	want := []string{"r.members.1.ip", "r.members.10.ip", "r.members.2.ip", "r.token", "r.token_retransmit", "r.tokens"}
	for _, i := range []int{3, 5, 0, 2, 4, 1} {
		if err := m.Set(want[i], U8(1)); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.Keys("r."); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := m.Keys("r.token"); !slices.Equal(got, want[3:]) {
		t.Errorf("%q", got)
	}
	if got := m.Keys("s"); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

func TestProtect(t *testing.T) {
	var m Map
	m.Protect("runtime.", "totem.version")
	for key, want := range map[string]bool{"runtime.a": true, "runtime": false, "totem.version": true, "totem.version2": false, "totem.token": false} {
		if m.Protected(key) != want {
			t.Errorf("%s: %v", key, !want)
		}
	}
}

func TestValues(t *testing.T) {
	for _, c := range []struct{ kind, text, want string }{
		{"i8", "-128", "-128"},
		{"i8", "128", "!128 is not valid i8 integer"},
		{"u8", "255", "255"},
		{"u8", "-1", "!-1 is not valid u8 integer"},
		{"u8", "x", "!x is not valid u8 type value"},
		{"u64", "-1", "18446744073709551615"},
		{"u64", "99999999999999999999", "18446744073709551615"},
		{"i64", "99999999999999999999", "9223372036854775807"},
		{"i64", "-99999999999999999999", "-9223372036854775808"},
		{"u32", " +5x", "5"},
		{"u32", "0x10", "0"},
		{"u32", "", "! is not valid u32 type value"},
		{"dbl", "1e400", "inf"},
		{"dbl", "-1e400", "-inf"},
		{"dbl", "1.5e", "1.500000"},
		{"dbl", "0x10", "16.000000"},
		{"dbl", "-nan", "-nan"},
		{"dbl", "1_0", "1.000000"},
		{"i16", "-32768", "-32768"},
		{"u16", "65536", "!65536 is not valid u16 integer"},
		{"i32", "-2147483648", "-2147483648"},
		{"u32", "4294967295", "4294967295"},
		{"i64", "-9223372036854775808", "-9223372036854775808"},
		{"u64", "18446744073709551615", "18446744073709551615"},
		{"flt", "1.5", "1.500000"},
		{"dbl", "0.25", "0.250000"},
		{"dbl", "x", "!x is not valid dbl type value"},
		{"str", "hello world", "hello world"},
		{"str", "", ""},
	} {
		kind, ok := TypeOf(c.kind)
		if !ok {
			t.Fatalf("no type %s", c.kind)
		}
		v, err := Parse(kind, c.text)
		got := v.String()
		if err != nil {
			got = "!" + err.Error()
		}
		if got != c.want {
			t.Errorf("%s %q: %s, not %s", c.kind, c.text, got, c.want)
		}
		if err == nil && (v.Check() != nil || v.Type.String() != c.kind) {
			t.Errorf("%s %q: %v", c.kind, c.text, v.Check())
		}
	}
	if _, ok := TypeOf("u128"); ok {
		t.Error("u128")
	}
}
