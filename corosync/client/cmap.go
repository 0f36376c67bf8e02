package client

import (
	"context"
	"errors"
	"iter"

	"hacluster/corosync/cmap"
	"hacluster/corosync/ipc"
	"hacluster/corosync/local"
)

// Cmap is a connection to the map of keys. Its events are changes of tracked keys.
type Cmap struct{ *connection[cmap.Event] }

// DialCmap connects to the map of configuration and state.
func DialCmap(ctx context.Context) (*Cmap, error) {
	n, err := dial(ctx, "cmap", func(m []byte) (cmap.Event, bool, error) {
		if ipc.ID(m) != local.CmapNotifyEvent {
			return cmap.Event{}, false, nil
		}
		e, err := local.ParseNotify(m)
		return e.Event, true, err
	}, nil)
	if err != nil {
		return nil, err
	}
	return &Cmap{n}, nil
}

// UseStats turns the connection to the map of statistics.
func (c *Cmap) UseStats(ctx context.Context) error {
	_, err := c.call(ctx, local.UseMap(local.MapStats))
	return err
}

// Get is the value of a key; local.NotExist where there is none.
func (c *Cmap) Get(ctx context.Context, key string) (cmap.Value, error) {
	for room := 4096; ; {
		b, err := c.call(ctx, local.GetRequest(key, room))
		if err == local.Invalid && room < MessageSize/2 {
			room *= 8 // too little room, or no key at all
			continue
		}
		if err != nil {
			return cmap.Value{}, err
		}
		t, _, data, err := local.ParseGetAnswer(b)
		return cmap.Value{Type: t, Data: data}, err
	}
}

// Text is the string of a key; "" where there is no such key.
func (c *Cmap) Text(ctx context.Context, key string) (string, error) {
	v, err := c.Get(ctx, key)
	if errors.Is(err, local.NotExist) {
		return "", nil
	}
	s, _ := v.Text()
	return s, err
}

// Uint is the integer of a key; 0 where there is no such key.
func (c *Cmap) Uint(ctx context.Context, key string) (uint64, error) {
	v, err := c.Get(ctx, key)
	if errors.Is(err, local.NotExist) {
		return 0, nil
	}
	u, _ := v.Uint()
	return u, err
}

// Set gives a key a value; local.Access where the key is read-only.
func (c *Cmap) Set(ctx context.Context, key string, v cmap.Value) error {
	_, err := c.call(ctx, local.SetRequest(key, v))
	return err
}

// Delete removes a key.
func (c *Cmap) Delete(ctx context.Context, key string) error {
	_, err := c.call(ctx, local.KeyRequest(local.CmapDelete, key))
	return err
}

// Adjust adds step to an integer.
func (c *Cmap) Adjust(ctx context.Context, key string, step int32) error {
	_, err := c.call(ctx, local.AdjustRequest(key, step))
	return err
}

// All yields the keys that begin with prefix, in order, with their values. It ends at the first error.
func (c *Cmap) All(ctx context.Context, prefix string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		b, err := c.call(ctx, local.KeyRequest(local.CmapIterInit, prefix))
		if err != nil {
			yield(Entry{}, err)
			return
		}
		h, err := local.AnsweredHandle(b)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer func() { _, _ = c.call(ctx, local.HandleRequest(local.CmapIterFinalize, h)) }()
		for {
			b, err := c.call(ctx, local.HandleRequest(local.CmapIterNext, h))
			if err == local.NoSections {
				return
			}
			var k local.NextKey
			if err == nil {
				k, err = local.ParseNextKey(b)
			}
			var v cmap.Value
			if err == nil {
				v, err = c.Get(ctx, k.Key)
				if errors.Is(err, local.NotExist) {
					continue // gone meanwhile
				}
			}
			if !yield(Entry{k.Key, v}, err) || err != nil {
				return
			}
		}
	}
}

// Entry is a key with its value.
type Entry struct {
	Key   string
	Value cmap.Value
}

// Track asks for events of the changes in what to a key, or with cmap.Prefix to all that begin with it.
func (c *Cmap) Track(ctx context.Context, key string, what cmap.Change) error {
	_, err := c.call(ctx, local.TrackAdd{Key: key, What: what}.Marshal())
	return err
}
