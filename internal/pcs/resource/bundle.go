package resource

import (
	"slices"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// bundleWords are the settings of a bundle as typed.
type bundleWords struct {
	containerType            string
	container, network, meta argv.Pairs
	ports, storage           mapWords
}

// mapWords are mappings to add, and ids of mappings to remove.
type mapWords struct {
	add    []argv.Pairs
	remove []string
}

// bundleKeywords begin the groups of words, in the order in which they are checked.
var bundleKeywords = []string{"meta", "container", "network", "port-map", "storage-map"}

// parseBundle reads the words behind a bundle's id. create allows a container's type; change
// has mappings begin with add or remove.
func parseBundle(s *session.Session, args []string, create, change bool) (*bundleWords, error) {
	g, err := argv.GroupByKeywords(args, bundleKeywords, "")
	if err != nil {
		return nil, err
	}
	for _, k := range bundleKeywords {
		empty := g.Empty(k)
		if k == "port-map" || k == "storage-map" {
			empty = slices.ContainsFunc(g.All(k), func(words []string) bool { return len(words) == 0 })
		}
		if empty {
			return nil, argv.Usagef("No %s options specified", k)
		}
	}
	w := &bundleWords{}
	maps := func() error {
		for _, m := range []struct {
			word string
			to   *mapWords
		}{{"port-map", &w.ports}, {"storage-map", &w.storage}} {
			for _, words := range g.All(m.word) {
				if err := m.to.read(s, m.word, words, change); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if change {
		if err := maps(); err != nil {
			return nil, err
		}
	}
	container := g.Flat("container")
	if create && len(container) > 0 && !hasEqual(container[0]) {
		w.containerType, container = container[0], container[1:]
	}
	if w.container, err = s.KeyValues(container); err != nil {
		return nil, err
	}
	if w.network, err = s.KeyValues(g.Flat("network")); err != nil {
		return nil, err
	}
	if !change {
		if err := maps(); err != nil {
			return nil, err
		}
	}
	w.meta, err = s.KeyValues(g.Flat("meta"))
	return w, err
}

func hasEqual(word string) bool { return slices.Contains([]byte(word), '=') }

// read takes the words of one mapping.
func (m *mapWords) read(s *session.Session, name string, words []string, change bool) error {
	if change {
		removing := len(words) > 0 && (words[0] == "remove" || words[0] == "delete" && !s.Legacy())
		switch {
		case len(words) < 2 || words[0] != "add" && !removing:
			if s.Legacy() {
				return argv.Usagef("When using '%s' you must specify either 'add' and options or 'remove' and id(s)", name)
			}
			return argv.Usagef("When using '%s' you must specify either 'add' and options or either of 'delete' or 'remove' and id(s)", name)
		case removing:
			m.remove = append(m.remove, words[1:]...)
			return nil
		}
		words = words[1:]
	}
	pairs, err := s.KeyValues(words)
	m.add = append(m.add, pairs)
	return err
}

// podmanSchema is the first schema that has podman, bundleSchema the first that has bundles.
var (
	podmanSchema = [3]int{3, 2, 0}
	bundleSchema = [3]int{2, 8, 0}
)

// bundleNeed is the schema that verbs about bundles ask for: 0.9 raises an older one, newer generations do not.
func bundleNeed(s *session.Session) [3]int {
	if s.Legacy() {
		return bundleSchema
	}
	return [3]int{}
}

// BundleCreate is `resource bundle create`.
func BundleCreate(s *session.Session, args []string) error {
	if err := s.Only("--force", "--disabled", "--wait", "-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	w, err := parseBundle(s, args[1:], true, false)
	if err != nil {
		return err
	}
	plan, err := s.PlanWait()
	if err != nil {
		return err
	}
	need := bundleNeed(s)
	if w.containerType == "podman" && !s.Legacy() {
		need = podmanSchema
	}
	root, err := s.CIBAtLeast(need)
	if err != nil {
		return err
	}
	resources, err := s.Resources(root)
	if err != nil {
		return err
	}
	v := bundleRules{s, doc.NewIDs(root)}
	items := v.name(args[0])
	items = append(items, v.container(w.containerType, w.container)...)
	items = append(items, v.network(w.network)...)
	items = append(items, v.ports(w.ports.add)...)
	items = append(items, v.storage(w.storage.add)...)
	if err := s.Check(items...); err != nil {
		return err
	}
	b := doc.Append(resources, "bundle", "id", args[0])
	setAttrs(doc.Append(b, w.containerType), w.container)
	if len(w.network)+len(w.ports.add) > 0 {
		network := doc.Append(b, "network")
		setAttrs(network, w.network)
		addPorts(network, args[0], w.ports.add, v.ids)
	}
	if len(w.storage.add) > 0 {
		addStorage(doc.Append(b, "storage"), args[0], w.storage.add, v.ids)
	}
	if len(w.meta) > 0 {
		doc.AppendSet(b, "meta_attributes", w.meta, v.ids, false)
	}
	disabled := s.Opts.Has("--disabled")
	if disabled {
		setMeta(s, b, "target-role", "Stopped", v.ids)
	}
	if err := s.Push(root); err != nil {
		return err
	}
	return s.WaitFor(plan, args[:1], session.Expect(!disabled && !metaDisabled(w.meta)))
}

// setAttrs sets attributes, and removes those whose value is empty.
func setAttrs(el *etree.Element, pairs argv.Pairs) {
	for _, p := range pairs {
		doc.SetOrDrop(el, p.Name, p.Value)
	}
}

func addPorts(network *etree.Element, bundle string, list []argv.Pairs, ids *doc.IDs) {
	for _, m := range list {
		if !m.Has("id") {
			suffix := m.Value("port")
			if !m.Has("port") {
				suffix = m.Value("range")
			}
			if suffix != "" {
				m = m.With("id", ids.Allocate(doc.SanitizeID(bundle+"-port-map-"+suffix, "")))
			}
		}
		setAttrs(doc.Append(network, "port-mapping"), m)
	}
}

func addStorage(storage *etree.Element, bundle string, list []argv.Pairs, ids *doc.IDs) {
	for _, m := range list {
		if !m.Has("id") {
			m = m.With("id", ids.Allocate(bundle+"-storage-map"))
		}
		setAttrs(doc.Append(storage, "storage-mapping"), m)
	}
}

// findBundle finds a bundle by id.
func findBundle(s *session.Session, root *etree.Element, id string) (*etree.Element, error) {
	resources, err := s.Resources(root)
	if err != nil {
		return nil, err
	}
	b, items := s.Find(resources, id, []string{"bundle"})
	if b == nil {
		return nil, report.Items(items)
	}
	return b, nil
}

// openBundle reads what the verbs that change a bundle begin with: its words, how long
// to wait, the CIB and the bundle in it.
func openBundle(s *session.Session, args []string, change bool) (w *bundleWords, plan session.WaitPlan, root, b *etree.Element, err error) {
	if len(args) == 0 {
		return nil, plan, nil, nil, argv.Usage()
	}
	if w, err = parseBundle(s, args[1:], false, change); err != nil {
		return nil, plan, nil, nil, err
	}
	if plan, err = s.PlanWait(); err != nil {
		return nil, plan, nil, nil, err
	}
	if root, err = s.CIBAtLeast(bundleNeed(s)); err != nil {
		return nil, plan, nil, nil, err
	}
	b, err = findBundle(s, root, args[0])
	return w, plan, root, b, err
}

// BundleReset is `resource bundle reset`: all settings but the image are made anew.
func BundleReset(s *session.Session, args []string) error {
	if err := s.Only("--force", "--disabled", "--wait", "-f"); err != nil {
		return err
	}
	w, plan, root, b, err := openBundle(s, args, false)
	if err != nil {
		return err
	}
	container := supportedContainer(s, b)
	if container == nil {
		return s.Check(unsupported(s, args[0]))
	}
	for _, c := range doc.Children(b) {
		keep := ""
		switch {
		case c.Tag == "meta_attributes":
			keep = "id"
		case c == container:
			keep = "image"
		case !doc.Is(c, "network", "storage"):
			continue
		}
		for _, k := range doc.Children(c) {
			c.RemoveChild(k)
		}
		for _, a := range doc.Attrs(c, keep) {
			c.RemoveAttr(a.Name)
		}
	}
	v := bundleRules{s, doc.NewIDs(root)}
	items := v.containerOptions(w.container)
	items = append(items, v.network(w.network)...)
	items = append(items, v.ports(w.ports.add)...)
	items = append(items, v.storage(w.storage.add)...)
	if err := s.Check(items...); err != nil {
		return err
	}
	w.apply(s, b, v.ids)
	disabled := s.Opts.Has("--disabled")
	if disabled {
		setMeta(s, b, "target-role", "Stopped", v.ids)
	}
	if err := s.Push(root); err != nil {
		return err
	}
	return s.WaitFor(plan, args[:1], session.Expect(!disabled && !metaDisabled(w.meta)))
}

// BundleUpdate is `resource bundle update`.
func BundleUpdate(s *session.Session, args []string) error {
	if err := s.Only("--force", "--wait", "-f"); err != nil {
		return err
	}
	w, plan, root, b, err := openBundle(s, args, true)
	if err != nil {
		return err
	}
	v := bundleRules{s, doc.NewIDs(root)}
	items := v.containerUpdate(b, w.container)
	items = append(items, v.networkUpdate(b, w.network)...)
	items = append(items, v.ports(w.ports.add)...)
	items = append(items, v.storage(w.storage.add)...)
	items = append(items, v.mapsExist(b, "port-mapping", "port-map", w.ports.remove)...)
	items = append(items, v.mapsExist(b, "storage-mapping", "storage-map", w.storage.remove)...)
	if err := s.Check(items...); err != nil {
		return err
	}
	w.apply(s, b, v.ids)
	if err := s.Push(root); err != nil {
		return err
	}
	return s.WaitFor(plan, args[:1], nil)
}

// apply changes a bundle's settings. Mappings go before others come, which may take their ports.
func (w *bundleWords) apply(s *session.Session, b *etree.Element, ids *doc.IDs) {
	if c := supportedContainer(s, b); c != nil {
		setAttrs(c, w.container)
	}
	section := func(tag string) *etree.Element {
		if el := doc.Child(b, tag); el != nil {
			return el
		}
		return doc.New(tag)
	}
	drop := func(from *etree.Element, gone []string) {
		for _, m := range doc.Children(from) {
			if slices.Contains(gone, doc.ID(m)) {
				from.RemoveChild(m)
			}
		}
	}
	keep := func(el *etree.Element) {
		if el.Parent() == nil && (len(el.Attr) > 0 || len(el.ChildElements()) > 0) {
			b.AddChild(el)
		}
	}
	network := section("network")
	setAttrs(network, w.network)
	drop(network, w.ports.remove)
	addPorts(network, doc.ID(b), w.ports.add, ids)
	keep(network)
	storage := section("storage")
	drop(storage, w.storage.remove)
	addStorage(storage, doc.ID(b), w.storage.add, ids)
	keep(storage)
	doc.ArrangeFirstSet(b, "meta_attributes", w.meta, ids, "")
}
