package status

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/cib/xml"
)

const remotePort = "3121"

// readBundle reads a bundle: the clone inside, and for each replica the
// implicit container, address and connection.
func (c *Cluster) readBundle(r *Resource) bool {
	b := &BundleInfo{}
	r.Bundle = b
	e := first(r.XML, "docker")
	b.Agent = "docker"
	if e == nil {
		e = first(r.XML, "podman")
		b.Agent = "podman"
	}
	if e == nil {
		return false
	}
	b.PromotedMax = IntAtLeast(get(e, "promoted-max"), 0)
	if s, ok := attr(e, "replicas"); !ok && b.PromotedMax > 0 {
		b.Replicas = b.PromotedMax
	} else {
		b.Replicas = IntAtLeast(s, 1)
	}
	b.PerHost = IntAtLeast(get(e, "replicas-per-host"), 1)
	b.Replicas = bound(c, "replicas", r.ID, b.Replicas, product(max(len(c.Nodes), 1), b.PerHost), &c.replicated, mostReplicas)
	if b.PerHost == 1 {
		r.Clear(Unique)
	}
	b.RunCommand = get(e, "run-command")
	options, hasOptions := attr(e, "options")
	b.RunOptions = options
	b.Image = get(e, "image")
	b.Network = get(e, "network")
	if n := first(r.XML, "network"); n != nil {
		b.IPStart = get(n, "ip-range-start")
		b.HostNet = get(n, "host-netmask")
		b.HostIf = get(n, "host-interface")
		b.ControlPort = get(n, "control-port")
		v, ok := number.Bool(get(n, "add-host"))
		b.AddHost = !ok || v
		for p := range elements(n, "port-mapping") {
			source, ok := attr(p, "port")
			target := ""
			if !ok {
				source = get(p, "range")
			} else {
				target = get(p, "internal-port")
			}
			if source == "" {
				c.configErr("Invalid port directive %s", get(p, "id"))
				continue
			}
			if target == "" {
				target = source
			}
			b.Ports = append(b.Ports, BundlePort{source, target})
		}
	}
	logMount := true
	for m := range elements(first(r.XML, "storage"), "storage-mapping") {
		mount := BundleMount{Target: get(m, "target-dir"), Options: get(m, "options")}
		var ok bool
		if mount.Source, ok = attr(m, "source-dir"); !ok {
			mount.Source, ok = attr(m, "source-dir-root")
			mount.PerReplica = true
		}
		if _, has := attr(m, "target-dir"); !ok || !has {
			c.configErr("Invalid mount directive %s", get(m, "id"))
			continue
		}
		b.Mounts = append(b.Mounts, mount)
		if mount.Target == "/var/log" {
			logMount = false
		}
	}
	inner := first(r.XML, "primitive")
	var hosts strings.Builder
	last := ""
	address := func(n int) string {
		if b.IPStart == "" {
			return ""
		}
		ip := b.IPStart
		if last != "" { // where no next address is known, the range begins again, as in Pacemaker
			ip = nextIP(last)
		}
		last = ip
		if b.AddHost {
			fmt.Fprintf(&hosts, " --add-host=%s-%d:%s", r.ID, n, cmp.Or(ip, noAddress))
		} else {
			fmt.Fprintf(&hosts, " --hosts-entry=%s=%s-%d", cmp.Or(ip, noAddress), r.ID, n)
		}
		return ip
	}
	switch {
	case inner != nil && !c.validNetwork(r):
		c.configErr("Cannot control %s inside %s without either ip-range-start or control-port", r.ID, get(inner, "id"))
		return false
	case inner != nil:
		b.Child = c.newResource(bundleClone(r, inner), r, -1)
		if b.Child == nil {
			return false
		}
		b.Mounts = append(b.Mounts, BundleMount{Source: "/etc/pacemaker/authkey", Target: "/etc/pacemaker/authkey"})
		if logMount {
			b.Mounts = append(b.Mounts, BundleMount{Source: "/var/log/pacemaker/bundles", Target: "/var/log", PerReplica: true})
		}
		port := b.ControlPort
		if port == "" {
			port = remotePort
		}
		b.Ports = append(b.Ports, BundlePort{port, port})
		for i, k := range b.Child.Children {
			k.Set(ExclusiveProbes)
			if k.Has(Notify) {
				b.Child.Set(Notify)
			}
			b.Parts = append(b.Parts, &Replica{Offset: i, Child: k, IPAddress: address(i)})
			if t, ok := k.Meta.Get("container-attribute-target"); ok {
				b.AttrTarget = t
			}
		}
		if b.AttrTarget != "" {
			r.Meta.Set("container-attribute-target", b.AttrTarget)
			b.Child.Meta.Set("container-attribute-target", b.AttrTarget)
		}
	default:
		for i := range b.Replicas {
			b.Parts = append(b.Parts, &Replica{Offset: i, IPAddress: address(i)})
		}
	}
	for _, p := range b.Parts {
		if !c.readReplica(r, p, hosts.String(), hasOptions) {
			c.configErr("Failed unpacking resource %s", r.ID)
			return false
		}
		if p.Child != nil {
			p.Container.Utilization, p.Child.Utilization = p.Child.Utilization, p.Container.Utilization
		}
	}
	if b.Child != nil {
		r.Children = append(r.Children, b.Child)
	}
	return true
}

