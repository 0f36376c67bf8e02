package sbd

import (
	"context"
	"errors"
	"testing"
)

func TestRing(t *testing.T) {
	var err error
	r := &Ring{Ask: func(context.Context) error { return err }}
	for _, c := range []struct {
		err  error
		want Health
	}{{nil, Well}, {errors.New("gone"), Unsure}, {nil, Well}} {
		err = c.err
		if got := r.Health(context.Background()); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}
