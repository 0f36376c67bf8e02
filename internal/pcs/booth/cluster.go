package booth

import (
	"slices"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/operate"
	"hacluster/internal/pcs/remove"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/resource"
	"hacluster/internal/pcs/session"
)

// hostConf is where the host's own configuration of an instance lies; resources name it even when options name files.
func (in *instance) hostConf() string { return in.s.Paths.BoothDir + "/" + in.name + ".conf" }

// services are the resources that run booth with a configuration.
func services(root *etree.Element, conf string) []*etree.Element {
	var out []*etree.Element
	for _, p := range doc.All(doc.Section(root, "resources"), "primitive") {
		if v, ok := doc.Value(p, "instance_attributes", "config"); ok && v == conf && doc.Attr(p, "type") == "booth-site" {
			out = append(out, p)
		}
	}
	return out
}

// Create is `booth create`: an address and booth as a group of resources.
func Create(s *session.Session, args []string) error {
	if err := s.Only("--force", "-f", "--name"); err != nil {
		return err
	}
	if len(args) != 2 || args[0] != "ip" {
		return argv.Usage()
	}
	in, err := open(s)
	if err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if _, err := s.Resources(root); err != nil {
		return err
	}
	var items []report.Item
	if len(services(root, in.hostConf())) > 0 {
		items = append(items, report.Errorf("booth instance '%s' is already created as cluster resource", in.name))
	}
	if s.Legacy() {
		if err := s.Check(items...); err != nil {
			return err
		}
	} else {
		s.Out.Tell(items...)
		if _, err := in.raw(); err != nil {
			return err
		}
		if err := s.Out.Check(); err != nil {
			return err
		}
	}
	id := func(suffix string) string { return doc.UniqueID(root, "booth-"+in.name+"-"+suffix) }
	members := []resource.Member{
		{ID: id("ip"), Agent: "ocf:heartbeat:IPaddr2", Instance: argv.Pairs{{Name: "ip", Value: args[1]}}},
		{ID: id("service"), Agent: "ocf:pacemaker:booth-site", Instance: argv.Pairs{{Name: "config", Value: in.hostConf()}}},
	}
	if err := resource.CreateGroup(s, root, id("group"), members); err != nil {
		return err
	}
	return s.Push(root)
}

