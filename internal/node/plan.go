package node

import (
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/upgrade"
	"hacluster/cib/xml"
	"hacluster/engine/scheduler"
)

// Plan has the scheduler plan for a document of any schema. recheck is when time alone may change
// the plan; zero: never. What is not safe without quorum is left out, see withoutAssumed; logf tells
// of it. Starts wait for migrations under way, see afterMigrations, and until remote nodes are connected to from one place, see
// afterReconnections. Promotions and shutdowns wait for probes, see afterProbes, and so does the fencing of guests, see afterGuests; steps that would wait for ever do not, see
// withoutLoops and reconnected. Connections move when what is done over them has ended, see beforeMoves. What cannot migrate live, see migrations and secondHalves, is stopped and started.
func Plan(root *etree.Element, now time.Time, logf func(format string, args ...any)) (*scheduler.Result, error) {
	current, err := upgrade.ForReading(root)
	if err != nil {
		return nil, err
	}
	plan := func(root *etree.Element) (*scheduler.Result, error) {
		r, err := scheduler.Plan(scheduler.Input{CIB: root, Now: now, NoScores: true})
		if err != nil {
			return nil, err
		}
		withoutAssumed(root, r, logf)
		afterMigrations(root, r, logf)
		afterReconnections(r.Graph, logf)
		afterProbes(r.Graph)
		afterGuests(r)
		reconnected(r.Graph)
		beforeMoves(r.Graph)
		withoutLoops(r.Graph, logf)
		return r, nil
	}
	r, err := plan(current.Root)
	if err != nil {
		return nil, err
	}
	caught, halves := migrations(r.Graph), secondHalves(r)
	if len(caught) > 0 {
		logf("scheduler: %s cannot migrate live, for what that waits for waits for it: stopped and started instead", strings.Join(caught, ", "))
	}
	if len(halves) > 0 {
		logf("scheduler: %s cannot migrate live, for the plan has the second half of that only: stopped and started instead", strings.Join(halves, ", "))
	}
	if caught = append(caught, halves...); len(caught) > 0 {
		if r, err = plan(immobile(current.Root, caught)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// immobile is a document in which these primitives do not migrate live.
func immobile(root *etree.Element, primitives []string) *etree.Element {
	root = xml.Copy(root)
	resources := cib.Section(root, "resources")
	if resources == nil {
		return root
	}
	for _, p := range resources.FindElements(".//primitive") {
		if !slices.Contains(primitives, p.SelectAttrValue("id", "")) {
			continue
		}
		for _, set := range p.SelectElements("meta_attributes") {
			for _, nv := range set.SelectElements("nvpair") {
				if nv.SelectAttrValue("name", "") == allowMigrate {
					set.RemoveChild(nv)
				}
			}
		}
		set := etree.NewElement("meta_attributes")
		set.CreateAttr("id", "hacluster-immobile-"+p.SelectAttrValue("id", ""))
		nv := set.CreateElement("nvpair")
		nv.CreateAttr("id", "hacluster-immobile-"+p.SelectAttrValue("id", "")+"-value")
		nv.CreateAttr("name", allowMigrate)
		nv.CreateAttr("value", "false")
		p.AddChild(set)
	}
	return root
}

// allowMigrate is the meta attribute that lets a resource migrate live.
const allowMigrate = "allow-migrate"

// withoutStartupFencing is a document in which nobody is fenced for not having been seen.
func withoutStartupFencing(root *etree.Element) *etree.Element {
	root = xml.Copy(root)
	config := cib.Section(root, "crm_config")
	if config == nil {
		return root
	}
	for _, set := range config.SelectElements("cluster_property_set") {
		for _, nv := range set.SelectElements("nvpair") {
			if nv.SelectAttrValue("name", "") == startupFencing {
				set.RemoveChild(nv)
			}
		}
	}
	set := config.CreateElement("cluster_property_set")
	set.CreateAttr("id", "hacluster-sparing")
	nv := set.CreateElement("nvpair")
	nv.CreateAttr("id", "hacluster-sparing-value")
	nv.CreateAttr("name", startupFencing)
	nv.CreateAttr("value", "false")
	return root
}

// startupFencing is the property that has nodes fenced which were not seen.
const startupFencing = "startup-fencing"
