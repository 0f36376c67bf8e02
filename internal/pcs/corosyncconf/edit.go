package corosyncconf

import (
	"fmt"
	"slices"
	"sort"
	"strconv"

	"hacluster/internal/pcs/argv"
)

// Ensure are the sections of a name, one made where there is none.
func (s *Section) Ensure(name string) []*Section {
	if all := s.All(name); len(all) > 0 {
		return all
	}
	return []*Section{s.Add(&Section{Name: name})}
}

// SetIn sets options in the last of several sections of one name and drops them from the others; an
// empty value drops an option.
func SetIn(sections []*Section, options argv.Pairs) {
	last := sections[len(sections)-1]
	for _, o := range options.Sorted() {
		for _, s := range sections[:len(sections)-1] {
			s.Drop(o.Name)
		}
		if o.Value == "" {
			last.Drop(o.Name)
		} else {
			last.Set(o.Name, o.Value)
		}
	}
}

// DropEmpty takes out sections that say nothing, and interfaces that have nothing but their number.
func (s *Section) DropEmpty() {
	for _, c := range slices.Clone(s.Sections) {
		c.DropEmpty()
		bare := len(c.Options) == 0 && len(c.Sections) == 0
		if c.Name == "interface" && len(c.Options) > 0 && !slices.ContainsFunc(c.Options, func(o Option) bool { return o.Name != "linknumber" }) {
			bare = true
		}
		if bare {
			s.Remove(c)
		}
	}
}

// value is the last value of an option in sections of a name below the root.
func value(root *Section, section, name string) string {
	out := ""
	for _, s := range root.All(section) {
		if v, ok := s.Get(name); ok {
			out = v
		}
	}
	return out
}

// Transport is what the cluster uses.
func Transport(root *Section) string {
	if t := value(root, "totem", "transport"); t != "" {
		return t
	}
	return Transports[0]
}

// IPVersion is which addresses the cluster prefers.
func IPVersion(root *Section) string {
	switch v := value(root, "totem", "ip_version"); {
	case v != "":
		return v
	case Transport(root) == "udp":
		return "ipv4"
	}
	return "ipv6-4"
}

// FindClusterUUID is the cluster's own mark; ok is false where there is none.
func FindClusterUUID(root *Section) (id string, ok bool) {
	for _, t := range root.All("totem") {
		if v, found := t.Get("cluster_uuid"); found {
			id, ok = v, true
		}
	}
	return id, ok
}

// ClusterUUID is the cluster's own mark, "" without.
func ClusterUUID(root *Section) string { id, _ := FindClusterUUID(root); return id }

// options are those of sections of a name whose names, without a prefix, are allowed.
func options(root *Section, section string, allowed []string, prefix string) argv.Pairs {
	var out argv.Pairs
	for _, s := range root.All(section) {
		for _, o := range s.Options {
			if len(o.Name) >= len(prefix) && o.Name[:len(prefix)] == prefix && slices.Contains(allowed, o.Name[len(prefix):]) {
				out = out.With(o.Name[len(prefix):], o.Value)
			}
		}
	}
	return out
}

// TotemOptions, QuorumOptions, CryptoOptions, CompressionOptions and TransportOptions are those that
// users may set.
func TotemOptions(root *Section) argv.Pairs { return options(root, "totem", TotemNames, "") }

// QuorumOptions are section quorum's.
func QuorumOptions(root *Section) argv.Pairs { return options(root, "quorum", QuorumNames, "") }

// CryptoOptions are those of encryption, by the names that users give.
func CryptoOptions(root *Section) argv.Pairs {
	return options(root, "totem", CryptoNames, cryptoPrefix)
}

// CompressionOptions are those of compression, by the names that users give.
func CompressionOptions(root *Section) argv.Pairs {
	return options(root, "totem", CompressionNames, compressionPrefix)
}

// TransportOptions are those of the transport in use.
func TransportOptions(root *Section) argv.Pairs {
	switch t := Transport(root); {
	case IsUDP(t):
		return options(root, "totem", UDPNames, "")
	case IsTransport(t):
		return options(root, "totem", KnetNames, "")
	}
	return nil
}

func prefixed(prefix string, p argv.Pairs) argv.Pairs {
	var out argv.Pairs
	for _, o := range p {
		out = append(out, argv.Pair{Name: prefix + o.Name, Value: o.Value})
	}
	return out
}

// SetTotem sets options of totem, SetTransport those of the transport in use, SetQuorum those of quorum.
func SetTotem(root *Section, p argv.Pairs) {
	SetIn(root.Ensure("totem"), p)
	root.DropEmpty()
}

