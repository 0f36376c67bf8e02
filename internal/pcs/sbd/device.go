package sbd

import (
	"context"
	"slices"
	"sort"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/pattern"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// timeouts are the options of a device that is set up, with sbd's letters for them.
var timeouts = argv.Pairs{
	{Name: "allocate-timeout", Value: "-2"}, {Name: "loop-timeout", Value: "-3"}, {Name: "msgwait-timeout", Value: "-4"}, {Name: "watchdog-timeout", Value: "-1"},
}

// messages are what can be put into a node's slot.
var messages = []string{"test", "reset", "off", "crashdump", "exit", "clear"}

// run runs sbd; text is what it said where it failed.
func run(ctx context.Context, programs live.Programs, args ...string) (out, text string, ok bool) {
	r, err := programs.Run(ctx, nil, "", "sbd", args...)
	if err != nil {
		return "", err.Error(), false
	}
	return r.Stdout, r.Stderr, r.Code == 0
}

// DeviceSetup is `stonith sbd device setup`: devices are written anew.
func DeviceSetup(s *session.Session, args []string) error {
	if err := s.Only(s.Answers()...); err != nil {
		return err
	}
	var devices []string
	var options argv.Pairs
	var err error
	if s.Legacy() {
		devices = s.Opts.List("--device")
		options, err = argv.KeyValues09(args)
	} else {
		var lists map[string][]string
		options, lists, err = argv.RepeatableKeyValues(args, "device")
		devices = lists["device"]
	}
	if err != nil {
		return err
	}
	if len(devices) == 0 {
		return argv.Usagef("No device defined")
	}
	if yes, err := s.Confirm("All current content on device(s) " + report.QuoteSorted(devices) + " will be overwritten"); err != nil || !yes {
		return err
	}
	var names []string
	var values []check.Value
	for _, t := range timeouts {
		names = append(names, t.Name)
		values = append(values, check.Integer(t.Name, 0, -1, "a non-negative integer"))
	}
	r := check.Rules{Style: s.Style}
	items := r.NamesIn(options, names, "", check.Hard)
	if err := s.Check(append(items, r.Check(options, values...)...)...); err != nil {
		return err
	}
	word := report.Plural(len(devices), "device", "devices")
	s.Out.Info("Initializing " + word + " " + report.QuoteSorted(devices) + "...")
	var words []string
	for _, d := range devices {
		words = append(words, "-d", d)
	}
	for _, o := range options.Sorted() {
		letter, _ := timeouts.Get(o.Name)
		words = append(words, letter, o.Value)
	}
	if _, text, ok := run(s.Ctx, s.World.Programs, append(words, "create")...); !ok {
		return report.Items{report.Errorf("Initialization of %s %s failed: %s", word, report.QuoteSorted(devices), text)}
	}
	s.Out.Info(strings.ToUpper(word[:1]) + word[1:] + " initialized successfully")
	return nil
}

// DeviceMessage is `stonith sbd device message`.
func DeviceMessage(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) != 3 {
		return argv.Usage()
	}
	device, node, message := args[0], args[1], args[2]
	var items []report.Item
	var missing []string
	if device == "" {
		missing = append(missing, "device")
	}
	if node == "" {
		missing = append(missing, "node")
	}
	if len(missing) > 0 {
		items = append(items, s.Style.RequiredMissing(missing, ""))
	}
	if !slices.Contains(messages, message) {
		items = append(items, s.Style.InvalidOptionValue("message", message, messages))
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	if _, text, ok := run(s.Ctx, s.World.Programs, "-d", device, "message", node, message); !ok {
		return report.Items{report.Errorf("Unable to set message '%s' for node '%s' on device '%s': %s", message, node, device, text)}
	}
	return nil
}

// Watchdog is one that this host has. Caution says why not to trust it, "" for one that may be used.
type Watchdog struct{ Path, Identity, Driver, Caution string }

var watchdogRE = pattern.Late(`(?m)\[\d+\] (.+)$\nIdentity: (.+)$\nDriver: (.+)$(?:\nCAUTION: (.+)$)?`)

// Watchdogs are those that sbd finds on this host. To look for them may set one off.
func Watchdogs(ctx context.Context, programs live.Programs) ([]Watchdog, error) {
	out, text, ok := run(ctx, programs, "query-watchdog")
	if !ok {
		return nil, report.Items{report.Errorf("Unable to query available watchdogs from sbd: %s", text)}
	}
	var list []Watchdog
	for _, m := range watchdogRE().FindAllStringSubmatch(out, -1) {
		list = append(list, Watchdog{m[1], m[2], m[3], m[4]})
	}
	return list, nil
}

// WatchdogList is `stonith sbd watchdog list`.
func WatchdogList(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	list, err := Watchdogs(s.Ctx, s.World.Programs)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		s.Out.Info("No available watchdog")
		return nil
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Path < list[j].Path })
	s.Out.Print("Available watchdog(s):")
	for _, w := range list {
		s.Out.Print("  "+w.Path, "    Identity: "+w.Identity, "    Driver: "+w.Driver)
	}
	return nil
}

// WatchdogJSON is `stonith sbd watchdog list_json`, for pcsd.
func WatchdogJSON(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	list, err := Watchdogs(s.Ctx, s.World.Programs)
	if err != nil {
		return err
	}
	o := show.Object{}
	for _, w := range list {
		o = append(o, show.Field{Name: w.Path, Value: show.Object{
			{Name: "identity", Value: w.Identity}, {Name: "driver", Value: w.Driver}, {Name: "caution", Value: show.Opt(w.Caution)},
		}})
	}
	s.Out.Print(show.JSON(o, 0))
	return nil
}

// WatchdogTest is `stonith sbd watchdog test`: where all is well the host is gone before it returns.
func WatchdogTest(s *session.Session, args []string) error {
	if err := s.Only(s.Answers()...); err != nil {
		return err
	}
	if len(args) > 1 {
		return argv.Usage()
	}
	if yes, err := s.Confirm("This operation is expected to force-reboot this system without following any shutdown procedures"); err != nil || !yes {
		return err
	}
	s.Out.Info("System will reset shortly")
	words := []string{"test-watchdog"}
	if len(args) == 1 && args[0] != "" {
		words = append(words, "-w", args[0])
	}
	out, _, ok := run(s.Ctx, s.World.Programs, words...)
	switch {
	case ok:
		return report.Items{report.Errorf("System should have been reset already")}
	case strings.Contains(out, "Multiple watchdog devices discovered"):
		return report.Items{report.Errorf("Multiple watchdog devices available, therefore, watchdog which should be tested has to be specified. To list available watchdog devices use command 'pcs stonith sbd watchdog list'")}
	}
	return report.Items{report.Errorf("Unable to initialize test of the watchdog: %s", out)}
}
