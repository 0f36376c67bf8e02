package status

// attach enters a resource at the top of the tree.
func (c *Cluster) attach(r *Resource) {
	r.attached = true
	c.Resources = append(c.Resources, r)
}

// register notes a name of a resource for look-ups.
func (c *Cluster) register(r *Resource, name string) {
	if c.named == nil {
		c.named = map[string][]*Resource{}
	}
	c.named[name] = append(c.named[name], r)
}

// inTree tells whether a resource is part of the configuration as read, rather
// than a part of something that turned out invalid.
func (r *Resource) inTree() bool {
	for ; r.Parent != nil; r = r.Parent {
		found := false
		for _, k := range r.Parent.Children {
			if k == r {
				found = true
				break
			}
		}
		if !found {
			return false
		}
	}
	return r.attached
}

func (r *Resource) called(id string, history bool) bool {
	return r.ID == id || (history && r.HistoryID != "" && r.HistoryID == id)
}

// Find finds a resource by id or by the name its history has, depth first.
func (c *Cluster) Find(id string) *Resource { return c.lookUp(id, true) }

// FindExact finds a resource by its id alone.
func (c *Cluster) FindExact(id string) *Resource { return c.lookUp(id, false) }

func (c *Cluster) lookUp(id string, history bool) *Resource {
	one, top, many := c.candidates(id, history)
	switch {
	case !many:
		return one
	case top != nil:
		return top.find(id, history)
	}
	for _, r := range c.Resources {
		if f := r.find(id, history); f != nil {
			return f
		}
	}
	return nil
}

// candidates finds what has a name: the only resource that has it; or, if many
// have, what they are all in, if that is one thing.
func (c *Cluster) candidates(id string, history bool) (one, top *Resource, many bool) {
	for _, r := range c.named[id] {
		if !r.called(id, history) || !r.inTree() {
			continue
		}
		t := r
		for t.Parent != nil {
			t = t.Parent
		}
		switch {
		case one == nil:
			one, top = r, t
		case r != one:
			many = true
			if t != top {
				return one, nil, true
			}
		}
	}
	return one, top, many
}

func (r *Resource) find(id string, history bool) *Resource {
	if r.called(id, history) {
		return r
	}
	for _, k := range r.Children {
		if f := k.find(id, history); f != nil {
			return f
		}
	}
	return nil
}

// FindAll finds every resource of an id or of that name in history, depth first.
func (c *Cluster) FindAll(id string) []*Resource {
	one, top, many := c.candidates(id, true)
	if !many {
		if one == nil {
			return nil
		}
		return []*Resource{one}
	}
	var list []*Resource
	var walk func(r *Resource)
	walk = func(r *Resource) {
		if r.called(id, true) {
			list = append(list, r)
		}
		for _, k := range r.Children {
			walk(k)
		}
	}
	if top != nil {
		walk(top)
		return list
	}
	for _, r := range c.Resources {
		walk(r)
	}
	return list
}