// SetTransport sets options of the transport in use; stop tells that the cluster must not run meanwhile.
func SetTransport(root *Section, generic, compression, crypto argv.Pairs) (stop bool) {
	for _, name := range UDPNames {
		if v, ok := generic.Get(name); ok && v != value(root, "totem", name) {
			stop = true
		}
	}
	totem := root.Ensure("totem")
	SetIn(totem, generic)
	if !IsUDP(Transport(root)) {
		SetIn(totem, prefixed(compressionPrefix, compression))
		SetIn(totem, prefixed(cryptoPrefix, crypto))
	}
	root.DropEmpty()
	return stop
}

// SetQuorum sets options of quorum.
func SetQuorum(root *Section, p argv.Pairs) {
	SetIn(root.Ensure("quorum"), p)
	UpdateTwoNode(root)
	root.DropEmpty()
}

// NewNode is a node of a new cluster, or one that joins.
type NewNode struct {
	Name  string
	Addrs []string
}

func nodeSection(n NewNode, id string, links []int) *Section {
	s := &Section{Name: "node"}
	for i, a := range n.Addrs {
		if i < len(links) {
			s.Put(fmt.Sprintf("ring%d_addr", links[i]), a)
		}
	}
	return s.Put("name", n.Name).Put("nodeid", id)
}

// New is the file of a new cluster.
func New(cluster string, nodes []NewNode, transport string) *Section {
	root := &Section{}
	totem, list, quorum, logging := root.Last("totem"), root.Last("nodelist"), root.Last("quorum"), root.Last("logging")
	totem.Put("version", "2").Put("cluster_name", cluster).Put("transport", transport)
	quorum.Put("provider", "corosync_votequorum")
	logging.Put("to_logfile", "yes").Put("logfile", "/var/log/corosync/corosync.log").Put("to_syslog", "yes").Put("timestamp", "on")
	links := make([]int, MaxLinks)
	for i := range links {
		links[i] = i
	}
	for i, n := range nodes {
		list.Add(nodeSection(n, strconv.Itoa(i+1), links))
	}
	UpdateTwoNode(root)
	return root
}

// Links are the numbers of the links that the first node has addresses on.
func Links(root *Section) []int {
	var out []int
	for _, list := range root.All("nodelist") {
		for _, s := range list.All("node") {
			known := s.Value("name") != "" || s.Value("nodeid") != ""
			for i := range MaxLinks {
				if s.Value(fmt.Sprintf("ring%d_addr", i)) != "" {
					out = append(out, i)
				}
			}
			if known || len(out) > 0 {
				return out
			}
		}
	}
	return out
}

// LinkNames are Links as texts.
func LinkNames(root *Section) []string {
	var out []string
	for _, i := range Links(root) {
		out = append(out, strconv.Itoa(i))
	}
	return out
}

// AddNodes adds nodes with the smallest ids that are free.
func AddNodes(root *Section, nodes []NewNode) {
	used := map[string]bool{}
	for _, list := range root.All("nodelist") {
		for _, s := range list.All("node") {
			for _, o := range s.Options {
				if o.Name == "nodeid" {
					used[o.Value] = true
				}
			}
		}
	}
	list := root.Last("nodelist")
	links := Links(root)
	id := 1
	for _, n := range nodes {
		for used[strconv.Itoa(id)] {
			id++
		}
		used[strconv.Itoa(id)] = true
		list.Add(nodeSection(n, strconv.Itoa(id), links))
	}
	UpdateTwoNode(root)
}

// RemoveNodes takes nodes out by their names.
func RemoveNodes(root *Section, names []string) {
	for _, list := range root.All("nodelist") {
		for _, s := range list.All("node") {
			if slices.Contains(names, s.Value("name")) {
				list.Remove(s)
			}
		}
	}
	root.DropEmpty()
	UpdateTwoNode(root)
}

// RenameNode gives a node another name; addrs are the options, by node, that still hold the old one.
func RenameNode(root *Section, from, to string) (addrs map[string][]string) {
	addrs = map[string][]string{}
	for _, list := range root.All("nodelist") {
		for _, s := range list.All("node") {
			label, ok := s.Get("name")
			if !ok {
				label = s.Value("nodeid")
			}
			if ok && label == from {
				s.Set("name", to)
				label = to
			}
			for i := range MaxLinks {
				if n := fmt.Sprintf("ring%d_addr", i); s.Value(n) == from {
					addrs[label] = append(addrs[label], n)
				}
			}
		}
	}
	return addrs
}

