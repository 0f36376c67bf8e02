package knet

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"io"
)

// seal encrypts and signs packets: a random IV, the packet in AES-CBC with
// padding, and an HMAC over both. Without cipher the packet is signed only;
// without both it goes as it is.
type seal struct {
	block cipher.Block // nil: in the clear
	keys  *schedule    // nil: the standard library encrypts
	hash  func() hash.Hash
	size  int // of the HMAC
	key   []byte
	rand  io.Reader
	// digest is where the last sum is.
	digest [sha512.Size]byte
	mac    hash.Hash        // made once: it begins with the key's own hashes
	enc    cipher.BlockMode // with SetIV
	dec    cipher.BlockMode
	// ivs is what is left of ivStore.
	ivs, ivStore []byte
	lanes        [][]byte
}

// startAt has a mode begin anew with an IV; made is the one to be used.
func startAt(mode *cipher.BlockMode, iv []byte, make func(iv []byte) cipher.BlockMode) (made cipher.BlockMode) {
	if m, ok := (*mode).(interface{ SetIV([]byte) }); ok {
		m.SetIV(iv)
	} else {
		*mode = make(iv)
	}
	return *mode
}

// Limits of keys, in bytes.
const (
	MinKey = 128
	MaxKey = 4096
)

var errForged = errors.New("the packet is not signed with the cluster's key")

func newSeal(cipherName, hashName string, key []byte, rand io.Reader) (*seal, error) {
	s := &seal{key: key, rand: rand}
	bytes := 0
	switch cipherName {
	case "", "none":
	case "aes128":
		bytes = 16
	case "aes192":
		bytes = 24
	case "aes256":
		bytes = 32
	default:
		return nil, fmt.Errorf("crypto_cipher %s is not known", cipherName)
	}
	switch hashName {
	case "", "none":
		if bytes > 0 {
			return nil, fmt.Errorf("crypto_cipher %s without crypto_hash", cipherName)
		}
		return s, nil
	case "md5":
		s.hash, s.size = md5.New, md5.Size
	case "sha1":
		s.hash, s.size = sha1.New, sha1.Size
	case "sha256":
		s.hash, s.size = sha256.New, sha256.Size
	case "sha384":
		s.hash, s.size = sha512.New384, sha512.Size384
	case "sha512":
		s.hash, s.size = sha512.New, sha512.Size
	default:
		return nil, fmt.Errorf("crypto_hash %s is not known", hashName)
	}
	if len(key) < MinKey || len(key) > MaxKey {
		return nil, fmt.Errorf("a key of %d bytes; %d to %d are possible", len(key), MinKey, MaxKey)
	}
	if bytes > 0 {
		block, err := aes.NewCipher(key[:bytes])
		if err != nil {
			return nil, err
		}
		s.block, s.keys = block, newSchedule(key[:bytes])
	}
	return s, nil
}

func (s *seal) sum(b []byte) []byte {
	if s.mac == nil {
		s.mac = hmac.New(s.hash, s.key)
	}
	s.mac.Reset()
	s.mac.Write(b)
	return s.mac.Sum(s.digest[:0])
}

// close is a packet, given in parts, as it travels: in a block of its own.
func (s *seal) close(parts ...[]byte) ([]byte, error) {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	list := [1][]byte{}
	var err error
	if list[0], err = s.lay(make([]byte, 0, s.sealed(n)), parts...); err != nil {
		return nil, err
	}
	s.finish(list[:])
	return list[0], nil
}

// lay puts a packet, given in parts, into a block that is empty and has room for all that sealed tells, as finish takes it.
func (s *seal) lay(b []byte, parts ...[]byte) ([]byte, error) {
	iv, n := 0, 0
	if s.block != nil {
		iv = aes.BlockSize
	}
	b = b[:iv]
	for _, p := range parts {
		b = append(b, p...)
		n += len(p)
	}
	if s.block == nil {
		return b, nil
	}
	pad := aes.BlockSize - n%aes.BlockSize
	for range pad {
		b = append(b, byte(pad))
	}
	return b, s.newIV(b[:iv])
}

// newIV yields what an IV is made of; it is fetched for many.
func (s *seal) newIV(iv []byte) error {
	if len(s.ivs) < len(iv) {
		if s.ivStore == nil {
			s.ivStore = make([]byte, 64*aes.BlockSize)
		}
		if _, err := io.ReadFull(s.rand, s.ivStore); err != nil {
			return err
		}
		s.ivs = s.ivStore
	}
	s.ivs = s.ivs[copy(iv, s.ivs):]
	return nil
}

// finish encrypts and signs packets that were laid, side by side where the processor can do that.
func (s *seal) finish(list [][]byte) {
	switch {
	case s.hash == nil:
		return
	case s.keys != nil:
		s.lanes = append(s.lanes[:0], list...)
		s.keys.encrypt(s.lanes)
		clear(s.lanes)
	case s.block != nil:
		for _, b := range list {
			startAt(&s.enc, b[:aes.BlockSize], func(iv []byte) cipher.BlockMode { return cipher.NewCBCEncrypter(s.block, iv) }).CryptBlocks(b[aes.BlockSize:], b[aes.BlockSize:])
		}
	}
	for i, b := range list {
		list[i] = append(b, s.sum(b)...)
	}
}

// open is the packet in a datagram, in its block.
func (s *seal) open(b []byte) ([]byte, error) {
	if s.hash == nil {
		return b, nil
	}
	if len(b) < s.size {
		return nil, errForged
	}
	signed, sum := b[:len(b)-s.size], b[len(b)-s.size:]
	if subtle.ConstantTimeCompare(s.sum(signed), sum) != 1 {
		return nil, errForged
	}
	if s.block == nil {
		return signed, nil
	}
	if len(signed) < 2*aes.BlockSize || len(signed)%aes.BlockSize != 0 {
		return nil, errForged
	}
	plain := signed[aes.BlockSize:]
	if s.keys != nil {
		s.keys.decrypt(signed)
	} else {
		startAt(&s.dec, signed[:aes.BlockSize], func(iv []byte) cipher.BlockMode { return cipher.NewCBCDecrypter(s.block, iv) }).CryptBlocks(plain, plain)
	}
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > aes.BlockSize {
		return nil, errForged
	}
	return plain[:len(plain)-pad], nil
}

// sealed is how long the datagram of a packet is.
func (s *seal) sealed(packet int) int {
	if s.block != nil {
		packet = aes.BlockSize + packet/aes.BlockSize*aes.BlockSize + aes.BlockSize
	}
	return packet + s.size
}

// room is how long a packet may be so that its datagram has at most size bytes.
func (s *seal) room(size int) int {
	if s.hash == nil {
		return size
	}
	size -= s.size
	if s.block != nil {
		size = (size-aes.BlockSize)/aes.BlockSize*aes.BlockSize - 1
	}
	return size
}
