package status

import (
	"math"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/engine/option"
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

// validOption tells whether a value may stand for an option.
func validOption(o *option.Option, s string) bool {
	switch o.Name {
	case "fencing-reaction", "cluster-ipc-limit":
		return true // others look at these
	case "fencing-action":
		return slices.Contains(o.Values, s)
	case "fencing-max-attempts":
		return validNumber(s, 1)
	}
	switch o.Type {
	case "boolean":
		_, ok := number.Bool(s)
		return ok
	case "duration":
		ms, ok := ParseInterval(s)
		_, clipped, _ := scanInt(s)
		return ok && ms >= 0 && !clipped
	case "integer", "score":
		return validNumber(s, math.MinInt64)
	case "percentage":
		n, rest, _ := number.Float(s)
		return n >= 0 && strings.HasPrefix(rest, "%")
	case "select":
		return slices.Contains(o.Values, strings.ToLower(s))
	}
	return true
}

func validNumber(s string, least int64) bool {
	switch s {
	case "INFINITY", "+INFINITY":
		return true
	case "-INFINITY":
		return least < 0
	}
	n, ok := ParseInt(s)
	return ok && n >= least
}

// readOptions reads crm_config.
func (c *Cluster) readOptions(section *etree.Element) {
	var set Values
	in := c.input()
	c.blocks(section, "cluster_property_set", "cib-bootstrap-options", &in, &set)
	o := &c.Options
	o.Values = set
	for i := range option.Cluster {
		d := &option.Cluster[i]
		v, ok := set.Get(d.Name)
		if !ok && d.Legacy != "" {
			if v, ok = set.Get(d.Legacy); ok {
				c.configWarn("Support for legacy name '%s' for cluster option '%s' is deprecated and will be removed in a future release", d.Legacy, d.Name)
				o.Values.Set(d.Name, v)
			}
		}
		if !ok {
			if d.Default != "" {
				o.Values.Set(d.Name, d.Default)
			}
			continue
		}
		if !validOption(d, v) {
			c.configErr("Using default value for cluster option '%s' because '%s' is invalid", d.Name, v)
			o.Values.Set(d.Name, d.Default)
		}
	}
	is := func(name string) bool { return number.IsTrue(o.Values.Value(name)) }
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
