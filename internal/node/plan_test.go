package node

import (
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/transition"
)

// planOf is the graph of a plan.
func planOf(root *etree.Element, now time.Time, logf func(string, ...any)) (*transition.Graph, error) {
	r, err := Plan(root, now, logf)
	if err != nil {
		return nil, err
	}
	return r.Graph, nil
}