// find finds the resources of the instance; several need --force.
func (in *instance) find(root *etree.Element) ([]*etree.Element, error) {
	found := services(root, in.hostConf())
	switch {
	case len(found) == 0:
		return nil, in.s.Check(report.Errorf("booth instance '%s' not found in cib", in.name))
	case len(found) > 1:
		if err := in.s.Check(report.Errorf("found more than one booth instance '%s' in cib", in.name).As(in.s.Opts.Force())); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// address is the address that stands with booth in a group of two; nil without.
func address(service *etree.Element) *etree.Element {
	g := service.Parent()
	if g.Tag != "group" || len(doc.Children(g, "primitive")) != 2 {
		return nil
	}
	for _, p := range doc.Children(g, "primitive") {
		if doc.Attr(p, "type") == "IPaddr2" {
			return p
		}
	}
	return nil
}

// Remove is `booth remove`.
func Remove(s *session.Session, args []string) error {
	known := []string{"--force", "-f", "--name"}
	if s.Minor() >= 12 {
		known = append(known, "--no-stop", "--future")
	}
	if err := s.Only(known...); err != nil {
		return err
	}
	if err := s.Opts.Exclusive("-f", "--no-stop"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	in, err := open(s)
	if err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	found, err := in.find(root)
	if err != nil {
		return err
	}
	var ids []string
	for _, el := range found {
		if a := address(el); a != nil {
			ids = append(ids, doc.ID(a))
		}
		ids = append(ids, doc.ID(el))
	}
	if s.Legacy() {
		for _, id := range ids {
			if err := resource.Delete09(s, []string{id}); err != nil {
				return err
			}
		}
		return nil
	}
	s.Out.Info("Removing " + report.Plural(len(ids), "resource", "resources") + ": " + report.QuoteSorted(ids))
	return remove.With(s, root, ids, func() error { return nil })
}

// Restart is `booth restart`.
func Restart(s *session.Session, args []string) error {
	in, err := begin(s, args, 0, 0, "--force", "--name")
	if err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	found, err := in.find(root)
	if err != nil {
		return err
	}
	for _, el := range found {
		if s.Legacy() {
			if err := operate.Restart09(s, []string{doc.ID(el)}); err != nil {
				return err
			}
			continue
		}
		if _, err := s.World.Cluster.Restart(s.Ctx, doc.ID(el), "", 0); err != nil {
			return report.Items{report.Errorf("Unable to restart resource '%s':\n%s", doc.ID(el), err)}
		}
	}
	return nil
}

// boundAddresses are the addresses that stand with booth in groups.
func boundAddresses(root *etree.Element, conf string) []string {
	var out []string
	all := services(root, conf)
	for _, g := range doc.All(doc.Section(root, "resources"), "group") {
		if !slices.ContainsFunc(all, func(p *etree.Element) bool { return p.Parent() == g }) {
			continue
		}
		for _, p := range doc.Children(g, "primitive") {
			if doc.Attr(p, "type") != "IPaddr2" {
				continue
			}
			if v, ok := doc.Value(p, "instance_attributes", "ip"); ok {
				out = append(out, v)
			}
		}
	}
	return out
}

// TicketGrant is `booth ticket grant`, TicketRevoke `booth ticket revoke`.
var (
	TicketGrant  = ticketOperation("grant")
	TicketRevoke = ticketOperation("revoke")
)

func ticketOperation(operation string) session.Verb {
	return func(s *session.Session, args []string) error {
		if err := s.Only("--name"); err != nil {
			return err
		}
		if len(args) < 1 || len(args) > 2 {
			return argv.Usage()
		}
		in, err := open(s)
		if err != nil {
			return err
		}
		site := ""
		if len(args) == 2 {
			site = args[1]
		}
		if site == "" {
			unclear := report.Items{report.Errorf("cannot determine local site ip, please specify site parameter")}
			root, err := s.CIB()
			if err != nil {
				if s.Legacy() {
					return err
				}
				return unclear
			}
			bound := boundAddresses(root, in.hostConf())
			if len(bound) != 1 {
				return unclear
			}
			site = bound[0]
		}
		r, err := s.Run("booth", operation, "-s", site, args[0])
		reason := r.Complaint()
		if err != nil {
			reason = err.Error()
		}
		if err != nil || r.Code != 0 {
			return report.Items{report.Errorf("unable to %s booth ticket '%s' for site '%s', reason: %s", operation, args[0], site, reason)}
		}
		return nil
	}
}

// TicketStandby is `booth ticket standby`, TicketUnstandby `booth ticket unstandby`, TicketCleanup `booth ticket cleanup`.
var (
	TicketStandby   = ticketState("standby")
	TicketUnstandby = ticketState("unstandby")
	TicketCleanup   = ticketState("cleanup")
)

func ticketState(operation string) session.Verb {
	return func(s *session.Session, args []string) error {
		if operation == "cleanup" && len(args) == 0 && s.Minor() >= 12 {
			return cleanLeftovers(s)
		}
		if err := s.Only(); err != nil {
			return err
		}
		if len(args) != 1 {
			return argv.Usage()
		}
		ticket := args[0]
		root, err := s.CIB()
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(ticketStates(root), func(t *etree.Element) bool { return doc.ID(t) == ticket }) {
			return s.Check(report.Errorf("Unable to find ticket '%s' in CIB", ticket))
		}
		switch operation {
		case "standby":
			return standby(s, ticket)
		case "unstandby":
			return changeTicket(s, ticket, "Changing state of ticket '"+ticket+"' to active", "unstandby", "--activate")
		}
		return cleanTicket(s, ticket)
	}
}

func ticketStates(root *etree.Element) []*etree.Element {
	return doc.All(doc.Path(root, "status", "tickets"), "ticket_state")
}

// changeTicket has crm_ticket change a ticket of the CIB, and says so.
func changeTicket(s *session.Session, ticket, text, operation string, change ...string) error {
	s.Out.Info(text)
	r, err := s.Run("crm_ticket", append(change, "--ticket", ticket)...)
	reason := r.Complaint()
	if err != nil {
		reason = err.Error()
	}
	if err != nil || r.Code != 0 {
		return s.Check(report.Errorf("unable to %s booth ticket '%s', reason: %s", operation, ticket, reason))
	}
	return nil
}

func standby(s *session.Session, ticket string) error {
	return changeTicket(s, ticket, "Changing state of ticket '"+ticket+"' to standby", "standby", "--standby")
}

// cleanTicket removes a ticket from the CIB. It is on standby before: its loss fences nobody.
func cleanTicket(s *session.Session, ticket string) error {
	if err := standby(s, ticket); err != nil {
		return err
	}
	return changeTicket(s, ticket, "Cleaning up ticket '"+ticket+"' from CIB", "cleanup", "--cleanup", "--force")
}

// cleanLeftovers removes the tickets of a booth instance that its configuration has no more. A failure ends it.
func cleanLeftovers(s *session.Session) error {
	in, err := begin(s, nil, 0, 0, "--name")
	if err != nil {
		return err
	}
	c, err := in.load()
	if err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	var left []string
	for _, t := range ticketStates(root) {
		if doc.Attr(t, "booth-cfg-name") == in.name && !c.Has(doc.ID(t)) {
			left = append(left, doc.ID(t))
		}
	}
	slices.Sort(left)
	for _, ticket := range slices.Compact(left) {
		if err := cleanTicket(s, ticket); err != nil {
			return err
		}
	}
	return nil
}
