package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// Scenario is a cluster and what happens to it. All times are milliseconds of virtual time.
type Scenario struct {
	// Seed decides what the scenario leaves open: how long packets and agents take.
	Seed  uint64 `json:"seed"`
	Nodes int    `json:"nodes"`
	// Remotes are hosts of Pacemaker Remote, whose numbers follow those of the nodes.
	Remotes int `json:"remotes,omitempty"`
	// Guests are hosts of Pacemaker Remote that the resources V1, V2 … start; their numbers follow those of the remote hosts.
	Guests int `json:"guests,omitempty"`
	// Old: so many nodes, the first ones, begin with a release that knows no terms; a step upgrade gives one this release.
	Old int `json:"old,omitempty"`
	// Fast: lost nodes are detected as where corosync.conf sets no timers.
	Fast bool `json:"fast,omitempty"`
	// Device: there is a quorum device, which decides by ffsplit or by lms; DeviceOptions are more of its options, as OPTION=VALUE, see deviceText.
	Device        string `json:"device,omitempty"`
	DeviceOptions string `json:"device_options,omitempty"`
	// Late are nodes that are not in corosync.conf before a step add-node; their numbers follow those of the others, and those of remote hosts theirs.
	Late int `json:"late,omitempty"`
	// Quorum are options of corosync.conf's section quorum, as OPTION=VALUE. TwoNode: the role pacemaker knows of two_node, as clusterd's does.
	Quorum  string `json:"quorum,omitempty"`
	TwoNode bool   `json:"two_node,omitempty"`
	// Fencing is stonith-enabled, Devices how it is done: "one" device for all, or one for "each" node;
	// with "levels" the first of them is tried before the second. Policy is no-quorum-policy.
	Fencing bool   `json:"fencing,omitempty"`
	Devices string `json:"devices,omitempty"`
	Policy  string `json:"policy,omitempty"`
	// Resources: P… a primitive, L… one that can migrate live, G… a group of two, C… a clone, M… a promotable one.
	Resources []string `json:"resources"`
	// Constraints: each resource runs with the one before it, or after it, or is drawn to a node.
	Constraints bool `json:"constraints,omitempty"`
	// Agent is how long resource agents take at most.
	Agent int `json:"agent,omitempty"`
	// Length is how long faults last; then all is repaired, and the cluster must settle.
	Length int    `json:"length"`
	Steps  []Step `json:"steps"`
}

// Step is something that happens: a fault, or what a user does.
type Step struct {
	At   int    `json:"at"`
	Do   string `json:"do"`
	Host int    `json:"host,omitempty"` // number of the host, from 1
	// Arg says more: a resource, an action and a mode; other hosts; what a user wants.
	Arg string `json:"arg,omitempty"`
	// For is how long a fault lasts, at most until Length.
	For int `json:"for,omitempty"`
	// On: from At on it waits for a moment of this kind, the nth, and then Delay microseconds; Who is then whom it is about, in place of Host.
	On    string `json:"on,omitempty"`
	Nth   int    `json:"nth,omitempty"`
	Delay int    `json:"delay,omitempty"`
	Who   string `json:"who,omitempty"`
}

// primitives are the ids of the primitives of a resource.
func primitives(resource string) []string {
	if strings.HasPrefix(resource, "G") {
		return []string{resource + "a", resource + "b"}
	}
	return []string{resource}
}

// primitive is a primitive's XML.
func primitive(id string) string {
	ops := fmt.Sprintf(`<op id="%[1]s-m" name="monitor" interval="10s" timeout="20s"/><op id="%[1]s-s" name="start" interval="0s" timeout="20s"/><op id="%[1]s-e" name="stop" interval="0s" timeout="20s"/>`, id)
	meta, kind := "", "Dummy"
	switch id[0] {
	case 'L':
		meta = fmt.Sprintf(`<meta_attributes id="%[1]s-a"><nvpair id="%[1]s-a-m" name="allow-migrate" value="true"/></meta_attributes>`, id)
	case 'V':
		meta = fmt.Sprintf(`<meta_attributes id="%[1]s-a"><nvpair id="%[1]s-a-r" name="remote-node" value="%[2]s%[3]s"/></meta_attributes>`, id, GuestName, id[1:])
	case 'M':
		kind = "Stateful"
		ops += fmt.Sprintf(`<op id="%[1]s-p" name="monitor" interval="11s" timeout="20s" role="Promoted"/>`, id)
	}
	return fmt.Sprintf(`<primitive id="%s" class="ocf" provider="pacemaker" type="%s">%s<operations>%s</operations></primitive>`, id, kind, meta, ops)
}