// validNetwork tells whether the inside of a bundle can be reached.
func (c *Cluster) validNetwork(r *Resource) bool {
	b := r.Bundle
	switch {
	case b.IPStart != "":
		return true
	case b.ControlPort != "":
		if b.PerHost > 1 {
			c.configErr("Specifying the 'control-port' for %s requires 'replicas-per-host=1'", r.ID)
			b.PerHost = 1
		}
		return true
	}
	return false
}

// bundleClone is the implicit clone inside a bundle.
func bundleClone(r *Resource, inner *etree.Element) *etree.Element {
	b := r.Bundle
	e := etree.NewElement("clone")
	suffix := "clone"
	if b.PromotedMax > 0 {
		suffix = "master"
	}
	e.CreateAttr("id", r.ID+"-"+suffix)
	meta := e.CreateElement("meta_attributes")
	meta.CreateAttr("id", r.ID+"-clone-meta")
	addPair(meta, "ordered", "true")
	addPair(meta, "clone-max", itoa(b.Replicas))
	addPair(meta, "clone-node-max", itoa(b.PerHost))
	if b.PerHost > 1 {
		addPair(meta, "globally-unique", "true")
	} else {
		addPair(meta, "globally-unique", "false")
	}
	if b.PromotedMax > 0 {
		addPair(meta, "promotable", "true")
		addPair(meta, "promoted-max", itoa(b.PromotedMax))
	}
	e.Child = append(e.Child, inner) // shared, not moved
	return e
}

// noAddress stands in names where a replica has no address: none follows the one before it.
const noAddress = "(null)"

// nextIP is the address after an IPv4 address; "" where none is known.
func nextIP(ip string) string {
	var o [4]int
	if n, _ := fmt.Sscanf(ip, "%d.%d.%d.%d", &o[0], &o[1], &o[2], &o[3]); n != 4 || o[2] > 253 {
		return ""
	}
	if o[3] > 253 {
		o[2]++
		o[3] = 1
	} else {
		o[3]++
	}
	return fmt.Sprintf("%d.%d.%d.%d", o[0], o[1], o[2], o[3])
}

func implicitPrimitive(id, provider, kind string) *etree.Element {
	e := etree.NewElement("primitive")
	e.CreateAttr("id", id)
	e.CreateAttr("class", "ocf")
	e.CreateAttr("provider", provider)
	e.CreateAttr("type", kind)
	return e
}

func (c *Cluster) readReplica(r *Resource, p *Replica, hosts string, hasOptions bool) bool {
	return c.bundleContainer(r, p, hosts, hasOptions) && c.bundleIP(r, p) && c.bundleRemote(r, p)
}

func (c *Cluster) bundleContainer(r *Resource, p *Replica, hosts string, hasOptions bool) bool {
	b := r.Bundle
	id := xml.SanitizeID(fmt.Sprintf("%s-%s-%d", r.ID, b.Agent, p.Offset))
	e := implicitPrimitive(id, "heartbeat", b.Agent)
	set := e.CreateElement("instance_attributes")
	set.CreateAttr("id", fmt.Sprintf("%s-attributes-%d", r.ID, p.Offset))
	addPair(set, "image", b.Image)
	addPair(set, "allow_pull", "true")
	addPair(set, "force_kill", "false")
	addPair(set, "reuse", "false")
	var opts, subdirs strings.Builder
	if b.Agent == "docker" {
		opts.WriteString(" --restart=no")
	}
	if b.IPStart != "" {
		fmt.Fprintf(&opts, " -h %s-%d", r.ID, p.Offset)
	}
	opts.WriteString(" -e PCMK_stderr=1")
	if b.Network != "" {
		opts.WriteString(" --net=" + b.Network)
	}
	port := b.ControlPort
	if port == "" {
		port = remotePort
	}
	opts.WriteString(" -e PCMK_remote_port=" + port)
	for _, m := range b.Mounts {
		source := m.Source
		if m.PerReplica {
			source = fmt.Sprintf("%s/%s-%d", m.Source, r.ID, p.Offset)
			if subdirs.Len() > 0 {
				subdirs.WriteByte(',')
			}
			subdirs.WriteString(source)
		}
		opts.WriteString(" -v " + source + ":" + m.Target)
		if m.Options != "" {
			opts.WriteString(":" + m.Options)
		}
	}
	for _, m := range b.Ports {
		if p.IPAddress != "" {
			opts.WriteString(" -p " + p.IPAddress + ":" + m.Source + ":" + m.Target)
		} else if b.Network != "host" {
			opts.WriteString(" -p " + m.Source + ":" + m.Target)
		}
	}
	if hasOptions {
		opts.WriteString(" " + b.RunOptions)
	}
	opts.WriteString(" " + hosts)
	addPair(set, "run_opts", opts.String())
	addPair(set, "mount_points", subdirs.String())
	if b.RunCommand != "" {
		addPair(set, "run_cmd", b.RunCommand)
	} else if p.Child != nil {
		addPair(set, "run_cmd", "/usr/sbin/pacemaker-remoted")
	}
	addPair(set, "monitor_cmd", "/bin/true")
	addOp(e.CreateElement("operations"), id, "monitor", "60s", "")
	p.Container = c.newResource(e, r, -1)
	if p.Container == nil {
		return false
	}
	p.Container.Set(Internal | ReplicaContainer)
	r.Children = append(r.Children, p.Container)
	return true
}

