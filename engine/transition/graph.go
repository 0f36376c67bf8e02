// Package transition holds the plan of a change as data: the ordered graph of
// actions that takes a cluster from where it is to where it should be.
//
// A graph is a list of synapses. Each holds one action and the actions that
// must be confirmed before it may fire. The graph knows nothing of resources
// or scores; whoever executes it needs only what is written here. Its XML is
// the form that Pacemaker's controller reads and writes.
package transition

import (
	"strconv"
)

// Attr is a name with its value; graphs keep attributes in written order.
type Attr struct{ Name, Value string }

// Kind says who carries an action out.
type Kind int8

// The kinds of actions.
const (
	ResourceOp   Kind = iota // the executor of a node runs an agent (rsc_op)
	Pseudo                   // nothing is executed, it only joins others (pseudo_event)
	ClusterEvent             // the controller itself acts: fencing, shutdown … (crm_event)
)

var kindNames = [...]string{"rsc_op", "pseudo_event", "crm_event"}

// String is the element name of the kind.
func (k Kind) String() string { return kindNames[k] }

// Resource names the resource of an action as executors know it.
type Resource struct {
	Tag                               string // primitive, group, …
	ID, LongID, Class, Provider, Type string
}

// Connects tells whether the resource is the connection to a remote node; nil is none.
func (r *Resource) Connects() bool {
	return r != nil && r.Class == "ocf" && r.Provider == "pacemaker" && r.Type == "remote"
}

// Maintenance is a remote node whose maintenance state is to be recorded.
type Maintenance struct {
	Node string
	On   bool
}

// Action is one step of a graph.
type Action struct {
	Kind         Kind
	ID           int
	Mode         string // "cib" for steps that only change the CIB
	Operation    string
	Key          string
	InternalKey  string // the planner's own key where it differs from Key
	Node         string // name of the node, "" for none
	NodeID       string
	Router       string // cluster node that reaches a remote node
	ShutdownLock string // epoch seconds
	Resource     *Resource
	Attrs        []Attr // sorted by name
	Downed       []string
	Maintenance  []Maintenance
}

// Attr returns the value of an attribute of the action.
func (a *Action) Attr(name string) (string, bool) {
	for i := range a.Attrs {
		if a.Attrs[i].Name == name {
			return a.Attrs[i].Value, true
		}
	}
	return "", false
}

