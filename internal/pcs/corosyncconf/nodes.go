package corosyncconf

import (
	"fmt"
	"sort"
	"strings"
)

// Node is an entry of nodelist.
type Node struct {
	Name, ID string
	Addrs    []Addr
	Section  *Section
}

// Addr is an address of a node on a link.
type Addr struct {
	Link int
	Addr string
}

// Label is what the node is called: its name, else its first address.
func (n Node) Label() string {
	if n.Name != "" {
		return n.Name
	}
	if len(n.Addrs) > 0 {
		return n.Addrs[0].Addr
	}
	return ""
}

// AddrOn is the address on a link, "" without.
func (n Node) AddrOn(link int) string {
	for _, a := range n.Addrs {
		if a.Link == link {
			return a.Addr
		}
	}
	return ""
}

// Nodes are the entries of all nodelists that say anything: a name, an id or an address.
func Nodes(root *Section) []Node {
	var out []Node
	for _, list := range root.All("nodelist") {
		for _, s := range list.All("node") {
			n := Node{Name: s.Value("name"), ID: s.Value("nodeid"), Section: s}
			for link := range 8 {
				if a, ok := s.Get(fmt.Sprintf("ring%d_addr", link)); ok && a != "" {
					n.Addrs = append(n.Addrs, Addr{link, a})
				}
			}
			sort.Slice(n.Addrs, func(i, j int) bool { return n.Addrs[i].Link < n.Addrs[j].Link })
			if n.Name != "" || n.ID != "" || len(n.Addrs) > 0 {
				out = append(out, n)
			}
		}
	}
	return out
}

// Members09 are the nodes as 0.9 names them: all their first addresses.
func Members09(root *Section) []string {
	var out []string
	for _, list := range root.All("nodelist") {
		for _, n := range list.All("node") {
			for _, o := range n.Options {
				if o.Name == "ring0_addr" {
					out = append(out, o.Value)
				}
			}
		}
	}
	return out
}

// ClusterName is the name in totem, "" without.
func ClusterName(root *Section) string {
	name := ""
	for _, t := range root.All("totem") {
		for _, o := range t.Options {
			if o.Name == "cluster_name" {
				name = o.Value
			}
		}
	}
	return name
}

// Device is the quorum device's section, nil without.
func Device(root *Section) *Section {
	var out *Section
	for _, q := range root.All("quorum") {
		for _, d := range q.All("device") {
			if out == nil || d.Value("model") != "" {
				out = d
			}
		}
	}
	return out
}

// HasDevice tells whether a quorum device with a model is set.
func HasDevice(root *Section) bool {
	d := Device(root)
	return d != nil && d.Value("model") != ""
}

// MentionsDevice tells, from the text alone, whether the file names a quorum device.
func MentionsDevice(text string) bool {
	root, err := Parse(text)
	return err == nil && HasDevice(root) && strings.TrimSpace(text) != ""
}

// UpdateTwoNode sets or removes quorum's two_node as the number of nodes, the quorum device and
// auto_tie_breaker ask for.
func UpdateTwoNode(root *Section) {
	quorums := root.All("quorum")
	tie := ""
	for _, q := range quorums {
		if v, ok := q.Get("auto_tie_breaker"); ok {
			tie = v
		}
	}
	want := len(Nodes(root)) == 2 && tie != "1" && !HasDevice(root)
	if want && len(quorums) == 0 {
		quorums = []*Section{root.Add(&Section{Name: "quorum"})}
	}
	for i, q := range quorums {
		if want && i == len(quorums)-1 {
			q.Set("two_node", "1")
		} else {
			q.Drop("two_node")
		}
	}
}
