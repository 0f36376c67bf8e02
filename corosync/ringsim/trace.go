package ringsim

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// teller puts what a ring logs into the world's trace.
type teller struct{ n *Node }

func (t teller) Enabled(context.Context, slog.Level) bool { return true }

func (t teller) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	})
	t.n.w.trace("node %d: %s%s", t.n.id, r.Message, b.String())
	return nil
}

func (t teller) WithAttrs([]slog.Attr) slog.Handler { return t }
func (t teller) WithGroup(string) slog.Handler      { return t }