func (c *Cluster) bundleIP(r *Resource, p *Replica) bool {
	b := r.Bundle
	if b.IPStart == "" {
		return true
	}
	id := xml.SanitizeID(fmt.Sprintf("%s-ip-%s", r.ID, cmp.Or(p.IPAddress, noAddress)))
	e := implicitPrimitive(id, "heartbeat", "IPaddr2")
	set := e.CreateElement("instance_attributes")
	set.CreateAttr("id", fmt.Sprintf("%s-attributes-%d", r.ID, p.Offset))
	if p.IPAddress != "" {
		addPair(set, "ip", p.IPAddress)
	}
	if b.HostIf != "" {
		addPair(set, "nic", b.HostIf)
	}
	mask := b.HostNet
	if mask == "" {
		mask = "32"
	}
	addPair(set, "cidr_netmask", mask)
	addOp(e.CreateElement("operations"), id, "monitor", "60s", "")
	p.IP = c.newResource(e, r, -1)
	if p.IP == nil {
		return false
	}
	p.IP.Set(Internal)
	r.Children = append(r.Children, p.IP)
	return true
}

func (c *Cluster) bundleRemote(r *Resource, p *Replica) bool {
	b := r.Bundle
	if p.Child == nil || !c.validNetwork(r) {
		return true
	}
	id := fmt.Sprintf("%s-%d", r.ID, p.Offset)
	if c.Find(id) != nil {
		id = fmt.Sprintf("pcmk-internal-%s-remote-%d", p.Child.ID, p.Offset)
	}
	e := connectionXML(id, p.Container.ID)
	set := e.CreateElement("instance_attributes")
	set.CreateAttr("id", id+"-instance_attributes")
	if p.IPAddress != "" {
		addPair(set, "addr", p.IPAddress)
	} else {
		addPair(set, "addr", "#uname")
	}
	port := b.ControlPort
	if port == "" {
		port = remotePort
	}
	addPair(set, "port", port)
	addOp(e.CreateElement("operations"), id, "monitor", "30s", "30s")

	n := c.FindNode(id)
	if n == nil {
		n = c.newNode(id, id, "remote", true, -Infinity)
	} else {
		n.Score = -Infinity
	}
	n.neverProbed = true
	for _, k := range c.Resources {
		c.disallow(k, n)
	}
	p.Node = n
	p.Child.Allowed = nil
	own := Origin{Code: OriginContainer, Resource: r.ID}
	entry := p.Child.Allowed.Put(n, 500)
	c.SetScore(entry, 500, own)
	entry.Discovery = DiscoverExclusive
	clone := p.Child.Parent
	clone.Allowed.Drop(n)
	entry = clone.Allowed.Put(n, -Infinity)
	c.SetScore(entry, -Infinity, own)
	entry.Discovery = DiscoverExclusive

	p.Remote = c.newResource(e, r, -1)
	if p.Remote == nil {
		return false
	}
	for _, o := range c.ByIndex {
		if t := p.Remote.Allowed.At(o); t != nil && o.IsRemote {
			c.SetScore(t, -Infinity, Origin{Code: OriginKind})
		}
	}
	n.Conn = p.Remote
	p.Remote.Launcher = p.Container
	n.Attrs.Set("#kind", "container")
	r.Children = append(r.Children, p.Remote)
	if p.IPAddress != "" {
		p.Child.Meta.Set("external-ip", p.IPAddress)
	}
	p.Remote.Set(Internal | NestingAllowed)
	return true
}

// disallow keeps a bundle node out of a table that has it already.
func (c *Cluster) disallow(r *Resource, n *Node) {
	if e := r.Allowed.At(n); e != nil {
		c.SetScore(e, -Infinity, Origin{Code: OriginContainer, Resource: n.Name})
		e.Discovery = DiscoverNever
	}
	for _, k := range r.Children {
		c.disallow(k, n)
	}
}
