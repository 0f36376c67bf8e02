package session

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/pattern"
)

// KnownNodes are the nodes that the cluster has: those that the CIB holds, with the remote and
// guest nodes and those inside bundles that its resources make.
func (s *Session) KnownNodes(root *etree.Element) ([]StateNode, error) {
	var out []StateNode
	seen := map[string]bool{}
	add := func(id, name, typ string) {
		if name != "" && !seen[name] {
			seen[name] = true
			out = append(out, StateNode{ID: id, Name: name, Type: typ})
		}
	}
	for _, n := range doc.Children(doc.Section(root, "nodes"), "node") {
		typ := doc.Attr(n, "type")
		if typ == "" || typ == "normal" {
			typ = "member"
		}
		add(doc.ID(n), doc.Attr(n, "uname"), typ)
	}
	for _, n := range StateOf(root).Model().Nodes {
		if n.IsRemote {
			add(n.ID, n.Name, "remote")
		}
	}
	return out, nil
}

var memberLine = pattern.Late(`(?m)^runtime\.(?:totem\.pg\.mrp\.srp\.)?members\.(\d+)\.status.*= (.*)`)

// NodeIDs are the names of corosync.conf's nodes by their number.
func (s *Session) NodeIDs() (map[string]string, error) {
	root, err := s.Conf()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, n := range corosyncconf.Nodes(root) {
		out[n.ID] = n.Label()
	}
	return out, nil
}

// ActiveNodes are the nodes that corosync has as members; none when it does not run.
func (s *Session) ActiveNodes() []string {
	r, err := s.Run("corosync-cmapctl")
	if err != nil || r.Code != 0 {
		return nil
	}
	ids, err := s.NodeIDs()
	if err != nil {
		return nil
	}
	var out []string
	for _, m := range memberLine().FindAllStringSubmatch(r.Stdout, -1) {
		if name, ok := ids[m[1]]; ok && strings.TrimSpace(m[2]) == "joined" {
			out = append(out, name)
		}
	}
	return out
}
