package constraint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/remove"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
)

// bareScore warns of a score that is a word of its own.
func bareScore(s *session.Session) {
	if s.Minor() >= 12 {
		s.Deprecated("Specifying score as a standalone value is deprecated and might be removed in a future release, use score=value instead")
	}
}

// ColocationAdd is `constraint colocation add`.
func ColocationAdd(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--force"); err != nil {
		return err
	}
	if len(args) < 3 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	role := func(word string) (string, error) {
		r := report.Capitalize(word)
		if known := roles(s); !slices.Contains(known, r) {
			return "", report.Fatalf("invalid role value '%s', allowed values are: %s", word, report.QuoteSorted(known))
		}
		rule.WarnOldRole(s, word)
		return rule.RoleFor(root, rule.NewRole(r)), nil
	}
	pop := func() string { w := args[0]; args = args[1:]; return w }
	var role1, role2 string
	switch "with" {
	case args[2]:
		if role1, err = role(pop()); err != nil {
			return err
		}
	case args[1]:
	default:
		return argv.Usage()
	}
	r1 := pop()
	if pop() != "with" {
		return argv.Usage()
	}
	if slices.Contains(args, "with") {
		return &argv.UsageError{
			Message: "Multiple 'with's cannot be specified.", Both: true,
			Hint: "Use the 'pcs constraint colocation set' command if you want to create a constraint for more than two resources.",
		}
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	if len(args) > 1 && !scoreOrOption(args[1]) {
		if role2, err = role(pop()); err != nil {
			return err
		}
	}
	r2 := pop()
	score := "INFINITY"
	if len(args) > 0 && !strings.Contains(args[0], "=") {
		score = pop()
		bareScore(s)
	}
	var pairs argv.Pairs
	for _, a := range args {
		p, err := argv.SplitOption(a, false)
		if err != nil {
			return err
		}
		pairs = append(pairs, p)
		if p.Name == "score" && s.Minor() >= 12 {
			score = p.Value
		}
	}
	for _, id := range []string{r1, r2} {
		if err := checkResource(s, root, id); err != nil {
			return err
		}
	}
	hasID := false
	for _, p := range pairs {
		if p.Name == "id" {
			if err := newID09(root, p.Value, "constraint id"); err != nil {
				return err
			}
			hasID = true
		}
	}
	if !hasID {
		pairs = append(pairs, argv.Pair{Name: "id", Value: doc.UniqueID(root, fmt.Sprintf("colocation-%s-%s-%s", r1, r2, score))})
	}
	section, err := constraints(root)
	if err != nil {
		return err
	}
	el := newColocation(r1, role1, r2, role2, score, pairs)
	same := func(e *etree.Element) string {
		role := func(n string) string {
			if v := rule.NewRole(doc.Attr(e, n)); v != "" {
				return v
			}
			return "Started"
		}
		return strings.Join([]string{doc.Attr(e, "rsc"), doc.Attr(e, "with-rsc"), role("rsc-role"), role("with-rsc-role")}, "\x00")
	}
	if err := refuseDuplicates09(s, section, el, same, plainColocation11); err != nil {
		return err
	}
	section.AddChild(el)
	return s.Push(root)
}

// plainColocation11 is a colocation as a complaint about a duplicate shows it.
func plainColocation11(el *etree.Element, _ bool) string {
	parts := []string{doc.Attr(el, "rsc"), "with", doc.Attr(el, "with-rsc"), "(score:" + doc.Attr(el, "score") + ")"}
	for _, a := range doc.SortedAttrs(el, "rsc", "with-rsc", "id", "score") {
		parts = append(parts, "("+a.Name+":"+a.Value+")")
	}
	return strings.Join(append(parts, "(id:"+doc.ID(el)+")"), " ")
}

// ColocationRemove is `constraint colocation remove` and `delete`.
func ColocationRemove(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f"); err != nil {
		return err
	}
	if len(args) != 2 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	var ids []string
	for _, el := range Read(root, nil).plain[colocationKind] {
		a, b := doc.Attr(el, "rsc"), doc.Attr(el, "with-rsc")
		switch {
		case a == args[0] && b == args[1]:
			ids = append(ids, doc.ID(el))
		case a == args[1] && b == args[0]:
			s.Deprecated("Removing colocation constraint with interchanged source resource id and target resource id. This behavior is deprecated and will be removed.")
			ids = append(ids, doc.ID(el))
		}
	}
	if len(ids) == 0 {
		return argv.Usagef("Unable to find colocation constraint with source resource '%s' and target resource '%s'", args[0], args[1])
	}
	return remove.Elements(s, ids)
}

// newColocation is a constraint that has r1 run with r2; where one role is given, the other is Started.
func newColocation(r1, role1, r2, role2, score string, pairs argv.Pairs) *etree.Element {
	if role1 != "" && role2 == "" {
		role2 = "Started"
	}
	if role2 != "" && role1 == "" {
		role1 = "Started"
	}
	el := doc.New("rsc_colocation", "rsc", r1, "with-rsc", r2, "score", score)
	doc.SetOrDrop(el, "rsc-role", role1)
	doc.SetOrDrop(el, "with-rsc-role", role2)
	for _, p := range pairs {
		doc.Set(el, p.Name, p.Value)
	}
	return el
}
