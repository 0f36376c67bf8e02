package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/number"
	"hacluster/cib/schema"
	"hacluster/cib/upgrade"
	"hacluster/cib/xml"
	"hacluster/engine/status"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

func init() { programs["crm_ticket"] = crmTicket }

// ticketTool is one run of crm_ticket.
type ticketTool struct {
	out     *tool.Output
	cib     *tool.CIB
	cluster *status.Cluster
	now     time.Time

	id    string
	given bool // there is an id
	force bool

	command  byte // of the last option that is one; 0 without
	name     string
	fallback *string // the value of an attribute that is not there

	set            status.Values
	remove         []string
	pending, value *string // -S without -v, -v without -S
	modified       bool
}

// assign takes the halves of -S and -v, which may come in either order.
func (t *ticketTool) assign(half **string) func(string) error {
	return func(v string) error {
		*half = &v
		if t.pending != nil && t.value != nil {
			t.change(*t.pending, *t.value)
			t.pending, t.value = nil, nil
		}
		return nil
	}
}

func (t *ticketTool) change(name, value string) {
	t.set.Set(name, value)
	t.modified = true
}

func crmTicket(ctx context.Context, env *program.Env) int {
	t := &ticketTool{now: tool.Now(env)}
	var file string
	ignored := func(string) error { return nil }
	query := func(c byte) func(string) error {
		return func(string) error { t.command = c; return nil }
	}
	fixed := func(name, value string) func(string) error {
		return func(string) error { t.change(name, value); return nil }
	}
	out, _, code := tool.Start(env, &tool.Program{
		Summary: "query and change the tickets of this site", Usage: "--ticket=ID COMMAND", Glued: "dintvxCDGS", OutputCode: true,
		Options: []tool.Option{
			{Short: 'l', Long: "info", Do: query('l'), Group: "query", Help: "show tickets"},
			{Short: 'L', Long: "details", Do: query('L'), Group: "query", Help: "show tickets with all their attributes"},
			{Short: 'w', Long: "raw", Do: query('w'), Group: "query", Help: "show the names of tickets"},
			{Short: 'q', Long: "query-xml", Do: query('q'), Group: "query", Help: "show the state of tickets as XML"},
			{Short: 'c', Long: "constraints", Do: query('c'), Group: "query", Help: "show the constraints that name tickets"},
			{Short: 'g', Long: "grant", Do: fixed("granted", "true"), Group: "command", Help: "grant a ticket to this site"},
			{Short: 'r', Long: "revoke", Do: fixed("granted", "false"), Group: "command", Help: "revoke a ticket from this site"},
			{Short: 's', Long: "standby", Do: fixed("standby", "true"), Group: "command", Help: "treat a granted ticket as one on standby"},
			{Short: 'a', Long: "activate", Do: fixed("standby", "false"), Group: "command", Help: "end that"},
			{Short: 'G', Long: "get-attr", Arg: tool.Required, Do: func(v string) error { t.command, t.name = 'G', v; return nil }, Group: "advanced", Value: "NAME", Help: "show an attribute of a ticket"},
			{Short: 'S', Long: "set-attr", Arg: tool.Required, Do: t.assign(&t.pending), Group: "advanced", Value: "NAME", Help: "set an attribute of a ticket, with -v"},
			{Short: 'D', Long: "delete-attr", Arg: tool.Required, Do: func(v string) error { t.remove, t.modified = append(t.remove, v), true; return nil }, Group: "advanced", Value: "NAME", Help: "delete an attribute of a ticket"},
			{Short: 'C', Long: "cleanup", Do: query('C'), Group: "advanced", Help: "forget the state of a ticket at this site"},
			{Short: 'v', Long: "attr-value", Arg: tool.Required, Do: t.assign(&t.value), Group: "additional", Value: "VALUE", Help: "the value for -S"},
			{Short: 'd', Long: "default", Arg: tool.Required, Do: func(v string) error { t.fallback = &v; return nil }, Group: "additional", Value: "VALUE", Help: "what -G shows where there is no such attribute"},
			{Short: 'f', Long: "force", Do: tool.Flag(&t.force), Group: "additional", Help: "do what may put the site's data at risk"},
			{Short: 't', Long: "ticket", Arg: tool.Required, Do: tool.Text(&t.id, &t.given), Group: "additional", Value: "ID", Help: "the ticket"},
			{Short: 'x', Long: "xml-file", Arg: tool.Required, Do: tool.Text(&file)},
			{Short: 'n', Long: "set-name", Arg: tool.Required, Do: ignored, Group: "deprecated", Value: "ID", Help: "without effect"},
			{Short: 'i', Long: "nvpair", Arg: tool.Required, Do: ignored, Group: "deprecated", Value: "ID", Help: "without effect"},
			{Short: 'Q', Long: "quiet", Do: ignored, Group: "deprecated", Help: "without effect"},
		},
	})
	if out == nil {
		return code
	}
	t.out = out
	exit, err := t.run(ctx, env, file)
	return out.Finish(exit, err)
}

