package knet

import (
	"testing"
	"time"
)

// TestStats holds what is counted of a link and of what is done to packets.
func TestStats(t *testing.T) {
	p := newPair(t, 7, "aes256", "sha256", "passive", 2)
	// A clock of which each look takes a microsecond.
	ticks := time.Unix(0, 0)
	p.a.cfg.Clock = func() time.Time { ticks = ticks.Add(time.Microsecond); return ticks }
	p.run(3 * time.Second)
	before, ok := p.a.LinkStats(2, 1)
	if !ok {
		t.Fatal("no link")
	}
	for range 20 {
		p.a.Send(0, make([]byte, 3000))
		p.work(p.a)
	}
	p.run(time.Second)
	mine, _ := p.a.LinkStats(2, 1)
	theirs, _ := p.b.LinkStats(1, 1)
	idle, _ := p.a.LinkStats(2, 0)
	// 3000 bytes are three fragments, over the link of the highest priority.
	if n := mine.Data.TxPackets - before.Data.TxPackets; n != 60 || theirs.Data.RxPackets != 60 || idle.Data.TxPackets != 0 {
		t.Errorf("%d packets sent, %d received, %d on the other link", n, theirs.Data.RxPackets, idle.Data.TxPackets)
	}
	if in, out := theirs.Data.RxBytes, mine.Data.TxBytes-before.Data.TxBytes; in != 20*(3000+3*dataSize) || out <= in {
		t.Errorf("%d bytes received after decryption, %d sent", in, out)
	}
	if l := mine.Latency; mine.Up != 1 || mine.Down != 1 || l.Samples < 5 || l.Min > l.Mean || l.Mean > l.Max || l.Max > 5000 {
		t.Errorf("%+v", mine)
	}
	if mine.Ping.RxPackets == 0 || mine.Pong.TxPackets != mine.Ping.RxPackets || mine.PMTUd.TxPackets == 0 || mine.Total().TxPackets <= mine.Data.TxPackets {
		t.Errorf("%+v", mine)
	}
	tx, rx := p.a.Stats()
	if tx.Encrypted < 60 || rx.Encrypted == 0 || tx.EncryptTime.Samples == 0 || tx.EncryptTime.Max != 1000 || tx.EncryptionAdded < 60*48 {
		t.Errorf("%+v\n%+v", tx, rx)
	}
	if tx.CompressTime.LeastTime() != 1<<64-1 {
		t.Error("a least time of nothing")
	}
	p.cut[1] = true
	p.run(2 * time.Second)
	if s, _ := p.a.LinkStats(2, 1); s.Down != 2 {
		t.Errorf("%d times down", s.Down)
	}
	p.a.ClearStats()
	if s, _ := p.a.LinkStats(2, 1); s != (LinkStats{}) {
		t.Errorf("%+v", s)
	}
}