// Interval is the interval of a recurring operation in milliseconds, or 0.
func (a *Action) Interval() int64 {
	s, _ := a.Attr("CRM_meta_interval")
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

// Timeout is the operation's timeout in milliseconds, or 0.
func (a *Action) Timeout() int64 {
	s, _ := a.Attr("CRM_meta_timeout")
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

// Synapse is an action with what must be confirmed before it.
type Synapse struct {
	ID       int
	Priority int
	Action   *Action
	Inputs   []*Action // in ascending order of action id
}

// Graph is a whole transition.
type Graph struct {
	Attrs    []Attr // of the element transition_graph, in written order
	Synapses []*Synapse
}

// Attr returns the value of an attribute of the graph, or "".
func (g *Graph) Attr(name string) string {
	for _, a := range g.Attrs {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// XML writes the graph as Pacemaker does: two blanks a level, no declaration.
func (g *Graph) XML() []byte {
	w := &writer{}
	w.buf = make([]byte, 0, 256+512*len(g.Synapses))
	w.open(0, "transition_graph", g.Attrs...)
	if len(g.Synapses) == 0 {
		w.empty()
		return w.buf
	}
	w.more()
	for _, s := range g.Synapses {
		attrs := []Attr{{"id", strconv.Itoa(s.ID)}}
		if s.Priority > 0 {
			attrs = append(attrs, Attr{"priority", strconv.Itoa(s.Priority)})
		}
		w.open(1, "synapse", attrs...)
		w.more()
		w.open(2, "action_set")
		w.more()
		w.action(3, s.Action, true)
		w.close(2, "action_set")
		w.open(2, "inputs")
		if len(s.Inputs) == 0 {
			w.empty()
		} else {
			w.more()
			for _, in := range s.Inputs {
				w.open(3, "trigger")
				w.more()
				w.action(4, in, false)
				w.close(3, "trigger")
			}
			w.close(2, "inputs")
		}
		w.close(1, "synapse")
	}
	w.close(0, "transition_graph")
	return w.buf
}

type writer struct{ buf []byte }

func (w *writer) indent(level int) {
	for range level {
		w.buf = append(w.buf, ' ', ' ')
	}
}

func (w *writer) open(level int, tag string, attrs ...Attr) {
	w.indent(level)
	w.buf = append(w.buf, '<')
	w.buf = append(w.buf, tag...)
	for _, a := range attrs {
		w.attr(a.Name, a.Value)
	}
}

func (w *writer) attr(name, value string) {
	w.buf = append(w.buf, ' ')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '=', '"')
	w.buf = AppendEscaped(w.buf, value)
	w.buf = append(w.buf, '"')
}

func (w *writer) optional(name, value string) {
	if value != "" {
		w.attr(name, value)
	}
}

func (w *writer) more()  { w.buf = append(w.buf, '>', '\n') }
func (w *writer) empty() { w.buf = append(w.buf, '/', '>', '\n') }

func (w *writer) close(level int, tag string) {
	w.indent(level)
	w.buf = append(w.buf, '<', '/')
	w.buf = append(w.buf, tag...)
	w.buf = append(w.buf, '>', '\n')
}

func (w *writer) action(level int, a *Action, full bool) {
	tag := a.Kind.String()
	w.open(level, tag)
	w.optional("mode", a.Mode)
	w.attr("id", strconv.Itoa(a.ID))
	w.optional("operation", a.Operation)
	w.optional("operation_key", a.Key)
	w.optional("internal_operation_key", a.InternalKey)
	w.optional("on_node", a.Node)
	w.optional("on_node_uuid", a.NodeID)
	w.optional("router_node", a.Router)
	w.optional("shutdown-lock", a.ShutdownLock)
	if !full {
		w.empty()
		return
	}
	w.more()
	if r := a.Resource; r != nil {
		w.open(level+1, r.Tag, Attr{"id", r.ID})
		w.optional("long-id", r.LongID)
		w.optional("class", r.Class)
		w.optional("provider", r.Provider)
		w.optional("type", r.Type)
		w.empty()
	}
	w.open(level+1, "attributes")
	var params []Attr
	for _, p := range a.Attrs {
		if p.Name != "" && p.Name[0] >= '0' && p.Name[0] <= '9' {
			params = append(params, p)
			continue
		}
		w.attr(p.Name, p.Value)
	}
	if len(params) == 0 {
		w.empty()
	} else {
		w.more()
		for _, p := range params {
			w.open(level+2, "param", Attr{"name", p.Name}, Attr{"value", p.Value})
			w.empty()
		}
		w.close(level+1, "attributes")
	}
	if len(a.Downed) > 0 {
		w.open(level+1, "downed")
		w.more()
		for _, n := range a.Downed {
			w.open(level+2, "node", Attr{"id", n})
			w.empty()
		}
		w.close(level+1, "downed")
	}
	if len(a.Maintenance) > 0 {
		w.open(level+1, "maintenance")
		w.more()
		for _, m := range a.Maintenance {
			on := "0"
			if m.On {
				on = "1"
			}
			w.open(level+2, "node", Attr{"id", m.Node}, Attr{"node_in_maintenance", on})
			w.empty()
		}
		w.close(level+1, "maintenance")
	}
	w.close(level, tag)
}

// AppendEscaped appends text as it stands in an XML attribute of Pacemaker.
func AppendEscaped(buf []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '<':
			buf = append(buf, "&lt;"...)
		case c == '>':
			buf = append(buf, "&gt;"...)
		case c == '&':
			buf = append(buf, "&amp;"...)
		case c == '"':
			buf = append(buf, "&quot;"...)
		case c < 0x20 || c == 0x7f:
			buf = append(buf, '&', '#', 'x', hex[c>>4], hex[c&15], ';')
		default:
			buf = append(buf, c)
		}
	}
	return buf
}