// run opens the CIB and does what is asked for.
func (t *ticketTool) run(ctx context.Context, env *program.Env, file string) (tool.Exit, error) {
	var err error
	if t.cib, err = tool.Open(ctx, env); err != nil {
		return tool.ExitOf(err), fmt.Errorf("Could not connect to the CIB: %s", tool.TextOf(err))
	}
	exit, told := t.perform(ctx, env, file)
	if err := t.cib.Close(); err != nil && told == nil && exit == tool.OK {
		return tool.ExitOf(err), fmt.Errorf("Could not write the CIB: %s", tool.Reason(err))
	}
	return exit, told
}

func (t *ticketTool) perform(ctx context.Context, env *program.Env, file string) (tool.Exit, error) {
	var root *etree.Element
	var err error
	raise := t.cib.Raise
	if file != "" {
		root, err = tool.ReadXML(env, file)
		raise = upgrade.ForScheduler
	} else {
		root, err = t.cib.Root(ctx)
	}
	if err != nil {
		return tool.ExitOf(err), fmt.Errorf("Could not get local CIB: %s", tool.TextOf(err))
	}
	up, err := raise(root)
	tool.TellUpgrade(env.Stderr, up.Messages)
	if err != nil {
		return tool.Config, errors.New("Could not update local CIB to latest schema version")
	}
	if root.SelectAttrValue("validate-with", "") == schema.None {
		fmt.Fprintln(env.Stderr, tool.Unchecked)
	}
	t.cluster = status.Read(status.Input{CIB: up.Root, Now: t.now})
	switch t.command {
	case 'l', 'L', 'w':
		return t.list()
	case 'q':
		return t.state(ctx)
	case 'c':
		return t.constraints(ctx)
	case 'G':
		return t.attribute()
	}
	needsID := errors.New("Must supply ticket ID with -t")
	switch {
	case t.command == 'C' && !t.given:
		return tool.Usage, needsID
	case t.command == 'C':
		return t.cleanup(ctx)
	case t.modified:
		switch {
		case !t.given:
			return tool.Usage, needsID
		case t.value != nil:
			return tool.Usage, fmt.Errorf("Must supply attribute name with -S for -v %s", *t.value)
		case t.pending != nil:
			return tool.Usage, errors.New("Must supply attribute value with -v for -S (null)")
		}
		return t.modify(ctx)
	case t.pending == nil || *t.pending == "":
		return tool.Usage, errors.New("Must supply a command")
	case !t.given:
		return tool.Usage, needsID
	}
	return tool.Usage, fmt.Errorf("Must supply value with -v for -S %s", *t.pending)
}

// list shows tickets: those that have a state, and those that constraints name.
func (t *ticketTool) list() (tool.Exit, error) {
	all := t.cluster.Tickets
	if t.given {
		one := t.cluster.Ticket(t.id)
		if one == nil {
			return tool.NoSuch, fmt.Errorf("No such ticket '%s'", t.id)
		}
		all = []*status.Ticket{one}
	}
	if len(all) == 0 {
		return tool.OK, nil
	}
	names := make([]string, len(all))
	for i, k := range all {
		names[i] = k.ID
	}
	list := t.out.Element("tickets")
	for _, i := range status.HashOrder(names) {
		k := all[i]
		if t.command == 'w' {
			t.out.Info("%s", k.ID)
		} else {
			t.out.Info("%s", t.line(k, t.command == 'L'))
		}
		t.element(list, k)
	}
	return tool.OK, nil
}

