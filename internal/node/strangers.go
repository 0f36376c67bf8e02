package node

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"hacluster/corosync/local"
	"hacluster/internal/logging"
)

// pacemakerGroup is the process group in which Pacemaker's own controllers meet. They know nothing of ours, nor ours of
// them: two managers over one ring would each start the same resources, or have the other's nodes fenced. The zero byte is part of its name.
const pacemakerGroup = "crmd\x00"

// lookEvery is how often a node that comes looks for them.
const lookEvery = 500 * time.Millisecond

// strangers asks Corosync for nodes on which Pacemaker's own controller runs. A node that comes to them, and finds none of ours
// there, gets an ErrRefused that names them. Where they come to a cluster of ours the log is told of each once.
func (n *Node) strangers(ctx context.Context) error {
	n.looked = time.Now()
	wait, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	theirs, err := n.cpg.Members(wait, pacemakerGroup)
	var ours []local.Member
	if err == nil && len(theirs) > 0 {
		ours, err = n.cpg.Members(wait, GroupName)
	}
	if err != nil { // what is wrong with Corosync shows where its events come from
		n.log.Warn("corosync does not tell who runs Pacemaker's own controller", "err", err)
		return nil
	}
	names, self := n.strange(theirs), n.core.Self().ID
	if len(names) > 0 && !n.settled && !slices.ContainsFunc(ours, func(m local.Member) bool { return m.Node != self }) {
		return fmt.Errorf("%w: Pacemaker's own controller runs on %s; on all nodes of a cluster runs either clusterd or Pacemaker", ErrRefused, strings.Join(names, ", "))
	}
	for _, name := range names {
		if !slices.Contains(n.strangersTold, name) {
			n.log.Log(ctx, slog.LevelError, fmt.Sprintf("Pacemaker's own controller runs on %s: that node cannot be a member of this cluster, for on all nodes of one runs either clusterd or Pacemaker", name),
				logging.Daemon, daemons["controller"])
		}
	}
	n.strangersTold = names
	return nil
}

// strange are the names of members' nodes, in order.
func (n *Node) strange(members []local.Member) []string {
	var names []string
	for _, m := range members {
		names = append(names, n.core.Name(m.Node))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// incomplete tells whether a member of the ring has no cluster daemon that is known here.
func (n *Node) incomplete() bool { return len(n.core.RingMembers()) > len(n.core.Members()) }

// arriving tells whether this node has to look again: it was in no cluster with quorum yet, either a whole one or one with others of ours, and some of the
// ring are missing. Who comes is not in the ring of the others at once, and hears of that before it hears of the groups.
func (n *Node) arriving() bool {
	if n.settled {
		return false
	}
	n.settled = n.core.quorate && n.core.Controller.DC() != "" && (!n.incomplete() || len(n.core.Members()) > 1)
	return !n.settled && n.incomplete()
}
