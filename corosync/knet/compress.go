package knet

import (
	"bytes"
	"compress/bzip2"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	packer "github.com/dsnet/compress/bzip2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Compression is how a host compresses what it sends. The zero value does not.
// What others compressed is read in any case.
type Compression struct {
	Model     string // none, zlib, lz4, lz4hc, lzo2, lzma, bzip2, zstd
	Threshold int    // packets of fewer bytes stay as they are; 0 is 100
	Level     int    // the model's own; 0 is its usual one
}

// model is a way to compress, with its number on the wire.
type model struct {
	name   string
	number uint8
	pack   func(b []byte, level int) ([]byte, error)
	// unpack gives at most limit bytes; of more it may give limit+1.
	unpack func(b []byte, limit int) ([]byte, error)
}

var models = []model{
	{"zlib", 1, packZlib, func(b []byte, limit int) ([]byte, error) {
		r, err := zlib.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		return readUpTo(r, limit)
	}},
	{"lz4", 2, packLZ4, unpackLZ4},
	{"lz4hc", 3, func(b []byte, level int) ([]byte, error) {
		c := lz4.CompressorHC{Level: lz4.Level9}
		if level > 0 && level < 9 {
			c.Level = lz4.CompressionLevel(1 << (8 + level))
		}
		return blockLZ4(b, c.CompressBlock)
	}, unpackLZ4},
	{"lzo2", 4, packLZO, unpackLZO},
	{"lzma", 5, packXZ, unpackXZ},
	{"bzip2", 6, packBzip2, func(b []byte, limit int) ([]byte, error) { return readUpTo(bzip2.NewReader(bytes.NewReader(b)), limit) }},
	{"zstd", 7, packZstd, unpackZstd},
}

// resettable is a writer that can begin anew, so that its tables are made once and not for each packet.
type resettable interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// idle keeps the writers that are not in use, by model and level.
var idle sync.Map // of writerKey to *sync.Pool

type writerKey struct {
	model string
	level int
}

// packWith compresses with an idle writer of the model and level, or a new one.
func packWith(key writerKey, b []byte, fresh func() (resettable, error)) ([]byte, error) {
	v, ok := idle.Load(key)
	if !ok {
		v, _ = idle.LoadOrStore(key, &sync.Pool{})
	}
	pool := v.(*sync.Pool)
	w, ok := pool.Get().(resettable)
	if !ok {
		var err error
		if w, err = fresh(); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	w.Reset(&out)
	packed, err := finish(&out, w, b)
	if err == nil {
		pool.Put(w)
	}
	return packed, err
}

func packZlib(b []byte, level int) ([]byte, error) {
	return packWith(writerKey{"zlib", level}, b, func() (resettable, error) {
		l := level
		if l == 0 {
			l = zlib.DefaultCompression
		}
		return zlib.NewWriterLevel(nil, l)
	})
}

// bzip2Writer has the Reset of the others; the packer's own fails only with a writer that was not made by NewWriter.
type bzip2Writer struct{ *packer.Writer }

func (w bzip2Writer) Reset(out io.Writer) { _ = w.Writer.Reset(out) }

func packBzip2(b []byte, level int) ([]byte, error) {
	return packWith(writerKey{"bzip2", level}, b, func() (resettable, error) {
		w, err := packer.NewWriter(nil, &packer.WriterConfig{Level: level})
		return bzip2Writer{w}, err
	})
}

func finish(out *bytes.Buffer, w io.WriteCloser, b []byte) ([]byte, error) {
	_, err := w.Write(b)
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	return out.Bytes(), err
}

func readUpTo(r io.Reader, limit int) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, int64(limit)+1))
}

func packLZ4(b []byte, _ int) ([]byte, error) {
	var c lz4.Compressor
	return blockLZ4(b, c.CompressBlock)
}

func blockLZ4(b []byte, compress func(src, dst []byte) (int, error)) ([]byte, error) {
	out := make([]byte, lz4.CompressBlockBound(len(b)))
	n, err := compress(b, out)
	return out[:n], err
}

func unpackLZ4(b []byte, limit int) ([]byte, error) {
	out := make([]byte, limit)
	n, err := lz4.UncompressBlock(b, out)
	return out[:max(n, 0)], err
}

// zstdTools are costly to make, and safe to share.
var zstdTools = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxPacket+1), zstd.WithDecoderMaxWindow(8<<20))
})

func packZstd(b []byte, level int) ([]byte, error) {
	l := zstd.SpeedDefault
	if level != 0 {
		l = zstd.EncoderLevelFromZstd(level)
	}
	return packWith(writerKey{"zstd", int(l)}, b, func() (resettable, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(l), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(128<<10))
	})
}

func unpackZstd(b []byte, _ int) ([]byte, error) {
	d, err := zstdTools()
	if err != nil {
		return nil, err
	}
	return d.DecodeAll(b, nil)
}

// ErrModel is wrapped by the error about a compression that is not built.
var ErrModel = errors.New("not supported yet")

// compressor finds the model of a configuration; nil for none.
func (c Compression) compressor() (*model, error) {
	if c.Model == "" || c.Model == "none" {
		return nil, nil
	}
	i := slices.IndexFunc(models, func(m model) bool { return m.name == c.Model })
	if i < 0 {
		return nil, fmt.Errorf("%w: knet_compression_model %s", ErrModel, c.Model)
	}
	return &models[i], nil
}

// shrink compresses a packet where that is wanted and makes it smaller.
func (n *Net) shrink(packet []byte) (b []byte, number uint8) {
	least := n.cfg.Compression.Threshold
	if least == 0 {
		least = 100
	}
	if n.packer == nil {
		return packet, 0
	}
	if len(packet) <= least {
		n.tx.Plain++
		return packet, 0
	}
	began := n.begin(&n.tx.compressTimed)
	out, err := n.packer.pack(packet, n.cfg.Compression.Level)
	n.took(&n.tx.CompressTime, began)
	if err != nil || len(out) == 0 || len(out) >= len(packet) {
		n.tx.Plain++
		return packet, 0
	}
	n.tx.Compressed++
	n.tx.CompressedFrom += uint64(len(packet))
	n.tx.CompressedTo += uint64(len(out))
	return out, n.packer.number
}

// grown is grow, counted.
func (n *Net) grown(b []byte, number uint8) ([]byte, error) {
	if number == 0 {
		return b, nil
	}
	began := n.begin(&n.rx.compressTimed)
	out, err := grow(b, number)
	n.took(&n.rx.CompressTime, began)
	if err == nil {
		n.rx.Compressed++
		n.rx.CompressedFrom += uint64(len(out))
		n.rx.CompressedTo += uint64(len(b))
	}
	return out, err
}

// grow is shrink's other end.
func grow(b []byte, number uint8) ([]byte, error) {
	if number == 0 {
		return b, nil
	}
	i := slices.IndexFunc(models, func(m model) bool { return m.number == number })
	if i < 0 {
		return nil, fmt.Errorf("%w: compressed packets (model %d)", ErrModel, number)
	}
	out, err := models[i].unpack(b, MaxPacket)
	switch {
	case err != nil:
		return nil, fmt.Errorf("a packet compressed with %s: %w", models[i].name, err)
	case len(out) > MaxPacket:
		return nil, fmt.Errorf("a packet compressed with %s has more than %d bytes", models[i].name, MaxPacket)
	}
	return out, nil
}
