// Package scheduler decides what should run where, and the steps to it.
//
// It is a pure function of a CIB and a time: no clock, no file, no goroutine,
// no global. The same input gives the same bytes, always.
//
//	result, err := scheduler.Plan(scheduler.Input{CIB: root, Now: now})
//	result.Cluster   // the model: nodes, resources, instances, failures
//	result.Scores    // why each instance was placed where it is
//	result.Actions   // every action that was thought of, with its reason
//	result.Summary   // what changes, one line a resource, as people read it
//	result.Graph     // the steps in their order, for the controller
//
// The model comes from engine/status (status.Read), which screens use alone.
// Planning adds to the same model: where an instance is Assigned, its NextRole
// and its Actions. The XML tree is shared and never changed.
package scheduler

import (
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
	"hacluster/engine/transition"
)

// The model is the one of engine/status.
type (
	// Node is a machine of the cluster.
	Node = status.Node
	// Resource is a managed resource or an instance of one.
	Resource = status.Resource
	// Action is a step that the plan considered.
	Action = status.Action
	// Cluster is the model of the whole.
	Cluster = status.Cluster
	// Trace tells where scores and actions come from.
	Trace = status.Trace
)

// Input is everything that a plan depends on.
type Input struct {
	CIB *etree.Element // the element cib; it is read, never changed
	Now time.Time
	// UseOriginalDate takes the time from the attribute execution-date of the
	// CIB if it has one, as simulations do.
	UseOriginalDate bool
	// Simulation compares parameters without their private part as well, as
	// crm_simulate does for sanitized files.
	Simulation bool
	// Utilization records the lines of UtilizationLines.
	Utilization bool
	// Trace, if not nil, records where scores and actions come from.
	Trace *Trace
	// NoScores leaves out Result.Scores; nothing else changes.
	NoScores bool
}

// ScoreLine is a score that placement looked at, in order of the looking.
type ScoreLine struct {
	// Function names the rule: pcmk__primitive_assign, pcmk__group_assign,
	// pcmk__clone_assign, pcmk__bundle_assign; "promotion" for promotion
	// scores; "capacity" and "utilization" for those lines.
	Function string
	Resource string
	Node     string // "" for a promotion score of an inactive instance
	Score    int
	Why      status.Why      // of a trace: where the score comes from
	Amounts  []status.Amount // utilization and capacity lines, as Pacemaker's table has them
	Comment  string          // capacity lines: Original or Remaining
}

// Result is a plan.
type Result struct {
	Cluster *Cluster
	Scores  []ScoreLine
	Told    int // how many of Cluster.Notices came before the scores
	Summary []SummaryLine
	Graph   *transition.Graph
	Actions []*Action // every action, in order of creation
	// Messages are errors and warnings about the configuration, in the order
	// and words of crm_verify.
	Messages []status.Message
	// RecheckBy is when time alone may change the plan; zero: never.
	RecheckBy time.Time

	optional func() // adds the relations that only a drawing of all actions shows
}

// SummaryLine is one line of what changes.
type SummaryLine struct {
	Verb     string // Start, Stop, Move, Fence (reboot), Shutdown …
	Resource string // "" for actions on nodes
	Role     string // role before
	NextRole string // role after
	NeedRole bool   // roles are worth showing
	SameRole bool
	Source   string // node before, "" if none
	Dest     string // node after, "" if none
	Node     string // actions on nodes: the node's name as shown
	Reason   string
	Blocked  bool
	Show     bool // whether the line is printed (a node action without reason is not)
}
