package executor

import (
	"strconv"
	"strings"
	"time"
)

// Param is a parameter of an operation, meta attributes (CRM_meta_…) among them.
type Param struct{ Name, Value string }

// Op is an ordered operation.
type Op struct {
	Resource              string // the instance's id
	Class, Provider, Type string
	Action                string
	Interval              time.Duration // 0: once
	Timeout               time.Duration
	StartDelay            time.Duration
	Params                []Param
	Key                   string // transition-key: ACTION:TRANSITION:EXPECTED_RC:UUID
	Node                  string // that it is recorded for
	FeatureSet            string // of the DC that ordered it
	Container             string
	By                    Asker
	// Clock is what the clock of the DC was ahead of this node's when the order came: results
	// are stamped with the DC's time, for the scheduler compares those of several nodes.
	Clock time.Duration
	// Lock is since when (seconds since 1970) the resource is locked to the node, which shut down, see Executor.lock; 0: it is not.
	Lock int64
}

// Param gives the value of a parameter, "" when it is not there.
func (o *Op) Param(name string) string {
	for _, p := range o.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// Expected is the code that the order expects, from its key; 0 when it says none.
func (o *Op) Expected() int {
	f := strings.Split(o.Key, ":")
	if len(f) > 2 {
		if n, err := strconv.Atoi(f[2]); err == nil {
			return n
		}
	}
	return 0
}

// Connects tells whether an operation is one of the connection to a remote node.
func (o *Op) Connects() bool {
	return o.Class == "ocf" && o.Provider == "pacemaker" && o.Type == "remote"
}

// recordable tells that an operation's result belongs into the history.
func (o *Op) recordable() bool {
	return o.Action != "notify" && o.Action != "meta-data" && o.Action != "cancel" && o.Action != "delete"
}

// Result is how a run ended. Status and Code are those of op-status and rc-code.
type Result struct {
	Code, Status int
	Reason       string
	Output       string
	Duration     time.Duration
	Traits       Traits
}

// Traits are what an agent's meta-data says that matters for digests.
type Traits struct {
	Known       bool
	Parameters  []string // the names of all, in the meta-data's order
	Private     []string // parameters that are secret
	Unique      []string // parameters that need a restart where the agent has only the old reload
	Reloadable  []string // parameters that reload-agent takes over
	ReloadAgent bool
	Reload      bool
}

// The op-status values that the executor itself gives.
const (
	statusPending      = -1
	statusDone         = 0
	statusCancelled    = 1
	statusTimedOut     = 2
	statusError        = 4
	statusHard         = 5
	statusFatal        = 6
	statusNotInstalled = 7
	statusNotConnected = 8
	statusInvalid      = 9
)

const codeUnknown = 193
