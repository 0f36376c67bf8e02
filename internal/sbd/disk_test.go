package sbd

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// file is a file in the place of a device.
func file(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, path string) Disk {
	t.Helper()
	d, err := Open(path, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return Disk{d}
}

func create(t testing.TB, d Disk, h Header) Header {
	t.Helper()
	h, err := New(h, d.Size())
	if err == nil {
		err = d.Create(h)
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestDisk(t *testing.T) {
	path := file(t)
	d := open(t, path)
	if _, err := d.Header(); err == nil {
		t.Error("an empty disk has a header")
	}
	want := Defaults()
	want.Allocate, want.Slots = 0, 3
	h := create(t, d, want)
	if got, err := d.Header(); got != h || err != nil {
		t.Errorf("%+v %v, not %+v", got, err, h)
	}
	ctx := context.Background()
	for i, n := range []string{"n1", "n2", "N1", "n3"} {
		slot, err := d.Allocate(ctx, h, n, nil)
		if want := []int{0, 1, 0, 2}[i]; slot != want || err != nil {
			t.Errorf("%s has slot %d, not %d: %v", n, slot, want, err)
		}
	}
	if _, err := d.Allocate(ctx, h, "n4", nil); err == nil {
		t.Error("a fourth slot of three")
	}
	for _, bad := range []string{"", strings.Repeat("x", 64), "a\x00b"} {
		if _, err := d.Allocate(ctx, h, bad, nil); err == nil {
			t.Errorf("%q has a slot", bad)
		}
	}
	if _, err := d.Lookup(h, "n9"); !errors.Is(err, ErrNoSlot) {
		t.Errorf("%v", err)
	}
	if err := d.Send(1, Letter{Reset, "n1"}); err != nil {
		t.Fatal(err)
	}
	if l, err := d.Receive(1); l != (Letter{Reset, "n1"}) || err != nil {
		t.Errorf("%+v %v", l, err)
	}
	slots, err := d.Slots(h)
	if err != nil || len(slots) != 3 || slots[2] != (Slot{2, "n3"}) {
		t.Errorf("%+v %v", slots, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// As the original writes it.
	if got := data[:33]; !bytes.Equal(got, []byte("SBD_SBD_\x02\x03\x00\x00\x00\x00\x02\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x0a\x01")) {
		t.Errorf("header %q", got)
	}
	if got := text(data[512+1 : 512+64]); data[512] != 1 || got != "n1" {
		t.Errorf("slot 0 is of %q", got)
	}
	if data[4*512] != 2 || text(data[4*512+1:4*512+64]) != "n1" {
		t.Errorf("the message to slot 1 is %q", data[4*512:4*512+4])
	}
}

// ErrTorn is the error of a disk that does not do what it is told.
var errTorn = errors.New("torn")

// faulty loses writes, or fails.
type faulty struct {
	Sectors
	lose, fail bool
}

func (f *faulty) Write(s int, b []byte) error {
	if f.fail {
		return errTorn
	}
	if f.lose {
		return nil
	}
	return f.Sectors.Write(s, b)
}

func TestFaultyDisk(t *testing.T) {
	f := &faulty{Sectors: open(t, file(t)).Sectors}
	d := Disk{f}
	h := Defaults()
	h.Allocate = 0
	h = create(t, d, h)
	f.lose = true
	if err := d.Send(0, Letter{Off, "n1"}); err == nil || !strings.Contains(err.Error(), "verification") {
		t.Errorf("a lost write: %v", err)
	}
	f.lose, f.fail = false, true
	if err := d.Send(0, Letter{Off, "n1"}); !errors.Is(err, errTorn) {
		t.Errorf("a failed write: %v", err)
	}
	if _, err := d.Allocate(context.Background(), h, "n1", nil); !errors.Is(err, errTorn) {
		t.Errorf("a failed write: %v", err)
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(Defaults().marshal(512))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := parseHeader(b); err == nil && h.SectorSize != uint32(len(b)) {
			t.Errorf("%+v of %d bytes", h, len(b))
		}
	})
}
