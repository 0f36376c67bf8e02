// Package cmap is Corosync's map of keys: configuration and state of the daemon
// as typed values under dotted names, such as nodelist.node.0.nodeid (u32).
//
// A Map holds the keys and tells those who track them what changes. It does no
// I/O and is not safe for concurrent use: it belongs to the daemon's loop.
package cmap

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Errors of a Map.
var (
	ErrName     = errors.New("not a valid key")
	ErrNotExist = errors.New("no such key")
	ErrNotInt   = errors.New("not an integer")
	ErrReadOnly = errors.New("the key is read-only")
)

// Names have 3 to 255 characters.
const (
	MinName = 3
	MaxName = 255
)

// ValidName tells whether name can be a key: 3 to 255 of a-z A-Z 0-9 . _ - / :
func ValidName(name string) bool { return len(name) >= MinName && ValidPrefix(name) }

// ValidPrefix tells whether a key can begin with prefix.
func ValidPrefix(prefix string) bool {
	if len(prefix) > MaxName {
		return false
	}
	for _, c := range []byte(prefix) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-/:", c) >= 0) {
			return false
		}
	}
	return true
}

// Change is a kind of change to a key, with the bits that the protocol uses.
type Change int32

// The kinds, and the bit that makes a tracked name a prefix.
const (
	Deleted  Change = 1
	Modified Change = 2
	Added    Change = 4
	Prefix   Change = 8
)

// Event is one change. Old is without type where the key was added, New where it was deleted.
type Event struct {
	Change   Change
	Key      string
	Old, New Value
}

// Tracker is somebody who watches keys.
type Tracker struct {
	name string
	what Change
	tell func(Event)
}

// Map holds keys. Its zero value is empty and ready.
type Map struct {
	values   map[string]Value
	sorted   []string // the keys; nil when it must be made again
	readOnly []string // keys, or prefixes when they end in "."
	trackers []*Tracker
}

// Get is the value of a key; ErrName or ErrNotExist.
func (m *Map) Get(key string) (Value, error) {
	if !ValidName(key) {
		return Value{}, ErrName
	}
	v, ok := m.values[key]
	if !ok {
		return Value{}, ErrNotExist
	}
	return v, nil
}

// Text is the string of a key, "" where there is none or it is no string.
func (m *Map) Text(key string) string { s, _ := m.values[key].Text(); return s }

// Uint is the integer of a key, 0 where there is none or it is none.
func (m *Map) Uint(key string) uint64 { u, _ := m.values[key].Uint(); return u }

// Set gives a key a value. Trackers hear of it when it is not the same as before.
func (m *Map) Set(key string, v Value) error {
	if !ValidName(key) {
		return ErrName
	}
	if err := v.Check(); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	v.Data = slices.Clone(v.Data)
	old, had := m.values[key]
	if had && old.Type == v.Type && bytes.Equal(old.Data, v.Data) {
		return nil
	}
	if m.values == nil {
		m.values = map[string]Value{}
	}
	m.values[key] = v
	change := Modified
	if !had {
		m.sorted = nil
		change = Added
	}
	m.tell(Event{change, key, old, v})
	return nil
}

// Delete removes a key.
func (m *Map) Delete(key string) error {
	old, err := m.Get(key)
	if err != nil {
		return err
	}
	delete(m.values, key)
	m.sorted = nil
	m.tell(Event{Deleted, key, old, Value{}})
	return nil
}

// Adjust adds step to an integer.
func (m *Map) Adjust(key string, step int32) error {
	v, err := m.Get(key)
	if err != nil {
		return err
	}
	u, ok := v.Uint()
	if !ok {
		return ErrNotInt
	}
	return m.Set(key, integer(v.Type, u+uint64(int64(step))))
}

// Keys lists the keys that begin with prefix, in the order of their bytes.
func (m *Map) Keys(prefix string) []string {
	if m.sorted == nil {
		m.sorted = make([]string, 0, len(m.values))
		for k := range m.values {
			m.sorted = append(m.sorted, k)
		}
		slices.Sort(m.sorted)
	}
	from, _ := slices.BinarySearch(m.sorted, prefix)
	to := from
	for to < len(m.sorted) && strings.HasPrefix(m.sorted[to], prefix) {
		to++
	}
	return slices.Clone(m.sorted[from:to])
}

// Protect makes keys read-only for clients; a name that ends in "." stands for all keys below it.
func (m *Map) Protect(names ...string) { m.readOnly = append(m.readOnly, names...) }

// Protected tells whether clients may not change key.
func (m *Map) Protected(key string) bool {
	for _, n := range m.readOnly {
		if n == key || strings.HasSuffix(n, ".") && strings.HasPrefix(key, n) {
			return true
		}
	}
	return false
}

// Track has tell called for each change of the kinds in what of the key name, or of all
// keys that begin with name where what has Prefix. tell must not change the map.
func (m *Map) Track(name string, what Change, tell func(Event)) (*Tracker, error) {
	if what&Prefix != 0 && !ValidPrefix(name) || what&Prefix == 0 && !ValidName(name) {
		return nil, ErrName
	}
	t := &Tracker{name, what, tell}
	m.trackers = append(m.trackers, t)
	return t, nil
}

// Untrack ends what Track began.
func (m *Map) Untrack(t *Tracker) {
	m.trackers = slices.DeleteFunc(m.trackers, func(o *Tracker) bool { return o == t })
}

// Tracked tells whether anybody watches keys.
func (m *Map) Tracked() bool { return len(m.trackers) > 0 }

func (m *Map) tell(e Event) {
	for _, t := range slices.Clone(m.trackers) {
		if t.what&e.Change != 0 && (t.name == e.Key || t.what&Prefix != 0 && strings.HasPrefix(e.Key, t.name)) {
			t.tell(e)
		}
	}
}
