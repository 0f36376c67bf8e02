// Package argv reads the command line of pcs as the originals do: getopt over one
// list of options, anywhere among the words, by unique prefix; --wait with
// an optional value; negative numbers that are words. Each generation has its own list.
package argv

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Generation is the middle number of a version of pcs: 9, 10, 11 or 12.
type Generation int

// The generations.
const (
	G09 Generation = 9
	G10 Generation = 10
	G11 Generation = 11
	G12 Generation = 12
)

// Generations lists them, newest first.
var Generations = []Generation{G12, G11, G10, G09}

// Spec is the option list of one generation; names that take a value end in "=", as getopt writes them.
type Spec struct {
	Short string
	Long  []string
}

var newer = []string{
	"debug", "version", "help", "fullhelp", "force", "skip-offline", "autodelete", "simulate", "all", "full",
	"local", "wait", "config", "start", "enable", "disabled", "off", "request-timeout=", "brief", "safe",
	"no-strict", "strict", "pacemaker", "corosync", "no-default-ops", "defaults", "nodesc", "name=", "group=",
	"node=", "from=", "to=", "after=", "before=", "corosync_conf=", "booth-conf=", "booth-key=",
	"no-watchdog-validation", "no-cluster-uuid", "no-keys-sync", "hide-inactive", "monitor", "expired",
	"no-expire-check", "overwrite", "output-format=", "token=", "agent-validation",
}

// specs are the lists as the last release of each generation has them.
var specs = map[Generation]Spec{
	G09: {"hf:p:u:V", []string{
		"debug", "version", "help", "fullhelp", "force", "skip-offline", "autocorrect", "interactive", "autodelete",
		"all", "full", "groups", "local", "wait", "config", "async", "start", "enable", "disabled", "off",
		"request-timeout=", "safe", "no-strict", "strict", "simulate", "brief", "pacemaker", "corosync",
		"no-default-ops", "defaults", "nodesc", "clone", "master", "name=", "group=", "node=", "from=", "to=",
		"after=", "before=", "transport=", "rrpmode=", "ipv6", "addr0=", "bcast0=", "mcast0=", "mcastport0=", "ttl0=",
		"broadcast0", "addr1=", "bcast1=", "mcast1=", "mcastport1=", "ttl1=", "broadcast1", "wait_for_all=",
		"auto_tie_breaker=", "last_man_standing=", "netmtu=", "last_man_standing_window=", "token=",
		"token_coefficient=", "consensus=", "join=", "miss_count_const=", "fail_recv_const=", "corosync_conf=",
		"cluster_conf=", "booth-conf=", "booth-key=", "remote", "watchdog=", "device=", "encryption=",
		"no-watchdog-validation", "hide-inactive", "monitor", "expired",
	}},
	G10: {"hf:p:u:", append(slices.Clone(newer), "master", "groups", "interactive")},
	G11: {"hf:p:u:", append(slices.Clone(newer), "master", "groups", "promoted", "future", "quiet")},
	G12: {"hf:p:u:", append(slices.Clone(newer), "promoted", "future", "quiet", "yes", "show-secrets", "no-stop")},
}

// takesValue tells whether the word is, in full, an option that takes a value.
func (s Spec) takesValue(word string) bool {
	if len(word) == 2 && word[0] == '-' {
		return strings.Contains(s.Short, word[1:]+":")
	}
	return strings.HasPrefix(word, "--") && len(word) > 2 && slices.Contains(s.Long, word[2:]+"=")
}

// TakesValue tells whether an option by its full name takes a value, in any generation; --wait does not need one.
func TakesValue(option string) bool {
	for _, s := range specs {
		if s.takesValue(option) {
			return true
		}
	}
	return false
}

// Options are the options of a command line, by their full names with dashes.
type Options struct {
	values map[string]string
	lists  map[string][]string
	order  []string
	wait   *string
}

// NewOptions makes options from names and values, for tests and for verbs that call others.
func NewOptions(pairs map[string]string) *Options {
	o := &Options{values: map[string]string{}, lists: map[string][]string{}}
	names := make([]string, 0, len(pairs))
	for n := range pairs {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		o.set(n, pairs[n])
		if n == "--wait" && pairs[n] != "" {
			v := pairs[n]
			o.wait = &v
		}
	}
	return o
}

// Set gives an option, as if the command line had it.
func (o *Options) Set(name, value string) { o.set(name, value) }

func (o *Options) set(name, value string) {
	if _, ok := o.values[name]; !ok {
		o.order = append(o.order, name)
	}
	o.values[name] = value
	o.lists[name] = append(o.lists[name], value)
}

// Has tells whether the option was given.
func (o *Options) Has(name string) bool { _, ok := o.values[name]; return ok }

