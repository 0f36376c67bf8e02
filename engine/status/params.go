package status

// parameters --------------------------------------------------------------------

type paramCache struct {
	node   *Node
	values Values
}

// paramMessages are messages of an evaluation that did not depend on the node;
// another node gets the same values and the same messages.
type paramMessages struct {
	same bool
	list []Message
}

// Params evaluates the instance attributes of a resource for a node (nil: for
// no node in particular).
func (c *Cluster) Params(r *Resource, n *Node) Values {
	for i := range r.params {
		if r.params[i].node == n {
			return r.params[i].values
		}
	}
	if r.paramMsgs.same {
		c.Messages = append(c.Messages, r.paramMsgs.list...)
		v := r.params[0].values
		r.params = append(r.params, paramCache{n, v})
		return v
	}
	var v Values
	in := c.input()
	used := false
	in.Attr = func(name string) (string, bool) {
		used = true
		if n == nil {
			return "", false
		}
		return n.Attrs.Get(name)
	}
	from := len(c.Messages)
	for p := r; p != nil; p = p.Parent {
		c.blocks(p.XML, "instance_attributes", "", &in, &v)
	}
	r.params = append(r.params, paramCache{n, v})
	if !used {
		r.paramMsgs = paramMessages{true, append([]Message(nil), c.Messages[from:]...)}
	}
	return v
}
