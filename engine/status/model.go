package status

import (
	"time"

	"github.com/beevik/etree"
)

// Infinity is the score that no sum of finite scores reaches; scores are
// clipped to ±Infinity.
const Infinity = 1000000

// Role is what an instance of a resource is doing, or is meant to do. Roles
// are ordered: a higher role includes the lower ones on the way up.
type Role int8

// The roles in their order. RoleUnknown stands for "not said".
const (
	RoleUnknown Role = iota
	RoleStopped
	RoleStarted
	RoleUnpromoted
	RolePromoted
)

var roleNames = [...]string{"Unknown", "Stopped", "Started", "Unpromoted", "Promoted"}

// String is the role's name as the configuration spells it.
func (r Role) String() string { return roleNames[r] }

// Kind is the shape of a resource. The order of the constants is the order in
// which kinds weigh in colocations.
type Kind int8

// The kinds of resources.
const (
	Primitive Kind = iota
	Group
	Clone
	Bundle
)

// Discovery says where a resource's state may be looked for (probed).
type Discovery int8

// The modes of discovery, from weakest to strongest.
const (
	DiscoverAlways Discovery = iota
	DiscoverNever
	DiscoverExclusive
)

// Node is one machine of the cluster: a member, a remote node, or a node that
// lives inside a resource (a guest, or the inside of a container).
type Node struct {
	Index int // position in order of creation: the place in every Table
	Order int // position in name order
	ID    string
	Name  string
	Score int // base score
	// Configured is the base score as configured: Score is lowered for nodes
	// that cannot run resources.
	Configured int

	IsRemote bool // any Pacemaker Remote node: remote, guest or bundle node
	// Conn is the resource that connects to a remote node; nil for members and
	// for remote nodes without connection.
	Conn *Resource

	Online         bool
	Unclean        bool
	Seen           bool // its state was seen in this cluster's life
	Pending        bool
	Shutdown       bool
	ExpectedUp     bool
	IsDC           bool
	Standby        bool
	StandbyOnFail  bool
	Maintenance    bool
	Removed        bool // known from the status section only
	ResetNeeded    bool // a remote node that must be fenced or restarted
	Fenced         bool // a remote node that was fenced
	WasMaintenance bool // a remote node's recorded maintenance state
	DiscoveryOK    bool // resources may be probed there
	Unpacked       bool // its history has been read
	Running        []*Resource
	Attrs          Values
	Utilization    Values
	Capacity       []Amount // what is left while resources are placed
	Assigned       int      // primitives placed there by the current plan
	State          *etree.Element
	digests        []digestEntry
	Priority       int
	neverProbed    bool // the inside of a bundle: nothing else may go there
}

// Requires says what must be given before a resource may start.
type Requires int8

// The steps of requires.
const (
	RequiresNothing Requires = iota
	RequiresQuorum
	RequiresFencing
	RequiresUnfencing
)

// OnFail is what a failed operation leads to, from mildest to gravest.
type OnFail int8

// The on-fail policies in their order.
const (
	FailIgnore OnFail = iota
	FailDemote
	FailRestart
	FailResetRemote
	FailRestartContainer
	FailBan
	FailBlock
	FailStop
	FailStandby
	FailFence
)

// MultipleActive is what to do with a resource that runs in several places.
type MultipleActive int8

// The policies for resources that are active more often than wanted.
const (
	MultiStopStart MultipleActive = iota
	MultiStopOnly
	MultiBlock
	MultiStopUnexpected
)

// ResourceFlags are the yes-or-no facts of a resource.
type ResourceFlags uint64

