// Package tlspsk is TLS 1.3 (RFC 8446) with a key that both ends know beforehand, as
// Pacemaker Remote's connections use it; the standard library's TLS has no such keys.
//
// It speaks the one form that is sound and that GnuTLS, on the other end of original
// nodes, speaks too: an external key in mode psk_dhe_ke, so that every connection has fresh
// keys of its own (X25519 or P-256), with TLS_AES_128_GCM_SHA256. There are no
// certificates, no resumption and no early data.
package tlspsk

import (
	"context"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// ErrKey is the error of a handshake with an end that has another key.
var ErrKey = errors.New("the other end has another key")

// ErrIdentity is the error of a handshake with an end that does not know the identity.
var ErrIdentity = errors.New("the other end does not know this identity")

// Conn is a connection after its handshake. Read and Write may be called at the same time.
type Conn struct {
	net.Conn
	Identity string // that was agreed on

	in      half
	inMu    sync.Mutex
	pending []byte // read and not yet handed out
	ended   error

	outMu sync.Mutex
	out   half
}

// Kinds of records, and of handshake messages.
const (
	recordCCS       = 20
	recordAlert     = 21
	recordHandshake = 22
	recordData      = 23

	typeClientHello = 1
	typeServerHello = 2
	typeTicket      = 4
	typeExtensions  = 8
	typeFinished    = 20
	typeKeyUpdate   = 24
)

// Extensions.
const (
	extGroups   = 10
	extPSK      = 41
	extVersions = 43
	extModes    = 45
	extShares   = 51
)

const (
	versionTLS12  = 0x0303
	versionTLS13  = 0x0304
	suiteAES128   = 0x1301
	modeDHE       = 1
	groupP256     = 23
	groupX25519   = 29
	maxHandshake  = 1 << 16
	rekeyAfter    = 1 << 22 // records: far below what AES-GCM bears with one key
	sessionIDSize = 32
)

var curves = map[uint16]ecdh.Curve{groupX25519: ecdh.X25519(), groupP256: ecdh.P256()}

// helloRetry is the random of a ServerHello that asks for another ClientHello.
var helloRetry = sha256.Sum256([]byte("HelloRetryRequest"))

// Client makes a connection as the end that called. The handshake ends with ctx.
func Client(ctx context.Context, raw net.Conn, identity string, key []byte) (*Conn, error) {
	c := &Conn{Conn: raw}
	err := c.within(ctx, func() error { return c.connect(identity, key) })
	if err != nil {
		return nil, fmt.Errorf("TLS handshake with %s: %w", raw.RemoteAddr(), err)
	}
	return c, nil
}

// Server makes a connection as the end that was called. key gives the key of an
// identity, or an error where it is not known. The handshake ends with ctx.
func Server(ctx context.Context, raw net.Conn, key func(identity string) ([]byte, error)) (*Conn, error) {
	c := &Conn{Conn: raw}
	err := c.within(ctx, func() error { return c.accept(key) })
	if err != nil {
		return nil, fmt.Errorf("TLS handshake with %s: %w", raw.RemoteAddr(), err)
	}
	return c, nil
}

// within does a handshake until ctx ends, and tells the other end why it failed.
func (c *Conn) within(ctx context.Context, handshake func() error) error {
	stop := context.AfterFunc(ctx, func() { _ = c.Conn.SetDeadline(time.Unix(1, 0)) })
	err := handshake()
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var own *alertError
	if errors.As(err, &own) && !own.received {
		_ = c.writeRecord(recordAlert, []byte{2, own.code})
	}
	return err
}

func (c *Conn) connect(identity string, key []byte) error {
	if identity == "" || len(identity) > 1024 || len(key) == 0 {
		return errors.New("an identity and a key are needed")
	}
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	hello := clientHello{identity: identity, share: private.PublicKey().Bytes()}
	if _, err := rand.Read(hello.random[:]); err != nil {
		return err
	}
	if _, err := rand.Read(hello.session[:]); err != nil {
		return err
	}
	s := newSchedule(key)
	msg := hello.marshal(s)
	if err := c.writeRecord(recordHandshake, msg); err != nil {
		return err
	}
	s.add(msg)
	r := &reader{c: c}
	answer, err := r.expect(typeServerHello)
	if err != nil {
		return err
	}
	share, err := parseServerHello(answer[4:], hello.session[:])
	if err != nil {
		return err
	}
	public, err := ecdh.X25519().NewPublicKey(share)
	if err != nil {
		return alert(alertIllegal, "the server's key share is none: %v", err)
	}
	shared, err := private.ECDH(public)
	if err != nil {
		return alert(alertIllegal, "the server's key share does not fit: %v", err)
	}
	s.add(answer)
	client, server := s.handshake(shared)
	if err := errors.Join(r.rekey(server), c.out.set(client)); err != nil {
		return err
	}
	extensions, err := r.expect(typeExtensions)
	if err != nil {
		return err
	}
	s.add(extensions)
	if err := r.finished(s, server); err != nil {
		return err
	}
	toServer, fromServer := s.application()
	if err := errors.Join(
		c.writeRecord(recordCCS, []byte{1}), // some boxes on the way want to see one
		c.writeRecord(recordHandshake, message(typeFinished, s.finished(client))),
		r.rekey(fromServer), c.out.set(toServer)); err != nil {
		return err
	}
	c.Identity = identity
	return nil
}

func (c *Conn) accept(keyOf func(string) ([]byte, error)) error {
	r := &reader{c: c}
	msg, err := r.expect(typeClientHello)
	if err != nil {
		return err
	}
	hello, err := parseClientHello(msg)
	if err != nil {
		return err
	}
	// The first identity that is known decides.
	var (
		s      *schedule
		chosen int
	)
	for i, id := range hello.identities {
		key, err := keyOf(id)
		if err != nil || len(key) == 0 {
			continue
		}
		s, chosen = newSchedule(key), i
		if i >= len(hello.binders) || !hmac.Equal(hello.binders[i], s.binder(hello.truncated)) {
			return &alertError{code: alertDecrypt, text: "the client's proof does not fit the key", is: ErrKey}
		}
		c.Identity = id
		break
	}
	if s == nil {
		return &alertError{code: alertIdentity, text: fmt.Sprintf("the client's identities %q are not known", hello.identities), is: ErrIdentity}
	}
	curve := curves[hello.group]
	private, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	public, err := curve.NewPublicKey(hello.share)
	if err != nil {
		return alert(alertIllegal, "the client's key share is none: %v", err)
	}
	shared, err := private.ECDH(public)
	if err != nil {
		return alert(alertIllegal, "the client's key share does not fit: %v", err)
	}
	s.add(msg)
	answer, err := serverHello(hello, uint16(chosen), private.PublicKey().Bytes())
	if err != nil {
		return err
	}
	s.add(answer)
	if err := c.writeRecord(recordHandshake, answer); err != nil {
		return err
	}
	if len(hello.session) > 0 {
		if err := c.writeRecord(recordCCS, []byte{1}); err != nil {
			return err
		}
	}
	client, server := s.handshake(shared)
	if err := errors.Join(r.rekey(client), c.out.set(server)); err != nil {
		return err
	}
	extensions := message(typeExtensions, []byte{0, 0})
	s.add(extensions)
	end := message(typeFinished, s.finished(server))
	s.add(end)
	if err := c.writeRecord(recordHandshake, append(extensions, end...)); err != nil {
		return err
	}
	fromClient, toClient := s.application()
	if err := r.finished(s, client); err != nil {
		return err
	}
	return errors.Join(r.rekey(fromClient), c.out.set(toClient))
}

// reader takes handshake messages from records.
type reader struct {
	c    *Conn
	data []byte
}

// rekey changes the key for what comes; nothing of the old may be left.
func (r *reader) rekey(secret []byte) error {
	if len(r.data) > 0 {
		return alert(alertUnexpected, "a message goes on past a change of keys")
	}
	return r.c.in.set(secret)
}

// expect reads the next message, which must be of that type; it comes with its header.
func (r *reader) expect(kind byte) ([]byte, error) {
	for {
		if len(r.data) >= 4 {
			n := int(r.data[1])<<16 | int(r.data[2])<<8 | int(r.data[3])
			if n > maxHandshake {
				return nil, alert(alertDecode, "a handshake message of %d bytes", n)
			}
			if len(r.data) >= 4+n {
				msg := r.data[:4+n]
				r.data = r.data[4+n:]
				if msg[0] != kind {
					return nil, alert(alertUnexpected, "a handshake message of type %d came, not %d", msg[0], kind)
				}
				return msg, nil
			}
		}
		typ, body, err := r.c.readRecord()
		if err != nil {
			return nil, err
		}
		switch typ {
		case recordHandshake:
			if len(body) == 0 {
				return nil, alert(alertUnexpected, "an empty handshake record")
			}
			r.data = append(r.data, body...)
		case recordCCS:
			if len(body) != 1 || body[0] != 1 {
				return nil, alert(alertUnexpected, "a change of cipher that is none")
			}
		case recordAlert:
			return nil, received(body)
		default:
			return nil, alert(alertUnexpected, "a record of type %d in a handshake", typ)
		}
	}
}

// finished reads the other end's proof that it saw the same handshake.
func (r *reader) finished(s *schedule, secret []byte) error {
	want := s.finished(secret)
	msg, err := r.expect(typeFinished)
	if err != nil {
		return err
	}
	if !hmac.Equal(msg[4:], want) {
		return &alertError{code: alertDecrypt, text: "the handshake's proof does not fit", is: ErrKey}
	}
	s.add(msg)
	return nil
}

// Read reads what the other end wrote; io.EOF once it closed the connection in good order.
func (c *Conn) Read(b []byte) (int, error) {
	c.inMu.Lock()
	defer c.inMu.Unlock()
	for len(c.pending) == 0 {
		if c.ended != nil {
			return 0, c.ended
		}
		if len(b) == 0 {
			return 0, nil
		}
		if err := c.next(); err != nil {
			c.ended = err // a deadline, too: a record may have been read in part
			return 0, err
		}
	}
	n := copy(b, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

// next takes one record.
func (c *Conn) next() error {
	typ, body, err := c.readRecord()
	if err != nil {
		return err
	}
	switch typ {
	case recordData:
		c.pending = body
		return nil
	case recordAlert:
		return received(body)
	case recordHandshake:
		return c.postHandshake(body)
	}
	return alert(alertUnexpected, "a record of type %d", typ)
}

// postHandshake takes messages that come later: tickets, which are of no use here, and changes of keys.
func (c *Conn) postHandshake(data []byte) error {
	r := &reader{c: c, data: data}
	for len(r.data) > 0 {
		kind := r.data[0]
		msg, err := r.expect(kind)
		if err != nil {
			return err
		}
		switch {
		case kind == typeTicket:
		case kind == typeKeyUpdate && len(msg) == 5 && msg[4] <= 1:
			if err := r.rekey(nextSecret(c.in.secret)); err != nil {
				return err
			}
			if msg[4] == 1 {
				c.outMu.Lock()
				err := c.updateKey()
				c.outMu.Unlock()
				if err != nil {
					return err
				}
			}
		default:
			return alert(alertUnexpected, "a handshake message of type %d after the handshake", kind)
		}
	}
	return nil
}

// updateKey tells the other end of a new key and takes it; outMu is held.
func (c *Conn) updateKey() error {
	if err := c.writeRecord(recordHandshake, message(typeKeyUpdate, []byte{0})); err != nil {
		return err
	}
	return c.out.set(nextSecret(c.out.secret))
}

// Write sends b.
func (c *Conn) Write(b []byte) (int, error) {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	sent := 0
	for len(b) > 0 {
		if c.out.seq >= rekeyAfter {
			if err := c.updateKey(); err != nil {
				return sent, err
			}
		}
		n := min(len(b), maxPlain)
		if err := c.writeRecord(recordData, b[:n]); err != nil {
			return sent, err
		}
		sent += n
		b = b[n:]
	}
	return sent, nil
}

// Close tells the other end, if that can be done at once, and closes the connection.
func (c *Conn) Close() error {
	if c.outMu.TryLock() {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(time.Second))
		_ = c.writeRecord(recordAlert, []byte{1, alertClose})
		c.outMu.Unlock()
	}
	return c.Conn.Close()
}

// Alerts.
const (
	alertClose      = 0
	alertUnexpected = 10
	alertBadRecord  = 20
	alertOverflow   = 22
	alertHandshake  = 40
	alertIllegal    = 47
	alertDecode     = 50
	alertDecrypt    = 51
	alertVersion    = 70
	alertMissing    = 109
	alertIdentity   = 115
)

type alertError struct {
	code     byte
	text     string
	received bool
	is       error
}

func (e *alertError) Error() string { return e.text }
func (e *alertError) Unwrap() error { return e.is }

func alert(code byte, format string, args ...any) error {
	return &alertError{code: code, text: fmt.Sprintf(format, args...)}
}

// received is what an alert of the other end means.
func received(body []byte) error {
	if len(body) != 2 {
		return alert(alertDecode, "an alert of %d bytes", len(body))
	}
	e := &alertError{code: body[1], received: true, text: fmt.Sprintf("the other end ended the connection with alert %d", body[1])}
	switch body[1] {
	case alertClose:
		return io.EOF
	case alertDecrypt, alertBadRecord:
		e.is, e.text = ErrKey, ErrKey.Error()
	case alertIdentity:
		e.is, e.text = ErrIdentity, ErrIdentity.Error()
	}
	return e
}
