package main

import (
	"context"
	"sync"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/internal/client"
	"hacluster/internal/output/tui"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

// news is what following the cluster brings: a state, or that it is out of reach.
type news struct {
	tui.Snapshot
	err error
	// advance, where it is set, brings the document of the state before up to date and gives the
	// new state; Snapshot has all but the document. It is called once, when nobody looks at what
	// was shown before; an error means that the document is read anew.
	advance func() (tui.Snapshot, error)
}

// taken gives the state that the news tell of; false where there will be other news of it.
func (n news) taken() (tui.Snapshot, bool) {
	if n.advance == nil {
		return n.Snapshot, true
	}
	s, err := n.advance()
	return s, err == nil
}

// follow sends the cluster's state at once, after each change and after each
// interval; it connects again whenever the cluster goes away.
func follow(ctx context.Context, env *program.Env, interval time.Duration, send func(news)) {
	interval = max(interval, time.Second)
	for ctx.Err() == nil {
		if err := session(ctx, env, interval, send); err != nil && ctx.Err() == nil {
			send(news{Snapshot: tui.Snapshot{At: time.Now()}, err: err})
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// settle is how long changes that come close together are collected before they are shown.
const settle = 200 * time.Millisecond

// changesLimit is how many changes are kept for a document that is not brought up to date; with
// more it is read anew.
const changesLimit = 8192

// heard are the changes that the CIB manager told of.
type heard struct {
	mu      sync.Mutex
	patches []*etree.Element
}

func (h *heard) add(p *etree.Element) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.patches) >= changesLimit {
		h.patches, p = nil, nil
	}
	h.patches = append(h.patches, p)
}

func (h *heard) empty() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.patches) == 0
}

// take gives the changes, and forgets them.
func (h *heard) take() []*etree.Element {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.patches
	h.patches = nil
	return out
}

// session follows the cluster over one connection, until it breaks.
func session(ctx context.Context, env *program.Env, interval time.Duration, send func(news)) error {
	watcher, err := tool.DialCIB(ctx, env)
	if err != nil {
		return err
	}
	defer watcher.Close()
	if err := watcher.Watch(ctx); err != nil {
		return err
	}
	reader, err := tool.DialCIB(ctx, env)
	if err != nil {
		return err
	}
	defer reader.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	changed, broken := make(chan struct{}, 1), make(chan error, 1)
	told := func() {
		select {
		case changed <- struct{}{}:
		default: // a change that is not shown yet covers this one
		}
	}
	var changes heard
	go func() {
		for {
			p, err := watcher.Next(ctx)
			if err != nil {
				broken <- err
				return
			}
			changes.add(p)
			told()
		}
	}()
	if !tool.Elsewhere(env) {
		go followFencing(ctx, told)
	}
	var m *mirror
	var missed cib.Version // a version that nobody told of
	for {
		if m == nil {
			missed = cib.Version{}
			changes.take() // the document that is read now has them
			root, err := reader.Query(ctx)
			if err != nil {
				return err
			}
			m = newMirror(root)
			send(news{Snapshot: m.snapshot(more(ctx, env, true))})
		} else if ok, err := advance(ctx, env, m, &changes, send); err != nil {
			return err
		} else if !ok {
			m = nil
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-broken:
			return err
		case <-changed:
			select {
			case <-ctx.Done():
			case <-time.After(settle):
			}
			select {
			case <-changed:
			default:
			}
		case <-time.After(interval):
			// A change that nobody told of is found here.
			v, err := reader.Version(ctx)
			if err != nil {
				return err
			}
			have := cib.VersionOf(m.doc.Root())
			switch {
			case have == v || !changes.empty():
				missed = cib.Version{}
			case missed != cib.Version{} && have.Compare(missed) < 0:
				m = nil
			default:
				missed = v // it may be told of still
			}
		}
	}
}

// advance has the document brought up to date by who shows it; false: it is to be read anew.
func advance(ctx context.Context, env *program.Env, m *mirror, changes *heard, send func(news)) (bool, error) {
	done := make(chan error, 1)
	s := more(ctx, env, true)
	send(news{Snapshot: s, advance: func() (tui.Snapshot, error) {
		ops, err := m.follow(changes.take())
		if err == nil {
			s = m.snapshot(s)
			s.Ops, s.Same = ops, true
		}
		done <- err
		return s, err
	}})
	select {
	case err := <-done:
		return err == nil, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// followFencing tells of fencing, which the CIB does not always tell of, until the context
// ends. While there is no fencer to ask, or none any more, it looks for one again.
func followFencing(ctx context.Context, told func()) {
	for ctx.Err() == nil {
		if f, err := client.DialFencer(ctx, "crm_mon"); err == nil {
			for err = f.Watch(ctx); err == nil; err = f.Changed(ctx) {
				told()
			}
			f.Close()
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}
