package local

import (
	"fmt"

	"hacluster/corosync/cmap"
)

// Requests of cmap. A response has the request's id but where another is named.
const (
	CmapSet          = 0
	CmapDelete       = 1
	CmapGet          = 2
	CmapAdjust       = 3
	CmapIterInit     = 4
	CmapIterNext     = 5
	CmapIterFinalize = 6
	CmapTrackAdd     = 7
	CmapTrackDelete  = 8
	CmapUseMap       = 9

	CmapNotifyEvent  = 9
	CmapUseMapAnswer = 10
)

// The maps that CmapUseMap selects.
const (
	MapDefault = 0
	MapStats   = 1
)

// maxValue bounds values: a response must fit a message.
const maxValue = 1 << 20

// SetRequest asks to give a key a value.
func SetRequest(key string, v cmap.Value) []byte {
	b := request(CmapSet, 296+len(v.Data))
	b.putKey(16, key)
	b.put64(280, uint64(len(v.Data)))
	b[288] = byte(v.Type)
	copy(b[296:], v.Data)
	return b
}

// ParseSet reads a SetRequest.
func ParseSet(m []byte) (string, cmap.Value, error) {
	b := block(m)
	if err := b.need(296, "set"); err != nil {
		return "", cmap.Value{}, err
	}
	n := b.u64(280)
	if n > maxValue || uint64(len(b)) < 296+n {
		return "", cmap.Value{}, fmt.Errorf("set of %d bytes cannot hold a value of %d", len(b), n)
	}
	key, err := b.key(16)
	return key, cmap.Value{Type: cmap.Type(b[288]), Data: b[296 : 296+n]}, err
}

// KeyRequest is a request that holds a key only: delete, and iter_init with its prefix.
func KeyRequest(id int32, key string) []byte {
	b := request(id, 280)
	b.putKey(16, key)
	return b
}

// KeyOf reads the key of a request.
func KeyOf(m []byte) (string, error) {
	b := block(m)
	if err := b.need(280, "request with a key"); err != nil {
		return "", err
	}
	return b.key(16)
}

// GetRequest asks for a key's value, of at most room bytes; 0 asks for type and length only.
func GetRequest(key string, room int) []byte {
	b := request(CmapGet, 288)
	b.putKey(16, key)
	b.put64(280, uint64(room))
	return b
}

// ParseGet reads a GetRequest.
func ParseGet(m []byte) (key string, room uint64, err error) {
	b := block(m)
	if err := b.need(288, "get"); err != nil {
		return "", 0, err
	}
	key, err = b.key(16)
	return key, b.u64(280), err
}

// GetAnswer is a key's value. With withData false it tells type and length only.
func GetAnswer(status Status, v cmap.Value, withData bool) []byte {
	size := 40
	if withData {
		size += len(v.Data)
	}
	b := response(CmapGet, status, size)
	b.put64(24, uint64(len(v.Data)))
	b[32] = byte(v.Type)
	copy(b[40:], v.Data)
	return b
}

// ParseGetAnswer reads a GetAnswer. Data is nil where only the length was asked for.
func ParseGetAnswer(m []byte) (t cmap.Type, length int, data []byte, err error) {
	b := block(m)
	if err := b.need(40, "value"); err != nil {
		return 0, 0, nil, err
	}
	n := b.u64(24)
	if n > maxValue {
		return 0, 0, nil, fmt.Errorf("value of %d bytes", n)
	}
	if uint64(len(b)) >= 40+n {
		data = b[40 : 40+n]
	}
	return cmap.Type(b[32]), int(n), data, nil
}

// AdjustRequest asks to add step to a key.
func AdjustRequest(key string, step int32) []byte {
	b := request(CmapAdjust, 288)
	b.putKey(16, key)
	b.put32(280, uint32(step))
	return b
}

// ParseAdjust reads an AdjustRequest.
func ParseAdjust(m []byte) (string, int32, error) {
	b := block(m)
	if err := b.need(284, "adjust"); err != nil {
		return "", 0, err
	}
	key, err := b.key(16)
	return key, int32(b.u32(280)), err
}

// NextKey is one step of an iteration.
type NextKey struct {
	Key    string
	Type   cmap.Type
	Length int
}

// Marshal is the response's bytes.
func (k NextKey) Marshal() []byte {
	b := response(CmapIterNext, OK, 304)
	b.putKey(24, k.Key)
	b.put64(288, uint64(k.Length))
	b[296] = byte(k.Type)
	return b
}

// ParseNextKey reads a NextKey.
func ParseNextKey(m []byte) (NextKey, error) {
	b := block(m)
	if err := b.need(297, "key"); err != nil {
		return NextKey{}, err
	}
	key, err := b.key(24)
	return NextKey{key, cmap.Type(b[296]), int(b.u64(288))}, err
}

// TrackAdd asks to be told of changes. Instance comes back in each Notify.
type TrackAdd struct {
	Key      string
	What     cmap.Change
	Instance uint64
}

// Marshal is the request's bytes.
func (t TrackAdd) Marshal() []byte {
	b := request(CmapTrackAdd, 296)
	b.putKey(16, t.Key)
	b.put32(280, uint32(t.What))
	b.put64(288, t.Instance)
	return b
}

// ParseTrackAdd reads a TrackAdd.
func ParseTrackAdd(m []byte) (TrackAdd, error) {
	b := block(m)
	if err := b.need(296, "track request"); err != nil {
		return TrackAdd{}, err
	}
	key, err := b.key(16)
	return TrackAdd{key, cmap.Change(b.u32(280)), b.u64(288)}, err
}

// Notify tells of a change.
type Notify struct {
	Instance uint64
	cmap.Event
}

// Marshal is the event's bytes.
func (n Notify) Marshal() []byte {
	b := response(CmapNotifyEvent, OK, 336+len(n.New.Data)+len(n.Old.Data))
	b.put64(24, n.Instance)
	b.putKey(32, n.Key)
	b.put32(296, uint32(n.Change))
	b[304], b[312] = byte(n.New.Type), byte(n.Old.Type)
	b.put64(320, uint64(len(n.New.Data)))
	b.put64(328, uint64(len(n.Old.Data)))
	copy(b[336:], n.New.Data)
	copy(b[336+len(n.New.Data):], n.Old.Data)
	return b
}

// ParseNotify reads a Notify.
func ParseNotify(m []byte) (Notify, error) {
	b := block(m)
	if err := b.need(336, "notification"); err != nil {
		return Notify{}, err
	}
	nn, on := b.u64(320), b.u64(328)
	if nn > maxValue || on > maxValue || uint64(len(b)) < 336+nn+on {
		return Notify{}, fmt.Errorf("notification of %d bytes cannot hold values of %d and %d", len(b), nn, on)
	}
	key, err := b.key(32)
	return Notify{b.u64(24), cmap.Event{
		Change: cmap.Change(b.u32(296)), Key: key,
		New: cmap.Value{Type: cmap.Type(b[304]), Data: b[336 : 336+nn]},
		Old: cmap.Value{Type: cmap.Type(b[312]), Data: b[336+nn : 336+nn+on]},
	}}, err
}

// UseMap asks for another map: MapDefault or MapStats.
func UseMap(which uint32) []byte { return numberRequest(CmapUseMap, which) }
