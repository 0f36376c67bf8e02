package knet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// A packet compressed as lzma is an .xz stream of one block with the one filter LZMA2 (The .xz File Format, 1.1.0).
const (
	xzStreamHeader = 12
	xzFilterLZMA2  = 0x21
)

var (
	xzMagic     = []byte("\xfd7zXZ\x00")
	errXZHeader = errors.New("its block header is not one of a single LZMA2 filter")
)

// packXZ compresses with a dictionary that just holds the packet.
func packXZ(b []byte, _ int) ([]byte, error) {
	dict := lzma.MinDictCap
	for dict < len(b) {
		dict *= 2
	}
	var out bytes.Buffer
	w, err := xz.WriterConfig{NoCheckSum: true, DictCap: dict, BufSize: lzma.MinDictCap}.NewWriter(&out)
	if err != nil {
		return nil, err
	}
	return finish(&out, w, b)
}

// unpackXZ reads the stream's first block. The dictionary that its header asks for, up to 4 GiB, is not
// made: nothing in a packet is further back than the packet's greatest size.
func unpackXZ(b []byte, limit int) ([]byte, error) {
	data, err := xzBlock(b)
	if err != nil {
		return nil, err
	}
	r, err := lzma.Reader2Config{DictCap: max(limit, lzma.MinDictCap)}.NewReader2(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return readUpTo(r, limit)
}

// xzBlock gives what follows the header of the first block.
func xzBlock(b []byte) ([]byte, error) {
	if len(b) <= xzStreamHeader || !bytes.HasPrefix(b, xzMagic) {
		return nil, errors.New("it is no .xz stream")
	}
	b = b[xzStreamHeader:]
	size := (int(b[0]) + 1) * 4
	if size < 8 || size > len(b) {
		return nil, io.ErrUnexpectedEOF
	}
	header, data := b[:size-4], b[size:]
	if sum := binary.LittleEndian.Uint32(b[size-4:]); sum != crc32.ChecksumIEEE(header) {
		return nil, errors.New("the checksum of its block header is wrong")
	}
	flags, rest := header[1], header[2:]
	if flags&0x3f != 0 { // more filters than one, or flags of the future
		return nil, errXZHeader
	}
	for _, present := range []byte{0x40, 0x80} { // compressed and uncompressed size
		if flags&present == 0 {
			continue
		}
		_, n := binary.Uvarint(rest)
		if n <= 0 {
			return nil, errXZHeader
		}
		rest = rest[n:]
	}
	if len(rest) < 3 || rest[0] != xzFilterLZMA2 || rest[1] != 1 {
		return nil, errXZHeader
	}
	if rest[2] > 40 {
		return nil, fmt.Errorf("%w: dictionary size %d", errXZHeader, rest[2])
	}
	return data, nil
}
