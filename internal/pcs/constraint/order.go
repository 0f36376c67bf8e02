package constraint

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// OrderRemove is `constraint order remove` and `delete`.
func OrderRemove(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f"); err != nil {
		return err
	}
	return OrderRemove09(s, args)
}

// OrderAdd is `constraint order [ACTION] A then [ACTION] B [OPTION]...`.
func OrderAdd(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--force"); err != nil {
		return err
	}
	r1, r2, words, err := orderWords(args)
	if err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	for _, id := range []string{r1, r2} {
		if err := checkResource(s, root, id); err != nil {
			return err
		}
	}
	if g := groupOf(root, r1); g != nil && g == groupOf(root, r2) {
		return report.Fatal("Cannot create an order constraint for resources in the same group")
	}
	options, hasID, err := orderOptions(root, words, booleanValues)
	if err != nil {
		return err
	}
	kindText, suffix := "kind: Mandatory", "mandatory"
	var shown []string
	found := false
	for _, o := range options {
		if o.Name == "kind" || o.Name == "score" {
			if !found {
				kindText, suffix, found = o.Name+": "+o.Value, o.Value, true
				if o.Name == "score" {
					s.Deprecated("option 'score' is deprecated and might be removed in a future release, therefore it should not be used")
				}
			}
			continue
		}
		shown = append(shown, o.Name+"="+o.Value)
	}
	if !hasID {
		options = append(options, argv.Pair{Name: "id", Value: doc.UniqueID(root, "order-"+r1+"-"+r2+"-"+suffix)})
	}
	section, err := constraints(root)
	if err != nil {
		return err
	}
	el := doc.New("rsc_order", "first", r1, "then", r2)
	for _, o := range options {
		doc.Set(el, o.Name, o.Value)
	}
	if err := refuseDuplicates09(s, section, el, orderedPair, plainOrder11); err != nil {
		return err
	}
	section.AddChild(el)
	text := "Adding " + r1 + " " + r2 + " (" + kindText + ")"
	if len(shown) > 0 {
		text += " (Options: " + strings.Join(shown, " ") + ")"
	}
	s.Out.Info(text)
	return s.Push(root)
}

// orderWords splits [ACTION] A then [ACTION] B [OPTION]...; the actions come back as the last two options.
func orderWords(args []string) (first, then string, options []string, err error) {
	if len(args) < 3 {
		return "", "", nil, argv.Usage()
	}
	pop := func() string { w := args[0]; args = args[1:]; return w }
	firstAction, thenAction := "start", "start"
	if slices.Contains(actions, args[0]) {
		firstAction = pop()
	}
	first = pop()
	if len(args) == 0 || pop() != "then" || len(args) == 0 {
		return "", "", nil, argv.Usage()
	}
	if slices.Contains(actions, args[0]) {
		thenAction = pop()
	}
	if len(args) == 0 {
		return "", "", nil, argv.Usage()
	}
	then = pop()
	if slices.Contains(args, "then") {
		return "", "", nil, &argv.UsageError{
			Message: "Multiple 'then's cannot be specified.", Both: true,
			Hint: "Use the 'pcs constraint order set' command if you want to create a constraint for more than two resources.",
		}
	}
	return first, then, append(slices.Clone(args), "first-action="+firstAction, "then-action="+thenAction), nil
}

// orderOptions reads the options of an order, symmetrical as the last one; hasID says that the user gave an id.
func orderOptions(root *etree.Element, words, booleans []string) (options argv.Pairs, hasID bool, err error) {
	symmetrical := ""
	for _, w := range words {
		switch w {
		case "symmetrical":
			symmetrical = "true"
			continue
		case "nonsymmetrical":
			symmetrical = "false"
			continue
		}
		p, err := argv.SplitOption(w, false)
		if err != nil {
			return nil, false, err
		}
		switch p.Name {
		case "id":
			if err := newID09(root, p.Value, "constraint id"); err != nil {
				return nil, false, err
			}
			hasID = true
			options = append(options, p)
		case "symmetrical":
			symmetrical = strings.ToLower(p.Value)
			if !slices.Contains(booleans, symmetrical) {
				return nil, false, report.Fatalf("invalid symmetrical value '%s', allowed values are: %s", p.Value, strings.Join(booleans, ", "))
			}
		default:
			options = append(options, p)
		}
	}
	if symmetrical != "" {
		options = append(options, argv.Pair{Name: "symmetrical", Value: symmetrical})
	}
	return options, hasID, nil
}

// orderedPair tells what an order orders: two of one are the same.
func orderedPair(e *etree.Element) string {
	action := func(n string) string {
		if v := strings.ToLower(doc.Attr(e, n)); v != "" {
			return v
		}
		return "start"
	}
	return strings.Join([]string{doc.Attr(e, "first"), doc.Attr(e, "then"), action("first-action"), action("then-action")}, "\x00")
}

var booleanValues = []string{"true", "on", "yes", "y", "1", "false", "off", "no", "n", "0"}

func groupOf(root *etree.Element, id string) *etree.Element {
	for _, p := range doc.All(doc.Section(root, "resources"), "primitive") {
		if doc.ID(p) == id {
			return doc.Ancestor(p, "group")
		}
	}
	return nil
}

func plainOrder11(el *etree.Element, _ bool) string {
	var parts []string
	for _, w := range []string{doc.Attr(el, "first-action"), doc.Attr(el, "first"), "then", doc.Attr(el, "then-action"), doc.Attr(el, "then")} {
		if w != "" {
			parts = append(parts, w)
		}
	}
	switch kind, score := doc.Attr(el, "kind"), doc.Attr(el, "score"); {
	case kind != "":
		parts = append(parts, "(kind:"+kind+")")
	case score == "":
		parts = append(parts, "(kind:Mandatory)")
	default:
		parts = append(parts, "(score:"+score+")")
	}
	if doc.Has(el, "symmetrical") && !number.IsTrue(doc.Attr(el, "symmetrical")) {
		parts = append(parts, "(non-symmetrical)")
	}
	var more []string
	for _, a := range doc.Attrs(el, "first", "then", "first-action", "then-action", "id", "score", "kind", "symmetrical") {
		more = append(more, a.Name+"="+a.Value)
	}
	if len(more) > 0 {
		parts = append(parts, "(Options: "+strings.Join(more, " ")+")")
	}
	return strings.Join(append(parts, "(id:"+doc.ID(el)+")"), " ")
}