// Value is the option's value, "" when it was not given.
func (o *Options) Value(name string) string { return o.values[name] }

// List are all values of an option that may be repeated.
func (o *Options) List(name string) []string { return o.lists[name] }

// Names are the options that were given, in order.
func (o *Options) Names() []string { return o.order }

// Force is --force.
func (o *Options) Force() bool { return o.Has("--force") }

// Full is --full.
func (o *Options) Full() bool { return o.Has("--full") }

// Wait is --wait: given tells whether it was, and value what stood behind "=", nil without.
func (o *Options) Wait() (value *string, given bool) { return o.wait, o.Has("--wait") }

// Without gives the options without some of them.
func (o *Options) Without(names ...string) *Options {
	c := &Options{values: map[string]string{}, lists: map[string][]string{}, wait: o.wait}
	for _, n := range o.order {
		if !slices.Contains(names, n) {
			c.order = append(c.order, n)
			c.values[n] = o.values[n]
			c.lists[n] = o.lists[n]
		}
	}
	return c
}

// Only refuses options that a verb does not know; --debug is always known.
func (o *Options) Only(supported ...string) error { return o.only("", supported) }

// OnlySince is Only for a command whose options are others since a generation, "0.12"; "" for none.
func (o *Options) OnlySince(generation string, supported ...string) error {
	if generation == "" {
		return o.only("", supported)
	}
	return o.only("Syntax has changed from previous version. See 'man pcs' -> Changes in pcs-"+generation+".", supported)
}

func (o *Options) only(hint string, supported []string) error {
	var bad []string
	for _, n := range o.order {
		if n != "--debug" && !slices.Contains(supported, n) {
			bad = append(bad, n)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	sort.Strings(bad)
	word, is := "option", "is"
	if len(bad) > 1 {
		word, is = "options", "are"
	}
	return &UsageError{Message: fmt.Sprintf("Specified %s %s %s not supported in this command", word, Quoted(bad), is), Hint: hint}
}

// Exclusive refuses more than one of these options.
func (o *Options) Exclusive(names ...string) error {
	var given []string
	for _, n := range names {
		if o.Has(n) && !slices.Contains(given, n) {
			given = append(given, n)
		}
	}
	if len(given) < 2 {
		return nil
	}
	sort.Strings(given)
	return &UsageError{Message: "Only one of " + Quoted(given) + " can be used"}
}

// Incompatible refuses checked together with any of the others.
func (o *Options) Incompatible(checked string, others ...string) error {
	if !o.Has(checked) {
		return nil
	}
	var given []string
	for _, n := range others {
		if o.Has(n) {
			given = append(given, n)
		}
	}
	if len(given) == 0 {
		return nil
	}
	sort.Strings(given)
	return &UsageError{Message: "'" + checked + "' cannot be used with " + Quoted(given)}
}

// OutputFormat is --output-format: text, cmd or json, or what a verb names.
func (o *Options) OutputFormat(formats ...string) (string, error) {
	f := "text"
	if o.Has("--output-format") {
		f = o.Value("--output-format")
	}
	if len(formats) == 0 {
		formats = []string{"cmd", "json", "text"}
	}
	if slices.Contains(formats, f) {
		return f, nil
	}
	sorted := slices.Sorted(slices.Values(formats))
	word, is := "value", "is"
	if len(sorted) > 1 {
		word, is = "values", "are"
	}
	return "", &UsageError{Message: fmt.Sprintf("Unknown value '%s' for '--output-format' option. Supported %s %s: %s", f, word, is, Quoted(sorted))}
}

// UsageError is a command line that cannot be: with a message, or with none when the
// usage text says it all.
type UsageError struct {
	Message, Hint string
	// Both asks for the usage text in addition to the message.
	Both bool
}

func (e *UsageError) Error() string {
	if e.Message == "" {
		return "wrong usage"
	}
	return e.Message
}

// Usage is the error of a wrong command without more words.
func Usage() error { return &UsageError{} }

// Usagef is the error of a wrong command with a message.
func Usagef(format string, args ...any) error {
	return &UsageError{Message: fmt.Sprintf(format, args...)}
}

// Quoted joins sorted items as 'a', 'b'.
func Quoted(items []string) string {
	sorted := slices.Sorted(slices.Values(items))
	var b strings.Builder
	for i, s := range sorted {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("'" + s + "'")
	}
	return b.String()
}

// Replaced is the error of a verb that other verbs have replaced in a version ("0.11").
func Replaced(since string, commands ...string) error {
	quoted := make([]string, len(commands))
	for i, c := range commands {
		quoted[i] = "'" + c + "'"
	}
	return Usagef("This command has been replaced with %s. See 'man pcs' -> Changes in pcs-%s.", strings.Join(quoted, ", "), since)
}
