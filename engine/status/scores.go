package status

// allowByDefault enters a node with its base score, as a symmetric cluster
// does for every node.
func (r *Resource) allowByDefault(n *Node, c *Cluster) {
	if r.Has(ExclusiveProbes) || n.neverProbed {
		return
	}
	for _, k := range r.Children {
		k.allowByDefault(n, c)
	}
	if r.Allowed.At(n) == nil {
		c.enter(&r.Allowed, n, n.Score)
	}
}

// enter puts a node into a table with the score it begins with.
func (c *Cluster) enter(t *Table, n *Node, score int) *Entry {
	e := t.Put(n, score)
	if c.Trace != nil {
		e.Why = c.Trace.Base(n, score)
	}
	return e
}

// ScoreNode adds a score for a node to a resource and everything in it; nodes
// that are not in the table enter with their base score.
func (c *Cluster) ScoreNode(r *Resource, n *Node, score int, from Origin) {
	for _, k := range r.Children {
		c.ScoreNode(k, n, score, from)
	}
	e := r.Allowed.At(n)
	if e == nil {
		e = c.enter(&r.Allowed, n, n.Score)
		if n.neverProbed {
			e.Discovery = DiscoverNever
		}
	}
	c.AddScore(e, score, from)
}

// AddScore adds a score to an entry.
func (c *Cluster) AddScore(e *Entry, score int, from Origin) {
	e.Score = int32(AddScores(int(e.Score), score))
	if c.Trace != nil {
		from.Score = score
		e.Why = c.Trace.Add(e.Why, from)
	}
}

// SetScore replaces the score of an entry.
func (c *Cluster) SetScore(e *Entry, score int, from Origin) {
	e.Score = int32(score)
	if c.Trace != nil {
		from.Score, from.Replaces = score, score != -Infinity
		e.Why = c.Trace.Add(e.Why, from)
	}
}

// ScoreAll adds a score for every node.
func (c *Cluster) ScoreAll(r *Resource, score int, from Origin) {
	for _, n := range c.Nodes {
		c.ScoreNode(r, n, score, from)
	}
	if score == -Infinity && r.Assigned != nil {
		r.Assigned = nil
	}
}