// resource is a resource's XML.
func resource(id string) string {
	var inner strings.Builder
	for _, p := range primitives(id) {
		inner.WriteString(primitive(p))
	}
	switch id[0] {
	case 'G':
		return fmt.Sprintf(`<group id="%s">%s</group>`, id, inner.String())
	case 'C':
		return fmt.Sprintf(`<clone id="%s-clone">%s</clone>`, id, inner.String())
	case 'M':
		// In the words of pacemaker-3.9, so that the document must be rewritten for every plan.
		return fmt.Sprintf(`<master id="%s-clone">%s</master>`, id, inner.String())
	}
	return inner.String()
}

// top is the id of a resource in constraints.
func top(id string) string {
	if everywhere(id) {
		return id + "-clone"
	}
	return id
}

// document is the CIB that a scenario's cluster starts with.
func (s *Scenario) document() (*etree.Element, error) {
	var b strings.Builder
	property := func(name, value string) {
		fmt.Fprintf(&b, `<nvpair id="cib-bootstrap-options-%[1]s" name="%[1]s" value="%[2]s"/>`, name, value)
	}
	b.WriteString(`<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" admin_epoch="0" epoch="5" num_updates="0"><configuration><crm_config><cluster_property_set id="cib-bootstrap-options">`)
	property("stonith-enabled", fmt.Sprint(s.Fencing))
	property("cluster-recheck-interval", "60s")
	if s.Policy != "" {
		property("no-quorum-policy", s.Policy)
	}
	b.WriteString(`</cluster_property_set></crm_config><nodes>`)
	for i := 1; i <= s.Nodes; i++ {
		fmt.Fprintf(&b, `<node id="%[1]d" uname="node%[1]d"/>`, i)
	}
	b.WriteString(`</nodes><resources>`)
	levels := ""
	if s.Fencing {
		hosts := []string{""}
		if s.Devices != "one" {
			hosts = nil
			for i := 1; i <= s.Nodes; i++ {
				hosts = append(hosts, fmt.Sprintf("node%d", i))
			}
			for i := 1; i <= s.Late; i++ {
				hosts = append(hosts, fmt.Sprintf("%s%d", LateName, s.Nodes+i))
			}
			for i := 1; i <= s.Remotes; i++ {
				hosts = append(hosts, fmt.Sprintf("%s%d", RemoteName, i))
			}
		}
		for i, h := range hosts {
			names := []string{fmt.Sprintf("F%d", i+1)}
			if s.Devices == "levels" {
				names = append(names, names[0]+"x")
			}
			for j, name := range names {
				list := ""
				if h != "" {
					list = fmt.Sprintf(`<instance_attributes id="%[1]s-i"><nvpair id="%[1]s-i-l" name="pcmk_host_list" value="%[2]s"/></instance_attributes>`, name, h)
				}
				fmt.Fprintf(&b, `<primitive id="%[1]s" class="stonith" type="fence_sim">%[2]s<operations><op id="%[1]s-m" name="monitor" interval="60s"/></operations></primitive>`, name, list)
				if len(names) > 1 {
					levels += fmt.Sprintf(`<fencing-level id="fl-%[1]s" index="%[2]d" target="%[3]s" devices="%[1]s"/>`, name, j+1, h)
				}
			}
		}
	}
	for i := 1; i <= s.Remotes; i++ {
		fmt.Fprintf(&b, `<primitive id="%[1]s%[2]d" class="ocf" provider="pacemaker" type="remote"><operations><op id="%[1]s%[2]d-m" name="monitor" interval="10s" timeout="5s"/><op id="%[1]s%[2]d-s" name="start" interval="0s" timeout="15s"/></operations></primitive>`, RemoteName, i)
	}
	for i := 1; i <= s.Guests; i++ {
		b.WriteString(primitive(fmt.Sprintf("V%d", i)))
	}
	for _, r := range s.Resources {
		b.WriteString(resource(r))
	}
	b.WriteString(`</resources><constraints>`)
	if s.Constraints {
		for i, r := range s.Resources {
			if i == 0 {
				fmt.Fprintf(&b, `<rsc_location id="loc-%s" rsc="%s" node="node%d" score="100"/>`, r, top(r), 1+i%s.Nodes)
				continue
			}
			fmt.Fprintf(&b, `<rsc_order id="ord-%[1]s" first="%[2]s" then="%[3]s"/>`, r, top(s.Resources[i-1]), top(r))
			if i%2 == 1 {
				fmt.Fprintf(&b, `<rsc_colocation id="col-%[1]s" rsc="%[3]s" with-rsc="%[2]s" score="INFINITY"/>`, r, top(s.Resources[i-1]), top(r))
			}
		}
	}
	b.WriteString(`</constraints>`)
	if levels != "" {
		b.WriteString(`<fencing-topology>` + levels + `</fencing-topology>`)
	}
	b.WriteString(`<rsc_defaults><meta_attributes id="rd"><nvpair id="rd-s" name="resource-stickiness" value="1"/></meta_attributes></rsc_defaults></configuration><status/></cib>`)
	doc, err := cib.Parse([]byte(b.String()))
	if err != nil {
		return nil, err
	}
	return doc.Root, nil
}