// The flags of a resource.
const (
	Managed ResourceFlags = 1 << iota
	InMaintenance
	Blocked
	Failed
	FailureIgnored
	StopIfFailed     // a failed resource is to be stopped (else only demoted)
	Removed          // no longer configured, known from the status section
	RemovedLaunched  // removed, and it was launched by another resource
	Unique           // instances are told apart by number
	Promotable       // in a promotable clone
	Critical         // pulls what it is colocated with
	Notify           // wants notifications
	MigrationAllowed // allow-migrate
	RequiresQuorumF  // needs quorum to start
	NeedsFencing     // needs lost nodes fenced before it starts
	NeedsUnfencing   // needs its node unfenced before it starts
	FenceDevice      // class stonith
	RemoteConnection // ocf:pacemaker:remote
	ExclusiveProbes  // has a location with exclusive discovery
	StartPending     // a start is under way
	Reload           // to be reloaded
	RestartedHere    // the plan is working out a restart
	StopUnexpected   // only surplus instances are stopped
	MigrationBlocked // no live migration possible any more
	Internal         // made by us (bundle parts, guest connections)
	Unassigned       // not placed yet ("pending" in placement)
	Assigning        // being placed (guards against loops)
	Merging          // its preferences are being merged (guards against loops)
	Detecting        // guards other recursions
	ReplicaContainer // container of a bundle
	NestingAllowed   // bundle connection: may run on a remote node's host
)

// Resource is anything that the cluster manages: a primitive, or a group,
// clone or bundle of others, or one instance of a clone.
type Resource struct {
	Index     int
	ID        string
	HistoryID string         // the name under which history records it, if another
	XML       *etree.Element // with its template expanded
	Source    *etree.Element // as written
	Kind      Kind
	Parent    *Resource
	Children  []*Resource
	Class     string
	Provider  string
	Type      string
	Flags     ResourceFlags
	Meta      Values
	params    []paramCache
	paramMsgs paramMessages
	Ops       []Op // configured operations

	Priority           int
	PriorityWhy        Why
	ConfiguredPriority int
	Stickiness         int
	FailureLimit       int    // migration-threshold
	FailureTimeout     uint32 // ms
	ReconnectDelay     uint32 // ms, remote connections
	Requires           Requires
	Multiple           MultipleActive

	Role        Role // what it does now
	NextRole    Role // what it will do; RoleUnknown until decided
	TargetRole  string
	Active      []*Node // where it is active, in order of discovery
	Known       []*Node // where its state is known
	PendingTask string
	PendingNode *Node
	LockNode    *Node
	LockTime    int64
	LockXML     *etree.Element

	Launcher *Resource   // what starts this one ("container")
	Launched []*Resource // what this one starts
	Guest    bool        // connection of a guest node (not of a bundle node)

	PartialSource *Node // live migration under way
	PartialTarget *Node
	Dangling      []*Node // sources of unfinished migrations to be stopped

	Allowed       Table
	Assigned      *Node
	AssignedScore int
	Actions       []*Action // in order of creation

	Locations     []*Location   // newest first
	WithThis      []*Colocation // others that depend on this one
	ThisWith      []*Colocation // what this one depends on
	Tickets       []*TicketConstraint
	Utilization   Values
	Capacity      []Amount
	Instance      int // number in its clone, -1 outside
	Clone         *CloneInfo
	GroupOrdered  bool
	GroupColoc    bool
	Bundle        *BundleInfo
	PromoPriority int
	PromoWhy      Why
	attached      bool // at the top of the tree
}

// CloneInfo is what only clones have.
type CloneInfo struct {
	Max, NodeMax             int
	PromotedMax, PromotedPer int
	Ordered, Interleave      bool
	Total                    int
	ChildXML                 *etree.Element
	ScoresAdded              bool
	ScoresMerged             bool
	// pseudo actions of notifications, by task (start, stop, promote, demote)
	Notify [4]*Notification
}

// Notification holds the four pseudo actions around one task of a clone.
type Notification struct {
	Pre, PreDone, Post, PostDone *Action
}

// BundleInfo is what only bundles have.
type BundleInfo struct {
	Agent       string // docker or podman
	Image       string
	IPStart     string
	HostNet     string
	HostIf      string
	ControlPort string
	RunOptions  string
	RunCommand  string
	Network     string
	AddHost     bool
	PromotedMax int
	Replicas    int
	PerHost     int
	Ports       []BundlePort
	Mounts      []BundleMount
	Parts       []*Replica
	Child       *Resource // the clone inside, nil without a primitive
	AttrTarget  string
}

