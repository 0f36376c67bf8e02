package constraint

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
)

func lossPolicy(s *session.Session, options argv.Pairs) (argv.Pairs, report.Items) {
	v, ok := options.Get("loss-policy")
	if !ok {
		return options, nil
	}
	var items report.Items
	if !slices.Contains(lossPolicies, v) {
		items = append(items, s.Style.InvalidOptionValue("loss-policy", v, lossPolicies))
	}
	return options.With("loss-policy", strings.ToLower(v)), items
}

func ticketName(name string) []report.Item {
	for _, r := range name {
		if r != '-' && (r > 127 || !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')) {
			return []report.Item{report.Errorf("booth ticket name '%s' is not valid, use up to 63 alphanumeric characters or dash", name)}
		}
	}
	if name == "" || len(name) > 63 {
		return []report.Item{report.Errorf("booth ticket name '%s' is not valid, use up to 63 alphanumeric characters or dash", name)}
	}
	return nil
}

// TicketAdd is `constraint ticket add`.
func TicketAdd(s *session.Session, args []string) error {
	if err := s.Opts.Only("--force", "-f"); err != nil {
		return err
	}
	ticket, id, role, options, err := parseTicket(s, args)
	if err != nil {
		return err
	}
	if options.Has("rsc-role") {
		return argv.Usagef("Resource role must not be specified among options, specify it before resource id")
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if err := s.Check(setResource(s, root, id)...); err != nil {
		return err
	}
	var items []report.Item
	options, bad := lossPolicy(s, options)
	items = append(items, bad...)
	if ticket == "" {
		items = append(items, s.Style.RequiredMissing([]string{"ticket"}, ""))
	} else {
		items = append(items, ticketName(ticket)...)
	}
	if role != "" {
		if r := report.Capitalize(role); !slices.Contains(roles(s), r) {
			items = append(items, s.Style.InvalidOptionValue("role", role, roles(s)))
		} else if newer := rule.NewRole(r); newer != r {
			items = append(items, report.Deprecatedf("Value '%s' of option role is deprecated and might be removed in a future release, therefore it should not be used, use '%s' value instead", role, newer))
		}
	}
	var unknown []string
	for _, o := range options {
		if o.Name != "id" && o.Name != "loss-policy" {
			unknown = append(unknown, o.Name)
		}
	}
	if len(unknown) > 0 {
		items = append(items, s.Style.InvalidOptions(unknown, []string{"id", "loss-policy"}, ""))
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	if role != "" {
		role = rule.RoleFor(root, rule.NewRole(role))
	}
	cid, given := options.Get("id")
	if given {
		if items := check.IDs(cid, "constraint id"); len(items) > 0 {
			return report.Items(items[:1])
		}
		if doc.IDExists(root, cid) {
			return report.Items{s.Style.IDInUse(cid)}
		}
	} else {
		cid = "ticket-" + ticket + "-" + id
		if role != "" {
			cid += "-" + role
		}
		cid = doc.UniqueID(root, cid)
	}
	el := doc.Append(doc.EnsureSection(root, "constraints"), "rsc_ticket")
	for _, o := range options.Without("id") {
		doc.Set(el, o.Name, o.Value)
	}
	doc.SetOrDrop(el, "rsc-role", role)
	doc.Set(el, "ticket", ticket)
	doc.Set(el, "rsc", id)
	doc.Set(el, "id", cid)
	key := func(e *etree.Element) string {
		return rule.NewRole(doc.Attr(e, "rsc-role")) + "\x00" + doc.Attr(e, "ticket") + "\x00" + doc.Attr(e, "rsc")
	}
	if err := refuseDuplicates(s, root, ticketKind, el, func(o *etree.Element) bool { return key(o) == key(el) }); err != nil {
		return err
	}
	return s.Push(root)
}