// setLink sets options of a link in its sections, or in a new one.
func setLink(root *Section, number string, p argv.Pairs, sections []*Section) {
	if len(p.Without("linknumber")) == 0 {
		return
	}
	if len(sections) == 0 {
		s := root.Last("totem").Add(&Section{Name: "interface"})
		if number != "" {
			s.Put("linknumber", number)
		}
		sections = []*Section{s}
	}
	var out argv.Pairs
	for _, o := range p {
		if file, ok := inFile[o.Name]; ok {
			o.Name = file
		}
		if o.Name == "broadcast" {
			switch o.Value {
			case "1":
				o.Value = "yes"
			case "0", "":
				o.Value = ""
			default:
				continue
			}
		}
		out = append(out, o)
	}
	SetIn(sections, out)
	root.DropEmpty()
}

// AddLinks sets the options of a new cluster's links; those without a number get the free ones in order.
func AddLinks(root *Section, links []argv.Pairs) {
	free := make([]string, MaxLinks)
	for i := range free {
		free[i] = strconv.Itoa(i)
	}
	var numbered, open []argv.Pairs
	for _, l := range links {
		if n, ok := l.Get("linknumber"); ok {
			i, _ := strconv.Atoi(n)
			free = slices.DeleteFunc(free, func(f string) bool { return f == strconv.Itoa(i) })
			numbered = append(numbered, l)
		} else {
			open = append(open, l)
		}
	}
	for _, l := range open {
		if len(free) == 0 {
			break
		}
		numbered = append(numbered, l.With("linknumber", free[0]))
		free = free[1:]
	}
	sort.SliceStable(numbered, func(i, j int) bool { return numbered[i].Value("linknumber") < numbered[j].Value("linknumber") })
	for _, l := range numbered {
		setLink(root, "", l, nil)
	}
}

func eachNamed(root *Section, f func(s *Section, name string)) {
	for _, list := range root.All("nodelist") {
		for _, s := range list.All("node") {
			if name, ok := s.Get("name"); ok {
				f(s, name)
			}
		}
	}
}

// AddLink gives nodes addresses on another link: that of option linknumber, or the smallest free one.
func AddLink(root *Section, addrs, p argv.Pairs) {
	number, ok := p.Get("linknumber")
	if !ok {
		used := Links(root)
		i := 0
		for slices.Contains(used, i) {
			i++
		}
		number = strconv.Itoa(i)
		p = p.With("linknumber", number)
	}
	eachNamed(root, func(s *Section, name string) {
		if a, ok := addrs.Get(name); ok {
			s.Put("ring"+number+"_addr", a)
		}
	})
	setLink(root, "", p, nil)
}

func interfaces(root *Section, number string) []*Section {
	var out []*Section
	for _, t := range root.All("totem") {
		for _, i := range t.All("interface") {
			n, ok := i.Get("linknumber")
			if !ok {
				n = "0"
			}
			if n == number {
				out = append(out, i)
			}
		}
	}
	return out
}

// RemoveLinks takes links out.
func RemoveLinks(root *Section, numbers []string) {
	for _, n := range numbers {
		for _, i := range interfaces(root, n) {
			i.parent.Remove(i)
		}
		for _, list := range root.All("nodelist") {
			for _, s := range list.All("node") {
				s.Drop("ring" + n + "_addr")
			}
		}
	}
	root.DropEmpty()
}

// UpdateLink changes addresses and options of a link.
func UpdateLink(root *Section, number string, addrs, p argv.Pairs) {
	eachNamed(root, func(s *Section, name string) {
		if a, ok := addrs.Get(name); ok {
			s.Set("ring"+number+"_addr", a)
		}
	})
	if p = p.Without("linknumber"); len(p) > 0 {
		setLink(root, number, p, interfaces(root, number))
	}
	root.DropEmpty()
}

// Link are the options of a link.
type Link struct {
	Number  string
	Options argv.Pairs
}

// LinkOptions are the options of all links that have any, by number.
func LinkOptions(root *Section) []Link {
	udp := IsUDP(Transport(root))
	byNumber := map[string]argv.Pairs{}
	for _, t := range root.All("totem") {
		for _, i := range t.All("interface") {
			number, ok := i.Get("linknumber")
			if !ok {
				number = "0"
			}
			p := byNumber[number]
			for _, o := range i.Options {
				switch name := linkName(o.Name); {
				case udp && !slices.Contains(UDPLinkNames, o.Name), !udp && (!slices.Contains(KnetLinkNames, name) || inFile[o.Name] != ""):
				case o.Name == "broadcast" && o.Value == "yes":
					p = p.With(name, "1")
				case o.Name == "broadcast":
				default:
					p = p.With(name, o.Value)
				}
			}
			if !udp && IsTransport(Transport(root)) {
				p = p.With("linknumber", number)
			}
			byNumber[number] = p
		}
	}
	var out []Link
	for n, p := range byNumber {
		out = append(out, Link{n, p})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Number < out[j].Number })
	return out
}