// line is a ticket as a line of text.
func (t *ticketTool) line(k *status.Ticket, details bool) string {
	line := k.ID + "\t" + ticketWord(k)
	if k.Standby {
		line += " [standby]"
	}
	known := ""
	if details && len(k.Attrs) > 0 {
		var parts []string
		for _, a := range hashed(k.Attrs) {
			value := a.Value
			if a.Name == "last-granted" || a.Name == "expires" {
				n, _ := status.ParseInt(value)
				value = t.stamp(n)
			}
			parts = append(parts, a.Name+"="+value)
		}
		known = "\t(" + strings.Join(parts, ", ") + ")"
	}
	switch {
	case k.LastGranted < 0:
		return line + known
	case known == "":
		return line + ` last-granted="` + t.stamp(k.LastGranted) + `"`
	}
	return line + " " + known
}

func ticketWord(k *status.Ticket) string {
	if k.Granted {
		return "granted"
	}
	return "revoked"
}

func (t *ticketTool) element(list *etree.Element, k *status.Ticket) {
	el := tool.Add(list, "ticket", "id", k.ID, "status", ticketWord(k), "standby", strconv.FormatBool(k.Standby))
	if k.LastGranted >= 0 {
		el.CreateAttr("last-granted", t.stamp(k.LastGranted))
	}
	for _, a := range hashed(k.Attrs) {
		if a.Name != "last-granted" && a.Name != "expires" {
			el.CreateAttr(a.Name, a.Value)
		}
	}
}

// hashed are values in the order in which GLib's table walks over them.
func hashed(values status.Values) status.Values {
	names := make([]string, len(values))
	for i := range values {
		names[i] = values[i].Name
	}
	ordered := make(status.Values, 0, len(values))
	for _, i := range status.HashOrder(names) {
		ordered = append(ordered, values[i])
	}
	return ordered
}

// stamp is a time, in seconds since the epoch, as ctime writes it.
func (t *ticketTool) stamp(seconds int64) string {
	return time.Unix(seconds, 0).In(t.now.Location()).Format("Mon Jan _2 15:04:05 2006")
}

// find queries by XPath; the element is one of that name, or xpath-query around several.
func (t *ticketTool) find(ctx context.Context, path, attr string) (*etree.Element, error) {
	if t.given {
		path += fmt.Sprintf("[@%s=%s]", attr, xml.QuoteXPath(t.id))
	}
	return t.cib.Do(ctx, cib.Request{Op: cib.Query, Section: path, XPath: true})
}

// states is the element ticket_state of the ticket, xpath-query around several
// of one id, or without an id the element tickets.
func (t *ticketTool) states(ctx context.Context) (*etree.Element, error) {
	path := "/cib/status/tickets"
	if t.given {
		path += "/ticket_state"
	}
	el, err := t.find(ctx, path, "id")
	if err == nil && several(el) {
		t.out.Info("Multiple ticket_states match ticket=%s", t.id)
	}
	return el, err
}

func several(el *etree.Element) bool { return el.Tag == "xpath-query" }

func (t *ticketTool) state(ctx context.Context) (tool.Exit, error) {
	el, err := t.states(ctx)
	if err != nil {
		return tool.ExitOf(err), fmt.Errorf("Could not query ticket XML: %s", tool.TextOf(err))
	}
	t.out.Print("State XML:\n\n%s", xml.Format(el))
	list := t.out.Element("tickets")
	states := []*etree.Element{el}
	if len(el.ChildElements()) > 0 {
		states = el.SelectElements("ticket_state")
	}
	for _, s := range states {
		k := tool.Add(list, "ticket")
		k.Attr = slices.Clone(s.Attr)
	}
	return tool.OK, nil
}

func (t *ticketTool) constraints(ctx context.Context) (tool.Exit, error) {
	el, err := t.find(ctx, "/cib/configuration/constraints/rsc_ticket", "ticket")
	if err != nil {
		return tool.ExitOf(err), fmt.Errorf("Could not show ticket constraints: %s", tool.TextOf(err))
	}
	all := []*etree.Element{el}
	if several(el) {
		all = el.ChildElements()
	}
	t.out.Print("Constraints XML:\n\n")
	tickets, resources := t.out.Element("tickets"), t.out.Element("resources")
	for _, c := range all {
		t.out.Print("%s", xml.Format(c))
		tool.Add(tool.Add(tickets, "ticket", "id", c.SelectAttrValue("ticket", "")), "constraints").AddChild(c.Copy())
		tool.Add(resources, "resource", "id?", c.SelectAttrValue("rsc", ""))
	}
	return tool.OK, nil
}

