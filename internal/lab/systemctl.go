package lab

import (
	"context"
	"fmt"
	"strings"

	"hacluster/internal/program"
	"hacluster/internal/supervise"
)

// unitControl is one call of systemctl (or of service NAME VERB) in a host of the lab.
type unitControl struct {
	ctx               context.Context
	env               *program.Env
	verb              string
	units             []string
	now, quiet, value bool
}

// systemctl orders the host's supervisor, in systemctl's words.
func systemctl(ctx context.Context, env *program.Env) int {
	c := unitControl{ctx: ctx, env: env}
	for _, a := range env.Args[1:] {
		switch {
		case a == "--now":
			c.now = true
		case a == "-q" || a == "--quiet":
			c.quiet = true
		case a == "--value":
			c.value = true
		case strings.HasPrefix(a, "-"):
		case c.verb == "":
			c.verb = a
		default:
			c.units = append(c.units, strings.TrimSuffix(a, ".service"))
		}
	}
	if env.Name() == "service" && len(c.units) == 1 { // service NAME VERB
		c.verb, c.units = c.units[0], []string{c.verb}
	}
	switch c.verb {
	case "start", "stop", "kill":
		return c.order(c.verb)
	case "restart", "reload-or-restart", "try-restart":
		return c.order("stop", "start")
	case "enable", "disable":
		return c.enable()
	case "is-active":
		return c.isActive()
	case "is-enabled":
		return c.isEnabled()
	case "list-unit-files", "list-units", "":
		return c.list()
	case "status", "show":
		return c.show()
	case "daemon-reload", "reset-failed": // the supervisor keeps nothing that these would renew
		return 0
	case "mask", "unmask", "preset":
		fmt.Fprintf(env.Stderr, "systemctl: not supported yet: %s in a host of a lab\n", c.verb)
		return 1
	}
	fmt.Fprintf(env.Stderr, "Unknown operation '%s'.\n", c.verb)
	return 1
}

// ask hears of a unit's state; false if there is no such unit.
func (c *unitControl) ask(unit string) (supervise.Status, bool) {
	r, err := supervise.Call(c.ctx, supervise.Socket, supervise.Request{Verb: "status", Unit: unit})
	if err != nil || r.Unknown || len(r.States) == 0 {
		return supervise.Status{}, false
	}
	return r.States[0], true
}

// call gives one order and tells on stderr what came of it; the code is systemctl's.
func (c *unitControl) call(verb, unit string) (supervise.Reply, int) {
	r, err := supervise.Call(c.ctx, supervise.Socket, supervise.Request{Verb: verb, Unit: unit})
	if err != nil {
		fmt.Fprintln(c.env.Stderr, err)
		return r, 1
	}
	switch {
	case r.Unknown && verb == "start":
		fmt.Fprintf(c.env.Stderr, "Failed to start %s.service: %s\n", unit, r.Error)
		return r, 5
	case r.Unknown && verb == "stop":
		fmt.Fprintf(c.env.Stderr, "Failed to stop %s.service: Unit %s.service not loaded.\n", unit, unit)
		return r, 5
	case r.Unknown && (verb == "enable" || verb == "disable"):
		fmt.Fprintf(c.env.Stderr, "Failed to %s unit: Unit file %s.service does not exist.\n", verb, unit)
		return r, 1
	case r.Error != "" && !r.Unknown:
		fmt.Fprintln(c.env.Stderr, r.Error)
		return r, 1
	}
	return r, 0
}

// order gives each unit the orders, one after the other.
func (c *unitControl) order(verbs ...string) int {
	rc := 0
	for _, u := range c.units {
		for _, v := range verbs {
			if _, code := c.call(v, u); code != 0 {
				rc = code
			}
		}
	}
	return rc
}

// enable is systemctl enable and disable.
func (c *unitControl) enable() int {
	yes, order := c.verb == "enable", "stop"
	if yes {
		order = "start"
	}
	rc := 0
	for _, u := range c.units {
		before, _ := c.ask(u)
		if _, code := c.call(c.verb, u); code != 0 {
			rc = code
			continue
		}
		link := "/etc/systemd/system/multi-user.target.wants/" + u + ".service"
		switch {
		case c.quiet || before.Enabled == yes:
		case yes:
			fmt.Fprintf(c.env.Stderr, "Created symlink from %s to /usr/lib/systemd/system/%s.service.\n", link, u)
		default:
			fmt.Fprintf(c.env.Stderr, "Removed symlink %s.\n", link)
		}
		if c.now {
			if _, code := c.call(order, u); code != 0 {
				rc = code
			}
		}
	}
	return rc
}

func (c *unitControl) isActive() int {
	rc := 3
	for _, u := range c.units {
		word := "inactive"
		if s, ok := c.ask(u); ok {
			if word = s.State; word == "active" {
				rc = 0
			}
		}
		c.answer(word)
	}
	return rc
}

func (c *unitControl) isEnabled() int {
	rc := 0
	for _, u := range c.units {
		s, ok := c.ask(u)
		switch {
		case !ok:
			fmt.Fprintf(c.env.Stderr, "Failed to get unit file state for %s.service: No such file or directory\n", u)
			rc = 1
		case s.Enabled:
			c.answer("enabled")
		default:
			c.answer("disabled")
			rc = 1
		}
	}
	return rc
}

// answer prints a word, unless --quiet.
func (c *unitControl) answer(word string) {
	if !c.quiet {
		fmt.Fprintln(c.env.Stdout, word)
	}
}

func (c *unitControl) list() int {
	r, code := c.call("list", "")
	fmt.Fprintln(c.env.Stdout, "UNIT FILE STATE")
	for _, s := range r.States {
		state := "disabled"
		if s.Enabled {
			state = "enabled"
		}
		fmt.Fprintf(c.env.Stdout, "%s.service %s\n", s.Name, state)
	}
	fmt.Fprintf(c.env.Stdout, "\n%d unit files listed.\n", len(r.States))
	return code
}

// show is systemctl status and show.
func (c *unitControl) show() int {
	rc := 0
	for _, u := range c.units {
		s, ok := c.ask(u)
		switch {
		case !ok:
			fmt.Fprintf(c.env.Stderr, "Unit %s.service could not be found.\n", u)
			rc = 4
		case c.verb == "show" && c.value:
			fmt.Fprintln(c.env.Stdout, s.State)
		case c.verb == "show":
			fmt.Fprintf(c.env.Stdout, "Id=%s.service\nActiveState=%s\nMainPID=%d\n", u, s.State, s.PID)
		case s.State == "active":
			fmt.Fprintf(c.env.Stdout, "● %s.service\n   Active: active (running)\n Main PID: %d\n", u, s.PID)
		default:
			fmt.Fprintf(c.env.Stdout, "● %s.service\n   Active: %s\n", u, s.State)
			rc = 3
		}
	}
	return rc
}
