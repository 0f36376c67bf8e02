package transport

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// TestTrains sends datagrams of many sizes to two hosts, some of which travel together, and holds that each
// arrives as it was sent, in order.
func TestTrains(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	open := func() *Sockets {
		t.Helper()
		s, err := Open(ctx, map[int]netip.AddrPort{0: netip.MustParseAddrPort("127.0.0.1:0")}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s
	}
	at := func(s *Sockets) netip.AddrPort { return s.sockets[0].local }
	from, to := open(), []*Sockets{open(), open()}
	type arrival struct {
		to   int
		what string
	}
	sizes := slices.Concat(slices.Repeat([]int{1400}, 100), []int{300, 1, 1400, 1400, 1401}, slices.Repeat([]int{20}, 70), []int{0, 60000, 60000, 1400}, slices.Repeat([]int{1455}, 45), []int{7})
	arrived := make(chan arrival, 4*len(sizes))
	for i, s := range to {
		s.Start(func(batch []Datagram) {
			for _, d := range batch {
				head := d.Data[:min(len(d.Data), 8)]
				if slices.ContainsFunc(d.Data[len(head):], func(c byte) bool { return int(c) != len(d.Data)%251 }) || d.From != at(from) {
					head = []byte("damaged ")
				}
				arrived <- arrival{i, fmt.Sprintf("%d %q", len(d.Data), head)}
			}
		})
	}
	for _, alone := range []bool{false, true} {
		from.senders[0].alone = alone
		var want [2][]string
		for k, size := range sizes {
			for i, s := range to {
				data := slices.Repeat([]byte{byte(size % 251)}, size)
				head := data[:min(size, 8)]
				copy(head, fmt.Sprintf("%8d", k))
				want[i] = append(want[i], fmt.Sprintf("%d %q", size, head))
				from.Queue(0, at(s), data)
			}
			if k%90 == 89 {
				from.Transmit()
			}
		}
		from.Transmit()
		var got [2][]string
		for len(got[0])+len(got[1]) < 2*len(sizes) {
			select {
			case a := <-arrived:
				got[a.to] = append(got[a.to], a.what)
			case <-ctx.Done():
				t.Fatalf("%d and %d of %d have arrived", len(got[0]), len(got[1]), len(sizes))
			}
		}
		for i := range want {
			if !slices.Equal(got[i], want[i]) {
				for k := range want[i] {
					if got[i][k] != want[i][k] {
						t.Fatalf("alone %v: host %d: datagram %d is %s, not %s", alone, i, k, got[i][k], want[i][k])
					}
				}
			}
		}
		if !alone && from.senders[0].alone {
			t.Log("this kernel does not have datagrams travel together")
		}
	}
}

// TestTrain holds what travels together.
func TestTrain(t *testing.T) {
	a, b := netip.MustParseAddrPort("10.0.0.1:1"), netip.MustParseAddrPort("10.0.0.2:1")
	parcels := func(to netip.AddrPort, sizes ...int) (list []parcel) {
		for _, n := range sizes {
			list = append(list, parcel{0, to, make([]byte, n)})
		}
		return list
	}
	for _, c := range []struct {
		list []parcel
		want int
	}{
		{parcels(a, 100), 1},
		{parcels(a, 100, 100, 100), 3},
		{parcels(a, 100, 100, 50, 50), 3},
		{parcels(a, 100, 101), 1},
		{parcels(a, 100, 0, 100), 1},
		{append(parcels(a, 100, 100), parcels(b, 100)...), 2},
		{parcels(a, slices.Repeat([]int{1455}, 64)...), 44},
		{parcels(a, slices.Repeat([]int{10}, 100)...), 64},
	} {
		if n := (&sender{}).train(c.list); n != c.want {
			t.Errorf("%d datagrams of %d…: %d travel together, not %d", len(c.list), len(c.list[0].data), n, c.want)
		}
	}
}
