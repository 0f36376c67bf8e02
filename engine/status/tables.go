package status

// Amount is a named quantity of utilization, within an int of C.
type Amount struct {
	Name  string
	Value int
	Text  string // as it is shown: what the configuration says until something is added to it
}

// Pair is a name with its value.
type Pair struct{ Name, Value string }

// Values is a list of names with values; the first of a name counts.
type Values []Pair

// Get returns the value of name and whether there is one.
func (v Values) Get(name string) (string, bool) {
	for i := range v {
		if v[i].Name == name {
			return v[i].Value, true
		}
	}
	return "", false
}

// Value returns the value of name, or "".
func (v Values) Value(name string) string {
	s, _ := v.Get(name)
	return s
}

// Has tells whether name has a value.
func (v Values) Has(name string) bool {
	_, ok := v.Get(name)
	return ok
}

// Set replaces the value of name, or appends it.
func (v *Values) Set(name, value string) {
	for i := range *v {
		if (*v)[i].Name == name {
			(*v)[i].Value = value
			return
		}
	}
	*v = append(*v, Pair{name, value})
}

// Add appends the value unless name has one already.
func (v *Values) Add(name, value string) {
	if !v.Has(name) {
		*v = append(*v, Pair{name, value})
	}
}

// Remove takes name out.
func (v *Values) Remove(name string) {
	for i := range *v {
		if (*v)[i].Name == name {
			*v = append((*v)[:i:i], (*v)[i+1:]...)
			return
		}
	}
}

// Entry is what a resource knows of one node: how much it wants to be there.
type Entry struct {
	Score     int32
	Count     int32
	Discovery Discovery
	Known     bool // the node is in the table
	Why       Why  // where the score comes from, if traced
}

// Table is a resource's view of the nodes, indexed by Node.Index. It may be
// shorter than the list of nodes.
type Table []Entry

// At returns the entry of a node, or nil if the node is not in the table.
func (t Table) At(n *Node) *Entry {
	if n == nil || n.Index >= len(t) || !t[n.Index].Known {
		return nil
	}
	return &t[n.Index]
}

// Put enters a node and returns its entry; an entry already there is kept.
func (t *Table) Put(n *Node, score int) *Entry {
	for n.Index >= len(*t) {
		*t = append(*t, Entry{})
	}
	e := &(*t)[n.Index]
	if !e.Known {
		*e = Entry{Score: int32(score), Known: true}
		if n.neverProbed {
			e.Discovery = DiscoverNever
		}
	}
	return e
}

// Drop takes a node out.
func (t Table) Drop(n *Node) {
	if n.Index < len(t) {
		t[n.Index] = Entry{}
	}
}

// Clone copies the table.
func (t Table) Clone() Table {
	if t == nil {
		return nil
	}
	c := make(Table, len(t))
	copy(c, t)
	return c
}
