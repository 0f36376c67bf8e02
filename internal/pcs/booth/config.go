package booth

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/booth/boothconf"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/pattern"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// keyBytes is the length of a key.
const keyBytes = 64

// peers checks the sites and arbitrators of a new configuration.
func peers(s *session.Session, sites, arbitrators []string) []report.Item {
	list := func(l []string) string {
		if s.Legacy() {
			return strings.Join(l, ", ")
		}
		return report.QuoteSorted(l)
	}
	var items []report.Item
	if len(sites) < 2 {
		items = append(items, report.Errorf("lack of sites for booth configuration (need 2 at least): sites %s", list(sites)))
	}
	all := slices.Concat(sites, arbitrators)
	if len(all)%2 == 0 {
		items = append(items, report.Errorf("odd number of peers is required (entered %d peers)", len(all)))
	}
	var twice []string
	for i, a := range all {
		if slices.Contains(all[:i], a) && !slices.Contains(twice, a) {
			twice = append(twice, a)
		}
	}
	if len(twice) > 0 {
		items = append(items, report.Errorf("duplicate address for booth configuration: %s", list(twice)))
	}
	return items
}

// Setup is `booth setup`: a configuration with a new key.
func Setup(s *session.Session, args []string) error {
	if err := s.Only("--force", "--booth-conf", "--booth-key", "--name"); err != nil {
		return err
	}
	g, err := argv.GroupByKeywords(args, []string{"sites", "arbitrators"}, "")
	if err != nil {
		return err
	}
	if err := g.RepeatOnly(); err != nil {
		return err
	}
	sites, arbitrators := g.Flat("sites"), g.Flat("arbitrators")
	if len(sites) == 0 {
		return argv.Usage()
	}
	var items []report.Item
	if n := s.Opts.Value("--name"); strings.Contains(n, "/") && !s.Legacy() {
		items = append(items, badName(s, n))
	}
	if err := s.Check(append(items, peers(s, sites, arbitrators)...)...); err != nil {
		return err
	}
	in, err := open(s)
	if err != nil {
		return err
	}
	c := &boothconf.Conf{}
	for _, a := range sites {
		c.Options = append(c.Options, argv.Pair{Name: "site", Value: a})
	}
	for _, a := range arbitrators {
		c.Options = append(c.Options, argv.Pair{Name: "arbitrator", Value: a})
	}
	if set, _ := authfileSwitches(s); set {
		c.Set(boothconf.AuthfileSwitch, "yes")
	}
	c.Set("authfile", in.key)
	key := make([]byte, keyBytes)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	if s.Legacy() {
		// 0.9 writes half as many bytes, as hexadecimal digits
		key = []byte(hex.EncodeToString(key[:keyBytes/2]))
	}
	return in.create(key, c)
}

// create writes a new configuration and its key.
func (in *instance) create(key []byte, c *boothconf.Conf) error {
	s := in.s
	overwrite := s.Opts.Force() || in.given && !s.Legacy()
	files := []struct {
		path, role, called string
		data               []byte
		mode               os.FileMode
	}{
		{in.key, "Booth key", "booth key file", key, keyMode},
		{in.conf, "Booth configuration", "booth config file", []byte(c.String()), 0o644},
	}
	if s.Legacy() {
		// 0.9 looks first, at given files in another order and in other words.
		order := []int{0, 1}
		if in.given {
			order = []int{1, 0}
		}
		for _, i := range order {
			f := files[i]
			_, err := os.Stat(f.path)
			switch {
			case err != nil:
			case in.given && overwrite:
				s.Out.Warn(f.called + " " + f.path + " already exists")
			case in.given:
				return report.Fatalf("%s %s already exists, use --force to override", f.called, f.path)
			case overwrite:
				s.Out.Warn(f.role + " file '" + f.path + "' already exists")
			default:
				return report.Items{report.Errorf("%s file '%s' already exists", f.role, f.path).As(false)}
			}
		}
	}
	for _, f := range files {
		err := in.write(f.path, f.data, f.mode, overwrite)
		_, noDir := os.Stat(filepath.Dir(f.path))
		switch {
		case err == nil:
		case errors.Is(err, fs.ErrExist):
			return s.Check(report.Errorf("%s file '%s' already exists", f.role, f.path).As(false))
		case !in.given && errors.Is(noDir, fs.ErrNotExist):
			return s.Check(report.Errorf("Configuration directory for booth '%s' is missing. Is booth installed?", filepath.Dir(f.path)))
		default:
			return s.Check(in.fileError("write", f.role, f.path, err))
		}
	}
	return nil
}

var (
	ticketName   = pattern.Late(`^[a-zA-Z0-9-]{1,63}$`)
	ticketName09 = pattern.Late(`^[\pL\pN_-]+$`)
)

