package tlspsk

import (
	"bytes"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// message puts a handshake message's header before its body.
func message(kind byte, body []byte) []byte {
	n := len(body)
	return append([]byte{kind, byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}

// clientHello is the first message of a connection.
type clientHello struct {
	random   [32]byte
	session  [sessionIDSize]byte
	identity string
	share    []byte // X25519
}

type builder = cryptobyte.Builder

func extension(b *builder, kind uint16, f func(*builder)) {
	b.AddUint16(kind)
	b.AddUint16LengthPrefixed(f)
}

// marshal gives the message, with the proof that s's key is known.
func (h *clientHello) marshal(s *schedule) []byte {
	var b builder
	b.AddUint8(typeClientHello)
	b.AddUint24LengthPrefixed(func(b *builder) {
		b.AddUint16(versionTLS12)
		b.AddBytes(h.random[:])
		b.AddUint8LengthPrefixed(func(b *builder) { b.AddBytes(h.session[:]) })
		b.AddUint16LengthPrefixed(func(b *builder) { b.AddUint16(suiteAES128) })
		b.AddUint8LengthPrefixed(func(b *builder) { b.AddUint8(0) })
		b.AddUint16LengthPrefixed(func(b *builder) {
			extension(b, extGroups, func(b *builder) {
				b.AddUint16LengthPrefixed(func(b *builder) { b.AddUint16(groupX25519) })
			})
			extension(b, extVersions, func(b *builder) {
				b.AddUint8LengthPrefixed(func(b *builder) { b.AddUint16(versionTLS13) })
			})
			extension(b, extModes, func(b *builder) {
				b.AddUint8LengthPrefixed(func(b *builder) { b.AddUint8(modeDHE) })
			})
			extension(b, extShares, func(b *builder) {
				b.AddUint16LengthPrefixed(func(b *builder) {
					b.AddUint16(groupX25519)
					b.AddUint16LengthPrefixed(func(b *builder) { b.AddBytes(h.share) })
				})
			})
			extension(b, extPSK, func(b *builder) {
				b.AddUint16LengthPrefixed(func(b *builder) {
					b.AddUint16LengthPrefixed(func(b *builder) { b.AddBytes([]byte(h.identity)) })
					b.AddUint32(0)
				})
				b.AddUint16LengthPrefixed(func(b *builder) {
					b.AddUint8LengthPrefixed(func(b *builder) { b.AddBytes(make([]byte, hashSize)) })
				})
			})
		})
	})
	msg := b.BytesOrPanic()
	cut := len(msg) - hashSize - 3
	copy(msg[cut+3:], s.binder(msg[:cut]))
	return msg
}

// offer is what a client offers, as far as it can be taken up.
type offer struct {
	session    []byte
	group      uint16
	share      []byte
	identities []string
	binders    [][]byte
	truncated  []byte // the message up to the proofs
}

type input = cryptobyte.String

// extensions reads a list of extensions; each may be there once. last tells which came last.
func extensions(in input) (list map[uint16]input, last uint16, err error) {
	list = map[uint16]input{}
	for !in.Empty() {
		var (
			kind uint16
			body input
		)
		if !in.ReadUint16(&kind) || !in.ReadUint16LengthPrefixed(&body) {
			return nil, 0, alert(alertDecode, "an extension is cut off")
		}
		if _, twice := list[kind]; twice {
			return nil, 0, alert(alertIllegal, "extension %d is there twice", kind)
		}
		list[kind], last = body, kind
	}
	return list, last, nil
}

// parseClientHello reads a client's first message, header included.
func parseClientHello(msg []byte) (*offer, error) {
	o := &offer{}
	cut := alert(alertDecode, "the client's first message is cut off")
	in := input(msg[4:])
	var (
		version                     uint16
		session, suites, compresses input
		exts                        input
	)
	if !in.ReadUint16(&version) || !in.Skip(32) || !in.ReadUint8LengthPrefixed(&session) || len(session) > sessionIDSize ||
		!in.ReadUint16LengthPrefixed(&suites) || !in.ReadUint8LengthPrefixed(&compresses) {
		return nil, cut
	}
	if !in.Empty() && (!in.ReadUint16LengthPrefixed(&exts) || !in.Empty()) {
		return nil, cut
	}
	o.session = session
	list, last, err := extensions(exts)
	if err != nil {
		return nil, err
	}
	if v := list[extVersions]; !offers16(v, true, versionTLS13) {
		return nil, alert(alertVersion, "the client does not speak TLS 1.3")
	}
	if !has16(suites, suiteAES128) {
		return nil, alert(alertHandshake, "the client does not offer TLS_AES_128_GCM_SHA256")
	}
	psk, ok := list[extPSK]
	if !ok {
		return nil, alert(alertMissing, "the client offers no shared key")
	}
	if last != extPSK {
		return nil, alert(alertIllegal, "the client's keys do not come last")
	}
	modes, ok := list[extModes]
	var ways input
	if !ok || !modes.ReadUint8LengthPrefixed(&ways) || !bytes.ContainsRune(ways, modeDHE) {
		return nil, alert(alertMissing, "the client offers no key exchange psk_dhe_ke")
	}
	var shares input
	if in := list[extShares]; !in.ReadUint16LengthPrefixed(&shares) {
		return nil, alert(alertMissing, "the client sends no key share")
	}
	for !shares.Empty() {
		var (
			group uint16
			share input
		)
		if !shares.ReadUint16(&group) || !shares.ReadUint16LengthPrefixed(&share) {
			return nil, cut
		}
		if curves[group] != nil && (o.share == nil || group == groupX25519) {
			o.group, o.share = group, share
		}
	}
	if o.share == nil {
		return nil, alert(alertHandshake, "the client sends no key share of X25519 or P-256")
	}
	var ids, proofs input
	if !psk.ReadUint16LengthPrefixed(&ids) || !psk.ReadUint16LengthPrefixed(&proofs) || !psk.Empty() {
		return nil, cut
	}
	o.truncated = msg[:len(msg)-len(proofs)-2]
	for !ids.Empty() {
		var id input
		if !ids.ReadUint16LengthPrefixed(&id) || !ids.Skip(4) {
			return nil, cut
		}
		o.identities = append(o.identities, string(id))
	}
	for !proofs.Empty() {
		var p input
		if !proofs.ReadUint8LengthPrefixed(&p) {
			return nil, cut
		}
		o.binders = append(o.binders, p)
	}
	if len(o.identities) != len(o.binders) {
		return nil, alert(alertIllegal, "%d identities have %d proofs", len(o.identities), len(o.binders))
	}
	return o, nil
}

// offers16 tells whether a list, with a length of one byte before it, holds a number.
func offers16(in input, short bool, want uint16) bool {
	var list input
	if short && !in.ReadUint8LengthPrefixed(&list) || !short && !in.ReadUint16LengthPrefixed(&list) {
		return false
	}
	return has16(list, want)
}

func has16(list input, want uint16) bool {
	var v uint16
	for list.ReadUint16(&v) {
		if v == want {
			return true
		}
	}
	return false
}

// serverHello answers a client's offer.
func serverHello(o *offer, chosen uint16, share []byte) ([]byte, error) {
	random, err := randomBytes(32)
	if err != nil {
		return nil, err
	}
	var b builder
	b.AddUint8(typeServerHello)
	b.AddUint24LengthPrefixed(func(b *builder) {
		b.AddUint16(versionTLS12)
		b.AddBytes(random)
		b.AddUint8LengthPrefixed(func(b *builder) { b.AddBytes(o.session) })
		b.AddUint16(suiteAES128)
		b.AddUint8(0)
		b.AddUint16LengthPrefixed(func(b *builder) {
			extension(b, extVersions, func(b *builder) { b.AddUint16(versionTLS13) })
			extension(b, extShares, func(b *builder) {
				b.AddUint16(o.group)
				b.AddUint16LengthPrefixed(func(b *builder) { b.AddBytes(share) })
			})
			extension(b, extPSK, func(b *builder) { b.AddUint16(chosen) })
		})
	})
	return b.Bytes()
}

// parseServerHello reads the server's answer and gives its key share.
func parseServerHello(body, session []byte) ([]byte, error) {
	cut := alert(alertDecode, "the server's first message is cut off")
	in := input(body)
	var (
		version, suite uint16
		random         []byte
		echo, exts     input
		compress       uint8
	)
	if !in.ReadUint16(&version) || !in.ReadBytes(&random, 32) || !in.ReadUint8LengthPrefixed(&echo) || !in.ReadUint16(&suite) ||
		!in.ReadUint8(&compress) || !in.ReadUint16LengthPrefixed(&exts) || !in.Empty() {
		return nil, cut
	}
	list, _, err := extensions(exts)
	if err != nil {
		return nil, err
	}
	if v, ok := list[extVersions]; !ok || !slices.Equal(v, []byte{versionTLS13 >> 8, versionTLS13 & 0xff}) {
		return nil, alert(alertVersion, "the server does not speak TLS 1.3")
	}
	if bytes.Equal(random, helloRetry[:]) {
		return nil, alert(alertHandshake, "the server does not take X25519")
	}
	if !bytes.Equal(echo, session) || suite != suiteAES128 || compress != 0 {
		return nil, alert(alertIllegal, "the server chose what was not offered")
	}
	if p, ok := list[extPSK]; !ok || !slices.Equal(p, []byte{0, 0}) {
		return nil, alert(alertHandshake, "the server does not take the shared key")
	}
	var (
		group uint16
		share input
	)
	if in := list[extShares]; !in.ReadUint16(&group) || group != groupX25519 || !in.ReadUint16LengthPrefixed(&share) || !in.Empty() {
		return nil, alert(alertIllegal, "the server's key share is not of X25519")
	}
	return share, nil
}
