// Package dryrun executes a transition on paper: each action of the graph
// succeeds at once (or fails as told) and is written into a copy of the CIB, as
// the nodes of a cluster would write it. It also makes the changes that
// simulations ask for beforehand: nodes that come and go, tickets, results.
//
//	s := &dryrun.Simulation{CIB: cib.Copy(), Now: now, Say: show}
//	s.Inject(changes)
//	end := s.Execute(result.Graph)
//	// s.CIB is the document afterwards
package dryrun

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
	"hacluster/engine/transition"
)

// EventKind says what an Event tells of.
type EventKind int8

// What a simulation tells.
const (
	PseudoAction   EventKind = iota // Task, Node
	ResourceAction                  // Resource, Task, Interval, Node
	ClusterAction                   // Task, Resource, Node
	FencingAction                   // Node, Task: the kind of fencing
	Pretended                       // ID, Code: an action was made to fail
	ModifyNode                      // Task: Online, Offline, Failing; Node
	ModifyTicket                    // Task: Granting, Revoking, Standby, Activating; Resource: the ticket
	InjectSpec                      // Task: the words of the request
	InjectAttr                      // Task: name, Resource: value, Node: id of the node state
	Fault                           // Task: what is wrong
)

// Event is something that happens in a simulation.
type Event struct {
	Kind     EventKind
	Task     string
	Resource string
	Node     string
	Interval uint32
	ID       int
	Code     int
}

// Simulation is a copy of a CIB to which things happen.
type Simulation struct {
	CIB *etree.Element // changed in place
	Now time.Time
	// Fail names operations that fail: RESOURCE_TASK_INTERVAL@NODE=CODE.
	Fail []string
	// Known tells whether a name is that of a resource of the plan.
	Known func(id string) bool
	// NewNodes creates configuration for nodes that have none.
	NewNodes bool
	// Say is told what happens; nil if nobody listens.
	Say func(Event)
	// Err is why the simulation ended before its end.
	Err error

	dirty bool                                           // something changed since the version was counted up
	known map[*etree.Element]map[string][]*etree.Element // histories of nodes by id
	fresh *etree.Element                                 // a history that was begun although there are some of the resource
	twice map[*etree.Element]bool                        // whether states of nodes hold something twice
}

func (s *Simulation) say(e Event) {
	if s.Say != nil {
		s.Say(e)
	}
}

func (s *Simulation) fault(format string, args ...any) {
	s.say(Event{Kind: Fault, Task: fmt.Sprintf(format, args...)})
}

// Execute runs the graph.
func (s *Simulation) Execute(g *transition.Graph) transition.End {
	return g.Run(func(a *transition.Action) transition.Outcome {
		switch {
		case a.Kind == transition.Pseudo:
			s.say(Event{Kind: PseudoAction, Task: a.Key, Node: a.Node})
		case a.Kind == transition.ResourceOp:
			return s.resourceAction(g, a)
		case a.Operation == "stonith":
			kind, _ := a.Attr("CRM_meta_stonith_action")
			s.say(Event{Kind: FencingAction, Node: a.Node, Task: kind})
			if !strings.EqualFold(kind, "on") {
				n := s.nodeState(a.Node, "")
				if n == nil {
					return transition.Broken
				}
				s.setDown(n)
				s.set(n, "crm-debug-origin", "simulate_fencing_action")
				s.commit(false)
				s.forget(n)
			}
		default:
			e := Event{Kind: ClusterAction, Task: a.Operation, Node: a.Node}
			if a.Resource != nil && a.Resource.Tag == "primitive" {
				e.Resource = a.Resource.ID
			}
			s.say(e)
		}
		return transition.Done
	})
}

func (s *Simulation) resourceAction(g *transition.Graph, a *transition.Action) transition.Outcome {
	if a.Resource == nil {
		return transition.Broken
	}
	configured := a.Resource.ID
	name := configured
	if !s.isKnown(name) && a.Resource.LongID != "" && s.isKnown(a.Resource.LongID) {
		name = a.Resource.LongID
	}
	if a.Operation == "delete" || a.Operation == "meta-data" {
		s.say(Event{Kind: ResourceAction, Resource: name, Task: a.Operation, Node: a.Node})
		return transition.Done
	}
	target := 0
	if v, ok := a.Attr("CRM_meta_op_target_rc"); ok {
		if n, err := strconv.Atoi(v); err == nil {
			target = max(n, 0)
		}
	}
	uuid := a.NodeID
	if a.Router != "" {
		uuid = a.Node
	}
	n := s.nodeState(a.Node, uuid)
	if n == nil {
		return transition.Broken
	}
	h := s.history(n, name, configured, a.Resource.Class, a.Resource.Type, a.Resource.Provider)
	if h == nil {
		return transition.Broken
	}
	ms := uint32(a.Interval())
	s.say(Event{Kind: ResourceAction, Resource: name, Task: a.Operation, Node: a.Node, Interval: ms})
	params := make(status.Values, len(a.Attrs))
	for i, v := range a.Attrs {
		params[i] = status.Pair(v)
	}
	r := result{
		resource: configured, task: a.Operation, ms: ms, rc: target, target: target, node: a.Node,
		reason: "User-injected result", params: params,
	}
	outcome := transition.Done
	for _, spec := range s.Fail {
		match := ""
		for _, id := range []string{name, configured} {
			key := status.OpKey(id, a.Operation, ms) + "@" + a.Node + "="
			if len(spec) >= len(key) && strings.EqualFold(spec[:len(key)], key) {
				match = id
				break
			}
		}
		if match == "" {
			continue
		}
		_, text, _ := strings.Cut(spec, "=")
		rc, ok := scanInt(text)
		if !ok {
			s.fault("Invalid failed operation '%s' (result code must be integer)", spec)
			continue
		}
		r.rc = rc
		s.say(Event{Kind: Pretended, ID: a.ID, Code: rc})
		outcome = transition.Failed
		offset := ""
		switch a.Operation {
		case "start":
			offset = g.Attr("failed-start-offset")
		case "stop":
			offset = g.Attr("failed-stop-offset")
		}
		s.failCount(n, match, a.Operation, ms, rc, strings.EqualFold(offset, "INFINITY"))
		break
	}
	s.record(h, r)
	s.commitState(n)
	return outcome
}

func (s *Simulation) isKnown(id string) bool { return s.Known == nil || s.Known(id) }

// scanInt reads the number that a text begins with.
func scanInt(text string) (int, bool) {
	text = strings.TrimLeft(text, " \t\n")
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || end == 0 && (text[0] == '-' || text[0] == '+')) {
		end++
	}
	n, err := strconv.Atoi(text[:end])
	return n, err == nil
}
