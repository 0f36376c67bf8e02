package status

import (
	"strings"

	"github.com/beevik/etree"
)

// QuorumPolicy is what happens to resources without quorum.
type QuorumPolicy int8

// The values of no-quorum-policy.
const (
	QuorumStop QuorumPolicy = iota
	QuorumFreeze
	QuorumIgnore
	QuorumDemote
	QuorumFence
)

var quorumNames = [...]string{"stop", "freeze", "ignore", "demote", "fence"}

// String is the policy's name.
func (q QuorumPolicy) String() string { return quorumNames[q] }

// Options are the cluster options as they count.
type Options struct {
	Values Values // every option that is set or has a default, by its current name

	QuorumPolicy            QuorumPolicy
	FencingEnabled          bool
	FencingAction           string
	HaveFencing             bool // some device or a watchdog is there
	Unfencing               bool // unfencing is in use
	ConcurrentFencing       bool
	StartupFencing          bool
	FenceRemoteWithoutQ     bool
	PriorityFencingDelay    uint32 // ms
	NodePendingTimeout      uint32 // ms
	StartupProbes           bool
	Symmetric               bool
	Maintenance             bool
	StopAll                 bool
	StopRemoved             bool
	CancelRemoved           bool
	StartFailureFatal       bool
	ShutdownLock            bool
	ShutdownLockLimit       uint32 // ms
	HealthStrategy          string
	HealthBase, HealthGreen int
	HealthYellow, HealthRed int
	Placement               string
}

type optionType int8

const (
	anyText optionType = iota
	boolean
	span
	number
	positive
	percentage
	quorumPolicy
	fencingAction
	healthStrategy
	placement
)

var optionTable = []struct {
	name, legacy string
	kind         optionType
	value        string
	hasDefault   bool
}{
	{"dc-version", "", anyText, "", false},
	{"cluster-infrastructure", "", anyText, "", false},
	{"cluster-name", "", anyText, "", false},
	{"dc-deadtime", "", span, "20s", true},
	{"cluster-recheck-interval", "", span, "15min", true},
	{"election-timeout", "", span, "2min", true},
	{"shutdown-escalation", "", span, "20min", true},
	{"join-integration-timeout", "", span, "3min", true},
	{"join-finalization-timeout", "", span, "30min", true},
	{"transition-delay", "", span, "0s", true},
	{"no-quorum-policy", "", quorumPolicy, "stop", true},
	{"shutdown-lock", "", boolean, "false", true},
	{"shutdown-lock-limit", "", span, "0", true},
	{"enable-acl", "", boolean, "false", true},
	{"symmetric-cluster", "", boolean, "true", true},
	{"maintenance-mode", "", boolean, "false", true},
	{"start-failure-is-fatal", "", boolean, "true", true},
	{"enable-startup-probes", "", boolean, "true", true},
	{"fence-remote-without-quorum", "", boolean, "false", true},
	{"fencing-enabled", "stonith-enabled", boolean, "true", true},
	{"fencing-action", "stonith-action", fencingAction, "reboot", true},
	{"fencing-reaction", "fence-reaction", anyText, "stop", true},
	{"fencing-timeout", "stonith-timeout", span, "60s", true},
	{"have-watchdog", "", boolean, "false", true},
	{"fencing-watchdog-timeout", "stonith-watchdog-timeout", anyText, "0", true},
	{"fencing-max-attempts", "stonith-max-attempts", positive, "10", true},
	{"concurrent-fencing", "", boolean, "true", true},
	{"startup-fencing", "", boolean, "true", true},
	{"priority-fencing-delay", "", span, "0", true},
	{"node-pending-timeout", "", span, "0", true},
	{"cluster-delay", "", span, "60s", true},
	{"load-threshold", "", percentage, "80%", true},
	{"node-action-limit", "", number, "0", true},
	{"batch-limit", "", number, "0", true},
	{"migration-limit", "", number, "-1", true},
	{"cluster-ipc-limit", "", anyText, "", false},
	{"stop-all-resources", "", boolean, "false", true},
	{"stop-removed-resources", "stop-orphan-resources", boolean, "true", true},
	{"cancel-removed-actions", "stop-orphan-actions", boolean, "true", true},
	{"pe-error-series-max", "", number, "-1", true},
	{"pe-warn-series-max", "", number, "5000", true},
	{"pe-input-series-max", "", number, "4000", true},
	{"node-health-strategy", "", healthStrategy, "none", true},
	{"node-health-base", "", number, "0", true},
	{"node-health-green", "", number, "0", true},
	{"node-health-yellow", "", number, "0", true},
	{"node-health-red", "", number, "-INFINITY", true},
	{"placement-strategy", "", placement, "default", true},
}

func (k optionType) valid(s string) bool {
	switch k {
	case boolean:
		_, ok := ParseBool(s)
		return ok
	case span:
		ms, ok := ParseInterval(s)
		return ok && ms >= 0
	case number, positive:
		switch s {
		case "INFINITY", "+INFINITY":
			return true
		case "-INFINITY":
			return k == number
		}
		n, ok := ParseInt(s)
		return ok && (k == number || n > 0)
	case percentage:
		n, ok := ParseInt(s)
		return ok && n >= 0 && strings.HasPrefix(strings.TrimLeft(s, " +-0123456789"), "%")
	case quorumPolicy:
		switch strings.ToLower(s) {
		case "stop", "freeze", "ignore", "demote", "fence", "suicide":
			return true
		}
		return false
	case fencingAction:
		return s == "reboot" || s == "off"
	case healthStrategy:
		switch strings.ToLower(s) {
		case "none", "migrate-on-red", "only-green", "progressive", "custom":
			return true
		}
		return false
	case placement:
		switch strings.ToLower(s) {
		case "default", "utilization", "minimal", "balanced":
			return true
		}
		return false
	}
	return true
}