// BundlePort maps a port of the host to one inside.
type BundlePort struct{ Source, Target string }

// BundleMount maps a directory of the host to one inside.
type BundleMount struct {
	Source, Target, Options string
	PerReplica              bool
}

// Replica is one copy of a bundle: its container and what belongs to it.
type Replica struct {
	Offset    int
	IPAddress string
	Container *Resource
	IP        *Resource
	Remote    *Resource
	Child     *Resource
	Node      *Node
}

// Op is one configured operation of a resource.
type Op struct {
	XML      *etree.Element
	ID       string
	Name     string
	Interval uint32 // ms
	Enabled  bool
	Role     string
}

// ActionFlags are the yes-or-no facts of an action.
type ActionFlags uint32

// The flags of an action.
const (
	Optional ActionFlags = 1 << iota
	Runnable
	Pseudo
	Migratable
	AlwaysInGraph
	InGraph
	MigrationAbort
	Reschedule
	OnDC
	NeedsCounted
	Sorted
	Tracked
	LeadsToRestart // a restart depends on it
	Printed
)

// Needs is what an action waits for besides other actions.
type Needs int8

// What an action may need.
const (
	NeedsNothing Needs = iota
	NeedsQuorum
	NeedsFence
)

// Action is one step that the cluster may have to take.
type Action struct {
	ID       int
	Resource *Resource
	Node     *Node
	Task     string // what is done: start, monitor, cancel, stonith …
	KeyTask  string // what the key says is done (a cancel keeps the task it cancels)
	Interval uint32 // ms
	Key      string // whole key; built on demand for actions of resources
	Flags    ActionFlags
	Priority int
	Reason   string
	Needs    Needs
	Cancels  string // operation that a cancel cancels
	Meta     Values
	Params   Values // parameters of the operation itself
	OpXML    *etree.Element
	OnFail   OnFail
	FailRole Role
	Before   []*Relation // what comes before this, oldest first
	After    []*Relation // what comes after this, oldest first
	Stated   int         // how many of After were stated by orders; the others followed from them
	Required int         // how many of the counted predecessors must be runnable
	Counted  int
	opParams bool
}

// Relation orders First before Then; Kinds says what else one means for the
// other. Each side holds its own copy of the kinds.
type Relation struct {
	Action  *Action // the other side
	Kinds   OrderKind
	Written bool
	Twin    *Relation // the same relation as the other side holds it
}

// OrderKind is a set of meanings of an ordering.
type OrderKind uint32

// The meanings of orderings ("first" before "then").
const (
	Ordered            OrderKind = 1 << iota // only the order
	FirstImpliesThen                         // first required: then required
	ThenImpliesFirst                         // then required: first required
	PromotedImplies                          // the same if then's resource is promoted
	UnrunnableBlocks                         // first unrunnable: then unrunnable
	UnmigratableBlocks                       // then not migratable: first unrunnable
	FirstElseThenReal                        // first unrunnable: then becomes a real action
	RestartPair                              // stop and start of one restart
	FirstImpliesHere                         // FirstImpliesThen on the node of first only
	NestedRemoteProbe                        // container start before a probe of its connection
	Asymmetric                               // one-way mandatory ordering
	MinRunnable                              // then needs a number of runnable firsts
	GraphThen                                // first required: then always in graph
	GraphFirst                               // then required: first always in graph
	ThenCancels                              // then required: first optional
	SameNode                                 // only on the same node
	Load                                     // load_stopped
	AntiColocation                           // same node, first required
	IfUnmigratable                           // unless first can migrate
	Serialize                                // never at once
	GuestOK                                  // allowed on the guest that then hosts
)

// Location is a location constraint as it counts: scores on nodes.
type Location struct {
	ID        string
	Health    bool // made of the node's health
	Resource  *Resource
	Role      Role // RoleUnknown: any
	Discovery Discovery
	Nodes     []NodeScore
}

