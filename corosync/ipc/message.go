package ipc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"syscall"
)

const (
	// RequestHeader and ResponseHeader are the sizes of the two headers in bytes.
	RequestHeader  = 16
	ResponseHeader = 24

	helloSize   = 24
	welcomeSize = 12328
	pathSize    = 4096
	helloID     = -1
	// addressSize is the length of sun_path: abstract names are padded to it.
	addressSize = 108
	// maxMessageLimit bounds what a client may ask for.
	maxMessageLimit = 64 << 20
	minMessage      = 12328
)

// Kind is the way in which messages travel once a connection stands.
type Kind int32

const (
	// Socket is a pair of datagram sockets each for requests and events.
	Socket Kind = 0
	// SharedMemory is three rings in shared memory.
	SharedMemory Kind = 1
)

func (k Kind) String() string {
	switch k {
	case Socket:
		return "socket"
	case SharedMemory:
		return "shm"
	}
	return fmt.Sprintf("type %d", int32(k))
}

// ErrClosed tells that the connection has ended.
var ErrClosed = errors.New("the connection is closed")

// ErrTryAgain tells that the service does not take requests just now.
var ErrTryAgain = fmt.Errorf("the service is busy: %w", syscall.EAGAIN)

// Request makes a request of size bytes (at least RequestHeader) with its header filled in.
func Request(id int32, size int) []byte {
	b := make([]byte, size)
	SetHeader(b, id)
	return b
}

// Response makes a response or an event of size bytes (at least ResponseHeader) with its header filled in.
func Response(id, errno int32, size int) []byte {
	b := make([]byte, size)
	SetHeader(b, id)
	binary.NativeEndian.PutUint32(b[16:], uint32(errno))
	return b
}

// SetHeader writes id and len(b) to the header at the start of b.
func SetHeader(b []byte, id int32) {
	binary.NativeEndian.PutUint32(b[0:], uint32(id))
	binary.NativeEndian.PutUint32(b[8:], uint32(len(b)))
}

// ID is the id of a message; -1<<31 where the message has no whole header.
func ID(b []byte) int32 {
	if len(b) < RequestHeader {
		return -1 << 31
	}
	return int32(binary.NativeEndian.Uint32(b))
}

// ErrorOf is the error field of a response; -1<<31 where it is too short to have one.
func ErrorOf(b []byte) int32 {
	if len(b) < ResponseHeader-4 {
		return -1 << 31
	}
	return int32(binary.NativeEndian.Uint32(b[16:]))
}

// checkMessage holds the size field of a message against what was received.
func checkMessage(b []byte) error { return checkHeader(b, len(b)) }

// checkHeader is checkMessage of a message of so many bytes that begins so.
func checkHeader(b []byte, size int) error {
	if len(b) < RequestHeader {
		return fmt.Errorf("message of %d bytes is shorter than its header", len(b))
	}
	if said := int32(binary.NativeEndian.Uint32(b[8:])); int(said) != size {
		return fmt.Errorf("message of %d bytes says that it has %d", size, said)
	}
	return nil
}

// hello is what a client says first.
func hello(maxMessage int) []byte {
	b := Request(helloID, helloSize)
	binary.NativeEndian.PutUint32(b[16:], uint32(maxMessage))
	return b
}

// parseHello reads a client's greeting: the size that its messages may have.
func parseHello(b []byte) (maxMessage int, err error) {
	if len(b) != helloSize || ID(b) != helloID {
		return 0, errors.New("not a greeting of libqb")
	}
	n := binary.NativeEndian.Uint32(b[16:])
	if n > maxMessageLimit {
		return 0, fmt.Errorf("asks for messages of %d bytes; %d is the limit", n, maxMessageLimit)
	}
	return int(n), nil
}

// welcome is the server's answer to a greeting.
type welcome struct {
	errno                    int32 // 0, or a negative errno: the server refuses
	kind                     Kind
	maxMessage               int
	request, response, event string
}

func (w welcome) marshal() []byte {
	b := Response(helloID, w.errno, welcomeSize)
	binary.NativeEndian.PutUint32(b[24:], uint32(w.kind))
	binary.NativeEndian.PutUint32(b[28:], uint32(w.maxMessage))
	for i, s := range []string{w.request, w.response, w.event} {
		copy(b[40+i*pathSize:40+(i+1)*pathSize-1], s)
	}
	return b
}

func parseWelcome(b []byte) (welcome, error) {
	if len(b) != welcomeSize || ID(b) != helloID {
		return welcome{}, errors.New("not an answer of libqb")
	}
	w := welcome{
		errno:      ErrorOf(b),
		kind:       Kind(binary.NativeEndian.Uint32(b[24:])),
		maxMessage: int(binary.NativeEndian.Uint32(b[28:])),
	}
	for i, s := range []*string{&w.request, &w.response, &w.event} {
		text := string(b[40+i*pathSize : 40+(i+1)*pathSize])
		*s, _, _ = strings.Cut(text, "\x00")
	}
	if w.errno == 0 && (w.maxMessage < RequestHeader || w.maxMessage > maxMessageLimit) {
		return welcome{}, fmt.Errorf("the server offers messages of %d bytes", w.maxMessage)
	}
	return w, nil
}

// abstract is the Go spelling of libqb's abstract address of a name: padded with NULs to the whole of sun_path.
func abstract(name string) (string, error) {
	if name == "" || len(name) > addressSize-1 {
		return "", fmt.Errorf("%q cannot be the name of a socket: 1 to %d bytes", name, addressSize-1)
	}
	return "@" + name + strings.Repeat("\x00", addressSize-1-len(name)), nil
}

// plain undoes abstract.
func plain(address string) string {
	return strings.TrimRight(strings.TrimPrefix(address, "@"), "\x00")
}
