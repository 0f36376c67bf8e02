// Package wire carries messages over TCP as Pacemaker's daemons and programs do between hosts, for
// Pacemaker Remote as for the CIB: XML behind a header of 40 bytes (lib/common/remote.c).
package wire

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

const (
	magic      = 0xBADADBBD
	version    = 1
	headerSize = 40
	// sendLimit is how long an end may take to take a message.
	sendLimit = 30 * time.Second
)

// MaxMessage bounds what a message may take, in bytes, unpacked, unless Limit says otherwise.
const MaxMessage = 64 << 20

// MaxCIB is the limit for connections that carry whole CIBs.
const MaxCIB = 256 << 20

// Stream carries messages over a connection. Send and Close may be called from any goroutine,
// Receive from one.
type Stream struct {
	conn  net.Conn
	in    *bufio.Reader
	limit atomic.Uint32

	mu     sync.Mutex
	wake   sync.Cond
	queue  [][]byte // to be sent
	queued int      // bytes in it
	sent   uint64
	closed bool
	ended  chan struct{} // closed when nothing is sent any more
}

// New begins to carry messages over a connection, which is the stream's from then on.
func New(c net.Conn) *Stream {
	s := &Stream{conn: c, in: bufio.NewReaderSize(c, 32<<10), ended: make(chan struct{})}
	s.limit.Store(MaxMessage)
	s.wake.L = &s.mu
	go s.write()
	return s
}

// Limit bounds what a message may take, in bytes, in either direction, and what may wait to be sent.
func (s *Stream) Limit(bytes uint32) { s.limit.Store(bytes) }

// write sends what is queued; an end that takes too long to take it loses the connection.
func (s *Stream) write() {
	defer close(s.ended)
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
			s.Abort()
			return
		}
	}
}

// Close ends the connection when what was sent before is out.
func (s *Stream) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wake.Signal()
}

// Abort ends the connection at once.
func (s *Stream) Abort() {
	s.mu.Lock()
	s.closed, s.queue = true, nil
	s.mu.Unlock()
	s.wake.Signal()
	s.conn.Close()
}

// Ended is closed when the connection has ended from this side.
func (s *Stream) Ended() <-chan struct{} { return s.ended }

// Send queues a message; it does not wait. The message is written out before Send returns.
func (s *Stream) Send(el *etree.Element) error {
	text := append(xml.Compact(el), 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	s.queued += headerSize + len(text)
	if s.queued > int(s.limit.Load()) {
		s.closed, s.queue = true, nil
		s.wake.Signal()
		s.conn.Close()
		return fmt.Errorf("%d bytes wait to be sent: the other end does not keep up", s.queued)
	}
	s.sent++
	out := make([]byte, headerSize, headerSize+len(text))
	le := binary.LittleEndian
	le.PutUint32(out[0:], magic)
	le.PutUint32(out[4:], version)
	le.PutUint64(out[8:], s.sent)
	le.PutUint32(out[24:], uint32(headerSize+len(text)))
	le.PutUint32(out[28:], headerSize)
	le.PutUint32(out[36:], uint32(len(text)))
	s.queue = append(s.queue, append(out, text...))
	s.wake.Signal()
	return nil
}

// Receive waits for the next message.
func (s *Stream) Receive() (*etree.Element, error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return nil, err
	}
	packed, full, err := parseHeader(head[:], s.limit.Load())
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
func parseHeader(head []byte, limit uint32) (packed, full uint32, err error) {
	var order binary.ByteOrder
	switch {
	case binary.LittleEndian.Uint32(head) == magic:
		order = binary.LittleEndian
	case binary.BigEndian.Uint32(head) == magic:
		order = binary.BigEndian
	default:
		return 0, 0, fmt.Errorf("what came (% x) is no message of Pacemaker's", head[:4])
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
	case full > limit || packed > limit:
		return 0, 0, fmt.Errorf("a message of %d bytes is larger than %d", max(full, packed), limit)
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
