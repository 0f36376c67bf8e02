// Package remote is Pacemaker Remote: how a cluster node reaches a host that runs
// services but takes no part in the cluster, and what runs on that host.
//
// The two ends talk over TCP port 3121 with TLS (a key that both have, or certificates),
// in the form that Pacemaker's own daemons use there: XML behind a header of 40 bytes.
// The node orders agents to be run (messages lrmd_command) and hears how they ended
// (lrmd_notify); the host passes on what its local programs ask the cluster
// (lrmd_ipc_proxy). Original nodes and original remote hosts can be on either end.
package remote

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

const (
	magic       = 0xBADADBBD
	wireVersion = 1
	headerSize  = 40
	// maxMessage bounds what a message may take, unpacked.
	maxMessage = 64 << 20
	// sendLimit is how long an end may take to take a message.
	sendLimit = 30 * time.Second
)

// stream carries messages over a connection. send may be called from any goroutine,
// receive from one.
type stream struct {
	conn net.Conn
	in   *bufio.Reader

	mu     sync.Mutex
	wake   sync.Cond
	queue  [][]byte // to be sent
	queued int      // bytes in it
	sent   uint64
	id     int
	closed bool
}

func newStream(c net.Conn) *stream {
	s := &stream{conn: c, in: bufio.NewReaderSize(c, 32<<10)}
	s.wake.L = &s.mu
	go s.write()
	return s
}

// write sends what is queued; an end that takes too long to take it loses the connection.
func (s *stream) write() {
	for {
		s.mu.Lock()
		for len(s.queue) == 0 && !s.closed {
			s.wake.Wait()
		}
		if len(s.queue) == 0 {
			s.mu.Unlock()
			s.conn.Close()
			return
		}
		next := s.queue[0]
		s.queue = s.queue[1:]
		s.queued -= len(next)
		s.mu.Unlock()
		err := s.conn.SetWriteDeadline(time.Now().Add(sendLimit))
		// Pacemaker's end waits for the rest of a message at its socket, so what its TLS took
		// from there with the header it would not find: the header is a record of its own.
		for _, part := range [][]byte{next[:headerSize], next[headerSize:]} {
			if err == nil {
				_, err = s.conn.Write(part)
			}
		}
		if err != nil {
			s.mu.Lock()
			s.closed, s.queue = true, nil
			s.mu.Unlock()
			s.conn.Close()
			return
		}
	}
}

// close ends the connection when what was sent before is out.
func (s *stream) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wake.Signal()
}

// The kinds of messages (lrmd_remote_msg_type).
const (
	kindRequest = "request"
	kindReply   = "reply"
	kindNotify  = "notify"
)

// send queues a message of a kind; it does not wait. id is that of the request that it
// replies to; 0 takes the next one, which is given back.
func (s *stream) send(el *etree.Element, kind string, id int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, net.ErrClosed
	}
	if id == 0 && kind == kindRequest {
		s.id++
		id = s.id
	}
	el.CreateAttr("lrmd_remote_msg_id", strconv.Itoa(id))
	el.CreateAttr("lrmd_remote_msg_type", kind)
	text := append(xml.Compact(el), 0)
	s.queued += headerSize + len(text)
	if s.queued > maxMessage {
		s.closed, s.queue = true, nil
		s.conn.Close()
		return 0, fmt.Errorf("%d bytes wait to be sent: the other end does not keep up", s.queued)
	}
	s.sent++
	out := make([]byte, headerSize, headerSize+len(text))
	le := binary.LittleEndian
	le.PutUint32(out[0:], magic)
	le.PutUint32(out[4:], wireVersion)
	le.PutUint64(out[8:], s.sent)
	le.PutUint32(out[24:], uint32(headerSize+len(text)))
	le.PutUint32(out[28:], headerSize)
	le.PutUint32(out[36:], uint32(len(text)))
	s.queue = append(s.queue, append(out, text...))
	s.wake.Signal()
	return id, nil
}

// receive waits for the next message.
func (s *stream) receive() (*etree.Element, error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return nil, err
	}
	packed, full, err := parseHeader(head[:])
	if err != nil {
		return nil, err
	}
	size := full
	if packed > 0 {
		size = packed
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(s.in, body); err != nil {
		return nil, err
	}
	return parseBody(body, packed > 0, full)
}

// parseHeader reads a header and gives the sizes of the packed and the plain text.
func parseHeader(head []byte) (packed, full uint32, err error) {
	var order binary.ByteOrder
	switch {
	case binary.LittleEndian.Uint32(head) == magic:
		order = binary.LittleEndian
	case binary.BigEndian.Uint32(head) == magic:
		order = binary.BigEndian
	default:
		return 0, 0, fmt.Errorf("what came (% x) is no message of Pacemaker Remote", head[:4])
	}
	total, offset := order.Uint32(head[24:]), order.Uint32(head[28:])
	packed, full = order.Uint32(head[32:]), order.Uint32(head[36:])
	size := full
	if packed > 0 {
		size = packed
	}
	switch {
	case offset != headerSize:
		return 0, 0, fmt.Errorf("a message's header is of %d bytes, not %d", offset, headerSize)
	case full > maxMessage || packed > maxMessage:
		return 0, 0, fmt.Errorf("a message of %d bytes is larger than %d", max(full, packed), maxMessage)
	case total != offset+size:
		return 0, 0, fmt.Errorf("a message of %d bytes says that it has %d", offset+size, total)
	}
	return packed, full, nil
}

func parseBody(body []byte, packed bool, full uint32) (*etree.Element, error) {
	if packed {
		plain := make([]byte, full)
		if _, err := io.ReadFull(bzip2.NewReader(bytes.NewReader(body)), plain); err != nil {
			return nil, fmt.Errorf("unpack a message: %w", err)
		}
		body = plain
	}
	doc, err := xml.Parse(bytes.TrimRight(body, "\x00"))
	if err != nil {
		return nil, fmt.Errorf("a message is not XML: %w", err)
	}
	return doc.Root, nil
}

func element(tag string, attrs ...string) *etree.Element {
	el := etree.NewElement(tag)
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			el.CreateAttr(attrs[i], attrs[i+1])
		}
	}
	return el
}

func number(el *etree.Element, name string) int {
	n, _ := strconv.Atoi(el.SelectAttrValue(name, ""))
	return n
}

// Param is a parameter of an agent, as it travels.
type Param struct{ Name, Value string }

// addParams writes parameters into an element attributes below el. A name that cannot be
// one of XML stands in an element of its own.
func addParams(el *etree.Element, params []Param) {
	at := el.CreateElement("attributes")
	for _, p := range params {
		if p.Name == "" || p.Name[0] >= '0' && p.Name[0] <= '9' {
			at.AddChild(element("param", "name", p.Name, "value", p.Value))
			continue
		}
		at.CreateAttr(p.Name, p.Value)
	}
}

func paramsOf(el *etree.Element) []Param {
	var out []Param
	at := el.SelectElement("attributes")
	if at == nil {
		return nil
	}
	for _, a := range at.Attr {
		out = append(out, Param{a.Key, a.Value})
	}
	for _, p := range at.SelectElements("param") {
		out = append(out, Param{p.SelectAttrValue("name", ""), p.SelectAttrValue("value", "")})
	}
	return out
}