func (t *ticketTool) attribute() (tool.Exit, error) {
	if !t.given {
		return tool.NoSuch, errors.New("Must supply ticket ID with -t")
	}
	value, found := "", false
	if k := t.cluster.Ticket(t.id); k != nil {
		value, found = k.Attrs.Get(t.name)
	}
	if !found {
		if t.fallback == nil {
			return tool.NoSuch, nil
		}
		value = *t.fallback
	}
	t.out.Info("%s", value)
	el := tool.Add(t.out.Element("tickets"), "ticket", "id", t.id)
	tool.Add(el, "attribute", "name", t.name, "value", value)
	return tool.OK, nil
}

func (t *ticketTool) cleanup(ctx context.Context) (tool.Exit, error) {
	k := t.cluster.Ticket(t.id)
	switch {
	case t.force:
	case k == nil:
		return tool.NoSuch, fmt.Errorf("No such ticket '%s'", t.id)
	case k.Granted:
		t.warnRevoke()
		return tool.InsufficientPriv, nil
	}
	el, err := t.states(ctx)
	if cib.CodeOf(err) == cib.NotFound {
		return tool.OK, nil
	}
	if err == nil {
		all := []*etree.Element{el}
		if several(el) {
			all = el.ChildElements()
		}
		for _, s := range all {
			if _, err = t.cib.Do(ctx, cib.Request{Op: cib.Delete, Section: "status", Data: s}); err != nil {
				break
			}
		}
	}
	if err != nil {
		return tool.ExitOf(err), fmt.Errorf("Could not clean up ticket: %s", tool.TextOf(err))
	}
	t.out.Info("Cleaned up %s", t.id)
	return tool.OK, nil
}

// modify deletes attributes, or sets them where none is to be deleted.
func (t *ticketTool) modify(ctx context.Context) (tool.Exit, error) {
	unsafe := errors.New("Ticket modification not allowed without --force")
	state, err := t.states(ctx)
	missing := cib.CodeOf(err) == cib.NotFound
	if err == nil || missing {
		var whole *etree.Element
		if !missing {
			state = state.Copy()
			whole = state
		} else {
			whole = etree.NewElement("status")
			state = tool.Add(tool.Add(whole, "tickets"), "ticket_state", "id", t.id)
		}
		req := cib.Request{Op: cib.Modify, Section: "status", Data: whole}
		if len(t.remove) > 0 {
			req = cib.Request{Op: cib.Replace, Section: "status", Data: state}
			for _, name := range t.remove {
				if name == "granted" && !t.force {
					t.warnRevoke()
					return tool.Unsafe, unsafe
				}
				state.RemoveAttr(name)
			}
		} else if granted, ok := t.set.Get("granted"); ok && !t.force {
			if number.IsTrue(granted) {
				t.out.Fault("This command cannot help you verify whether '%s' has been already granted elsewhere.\n"+
					"If you really want to grant '%s' to this site now, and you know what you are doing,\nplease specify --force.", t.id, t.id)
			} else {
				t.warnRevoke()
			}
			return tool.Unsafe, unsafe
		}
		if len(t.remove) == 0 {
			t.write(state)
		}
		_, err = t.cib.Do(ctx, req)
	}
	if err != nil {
		return tool.ExitOf(err), fmt.Errorf("Could not modify ticket: %s", tool.TextOf(err))
	}
	return tool.OK, nil
}

// write puts the attributes that are to be set into a state; when the ticket
// becomes granted, the time of it follows.
func (t *ticketTool) write(state *etree.Element) {
	k := t.cluster.Ticket(t.id)
	for _, a := range hashed(t.set) {
		state.CreateAttr(a.Name, a.Value)
		if a.Name == "granted" && number.IsTrue(a.Value) && (k == nil || !k.Granted) {
			state.CreateAttr("last-granted", strconv.FormatInt(t.now.Unix(), 10))
		}
	}
}

func (t *ticketTool) warnRevoke() {
	t.out.Fault("%s", strings.ReplaceAll(`Revoking 'ID' can trigger the specified 'loss-policy'(s) relating to 'ID'.

You can check that with:
crm_ticket --ticket ID --constraints

Otherwise before revoking 'ID', you may want to make 'ID'standby with:
crm_ticket --ticket ID --standby

If you really want to revoke 'ID' from this site now, and you know what you are doing,
please specify --force.`, "ID", t.id))
}