// readOptions reads crm_config.
func (c *Cluster) readOptions(section *etree.Element) {
	var set Values
	in := c.input()
	c.blocks(section, "cluster_property_set", "cib-bootstrap-options", &in, &set)
	o := &c.Options
	o.Values = set
	for i := range optionTable {
		d := &optionTable[i]
		v, ok := set.Get(d.name)
		if !ok && d.legacy != "" {
			if v, ok = set.Get(d.legacy); ok {
				c.configWarn("Support for legacy name '%s' for cluster option '%s' is deprecated and will be removed in a future release", d.legacy, d.name)
				o.Values.Set(d.name, v)
			}
		}
		if !ok {
			if d.hasDefault {
				o.Values.Set(d.name, d.value)
			}
			continue
		}
		if !d.kind.valid(v) {
			c.configErr("Using default value for cluster option '%s' because '%s' is invalid", d.name, v)
			o.Values.Set(d.name, d.value)
		}
	}
	is := func(name string) bool { return IsTrue(o.Values.Value(name)) }
	ms := func(name string) uint32 { return interval(o.Values.Value(name)) }

	o.StartupProbes = is("enable-startup-probes")
	if !o.StartupProbes {
		c.warnOnce("Support for the enable-startup-probes cluster property is deprecated and will be removed (and behave as true) in a future release. Use a location constraint with resource-discovery=never instead to disable probes where desired.")
	}
	o.HaveFencing = is("have-watchdog")
	o.Unfencing = usesUnfencing(c.CIB)
	o.FencingEnabled = is("fencing-enabled")
	o.FencingAction = o.Values.Value("fencing-action")
	gone := func(name string) bool {
		if is(name) {
			return true
		}
		c.warnOnce("Support for the " + name + " cluster property is deprecated and will be removed (and behave as true) in a future release.")
		return false
	}
	o.ConcurrentFencing = gone("concurrent-fencing")
	o.PriorityFencingDelay = ms("priority-fencing-delay")
	o.StopAll = is("stop-all-resources")
	o.Symmetric = is("symmetric-cluster")
	switch strings.ToLower(o.Values.Value("no-quorum-policy")) {
	case "ignore":
		o.QuorumPolicy = QuorumIgnore
	case "freeze":
		o.QuorumPolicy = QuorumFreeze
	case "demote":
		o.QuorumPolicy = QuorumDemote
	case "fence", "suicide":
		if o.FencingEnabled {
			n, _ := ParseInt(get(c.CIB, "no-quorum-panic"))
			if n != 0 || c.Quorate {
				o.QuorumPolicy = QuorumFence
			}
		} else {
			c.configErr("Resetting no-quorum-policy to 'stop' because fencing is disabled")
		}
	}
	o.StopRemoved = gone("stop-removed-resources")
	o.CancelRemoved = gone("cancel-removed-actions")
	o.Maintenance = is("maintenance-mode")
	o.StartFailureFatal = is("start-failure-is-fatal")
	o.StartupFencing = o.FencingEnabled && is("startup-fencing")
	o.HealthStrategy = strings.ToLower(o.Values.Value("node-health-strategy"))
	switch o.HealthStrategy {
	case "migrate-on-red":
		o.HealthRed = -Infinity
	case "only-green":
		o.HealthRed, o.HealthYellow = -Infinity, -Infinity
	case "progressive", "custom":
		o.HealthBase = c.healthScore("node-health-base")
		o.HealthGreen = c.healthScore("node-health-green")
		o.HealthYellow = c.healthScore("node-health-yellow")
		o.HealthRed = c.healthScore("node-health-red")
	}
	o.Placement = strings.ToLower(o.Values.Value("placement-strategy"))
	o.ShutdownLock = is("shutdown-lock")
	if o.ShutdownLock {
		o.ShutdownLockLimit = ms("shutdown-lock-limit")
	}
	o.NodePendingTimeout = ms("node-pending-timeout")
	o.FenceRemoteWithoutQ = is("fence-remote-without-quorum")
}

func (c *Cluster) healthScore(name string) int {
	n, _ := c.score(c.Options.Values.Value(name))
	return n
}

// usesUnfencing looks for a meta-attribute provides or requires of value
// unfencing below the resources or in rsc_defaults.
func usesUnfencing(cib *etree.Element) bool {
	in := func(block *etree.Element) bool {
		for p := range elements(block, "nvpair") {
			if n := get(p, "name"); (n == "provides" || n == "requires") && get(p, "value") == "unfencing" {
				return true
			}
		}
		return false
	}
	var walk func(e *etree.Element, below bool) bool
	walk = func(e *etree.Element, below bool) bool {
		for k := range elements(e, "") {
			switch {
			case k.Tag == "meta_attributes" && (below || e.Tag == "rsc_defaults") && in(k):
				return true
			case walk(k, below || k.Tag == "resources"):
				return true
			}
		}
		return false
	}
	return walk(cib, false)
}