// Generate makes the scenario of a seed. Most are short: few nodes, few resources, few faults.
func Generate(seed uint64) *Scenario {
	r := rand.New(rand.NewPCG(seed, 2))
	s := &Scenario{Seed: seed, Nodes: 2 + r.IntN(2), Fencing: r.IntN(4) != 0}
	large := r.IntN(25) == 0
	if large {
		s.Nodes = 4 + r.IntN(5)
	}
	s.Fast = r.IntN(8) == 0
	s.Devices = []string{"one", "one", "each", "levels"}[r.IntN(4)]
	if !s.Fencing {
		s.Devices = ""
	}
	switch r.IntN(10) {
	case 0:
		s.Policy = "freeze"
	case 1:
		s.Policy = "ignore"
	case 2:
		s.Policy = "demote"
	case 3:
		if s.Fencing {
			s.Policy = "fence"
		}
	}
	kinds := "PPPLGCM"
	for i := range 1 + r.IntN(2) + map[bool]int{true: r.IntN(8)}[large] {
		s.Resources = append(s.Resources, fmt.Sprintf("%c%d", kinds[r.IntN(len(kinds))], i+1))
	}
	s.Constraints = r.IntN(3) == 0
	faults := 1 + r.IntN(6)
	if large {
		faults += r.IntN(12)
	}
	s.Length = 3000 + r.IntN(4000)*faults
	s.Agent = []int{300, 300, 1000, 4000}[r.IntN(4)]
	// Half of all scenarios have everything happen within a moment: while what came before is dealt with.
	at := func() int { return r.IntN(s.Length) }
	if r.IntN(2) == 0 {
		moment, width := r.IntN(s.Length/2), 300+r.IntN(4000)
		at = func() int { return moment + r.IntN(width) }
	}
	for range faults {
		s.Steps = append(s.Steps, s.fault(r, at()))
	}
	for range r.IntN(7) {
		s.Steps = append(s.Steps, s.user(r, at()))
	}
	if r.IntN(30) == 0 { // a blackout
		moment := at()
		for i := 1; i <= s.Nodes; i++ {
			s.Steps = append(s.Steps, Step{At: moment + r.IntN(50), Do: "power", Host: i, For: 1000 + r.IntN(5000)})
		}
	}
	if seed >= firstWithChanges {
		s.changes(rand.New(rand.NewPCG(seed, 6)))
	}
	s.remotes(rand.New(rand.NewPCG(seed, 3)))
	switch {
	case seed >= firstWithChangingDevice:
		s.changingDevice(rand.New(rand.NewPCG(seed, 7)))
	case seed >= firstWithDevice:
		s.device(rand.New(rand.NewPCG(seed, 4)))
	}
	if seed >= firstWithGuest {
		s.guests(rand.New(rand.NewPCG(seed, 5)))
	}
	if seed >= firstWithTrouble {
		s.troubles(rand.New(rand.NewPCG(seed, 9)))
	}
	return s
}

