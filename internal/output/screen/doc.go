// Package screen renders a cluster's state for people: the page that crm_mon
// shows and that pcs status takes over.
//
// A page is a pure function of the cluster's model (status.Read) and Options.
// Legacy writes it as Pacemaker 1.1.23 did, for the 0.9 dialect.
package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
)

// Options choose what a page holds.
type Options struct {
	Inactive   bool // -r: resources that run nowhere, too
	ByNode     bool // -n: resources under their nodes
	Detail     bool // -R: instances singly, node ids
	Brief      bool // -b: counts by agent
	Attributes bool // -A
	FailCounts bool // -f
	Operations bool // -o
	Timing     bool // -t
	Tickets    bool // -c
	Bans       bool // -L
	BanPrefix  string
	NoSummary  bool // -D
	NoTimes    bool // -Q
	NoPending  bool // roles where operations are under way
	// Fencing is the fencer's history, newest first; nil without a cluster.
	Fencing []Fencing
	// FenceLevel says how much of it: 0 nothing, 1 failed and pending, 2 all, 3 in full.
	FenceLevel int
}

// Fencing is a fencing operation of the history.
type Fencing struct {
	ID                                       string
	Target, Action, Origin, Delegate, Client string
	State                                    string // pending, success, failed
	Reason                                   string
	At                                       time.Time
}

// stamp is a time as C's ctime writes it.
func stamp(t time.Time) string { return t.Format("Mon Jan _2 15:04:05 2006") }

func stampOf(seconds string) string {
	n, ok := status.ParseInt(seconds)
	if !ok {
		return ""
	}
	return stamp(time.Unix(n, 0))
}

// plural is "1 node", "2 nodes".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// counts are the numbers behind "configured": what is disabled, what is blocked.
func counts(c *status.Cluster) string {
	var parts []string
	if c.Disabled > 0 {
		parts = append(parts, fmt.Sprintf("%d DISABLED", c.Disabled))
	}
	if c.Blocked > 0 {
		parts = append(parts, fmt.Sprintf("%d BLOCKED from further action due to failure", c.Blocked))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// property is the nvpair of this name, nil if there is none. As in Pacemaker, it may stand
// anywhere in the document, and a name that stands there more than once counts for none.
func property(c *status.Cluster, name string) (found *etree.Element) {
	n := 0
	var walk func(el *etree.Element)
	walk = func(el *etree.Element) {
		if el.Tag == "nvpair" && el.SelectAttrValue("name", "") == name {
			found = el
			n++
		}
		for _, k := range el.Child {
			if kid, is := k.(*etree.Element); is {
				walk(kid)
			}
		}
	}
	walk(c.CIB)
	if n != 1 {
		return nil
	}
	return found
}

// stackOf is the name of what is below the cluster; it is not told where its property
// has no value, which text shows as "(null)", HTML as nothing, and XML leaves out.
func stackOf(c *status.Cluster) (name string, told bool) {
	if p := property(c, "cluster-infrastructure"); p != nil {
		return given(p, "value"), p.SelectAttr("value") != nil
	}
	return "unknown", true
}

// versionOf is the DC's version, or the word for an unknown one.
func versionOf(c *status.Cluster, unknown string) string {
	if p := property(c, "dc-version"); p != nil {
		return p.SelectAttrValue("value", unknown)
	}
	return unknown
}