func ticketNames(s *session.Session) []string {
	names := []string{"acquire-after", "attr-prereq", "before-acquire-handler", "expire", "mode", "renewal-freq", "retries", "timeout", "weights"}
	if s.Legacy() {
		names = slices.DeleteFunc(names, func(n string) bool { return n == "mode" })
	}
	return names
}

// checkTicket gives what speaks against a new ticket.
func checkTicket(s *session.Session, c *boothconf.Conf, name string, options argv.Pairs) []report.Item {
	var items []report.Item
	if s.Legacy() {
		// the first of these ends it
		switch {
		case !ticketName09().MatchString(name) || strings.Contains(name, "_"):
			return []report.Item{report.Errorf("booth ticket name '%s' is not valid, use alphanumeric chars or dash", name)}
		case c.Has(name):
			return []report.Item{report.Errorf("booth ticket name '%s' already exists in configuration", name)}
		}
		for _, o := range options.Sorted() {
			switch {
			case slices.Contains(boothconf.GlobalNames, o.Name):
				items = append(items, s.Style.InvalidOptions([]string{o.Name}, ticketNames(s), "booth ticket"))
			case !slices.Contains(ticketNames(s), o.Name):
				items = append(items, s.Style.InvalidOptions([]string{o.Name}, ticketNames(s), "booth ticket").As(s.Opts.Force()))
			}
			if strings.TrimSpace(o.Value) == "" {
				items = append(items, s.Style.InvalidOptionValueText(o.Name, o.Value, "no-empty"))
			}
		}
		return items
	}
	if !ticketName().MatchString(name) {
		items = append(items, report.Errorf("booth ticket name '%s' is not valid, use up to 63 alphanumeric characters or dash", name))
	}
	if c.Has(name) {
		items = append(items, report.Errorf("booth ticket name '%s' already exists in configuration", name))
	}
	rules, sev := check.Rules{Style: s.Style}, check.ByForce(s.Opts.Force())
	banned := boothconf.GlobalNames
	if set, unset := authfileSwitches(s); set || unset {
		banned = append(slices.Clone(banned), boothconf.AuthfileSwitch)
	}
	items = append(items, rules.NamesIn(options, ticketNames(s), "booth ticket", sev, banned...)...)
	for _, o := range options {
		if o.Name != "mode" && strings.TrimSpace(o.Value) == "" {
			items = append(items, s.Style.EmptyOptionValue(o.Name, o.Value, ""))
		}
	}
	return append(items, rules.Check(options, check.In("mode", "auto", "manual").As(sev))...)
}

// TicketAdd is `booth ticket add`.
func TicketAdd(s *session.Session, args []string) error {
	if err := s.Only("--force", "--booth-conf", "--name", "--booth-key"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	options, err := s.KeyValues(args[1:])
	if err != nil {
		return err
	}
	in, err := open(s)
	if err != nil {
		return err
	}
	c, err := in.load()
	if err != nil {
		return err
	}
	if !s.Legacy() {
		for i := range options {
			if options[i].Name == "mode" {
				options[i].Value = strings.ToLower(options[i].Value)
			}
		}
	}
	if err := s.Check(checkTicket(s, c, args[0], options)...); err != nil {
		return err
	}
	if !s.Legacy() {
		options = options.Sorted()
	}
	c.Tickets = append(c.Tickets, boothconf.Ticket{Name: args[0], Options: options})
	return in.save(c)
}

// TicketRemove is `booth ticket remove`.
func TicketRemove(s *session.Session, args []string) error {
	in, err := begin(s, args, 1, 1, "--booth-conf", "--name", "--booth-key")
	if err != nil {
		return err
	}
	c, err := in.load()
	if err != nil {
		return err
	}
	if !c.Has(args[0]) {
		return s.Check(report.Errorf("booth ticket name '%s' does not exist", args[0]))
	}
	c.Remove(args[0])
	return in.save(c)
}

// EnableAuthfile is `booth enable-authfile`, CleanAuthfile `booth clean-enable-authfile`; only builds of booth that
// have the option know them.
var (
	EnableAuthfile = authfile("yes")
	CleanAuthfile  = authfile("")
)

func authfile(value string) session.Verb {
	return func(s *session.Session, args []string) error {
		set, unset := authfileSwitches(s)
		if value != "" && !set || value == "" && !unset {
			return argv.Usage()
		}
		if err := s.Only("--booth-conf", "--name", "--booth-key"); err != nil {
			return err
		}
		if len(args) > 0 {
			return argv.Usage()
		}
		in, err := open(s)
		if err != nil {
			return err
		}
		c, err := in.load()
		if err != nil {
			return err
		}
		c.Set(boothconf.AuthfileSwitch, value)
		return in.save(c)
	}
}
