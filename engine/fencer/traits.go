package fencer

import (
	"slices"

	"hacluster/cib/number"
	"hacluster/cib/xml"
)

// Traits is what a fence agent says of itself that decides how it is used.
type Traits struct {
	Known                    bool // its meta-data could be read
	List, Status, Reboot, On bool // it has these actions
	Automatic                bool // each such device must switch a node on that joins
	// OnTarget are the actions that only the node which they are about may run.
	OnTarget []string
	Plug     string // the parameter that names the target
}

// ParseTraits reads an agent's meta-data.
func ParseTraits(metadata string) Traits {
	t := Traits{Plug: "port"}
	doc, err := xml.Parse([]byte(metadata))
	if err != nil {
		return t
	}
	t.Known = true
	for _, p := range doc.Root.FindElements("./parameters/parameter") {
		if p.SelectAttrValue("name", "") == "plug" {
			t.Plug = "plug"
		}
	}
	for _, a := range doc.Root.FindElements("./actions/action") {
		yes := func(name string) bool { return number.IsTrue(a.SelectAttrValue(name, "")) }
		name := a.SelectAttrValue("name", "")
		switch name {
		case "list":
			t.List = true
		case "status":
			t.Status = true
		case "reboot":
			t.Reboot = true
		case "on":
			t.On = true
			t.Automatic = t.Automatic || yes("automatic") || yes("required")
		}
		if yes("on_target") {
			t.OnTarget = append(t.OnTarget, name)
		}
	}
	return t
}

// own is the action that an agent is to carry out for one that is asked for: who cannot reboot switches off.
func (t Traits) own(action string) string {
	if action == "reboot" && !t.Reboot {
		return "off"
	}
	return action
}

// allowed tells whether a node may run an agent's action on a target.
func (t Traits) allowed(action, node, target string) bool {
	return node == target || !slices.Contains(t.OnTarget, action)
}

// describe finds out about the agents of devices, by agent.
func (f *Fencer) describe(devices []*Device, done func(traits map[string]Traits)) {
	traits := map[string]Traits{}
	var agents []string
	for _, d := range devices {
		if !slices.Contains(agents, d.Agent) {
			agents = append(agents, d.Agent)
		}
	}
	open := len(agents)
	if open == 0 {
		done(traits)
		return
	}
	for _, a := range agents {
		f.effects.Traits(a, func(t Traits) {
			traits[a] = t
			if open--; open == 0 {
				done(traits)
			}
		})
	}
}