// firstWithDevice is the first seed whose scenario may have a quorum device.
const firstWithDevice = 6_000_000

// firstWithGuest is the first whose scenario may have guests.
const firstWithGuest = 6_500_000

// firstWithChanges is the first whose corosync.conf may change.
const firstWithChanges = 7_000_000

// changes gives two scenarios in three options of quorum, nodes that are added or removed, and other changes of corosync.conf.
func (s *Scenario) changes(r *rand.Rand) {
	s.TwoNode = true
	if r.IntN(3) == 0 {
		return
	}
	if r.IntN(3) == 0 {
		s.Quorum = quorumOptions[r.IntN(len(quorumOptions))]
	}
	at := func() int {
		if len(s.Steps) > 0 && r.IntN(2) == 0 { // with what happens to others
			return min(s.Length, max(0, s.Steps[r.IntN(len(s.Steps))].At+r.IntN(2000)-1000))
		}
		return r.IntN(s.Length)
	}
	if r.IntN(2) == 0 {
		s.Late = 1 + r.IntN(5)/4
	}
	for i := 1; i <= s.Late; i++ {
		add := Step{At: at(), Do: "add-node", Host: s.Nodes + i, For: []int{0, 100, 2000}[r.IntN(3)], Arg: s.left(r)}
		s.Steps = append(s.Steps, add)
		if r.IntN(2) == 0 {
			f := s.fault(r, min(s.Length, add.At+r.IntN(5000)))
			f.Host = add.Host
			s.Steps = append(s.Steps, f)
		}
	}
	if r.IntN(3) == 0 {
		s.Steps = append(s.Steps, Step{At: at(), Do: "remove-node", Host: 2 + r.IntN(s.Nodes-1+s.Late)})
	}
	for range r.IntN(3) {
		tune := []string{"token=500", "token=3000", "two_node=0", "two_node=1", "two_node=", "expected_votes=", "expected_votes=3", "wait_for_all=1", "wait_for_all=0", "last_man_standing=1", "auto_tie_breaker=1"}
		s.Steps = append(s.Steps, Step{At: at(), Do: "tune", Host: 1, Arg: strings.TrimSpace(tune[r.IntN(len(tune))] + " " + s.left(r))})
	}
}

// quorumOptions are options that a cluster may begin with.
var quorumOptions = []string{"wait_for_all=1", "last_man_standing=1 wait_for_all=1", "auto_tie_breaker=1", "auto_tie_breaker=1 wait_for_all=1", "last_man_standing=1", "wait_for_all=0"}

// left is a host whose file is not changed, one time in three.
func (s *Scenario) left(r *rand.Rand) string {
	if r.IntN(3) != 0 {
		return ""
	}
	return fmt.Sprintf("not=%d", 1+r.IntN(s.Nodes+s.Late))
}

// changesConf tells whether a step changes corosync.conf.
func changesConf(s Step) bool {
	return slices.Contains([]string{"tune", "add-node", "remove-node", "add-device", "tune-device", "remove-device"}, s.Do)
}

// addsDevice tells whether a step adds a quorum device.
func addsDevice(s Step) bool { return s.Do == "add-device" }

