package sbd

import (
	"encoding/json"
	"net/url"
	"slices"
	"sort"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/fleet"
	"hacluster/internal/pcs/remove"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

const (
	defaultWatchdog = "/dev/watchdog"
	maxDevices      = 3
)

var (
	// own are the settings that pcs writes by itself, free those that users may set.
	own  = []string{"SBD_WATCHDOG_DEV", "SBD_OPTS", "SBD_PACEMAKER", "SBD_DEVICE"}
	free = []string{"SBD_DELAY_START", "SBD_STARTMODE", "SBD_TIMEOUT_ACTION", "SBD_WATCHDOG_TIMEOUT"}
)

// perNode are values for all nodes, and for single ones: VALUE or VALUE@NODE as typed.
type perNode struct {
	all    []string
	single map[string][]string
}

func parsePerNode(words []string) perNode {
	p := perNode{single: map[string][]string{}}
	for _, w := range words {
		if at := strings.LastIndex(w, "@"); at >= 0 {
			p.single[w[at+1:]] = append(p.single[w[at+1:]], w[:at])
		} else {
			p.all = append(p.all, w)
		}
	}
	return p
}

func (p perNode) given() bool { return len(p.all)+len(p.single) > 0 }

func (p perNode) of(node string) []string {
	if v, ok := p.single[node]; ok {
		return v
	}
	return p.all
}

func timeoutActions() []string {
	flush, end := []string{"flush", "noflush"}, []string{"crashdump", "off", "reboot"}
	out := append(slices.Clone(flush), end...)
	for _, f := range flush {
		for _, e := range end {
			out = append(out, f+","+e, e+","+f)
		}
	}
	slices.Sort(out)
	return out
}

// validate checks settings that a user chose.
func validate(s *session.Session, p argv.Pairs) []report.Item {
	r := check.Rules{Style: s.Style}
	names := check.ByForce(s.Opts.Force())
	items := r.NamesIn(p, free, "", names, own...)
	delay := func(v string) bool { return v == "yes" || v == "no" || check.IsInteger(v, 2, 0) }
	return append(items, r.Check(
		p,
		check.Test("SBD_DELAY_START", delay, "'yes', 'no' or an integer greater than 1"),
		check.In("SBD_STARTMODE", "always", "clean"),
		check.Integer("SBD_WATCHDOG_TIMEOUT", 0, -1, "a non-negative integer"),
		check.In("SBD_TIMEOUT_ACTION", timeoutActions()...),
	)...)
}

// words are the parts of `sbd enable`.
type words struct {
	options           argv.Pairs
	watchdog, devices perNode
}

func parse(s *session.Session, args []string) (*words, error) {
	w := &words{}
	var lists map[string][]string
	var err error
	if s.Legacy() {
		w.options, err = argv.KeyValues09(args)
		lists = map[string][]string{"watchdog": s.Opts.List("--watchdog"), "device": s.Opts.List("--device")}
	} else {
		w.options, lists, err = argv.RepeatableKeyValues(args, "device", "watchdog")
	}
	if err != nil {
		return nil, err
	}
	w.watchdog, w.devices = parsePerNode(lists["watchdog"]), parsePerNode(lists["device"])
	if len(w.watchdog.all) > 1 {
		return nil, argv.Usagef("Multiple watchdog definitions.")
	}
	for n, list := range w.watchdog.single {
		if len(list) > 1 {
			return nil, argv.Usagef("Multiple watchdog definitions for node '%s'", n)
		}
	}
	if len(w.watchdog.all) == 0 || w.watchdog.all[0] == "" {
		w.watchdog.all = []string{defaultWatchdog}
	}
	for i := range w.options {
		w.options[i].Name = strings.ToUpper(w.options[i].Name)
	}
	return w, nil
}

// check gives what is wrong with the words for the nodes.
func (w *words) check(s *session.Session, names, targets []string) []report.Item {
	var items []report.Item
	var unknown []string
	for _, p := range []perNode{w.watchdog, w.devices} {
		for n := range p.single {
			if !slices.Contains(names, n) && !slices.Contains(unknown, n) {
				unknown = append(unknown, n)
			}
		}
	}
	sort.Strings(unknown)
	for _, n := range unknown {
		items = append(items, report.Errorf("Node '%s' does not appear to exist in configuration", n))
	}
	for _, n := range targets {
		if dog := w.watchdog.of(n)[0]; dog == "" {
			items = append(items, report.Errorf("Watchdog path '%s' is invalid.", dog))
		}
	}
	if w.devices.given() {
		for _, n := range targets {
			list := w.devices.of(n)
			if len(list) == 0 {
				items = append(items, report.Errorf("No SBD device specified for node '%s'", n))
			}
			items = append(items, checkDevices(n, list)...)
		}
	}
	return append(items, validate(s, w.options)...)
}

// config is the file for a node.
func (w *words) config(node string) string {
	p := argv.Pairs{{Name: "SBD_DELAY_START", Value: "no"}, {Name: "SBD_PACEMAKER", Value: "yes"}, {Name: "SBD_STARTMODE", Value: "always"}, {Name: "SBD_WATCHDOG_TIMEOUT", Value: "5"}}
	for _, o := range w.options {
		p = p.With(o.Name, o.Value)
	}
	p = p.With("SBD_OPTS", `"-n `+node+`"`).With("SBD_WATCHDOG_DEV", w.watchdog.of(node)[0])
	if list := w.devices.of(node); len(list) > 0 {
		p = p.With("SBD_DEVICE", `"`+strings.Join(list, ";")+`"`)
	}
	return settingsText(p)
}

// onAll has nodes do something, a form each; done words what each says of it.
func onAll(s *session.Session, targets []string, path string, form func(node string) url.Values, done func(node, body string) []report.Item) error {
	for _, n := range targets {
		for _, r := range s.All([]string{n}, path, form(n)) {
			if item, failed := s.ResponseItem(r); failed {
				s.Out.Tell(item)
				continue
			}
			s.Out.Tell(done(r.Node, r.Body)...)
		}
	}
	return s.Out.Check()
}

func noForm(string) url.Values { return nil }

// Enable is `stonith sbd enable`.
func Enable(s *session.Session, args []string) error {
	if err := s.Only("--request-timeout", "--force", "--skip-offline", "--no-watchdog-validation"); err != nil {
		return err
	}
	w, err := parse(s, args)
	if err != nil {
		return err
	}
	names, err := nodes(s)
	if err != nil {
		return err
	}
	conf, err := s.Conf()
	if err != nil {
		return err
	}
	targets, items := s.Targets(names, s.Opts.Has("--skip-offline"), true)
	if err := s.Check(append(items, w.check(s, names, targets)...)...); err != nil {
		return err
	}
	online := fleet.Online(s, targets)
	if err := s.Out.Check(); err != nil {
		return err
	}
	watch := !s.Opts.Has("--no-watchdog-validation")
	if !watch {
		s.Out.Warn("Not validating the watchdog")
	}
	s.Out.Info("Running SBD pre-enabling checks...")
	if err := onAll(s, online, "remote/check_sbd", func(n string) url.Values { return w.question(n, watch) }, ready); err != nil {
		return err
	}
	if !w.devices.given() && corosyncconf.ReadDevice(conf) == nil && len(corosyncconf.Nodes(conf))%2 == 0 && corosyncconf.QuorumOptions(conf).Value("auto_tie_breaker") != "1" {
		s.Out.Warn("SBD fencing is enabled in the cluster. To keep it effective, auto_tie_breaker quorum option will be enabled.")
		corosyncconf.SetQuorum(conf, argv.Pairs{{Name: "auto_tie_breaker", Value: "1"}})
		if err := s.PushConf(conf, session.ConfPush{Stopped: true}); err != nil {
			return err
		}
	}
	if err := save(s, online, w.config); err != nil {
		return err
	}
	if err := first(s, online, "remote/remove_stonith_watchdog_timeout"); err != nil {
		return err
	}
	return turn(s, online, "enable")
}

// question is what a node is asked before SBD is enabled on it. Without watch the watchdog is not named: to
// look at it may restart the host.
func (w *words) question(node string, watch bool) url.Values {
	dog, devices := "", []string(nil)
	if watch {
		dog = w.watchdog.of(node)[0]
	}
	if w.devices.given() {
		devices = w.devices.of(node)
	}
	return question(dog, devices)
}

// question asks a node about SBD, a watchdog ("" for none) and devices.
func question(watchdog string, devices []string) url.Values {
	data, _ := json.Marshal(append([]string{}, devices...))
	return url.Values{"watchdog": {watchdog}, "device_list": {string(data)}}
}

// ready tells whether a node can enable SBD.
func ready(node, body string) []report.Item {
	var a struct {
		Sbd      *struct{ Installed bool }
		Watchdog *struct {
			Path        string
			Exist       bool
			IsSupported *bool `json:"is_supported"`
		}
		Devices []struct {
			Path  string
			Exist bool
			Block bool `json:"block_device"`
		} `json:"device_list"`
	}
	if json.Unmarshal([]byte(body), &a) != nil || a.Sbd == nil {
		return []report.Item{report.Errorf("%s: Invalid format of response", node)}
	}
	var items []report.Item
	if !a.Sbd.Installed {
		items = append(items, report.Errorf("%s: Required cluster service not installed: 'sbd'", node))
	}
	if d := a.Watchdog; d != nil {
		switch {
		case !d.Exist:
			items = append(items, report.Errorf("Watchdog '%s' does not exist on node '%s'", d.Path, node))
		case d.IsSupported != nil && !*d.IsSupported:
			items = append(items, report.Errorf("%s: Watchdog '%s' is not supported (it may be a software watchdog)", node, d.Path))
		}
	}
	for _, d := range a.Devices {
		switch {
		case !d.Exist:
			items = append(items, report.Errorf("%s: device '%s' not found", node, d.Path))
		case !d.Block:
			items = append(items, report.Errorf("%s: device '%s' is not a block device", node, d.Path))
		}
	}
	if len(items) == 0 {
		items = append(items, report.Infof("%s: SBD pre-enabling checks done", node))
	}
	return items
}

// first has one node do something, the next where one cannot.
func first(s *session.Session, targets []string, path string) error {
	var failed []report.Item
	for _, n := range targets {
		for _, r := range s.All([]string{n}, path, nil) {
			item, bad := s.ResponseItem(r)
			if !bad {
				return nil
			}
			item.Severity = report.Warning
			failed = append(failed, item)
		}
	}
	s.Out.Tell(failed...)
	return s.Check(report.Errorf("Unable to perform operation on any available node/host, therefore it is not possible to continue"))
}

// starting tells that SBD's service is switched: verb is enable or disable.
func starting(s *session.Session, verb string) string {
	service := "sbd"
	if s.Legacy() {
		service = "SBD service"
	}
	return map[string]string{"enable": "Enabling ", "disable": "Disabling "}[verb] + service + "..."
}

// turn has nodes switch SBD's service.
func turn(s *session.Session, targets []string, verb string) error {
	s.Out.Info(starting(s, verb))
	err := onAll(s, targets, "remote/sbd_"+verb, noForm, func(n, _ string) []report.Item {
		return []report.Item{report.Infof("%s: sbd %sd", n, verb)}
	})
	if err == nil {
		s.Out.Warn("Cluster restart is required in order to apply these changes.")
	}
	return err
}

// Disable is `stonith sbd disable`.
func Disable(s *session.Session, args []string) error {
	if err := s.Only("--request-timeout", "--skip-offline", "--force"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	names, err := nodes(s)
	if err != nil {
		return err
	}
	var items []report.Item
	if s.Minor() >= 11 {
		root, err := s.CIB()
		if err != nil {
			return err
		}
		if items, err = remove.FencingLeftWithoutSBD(s, root); err != nil {
			return err
		}
	}
	targets, more := s.Targets(names, s.Opts.Has("--skip-offline"), true)
	if err := s.Check(append(items, more...)...); err != nil {
		return err
	}
	online := fleet.Online(s, targets)
	if err := s.Out.Check(); err != nil {
		return err
	}
	if err := first(s, online, "remote/set_stonith_watchdog_timeout_to_zero"); err != nil {
		return err
	}
	return turn(s, online, "disable")
}
