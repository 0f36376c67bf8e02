// Package tui is crm_mon's interactive program, without a terminal: a Model
// takes keys, sizes and snapshots of the cluster, and gives frames of text. What
// is shown is a function of the model alone; what is to be done outside (reading
// the cluster, changing it) goes out as a Job and comes back as its outcome.
//
//	m := tui.New(page, tui.Options{CanAct: true})
//	m.Resize(80, 24)
//	m.Take(snapshot)
//	job := m.Key("enter")
//	frame := m.Frame()
//
// Pages are plain functions of a state to lines: what is on the node or the
// resource under the cursor, what blocks it, what would happen if a node died.
package tui

import (
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
	"hacluster/internal/output/screen"
)

// Snapshot is the cluster's state as it was read at a moment.
type Snapshot struct {
	Root *etree.Element
	// Raw is the document as it is in the cluster where Root was upgraded to be read; nil
	// where it is Root.
	Raw *etree.Element
	// Same tells that Root is the document of the snapshot before, changed in place; Ops are then
	// the operations in it that are new since, or came to something else.
	Same    bool
	Ops     []*etree.Element
	Fencing []screen.Fencing // newest first
	// FencingErr tells why there is no history of fencing, nil if there is one.
	FencingErr error
	LocalNode  string // where it was read
	Votes      *Votes // nil where they are not known
	Token      *Token // nil where it is not known
	At         time.Time
}

// Votes are how the quorum stands.
type Votes struct{ Expected, Total, Quorum int }

// Token is how long the ring's token takes to come round, of late and on average, and after
// how long without it a node counts as lost.
type Token struct{ Mean, Limit time.Duration }

// Pager is the page that shows first: the cluster in the words of a dialect.
type Pager interface {
	// Render writes the cluster; it is a function of what it is given.
	Render(c *status.Cluster, s Snapshot) string
	// Key switches what the page holds; false if the key means nothing to it.
	Key(k string) bool
	// Switches lists the keys.
	Switches() []Switch
}

// Switch is a key of a Pager: its letter, how it stands, what it is for.
type Switch struct{ Key, State, What string }

// Options are how the program starts.
type Options struct {
	CanAct   bool // changes are possible at all
	ReadOnly bool // they are switched off at first
	Color    bool
}