// guests gives one scenario in three a guest or two, and faults of theirs.
func (s *Scenario) guests(r *rand.Rand) {
	if r.IntN(3) != 0 {
		return
	}
	s.Guests = 1 + r.IntN(4)/3
	for range 1 + r.IntN(4) {
		n := 1 + r.IntN(s.Guests)
		f := Step{At: r.IntN(s.Length), Host: s.Nodes + s.Late + s.Remotes + n, For: 200 + r.IntN(10000)}
		if len(s.Steps) > 0 && r.IntN(2) == 0 { // with what happens to others
			f.At = min(s.Length, max(0, s.Steps[r.IntN(len(s.Steps))].At+r.IntN(2000)-1000))
		}
		switch r.IntN(8) {
		case 0, 1:
			f.Do = "power"
		case 2:
			f.Do = "kill-pacemaker"
		case 3:
			f.Do = "pause"
		case 4:
			f.Do = "part"
		case 5:
			f.Do, f.Host, f.Arg = "agent", 1+r.IntN(s.Nodes), fmt.Sprintf("V%d %s %s", n, []string{"start", "stop", "monitor"}[r.IntN(3)], []string{Hang, Fail}[r.IntN(2)])
			f.For += 10000
		case 6:
			f.Do, f.Host, f.Arg = "move", 1+r.IntN(s.Nodes), fmt.Sprintf("%s %s%d", s.Resources[r.IntN(len(s.Resources))], GuestName, n)
		case 7:
			f.Do, f.Host, f.Arg = "move", 1+r.IntN(s.Nodes), fmt.Sprintf("V%d node%d", n, 1+r.IntN(s.Nodes))
		}
		s.Steps = append(s.Steps, f)
	}
}

// device gives one scenario in three a quorum device, and faults of its.
func (s *Scenario) device(r *rand.Rand) {
	if r.IntN(3) != 0 || s.Quorum != "" || slices.ContainsFunc(s.Steps, changesConf) {
		return
	}
	s.Device = []string{"ffsplit", "ffsplit", "lms"}[r.IntN(3)]
	for range r.IntN(4) {
		f := Step{At: r.IntN(s.Length), Host: 1 + r.IntN(s.Nodes), For: 200 + r.IntN(20000), Do: []string{"qnetd", "cut-qnetd", "cut-qnetd"}[r.IntN(3)]}
		if len(s.Steps) > 0 && r.IntN(2) == 0 { // with what happens to others
			f.At = min(s.Length, max(0, s.Steps[r.IntN(len(s.Steps))].At+r.IntN(2000)-1000))
		}
		s.Steps = append(s.Steps, f)
	}
}

// remotes gives one scenario in five a remote host or two, and faults of theirs.
func (s *Scenario) remotes(r *rand.Rand) {
	if r.IntN(5) != 0 {
		return
	}
	s.Remotes = 1 + r.IntN(4)/3
	at := func() int { return r.IntN(s.Length) }
	if len(s.Steps) > 0 && r.IntN(2) == 0 { // with what happens to others
		at = func() int { return max(0, s.Steps[r.IntN(len(s.Steps))].At+r.IntN(2000)-1000) }
	}
	for range 1 + r.IntN(4) {
		n := 1 + r.IntN(s.Remotes)
		f := Step{At: min(at(), s.Length), Host: s.Nodes + s.Late + n, For: 200 + r.IntN(10000)}
		switch r.IntN(8) {
		case 0, 1:
			f.Do = "power"
		case 2:
			f.Do = "kill-pacemaker"
		case 3:
			f.Do = "pause"
		case 4:
			f.Do = "part"
		case 5:
			f.Do, f.Arg = "cut", fmt.Sprint(1+r.IntN(s.Nodes))
		case 6:
			f.Do, f.Host, f.Arg = "move", 1+r.IntN(s.Nodes), fmt.Sprintf("%s %s%d", s.Resources[r.IntN(len(s.Resources))], RemoteName, n)
		case 7:
			f.Do, f.Host, f.Arg = "move", 1+r.IntN(s.Nodes), fmt.Sprintf("%[1]s%[2]d node%[3]d", RemoteName, n, 1+r.IntN(s.Nodes))
		}
		s.Steps = append(s.Steps, f)
	}
}

func (s *Scenario) anyPrimitive(r *rand.Rand) string {
	var all []string
	for _, x := range s.Resources {
		all = append(all, primitives(x)...)
	}
	return all[r.IntN(len(all))]
}

