package webstatus

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/doc"
)

// Nodes are the cluster's nodes by their states.
type Nodes struct {
	CorosyncOnline   []string `json:"corosync_online"`
	CorosyncOffline  []string `json:"corosync_offline"`
	PacemakerOnline  []string `json:"pacemaker_online"` // those in maintenance are among them
	PacemakerOffline []string `json:"pacemaker_offline"`
	PacemakerStandby []string `json:"pacemaker_standby"`
}

// ReadNodes reads what `pcs status nodes both` prints; remote nodes are left out. Text that ends early has what it tells.
func ReadNodes(text string) Nodes {
	n := Nodes{[]string{}, []string{}, []string{}, []string{}, []string{}}
	pacemaker := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "Pacemaker Nodes:"):
			pacemaker = true
		case strings.HasPrefix(line, "Pacemaker Remote Nodes:"):
			return n
		}
		title, rest, found := strings.Cut(line, ": ")
		if !found || strings.HasSuffix(line, ":") {
			continue
		}
		to := &n.CorosyncOffline
		switch {
		case pacemaker && title == " Standby":
			to = &n.PacemakerStandby
		case title == " Standby", title == " Maintenance" && !pacemaker:
			continue
		case pacemaker && (title == " Online" || title == " Maintenance"):
			to = &n.PacemakerOnline
		case pacemaker:
			to = &n.PacemakerOffline
		case title == " Online":
			to = &n.CorosyncOnline
		}
		*to = append(*to, strings.Fields(rest)...)
	}
	return n
}

// Reachable are the names of all nodes, those first that run something.
func (n Nodes) Reachable() []string {
	return names(n.CorosyncOnline, n.PacemakerOnline, n.CorosyncOffline, n.PacemakerOffline, n.PacemakerStandby)
}

// All are the names of all nodes, each once.
func (n Nodes) All() []string {
	return names(n.CorosyncOnline, n.CorosyncOffline, n.PacemakerOnline, n.PacemakerOffline, n.PacemakerStandby)
}

func names(lists ...[]string) []string {
	out := []string{}
	for _, list := range lists {
		for _, name := range list {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// State tells from crm_mon's XML whether a node is "online" or "standby", by its id, and whether its part of the cluster has quorum.
func State(monitor *etree.Element, id string) (word string, quorum bool) {
	word = "online"
	for _, n := range doc.All(monitor, "node") {
		if doc.ID(n) == id {
			if doc.Attr(n, "standby") == "true" {
				word = "standby"
			}
			break
		}
	}
	return word, slices.ContainsFunc(doc.All(monitor, "current_dc"), func(dc *etree.Element) bool { return doc.Attr(dc, "with_quorum") == "true" })
}
