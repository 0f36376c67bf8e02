package corosyncd

import (
	"fmt"
	"math"

	"hacluster/corosync/cmap"
	"hacluster/corosync/knet"
	"hacluster/corosync/node"
)

// counters are those of all links, and of what was done to packets, under the original's names (exec/stats.c).
func (k *knetWires) counters() (list []node.Counter) {
	list = handleCounters(k.net.Stats())
	for id := range k.peers {
		for i := range k.peers[id] {
			if _, ok := k.own[i]; !ok {
				continue
			}
			prefix := fmt.Sprintf("knet.node%d.link%d.", id, i)
			if uint32(id) == k.me {
				if i == 0 {
					list = append(list, loopCounters(prefix, k.loop)...)
				}
				continue
			}
			s, ok := k.net.LinkStats(id, i)
			if !ok {
				continue
			}
			up := k.net.Up(id, i)
			mtu := 0
			if up {
				mtu = k.net.DataMTU(id, i)
			}
			list = append(list, linkCounters(prefix, s, up, mtu, k.s.Failures(i, k.peers[id][i]))...)
		}
	}
	return list
}

func (k *knetWires) clear() {
	k.net.ClearStats()
	k.loop = knet.Traffic{}
}

// loopCounters are those of the link of this node to itself, over which only data goes, and is not received by anybody.
func loopCounters(prefix string, t knet.Traffic) []node.Counter {
	return linkCounters(prefix, knet.LinkStats{Data: t, Up: 1}, true, maxLoop, 0)
}

// maxLoop is the MTU of that link.
const maxLoop = math.MaxUint16

func linkCounters(prefix string, s knet.LinkStats, up bool, mtu int, failures uint64) []node.Counter {
	u8 := func(on bool) cmap.Value {
		if on {
			return cmap.U8(1)
		}
		return cmap.U8(0)
	}
	u32 := func(v uint64) cmap.Value { return cmap.U32(uint32(min(v, math.MaxUint32))) }
	list := []node.Counter{
		{Key: "enabled", Value: u8(true)},
		{Key: "connected", Value: u8(up)},
		{Key: "mtu", Value: u32(uint64(mtu))},
		{Key: "latency_min", Value: u32(s.Latency.LeastLatency())},
		{Key: "latency_max", Value: u32(s.Latency.Max)},
		{Key: "latency_ave", Value: u32(s.Latency.Mean)},
		{Key: "latency_samples", Value: u32(s.Latency.Samples)},
		{Key: "up_count", Value: cmap.U32(s.Up)},
		{Key: "down_count", Value: cmap.U32(s.Down)},
		{Key: "tx_total_errors", Value: cmap.U64(failures)},
		{Key: "rx_total_retries", Value: cmap.U64(0)}, // the socket waits for room, once
	}
	for _, t := range []struct {
		name string
		knet.Traffic
	}{{"data", s.Data}, {"ping", s.Ping}, {"pong", s.Pong}, {"pmtu", s.PMTUd}, {"total", s.Total()}} {
		list = append(list,
			node.Counter{Key: "tx_" + t.name + "_packets", Value: cmap.U64(t.TxPackets)},
			node.Counter{Key: "tx_" + t.name + "_bytes", Value: cmap.U64(t.TxBytes)},
			node.Counter{Key: "rx_" + t.name + "_packets", Value: cmap.U64(t.RxPackets)},
			node.Counter{Key: "rx_" + t.name + "_bytes", Value: cmap.U64(t.RxBytes)})
		if t.name != "total" {
			// Which datagram was not sent is not known by its kind: most are data.
			errors := uint64(0)
			if t.name == "data" {
				errors = failures
			}
			list = append(list,
				node.Counter{Key: "tx_" + t.name + "_errors", Value: u32(errors)},
				node.Counter{Key: "tx_" + t.name + "_retries", Value: cmap.U32(0)})
		}
	}
	for i := range list {
		list[i].Key = prefix + list[i].Key
	}
	return list
}

func handleCounters(tx, rx knet.Work) (list []node.Counter) {
	for _, w := range []struct {
		way string
		knet.Work
	}{{"tx", tx}, {"rx", rx}} {
		for _, c := range []struct {
			name string
			v    uint64
		}{
			{"compressed_packets", w.Compressed},
			{"compressed_original_bytes", w.CompressedFrom},
			{"compressed_size_bytes", w.CompressedTo},
			{"compress_time_min", w.CompressTime.LeastTime()},
			{"compress_time_max", w.CompressTime.Max},
			{"compress_time_ave", w.CompressTime.Mean},
			{"crypt_packets", w.Encrypted},
			{"crypt_time_min", w.EncryptTime.LeastTime()},
			{"crypt_time_max", w.EncryptTime.Max},
			{"crypt_time_ave", w.EncryptTime.Mean},
		} {
			list = append(list, node.Counter{Key: "knet.handle." + w.way + "_" + c.name, Value: cmap.U64(c.v)})
		}
	}
	return append(list,
		node.Counter{Key: "knet.handle.tx_uncompressed_packets", Value: cmap.U64(tx.Plain)},
		node.Counter{Key: "knet.handle.tx_crypt_byte_overhead", Value: cmap.U64(tx.EncryptionAdded)})
}