// fault makes a fault.
func (s *Scenario) fault(r *rand.Rand, at int) Step {
	f := Step{At: at, Host: 1 + r.IntN(s.Nodes), For: 200 + r.IntN(10000)}
	switch r.IntN(19) {
	case 0:
		f.Do = "kill-pacemaker"
	case 1:
		f.Do = "kill-corosync"
	case 2, 3:
		f.Do = "power"
	case 4:
		f.Do = "pause"
	case 5:
		f.Do, f.Arg = "pause", []string{"pacemaker", "corosync"}[r.IntN(2)]
	case 6, 7:
		f.Do = "part"
		for i := 1; i <= s.Nodes; i++ {
			if i != f.Host && r.IntN(3) == 0 {
				f.Arg += fmt.Sprintf(" %d", i)
			}
		}
		f.Arg = strings.TrimSpace(f.Arg)
	case 8:
		f.Do, f.Arg = "cut", fmt.Sprint(1+r.IntN(s.Nodes)) // one way
	case 9:
		f.Do, f.Arg = "loss", fmt.Sprint(1+r.IntN(30))
	case 10:
		f.Do, f.Arg = "late", fmt.Sprint(1+r.IntN(50))
	case 11:
		f.Do, f.Arg = "double", fmt.Sprint(1+r.IntN(30))
	case 12:
		f.Do, f.Arg = "slow", fmt.Sprint(1+r.IntN(100))
	case 13:
		f.Do, f.Arg = "skew", fmt.Sprint(r.IntN(7200)-3600)
	case 14, 15:
		p := s.anyPrimitive(r)
		actions := []string{"start", "stop", "monitor"}
		switch p[0] {
		case 'M':
			actions = append(actions, "promote", "demote")
		case 'L':
			actions = append(actions, "migrate_to", "migrate_from")
		}
		mode := []string{Hang, Fail, Fail, Lie}[r.IntN(4)]
		f.Do, f.Arg = "agent", p+" "+actions[r.IntN(len(actions))]+" "+mode
		f.For += 10000
	case 16:
		f.Do, f.Arg = "fence", []string{Fail, Slow, Lie}[r.IntN(3)]
		f.For += 20000
		if r.IntN(2) == 0 {
			f.Host = 0 // wherever they run
		}
	case 17:
		f.Do, f.Arg = "die", s.anyPrimitive(r)
	case 18:
		f.Do = []string{"full", "tear"}[r.IntN(2)]
	}
	return f
}

// user makes something that a user does.
func (s *Scenario) user(r *rand.Rand, at int) Step {
	u := Step{At: at, Host: 1 + r.IntN(s.Nodes)}
	some := s.Resources[r.IntN(len(s.Resources))]
	switch r.IntN(18) {
	case 0, 1, 2, 3, 14:
		u.Do = "set"
	case 4:
		u.Do = "unset"
	case 5:
		u.Do, u.Arg = "create", fmt.Sprintf("P%d", 100+r.IntN(3))
	case 6:
		u.Do, u.Arg = "delete", fmt.Sprintf("P%d", 100+r.IntN(3))
	case 7:
		u.Do, u.Arg = "standby", fmt.Sprintf("node%d", 1+r.IntN(s.Nodes))
	case 8:
		u.Do, u.Arg = "unstandby", fmt.Sprintf("node%d", 1+r.IntN(s.Nodes))
	case 9:
		u.Do, u.Arg = "move", fmt.Sprintf("%s node%d", some, 1+r.IntN(s.Nodes))
	case 10:
		u.Do, u.Arg = "clear", some
	case 11:
		u.Do, u.Arg = "cleanup", s.anyPrimitive(r)
	case 12:
		u.Do = "stop-cluster"
	case 13:
		u.Do, u.Arg = "refresh", s.anyPrimitive(r)
	case 15:
		u.Do, u.For = "maintenance", 1000+r.IntN(10000)
	case 16:
		u.Do, u.Arg = "shoot", fmt.Sprintf("node%d", 1+r.IntN(s.Nodes))
	case 17:
		u.Do, u.Arg = "fail", s.anyPrimitive(r)
	}
	return u
}
