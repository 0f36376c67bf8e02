package fencer

import (
	"hacluster/cib/xml"
)

// Unfencing switches a node's access to something on (action "on"), such as to a shared disk,
// when it comes into the cluster. What the agents of the devices say of "on" decides how.

// onTraits is what an agent's description says of its action on.
type onTraits struct {
	known    bool // it has one
	onTarget bool // only the node that it is about may run it
	required bool // each such device must do it
}

func parseOn(metadata string) onTraits {
	doc, err := xml.Parse([]byte(metadata))
	if err != nil {
		return onTraits{}
	}
	var t onTraits
	for _, a := range doc.Root.FindElements("./actions/action") {
		if a.SelectAttrValue("name", "") != "on" {
			continue
		}
		yes := func(name string) bool {
			switch a.SelectAttrValue(name, "") {
			case "1", "true", "yes":
				return true
			}
			return false
		}
		t.known = true
		t.onTarget = t.onTarget || yes("on_target")
		t.required = t.required || yes("automatic") || yes("required")
	}
	return t
}

// canSwitchOn finds out which of this node's devices can switch a target on, and which
// of them must.
func (f *Fencer) canSwitchOn(ids []string, target string, done func(able []string, required map[string]bool)) {
	var able []string
	required := map[string]bool{}
	open := len(ids)
	if open == 0 {
		done(nil, required)
		return
	}
	traits := map[string]onTraits{}
	for _, id := range ids {
		agent := ""
		if d := f.device(id); d != nil {
			agent = d.Agent
		}
		f.effects.Run(agent, "metadata", func(string) []Param { return nil }, listAge/3, func(res AgentResult) {
			traits[id] = parseOn(res.Output)
			if open--; open > 0 {
				return
			}
			for _, id := range ids { // in their order
				if t := traits[id]; t.known && (!t.onTarget || f.self == target) {
					able = append(able, id)
					required[id] = t.required
				}
			}
			done(able, required)
		})
	}
}

// requiredSteps are what every device that must switch a node on has to do.
func (f *Fencer) requiredSteps(op *operation) []attempt {
	var steps []attempt
	for _, d := range f.devices() {
		for _, o := range op.offers {
			if o.device != d.ID || !o.required {
				continue
			}
			if a, ok := f.choose(op, d.ID, "on"); ok {
				steps = append(steps, a)
			}
			break
		}
	}
	return steps
}
