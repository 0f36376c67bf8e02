// Package knet is kronosnet, the transport that Corosync 3 uses where nothing
// else is configured: packets between hosts over up to eight links, watched by
// pings, cut into fragments, signed and encrypted.
//
// Net is one host's part. It has no sockets, no clock and no goroutine: it is
// fed with datagrams (Receive), time (Advance) and packets to send (Send), and answers with
// effects, which the caller takes with Next and carries out. It is not safe for
// concurrent use.
//
// # Links
//
// A link to a host is pinged at an interval, and is up when some pongs in a row have
// come back; it is down when none has for the timeout. A host is reachable while a link
// to it is up; data of hosts that are not is dropped. In passive mode data goes
// over the link with the highest priority that is up, in active mode over all, in rr over
// each in turn.
package knet

import (
	"encoding/binary"
	"fmt"
)

const (
	version    = 1
	headerSize = 6
	dataSize   = 14 // with the header
	pingSize   = 26
	pmtudSize  = 9
	// overhead is what the original keeps free in each datagram: the greatest of its headers.
	overhead = 26

	typeData       = 0x00
	typePing       = 0x81
	typePong       = 0x82
	typePMTUd      = 0x83
	typePMTUdReply = 0x84

	// MaxPacket is the greatest packet that Send takes.
	MaxPacket = 65536
)

var be = binary.BigEndian

// data is the header of a packet or a piece of one.
type data struct {
	host      uint16
	seq       uint16
	compress  uint8 // 0: not compressed
	broadcast bool
	fragments uint8 // 1: whole
	fragment  uint8 // from 1; 0 where it is whole
	channel   int8
	payload   []byte
}

// header is what stands before the payload.
func (d data) header() (b [dataSize]byte) {
	b[0], b[1] = version, typeData
	be.PutUint16(b[2:], d.host)
	be.PutUint16(b[6:], d.seq)
	b[8] = d.compress
	if d.broadcast {
		b[10] = 1
	}
	b[11], b[12], b[13] = d.fragments, d.fragment, byte(d.channel)
	return b
}

func parseData(b []byte) (data, error) {
	if len(b) < dataSize {
		return data{}, fmt.Errorf("data packet of %d bytes", len(b))
	}
	d := data{
		host: be.Uint16(b[2:]), seq: be.Uint16(b[6:]), compress: b[8], broadcast: b[10] != 0,
		fragments: b[11], fragment: b[12], channel: int8(b[13]), payload: b[dataSize:],
	}
	if d.fragments == 0 || d.fragments > 1 && (d.fragment == 0 || d.fragment > d.fragments) {
		return data{}, fmt.Errorf("fragment %d of %d", d.fragment, d.fragments)
	}
	return d, nil
}

// ping is a ping or, with another type, its pong.
type ping struct {
	host  uint16
	link  uint8
	stamp [16]byte // the sender's own
	seq   uint16   // of the last data packet
	timed bool     // sent because the interval was over
}

func (p ping) marshal(kind byte) []byte {
	b := make([]byte, pingSize)
	b[0], b[1] = version, kind
	be.PutUint16(b[2:], p.host)
	b[6] = p.link
	copy(b[7:], p.stamp[:])
	be.PutUint16(b[23:], p.seq)
	if p.timed {
		b[25] = 1
	}
	return b
}

func parsePing(b []byte) (ping, error) {
	if len(b) < pingSize {
		return ping{}, fmt.Errorf("ping of %d bytes", len(b))
	}
	return ping{be.Uint16(b[2:]), b[6], [16]byte(b[7:23]), be.Uint16(b[23:]), b[25] != 0}, nil
}

// header reads what all packets begin with.
func header(b []byte) (kind byte, host uint16, err error) {
	if len(b) < headerSize {
		return 0, 0, fmt.Errorf("packet of %d bytes", len(b))
	}
	if b[0] != version {
		return 0, 0, fmt.Errorf("packet of kronosnet version %d", b[0])
	}
	return b[1], be.Uint16(b[2:]), nil
}
