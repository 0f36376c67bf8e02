package main

import (
	"context"
	"time"

	"hacluster/internal/client"
	"hacluster/internal/output/tui"
)

// follow sends the cluster's state at once, after each change and after each
// interval; it connects again whenever the cluster goes away.
func follow(ctx context.Context, interval time.Duration, send func(news)) {
	interval = max(interval, time.Second)
	for ctx.Err() == nil {
		if err := session(ctx, interval, send); err != nil && ctx.Err() == nil {
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

// session follows the cluster over one connection, until it breaks.
func session(ctx context.Context, interval time.Duration, send func(news)) error {
	watcher, err := client.DialCIB(ctx, "crm_mon")
	if err != nil {
		return err
	}
	defer watcher.Close()
	if err := watcher.Watch(ctx); err != nil {
		return err
	}
	reader, err := client.DialCIB(ctx, "crm_mon")
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
	go func() {
		for {
			if err := watcher.Changed(ctx); err != nil {
				broken <- err
				return
			}
			told()
		}
	}()
	go followFencing(ctx, told)
	for {
		root, err := reader.Query(ctx)
		if err != nil {
			return err
		}
		send(news{Snapshot: complete(ctx, root, true)})
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
		}
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
