package tlspsk

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
)

const (
	hashSize = sha256.Size
	keySize  = 16
	ivSize   = 12

	maxPlain  = 1 << 14
	maxCipher = maxPlain + 256
)

// schedule is how keys come from the shared key, RFC 8446 section 7.1.
type schedule struct {
	secret     []byte
	transcript hash.Hash
}

func newSchedule(key []byte) *schedule {
	return &schedule{secret: extract(make([]byte, hashSize), key), transcript: sha256.New()}
}

func extract(salt, secret []byte) []byte {
	out, err := hkdf.Extract(sha256.New, secret, salt)
	if err != nil {
		panic(err) // only with keys that FIPS mode forbids
	}
	return out
}

// expand is HKDF-Expand-Label.
func expand(secret []byte, label string, context []byte, n int) []byte {
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(info, byte(len("tls13 ")+len(label)))
	info = append(info, "tls13 "+label...)
	info = append(info, byte(len(context)))
	info = append(info, context...)
	out, err := hkdf.Expand(sha256.New, secret, string(info), n)
	if err != nil {
		panic(err)
	}
	return out
}

var emptyHash = sha256.Sum256(nil)

func (s *schedule) add(msg []byte) { s.transcript.Write(msg) }
func (s *schedule) sum() []byte    { return s.transcript.Sum(nil) }

// binder proves that the key is known, over the client's first message up to the proofs.
func (s *schedule) binder(truncated []byte) []byte {
	sum := sha256.Sum256(truncated)
	return proof(expand(s.secret, "ext binder", emptyHash[:], hashSize), sum[:])
}

func proof(secret, sum []byte) []byte {
	m := hmac.New(sha256.New, expand(secret, "finished", nil, hashSize))
	m.Write(sum)
	return m.Sum(nil)
}

// handshake gives the secrets of both directions for the rest of the handshake.
func (s *schedule) handshake(shared []byte) (client, server []byte) {
	s.secret = extract(expand(s.secret, "derived", emptyHash[:], hashSize), shared)
	sum := s.sum()
	return expand(s.secret, "c hs traffic", sum, hashSize), expand(s.secret, "s hs traffic", sum, hashSize)
}

// application gives the secrets of both directions for data.
func (s *schedule) application() (client, server []byte) {
	s.secret = extract(expand(s.secret, "derived", emptyHash[:], hashSize), make([]byte, hashSize))
	sum := s.sum()
	return expand(s.secret, "c ap traffic", sum, hashSize), expand(s.secret, "s ap traffic", sum, hashSize)
}

// finished proves that the end with that secret saw the handshake so far.
func (s *schedule) finished(secret []byte) []byte { return proof(secret, s.sum()) }

// nextSecret is what follows a secret when keys are changed.
func nextSecret(secret []byte) []byte { return expand(secret, "traffic upd", nil, hashSize) }

// half is the protection of one direction; before the first secret there is none.
type half struct {
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
}

func (h *half) set(secret []byte) error {
	block, err := aes.NewCipher(expand(secret, "key", nil, keySize))
	if err != nil {
		return err
	}
	h.aead, err = cipher.NewGCM(block)
	if err != nil {
		return err
	}
	h.secret, h.iv, h.seq = secret, expand(secret, "iv", nil, ivSize), 0
	return nil
}

func (h *half) nonce() []byte {
	n := make([]byte, ivSize)
	binary.BigEndian.PutUint64(n[4:], h.seq)
	h.seq++
	for i := range n {
		n[i] ^= h.iv[i]
	}
	return n
}

// writeRecord sends one record; the caller sees to it that nobody else does.
func (c *Conn) writeRecord(kind byte, body []byte) error {
	if c.out.aead == nil || kind == recordCCS {
		rec := append([]byte{kind, versionTLS12 >> 8, versionTLS12 & 0xff, byte(len(body) >> 8), byte(len(body))}, body...)
		_, err := c.Conn.Write(rec)
		return err
	}
	n := len(body) + 1 + c.out.aead.Overhead()
	rec := make([]byte, 5, 5+n)
	rec[0], rec[1], rec[2] = recordData, versionTLS12>>8, versionTLS12&0xff
	binary.BigEndian.PutUint16(rec[3:], uint16(n))
	plain := append(append(make([]byte, 0, len(body)+1), body...), kind)
	rec = c.out.aead.Seal(rec, c.out.nonce(), plain, rec[:5])
	_, err := c.Conn.Write(rec)
	return err
}

// readRecord reads one record and gives what it holds.
func (c *Conn) readRecord() (byte, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(c.Conn, head[:]); err != nil {
		if err == io.EOF { //nolint:errorlint // as ReadFull gives it: nothing at all came
			err = io.ErrUnexpectedEOF // closed without a word
		}
		return 0, nil, err
	}
	kind, n := head[0], int(binary.BigEndian.Uint16(head[3:]))
	if kind < recordCCS || kind > recordData || head[1] != 3 {
		return 0, nil, alert(alertUnexpected, "what came is not TLS")
	}
	if n > maxCipher || c.in.aead == nil && n > maxPlain {
		return 0, nil, alert(alertOverflow, "a record of %d bytes", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(c.Conn, body); err != nil {
		return 0, nil, err
	}
	if c.in.aead == nil || kind == recordCCS {
		return kind, body, nil
	}
	if kind != recordData {
		if kind == recordAlert && n == 2 && c.Identity == "" {
			return kind, body, nil // an end that could not take the handshake's keys
		}
		return 0, nil, alert(alertUnexpected, "a record without protection")
	}
	plain, err := c.in.aead.Open(body[:0], c.in.nonce(), body, head[:])
	if err != nil {
		return 0, nil, alert(alertBadRecord, "a record was changed on its way")
	}
	i := len(plain) - 1
	for i >= 0 && plain[i] == 0 {
		i--
	}
	if i < 0 {
		return 0, nil, alert(alertUnexpected, "a record without a type")
	}
	if i > maxPlain {
		return 0, nil, alert(alertOverflow, "a record of %d bytes", i)
	}
	return plain[i], plain[:i], nil
}

func randomBytes(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := rand.Read(b)
	return b, err
}
