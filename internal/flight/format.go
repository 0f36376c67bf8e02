package flight

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"hacluster/internal/logging"
)

// A file is, in the writer's byte order, which is taken for that of small ends:
//
//	a header of 5 words that says that times have nanoseconds; files of libqb before 2.0 have none
//	a header of 5 words: how many words of data there are, where the next entry goes, where the oldest one is, a version, the sum of these
//	the data, a ring of words. Each entry has two words before it, its length in bytes and a mark, and ends at a word's end
//
// and an entry: the line in the source (4 bytes), tags (4), severity (1), the length of the function's name (4) and that name with a NUL, seconds and nanoseconds
// (8 each; of old seconds alone), the length of the message (4) and that message: a format of printf's with its NUL, and the values for it.
const (
	mark       = 0xA1A1A1A1
	version    = 1
	page       = 4096 // the ring's size is a number of these
	margin     = 13   // bytes that the ring has at least beside its entries
	newRead    = 0xCCBBCCBB
	newWrite   = 0xBBCCBBCC
	newVersion = 2
	// most is how long a message may be, with its format.
	most = 511
	// least is the size of an entry without its texts.
	least = 4 + 4 + 1 + 4 + 4
)

var order = binary.LittleEndian

// format is that of our messages: a text, as it is.
const format = "%s\x00"

// cut shortens the texts to what an entry takes.
func (e *Entry) cut() {
	clean := func(s string, most int) string { return strings.ReplaceAll(s[:min(len(s), most)], "\x00", " ") }
	e.Func, e.Text = clean(e.Func, 128), clean(e.Text, most-len(format)-1)
}

// room is how many bytes of the ring an entry takes.
func (e *Entry) room() int {
	return 8 + (least+16+len(e.Func)+1+len(format)+len(e.Text)+1+3)/4*4
}

func (e *Entry) marshal() []byte {
	b := order.AppendUint32(nil, e.Line)
	b = order.AppendUint32(b, e.Tags)
	b = append(b, byte(e.Severity))
	b = order.AppendUint32(b, uint32(len(e.Func)+1))
	b = append(append(b, e.Func...), 0)
	b = order.AppendUint64(b, uint64(e.Time.Unix()))
	b = order.AppendUint64(b, uint64(e.Time.Nanosecond()))
	b = order.AppendUint32(b, uint32(len(format)+len(e.Text)+1))
	b = append(b, format...)
	return append(append(b, e.Text...), 0)
}

// Marshal is a file with these entries, whose texts are cut where they are too long.
func Marshal(entries []Entry) []byte {
	var data []byte
	for _, e := range entries {
		e.cut()
		b := e.marshal()
		data = order.AppendUint32(data, uint32(len(b)))
		data = order.AppendUint32(data, mark)
		data = append(data, b...)
		for len(data)%4 != 0 {
			data = append(data, 0)
		}
	}
	end := uint32(len(data) / 4)
	size := (len(data) + margin + page - 1) / page * page
	words := uint32(size / 4)
	var out []byte
	for _, w := range []uint32{0, newRead, newWrite, newVersion, 0, words, end, 0, version, words + end + version} {
		out = order.AppendUint32(out, w)
	}
	return append(append(out, data...), make([]byte, size-len(data))...)
}

// ErrFormat is what errors about files wrap that are no blackbox, or a damaged one.
var ErrFormat = errors.New("no blackbox of libqb")

// Parse reads a file's entries, the oldest first. With an error, which wraps ErrFormat, come those before the damage.
func Parse(file []byte) ([]Entry, error) {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
	}
	fine := false
	header := func() (h [5]uint32, ok bool) {
		if len(file) < 20 {
			return h, false
		}
		for i := range h {
			h[i] = order.Uint32(file[4*i:])
		}
		return h, true
	}
	h, ok := header()
	if ok && h == [5]uint32{0, newRead, newWrite, newVersion, 0} {
		fine, file = true, file[20:]
		h, ok = header()
	}
	words, end, at := h[0], h[1], h[2]
	switch {
	case !ok:
		return nil, wrong("it ends in its header")
	case h[3] != version || h[4] != words+end+at+h[3]:
		return nil, wrong("its header is of another version, or damaged")
	case words == 0 || uint64(words)*4 != uint64(len(file)-20) || end >= words || at >= words:
		return nil, wrong("its header tells of %d words, from %d to %d, where there are %d bytes", words, at, end, len(file)-20)
	}
	data := file[20:]
	word := func(i uint32) uint32 { return order.Uint32(data[i%words*4:]) }
	var out []Entry
	for left := words; at != end; {
		size, tag := word(at), word(at+1)
		step := 2 + (uint64(size)+3)/4
		if tag != mark || step > uint64(left) {
			return out, wrong("what stands at word %d is no entry", at)
		}
		b := make([]byte, 0, step*4)
		for i := at + 2; len(b) < int(size); i++ {
			b = order.AppendUint32(b, word(i))
		}
		e, err := parseEntry(b[:size], fine)
		if err != nil {
			return out, wrong("entry at word %d: %v", at, err)
		}
		out = append(out, e)
		left -= uint32(step)
		at = uint32((uint64(at) + step) % uint64(words))
	}
	return out, nil
}

var errShort = errors.New("it ends too early")

func parseEntry(b []byte, fine bool) (e Entry, err error) {
	take := func(n uint32) (out []byte) {
		if uint64(n) > uint64(len(b)) {
			err, b = errShort, nil
			return make([]byte, 16)
		}
		out, b = b[:n], b[n:]
		return out
	}
	e.Line, e.Tags = order.Uint32(take(4)), order.Uint32(take(4))
	e.Severity = int(take(1)[0])
	e.Func = text(take(order.Uint32(take(4))))
	sec, nsec := order.Uint64(take(8)), uint64(0)
	if fine {
		nsec = order.Uint64(take(8))
	}
	e.Time = time.Unix(int64(sec), int64(nsec))
	message := take(order.Uint32(take(4)))
	if err != nil {
		return e, err
	}
	e.Text = strings.TrimRight(fill(message), "\n")
	return e, nil
}

// text is a string of C's.
func text(b []byte) string {
	s, _, _ := bytes.Cut(b, []byte{0})
	return string(s)
}

var severities = [...]string{"emerg", "alert", "crit", "error", "warning", "notice", "info", "debug", "trace"}

// String is an entry as qb-blackbox prints it.
func (e Entry) String() string {
	return fmt.Sprintf("%-7s %s %s(%d):%d: %s", severities[min(max(0, e.Severity), len(severities)-1)], e.Time.Format("Jan 02 15:04:05.000"), logging.OneLine(e.Func), e.Line, e.Tags, logging.OneLine(e.Text))
}
