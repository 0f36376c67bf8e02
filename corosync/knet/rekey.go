package knet

import (
	"bytes"
	"time"
)

// oldKeyGrace is how long packets with the old key are still taken after CleanUp: those of
// hosts that are a step behind.
const oldKeyGrace = 2 * time.Second

// NewKey begins a change of cipher, hash or key without an outage: from now on packets with the
// new ones are taken as well. changed is false where they are those in use. When all
// hosts have come so far, each calls Activate, and after that CleanUp.
func (n *Net) NewKey(cipher, hash string, key []byte) (changed bool, err error) {
	if cipher == n.cfg.Cipher && hash == n.cfg.Hash && bytes.Equal(key, n.cfg.Key) {
		return false, nil
	}
	s, err := newSeal(cipher, hash, key, n.cfg.Rand)
	if err != nil {
		return false, err
	}
	n.cfg.Cipher, n.cfg.Hash, n.cfg.Key = cipher, hash, key
	n.other, n.otherUntil = s, time.Time{}
	n.fragment = 0
	return true, nil
}

// Activate sends with the new key.
func (n *Net) Activate() {
	if n.other != nil && n.otherUntil.IsZero() {
		n.seal, n.other = n.other, n.seal
		n.fragment = 0
	}
}

// CleanUp forgets the old key, soon.
func (n *Net) CleanUp(now time.Time) {
	if n.other != nil {
		n.otherUntil = now.Add(oldKeyGrace)
	}
}

// unseal opens a datagram with the present key, or with the other one while a change is
// under way. A seal that does nothing comes last: it would take anything.
func (n *Net) unseal(now time.Time, b []byte) ([]byte, error) {
	if n.other != nil && !n.otherUntil.IsZero() && now.After(n.otherUntil) {
		n.other = nil
		n.fragment = 0
	}
	first, second := n.seal, n.other
	if second != nil && first.hash == nil {
		first, second = second, first
	}
	p, err := first.open(b)
	if err != nil && second != nil {
		p, err = second.open(b)
	}
	return p, err
}

// room is what fits a datagram with either key.
func (n *Net) room(size int) int {
	r := n.seal.room(size)
	if n.other != nil {
		r = min(r, n.other.room(size))
	}
	return r
}
