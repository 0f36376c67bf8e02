package status

// OriginCode names the kind of thing that a piece of a score, or the need for
// an action, comes from. Renderers choose the words.
type OriginCode string

// Where scores come from.
const (
	OriginDefault     OriginCode = "default"             // a symmetric cluster: every node is allowed
	OriginNodeScore   OriginCode = "node-score"          // attribute score of the node
	OriginNodeState   OriginCode = "node-state"          // the node is not there, or may not be used; ID: what is wrong with it
	OriginLocation    OriginCode = "location"            // ID: location constraint, or its rule
	OriginHealth      OriginCode = "node-health"         // ID: the strategy
	OriginStickiness  OriginCode = "stickiness"          // resource-stickiness
	OriginColocation  OriginCode = "colocation"          // ID: constraint ("#…": implied by a group or container); Resource: the other side
	OriginPromotion   OriginCode = "promotion-score"     // ID: the node attribute; Resource: the instance
	OriginPriority    OriginCode = "priority"            // priority of the resource
	OriginFailure     OriginCode = "failure"             // ID: history entry
	OriginThreshold   OriginCode = "migration-threshold" // failed too often on the node
	OriginTicket      OriginCode = "ticket"              // ID: ticket constraint
	OriginTargetRole  OriginCode = "target-role"         // the resource is not to run, or not to be promoted
	OriginUnmanaged   OriginCode = "is-managed"          // unmanaged: it stays where it is
	OriginLock        OriginCode = "shutdown-lock"       // locked to the node that shuts down
	OriginDiscovery   OriginCode = "resource-discovery"  // ID: "exclusive" elsewhere
	OriginMultiple    OriginCode = "multiple-active"     // active in too many places
	OriginRemoved     OriginCode = "removed"             // no longer configured
	OriginUtilization OriginCode = "utilization"         // the node lacks capacity
	OriginCloneRoom   OriginCode = "clone-room"          // no instance (or no further one) of the clone may be there
	OriginCloneMax    OriginCode = "clone-max"           // enough instances are placed already
	OriginKind        OriginCode = "remote-node"         // not on a Pacemaker Remote node
	OriginContainer   OriginCode = "container"           // tied to a container or to the node inside it
	OriginNoNode      OriginCode = "no-node"             // the instance has no node
)

// Where the need for an action, or its impossibility, comes from; the codes
// above are used as well.
const (
	OriginOrdering   OriginCode = "ordering"          // ID: constraint, "" if implied; Resource, Action: what it is ordered with
	OriginPlacement  OriginCode = "placement"         // role or node of the resource change
	OriginDefinition OriginCode = "definition-change" // ID: history entry whose parameters or agent differ
	OriginProbe      OriginCode = "probe"             // the state of the resource there is unknown
	OriginMonitor    OriginCode = "monitor"           // recurring operation; ID: the operation
	OriginShutdown   OriginCode = "shutdown"          // the node shuts down
	OriginQuorum     OriginCode = "no-quorum-policy"  // the partition has no quorum
	OriginMigration  OriginCode = "migration"         // a live migration under way or broken off
	OriginRequested  OriginCode = "requested"         // somebody asked for it (terminate)
	OriginNotify     OriginCode = "notify"            // a clone that wants notifications
	OriginUnfencing  OriginCode = "unfencing"         // requires=unfencing
)

// Origin is one piece of a score, or one reason for what becomes of an action.
type Origin struct {
	Code     OriginCode
	ID       string
	Resource string // another resource that it is about, if any
	Action   string // key of another action that it is about, if any
	Score    int    // what it adds to the score
	Replaces bool   // Score replaces whatever the score was before
}

// Why stands for the origins of a score. 0 is a score that nothing was added to.
type Why int32

// Change is what becomes of an action.
type Change int8

// What may become of an action.
const (
	ActionRequired Change = iota
	ActionOptional
	ActionUnrunnable
	ActionUnmigratable
)

// ActionOrigin is one event in the making of an action.
type ActionOrigin struct {
	Action *Action
	Change Change
	Origin Origin
}

// Trace records where scores and actions come from. Planning with a trace
// gives the same plan as without. The zero value is ready; a nil trace records
// nothing.
type Trace struct {
	Actions []ActionOrigin // in order of happening

	links  []traceLink
	bases  map[traceBase]Why
	orders map[[2]*Action]string // ids of the constraints that order two actions
	cause  Origin
}

type traceLink struct {
	before Why
	origin Origin
}

type traceBase struct {
	node  *Node
	score int
}

// Add returns what stands for a score to which an origin's score was added (or
// which it replaced).
func (t *Trace) Add(before Why, o Origin) Why {
	t.links = append(t.links, traceLink{before, o})
	return Why(len(t.links))
}

// Base stands for the score that a node begins with.
func (t *Trace) Base(n *Node, score int) Why {
	k := traceBase{n, score}
	if w, ok := t.bases[k]; ok {
		return w
	}
	if t.bases == nil {
		t.bases = map[traceBase]Why{}
	}
	o := Origin{Code: OriginDefault, Score: score}
	switch {
	case n.neverProbed:
		o.Code = OriginContainer
	case score != n.Configured:
		o.Code = OriginNodeState
	case score != 0:
		o.Code = OriginNodeScore
	}
	w := t.Add(0, o)
	t.bases[k] = w
	return w
}

// Origins lists the pieces of a score: what was in force at the end, oldest
// first. Their sum, as AddScores adds, is the score.
func (t *Trace) Origins(w Why) []Origin {
	if t == nil {
		return nil
	}
	var list []Origin
	for ; w > 0; w = t.links[w-1].before {
		list = append(list, t.links[w-1].origin)
		if t.links[w-1].origin.Replaces {
			break
		}
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

// Sum adds the pieces of a score.
func Sum(list []Origin) int {
	sum := 0
	for i, o := range list {
		if o.Replaces || i == 0 {
			sum = o.Score
		} else {
			sum = AddScores(sum, o.Score)
		}
	}
	return sum
}

// Because sets the origin of the actions that are required from now on.
func (t *Trace) Because(o Origin) {
	if t != nil {
		t.cause = o
	}
}

// Cause is the origin that Because set.
func (t *Trace) Cause() Origin {
	if t == nil {
		return Origin{}
	}
	return t.cause
}

// Note records what becomes of an action.
func (t *Trace) Note(a *Action, what Change, o Origin) {
	if t != nil {
		t.Actions = append(t.Actions, ActionOrigin{a, what, o})
	}
}

// Of lists what became of an action, oldest first.
func (t *Trace) Of(a *Action) []ActionOrigin {
	if t == nil {
		return nil
	}
	var list []ActionOrigin
	for _, o := range t.Actions {
		if o.Action == a {
			list = append(list, o)
		}
	}
	return list
}

// Ordered remembers which constraint orders two actions.
func (t *Trace) Ordered(first, then *Action, id string) {
	if t == nil || id == "" {
		return
	}
	if t.orders == nil {
		t.orders = map[[2]*Action]string{}
	}
	if k := [2]*Action{first, then}; t.orders[k] == "" {
		t.orders[k] = id
	}
}

// OrderID is the constraint that orders two actions, in either direction; ""
// if the order is implied.
func (t *Trace) OrderID(a, b *Action) string {
	if t == nil {
		return ""
	}
	if id := t.orders[[2]*Action{a, b}]; id != "" {
		return id
	}
	return t.orders[[2]*Action{b, a}]
}