// NodeScore is a score on a node.
type NodeScore struct {
	Node  *Node
	Score int
}

// Colocation places Dependent with (or away from) Primary.
type Colocation struct {
	ID            string
	Attr          string // node attribute that must agree
	Dependent     *Resource
	Primary       *Resource
	DependentRole Role
	PrimaryRole   Role
	Score         int
	Influence     bool
	Explicit      bool
}

// Ordering is a recorded order of two actions, by key or by action.
type Ordering struct {
	ID                          string // of its constraint, "" if it is implied
	FirstRsc, ThenRsc           *Resource
	FirstAction, ThenAction     *Action
	FirstTask, ThenTask         string
	FirstInterval, ThenInterval uint32
	Kinds                       OrderKind
}

// Ticket is permission given from outside to a site.
type Ticket struct {
	ID          string
	Granted     bool
	Standby     bool
	LastGranted int64 // seconds, -1 if never
	Attrs       Values
}

// TicketConstraint ties a resource to a ticket.
type TicketConstraint struct {
	ID       string
	Ticket   *Ticket
	Resource *Resource
	Role     Role
	Policy   LossPolicy
}

// LossPolicy says what happens when a ticket is lost.
type LossPolicy int8

// What the loss of a ticket may lead to.
const (
	LossStop LossPolicy = iota
	LossDemote
	LossFence
	LossFreeze
)

// References is a tag, or a template: a name for several resources.
type References struct {
	ID   string
	Refs []string
}

// FailedOp is a failed operation as status screens list it.
type FailedOp struct {
	XML      *etree.Element
	Node     *Node
	Resource *Resource
}

// DeferredCheck is a comparison of parameters that must wait until resources
// are placed.
type DeferredCheck struct {
	Entry       *etree.Element
	Resource    *Resource
	Node        *Node
	LastFailure bool // compare a last failure (else an active operation)
}

// Severity of a message about the configuration.
type Severity int8

// The severities.
const (
	Warning Severity = iota
	Error
)

// Message is something that is wrong with the configuration, in the words of
// crm_verify.
type Message struct {
	Severity Severity
	Text     string
}

// Cluster is the whole: configuration and status section read into one model.
type Cluster struct {
	CIB        *etree.Element
	Now        time.Time
	Options    Options
	Quorate    bool
	Nodes      []*Node // in name order
	ByIndex    []*Node // in order of creation
	Resources  []*Resource
	All        []*Resource // every resource by Index
	Templates  []*References
	Tags       []*References
	Tickets    []*Ticket
	Locations  []*Location // oldest first
	Orderings  []*Ordering // in order of creation
	Colocation []*Colocation
	Actions    []*Action // in order of creation
	Failures   []FailedOp
	Expired    map[*etree.Element]bool // recurring operations whose failures expired, which are to be scheduled anew
	Passed     []FailedOp              // failures that count as none: masked probes, and operations whose failures are to be ignored
	Messages   []Message
	Findings   []Message // see FindWrong
	DC         *Node
	RecheckBy  time.Time // zero: never

	Notices        []string // what simulations are told, in order
	Warned         map[string]bool
	HaveRemote     bool // some Pacemaker Remote node is known
	TooNew         bool // newer software wrote the CIB: nothing was read
	Simulation     bool
	Trace          *Trace // nil: nobody asks
	StatusXML      *etree.Element
	Implicit       []*etree.Element // connections to guest nodes, which stand in no document
	DeferredChecks []DeferredCheck  // parameter checks that wait for placement, oldest first

	opDefaults, rscDefaults *etree.Element
	resourceXML             *etree.Element
	expanded                map[*etree.Element]*etree.Element
	ops                     map[*etree.Element][]Op
	ids                     map[idKey]*etree.Element
	nextAction              int
	constraint              string                 // id of the one being read
	instanced, replicated   int                    // instances of clones, replicas of bundles
	named                   map[string][]*Resource // by id and by name in history, some no longer valid
	stopNeeded              []*Resource

	Instances int // primitives, every copy counted
	Disabled  int
	Blocked   int
}
