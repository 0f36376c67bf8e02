// Package resource is `pcs resource`, and what `pcs stonith` shares with it: resources,
// their operations, groups, clones and bundles.
package resource

import (
	"errors"
	"strings"

	"hacluster/internal/pcs/report"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/session"
)

// primitive is a resource as typed.
type primitive struct {
	id, agent  string
	instance   argv.Pairs
	meta       argv.Pairs
	operations []argv.Pairs
	// hideServer leaves the parameter server out of what users are told of: another option sets it.
	hideServer bool
}

// wrap says what a new resource is put into.
type wrap struct {
	// kind is "", clone, promotable, master, group or bundle.
	kind string
	// id is the group's or bundle's id, or the clone's if it was given.
	id            string
	meta          argv.Pairs
	before, after string
}

var (
	errOperationParts = &argv.UsageError{Message: "When using 'op' you must specify an operation name and at least one option"}
	errOperationName  = &argv.UsageError{Message: "When using 'op' you must specify an operation name after 'op'"}
)

// splitOperations makes operations of the words behind `op`: a word without "=" begins one.
func splitOperations(groups [][]string) ([][]string, error) {
	var out [][]string
	for _, g := range groups {
		if len(g) == 0 {
			return nil, errOperationParts
		}
		if strings.Contains(g[0], "=") {
			return nil, errOperationName
		}
		for _, w := range g {
			if !strings.Contains(w, "=") {
				out = append(out, []string{"name=" + w})
			} else {
				out[len(out)-1] = append(out[len(out)-1], w)
			}
		}
	}
	for _, o := range out {
		if len(o) < 2 {
			return nil, errOperationParts
		}
	}
	return out, nil
}

// fill reads options, meta and operations into p.
func (p *primitive) fill(s *session.Session, instance, meta []string, ops [][]string) error {
	var err error
	first, second := &p.instance, &p.meta
	firstWords, secondWords := instance, meta
	if s.Legacy() {
		first, second, firstWords, secondWords = second, first, secondWords, firstWords
	}
	if *first, err = s.KeyValues(firstWords); err != nil {
		return err
	}
	if *second, err = s.KeyValues(secondWords); err != nil {
		return err
	}
	split, err := splitOperations(ops)
	if err != nil {
		return err
	}
	for _, o := range split {
		pairs, err := s.KeyValues(o)
		if err != nil {
			return err
		}
		p.operations = append(p.operations, pairs)
	}
	return nil
}

// parsePrimitive reads options [op …] [meta …].
func parsePrimitive(s *session.Session, args []string) (*primitive, error) {
	g, err := argv.GroupByKeywords(args, []string{"op", "meta"}, "instance")
	if err != nil {
		return nil, err
	}
	p := &primitive{}
	return p, p.fill(s, g.Flat("instance"), g.Flat("meta"), g.All("op"))
}

// parseCreate09 is the syntax of 0.9, where keywords may stand in any order.
func parseCreate09(s *session.Session, args []string) (*primitive, *wrap, error) {
	g, err := argv.GroupByKeywords(args, []string{"op", "meta", "clone", "master", "bundle"}, "options")
	if err != nil {
		return nil, nil, err
	}
	p, w := &primitive{}, &wrap{}
	if err := p.fill(s, g.Flat("options"), g.Flat("meta"), g.All("op")); err != nil {
		return nil, nil, err
	}
	var found []string
	for _, k := range []string{"clone", "master", "bundle"} {
		if !g.Has(k) {
			continue
		}
		found = append(found, k)
		w.kind = k
		if k == "bundle" {
			continue
		}
		if w.meta, err = s.KeyValues(g.Flat(k)); err != nil {
			return nil, nil, err
		}
	}
	group := s.Opts.Value("--group")
	if group != "" {
		found = append(found, "group")
	}
	if len(found) > 1 {
		return nil, nil, report.Fatal("you can specify only one of clone, master, bundle or --group")
	}
	if g.Has("bundle") {
		if len(g.Flat("bundle")) != 1 {
			return nil, nil, report.Fatal("you have to specify exactly one bundle")
		}
		w.id = g.Flat("bundle")[0]
	}
	if err := groupOptions(s, w); err != nil {
		return nil, nil, err
	}
	return p, w, nil
}

// groupOptions reads --group, --before and --after as verbs with these options do.
func groupOptions(s *session.Session, w *wrap) error {
	group, before, after := s.Opts.Value("--group"), s.Opts.Value("--before"), s.Opts.Value("--after")
	given := group != ""
	if !s.Legacy() {
		given = s.Opts.Has("--group")
	}
	switch {
	case s.Opts.Has("--before") && s.Opts.Has("--after") && (!s.Legacy() || before != "" && after != ""):
		text := "you cannot specify both --before and --after"
		if !given {
			text += " and you have to specify --group"
		}
		return report.Fatal(text)
	case !given && s.Opts.Has("--before"):
		return report.Fatal("you cannot use --before without --group")
	case !given && s.Opts.Has("--after"):
		return report.Fatal("you cannot use --after without --group")
	}
	if group != "" {
		w.kind, w.id, w.before, w.after = "group", group, before, after
	}
	return nil
}

const future = "Specify --future to switch to the future behavior."

// masterHint adds where the word master has gone.
func masterHint(err error) error {
	var ue *argv.UsageError
	if errors.As(err, &ue) && ue.Message == "missing value of 'master' option" {
		return &argv.UsageError{
			Message: ue.Message,
			Hint:    "Master/Slave resources have been renamed to promotable clones, please use the 'promotable' keyword instead of 'master'. See 'man pcs' -> Changes in pcs-0.10.",
		}
	}
	return err
}

// parseCreate is the syntax of 0.11 and, without notes about the future, of 0.10.
func parseCreate(s *session.Session, args []string) (*primitive, []*wrap, error) {
	top, err := argv.GroupByKeywords(args, []string{"clone", "promotable", "bundle"}, "primitive")
	if err != nil {
		return nil, nil, err
	}
	g, err := argv.GroupByKeywords(top.Flat("primitive"), []string{"op", "meta"}, "instance")
	if err != nil {
		return nil, nil, err
	}
	instance, meta, ops := g.Flat("instance"), g.Flat("meta"), g.All("op")
	var wraps []*wrap
	note := func(text string) {
		if s.Minor() >= 11 {
			s.Deprecated(text)
		}
	}
	if s.Opts.Has("--group") {
		w := &wrap{kind: "group", id: s.Opts.Value("--group"), before: s.Opts.Value("--before"), after: s.Opts.Value("--after")}
		for _, o := range []struct{ name, value string }{{"group", "x"}, {"before", w.before}, {"after", w.after}} {
			if o.value != "" {
				note("Using '--" + o.name + "' is deprecated and will be replaced with '" + o.name + "' in a future release. " + future)
			}
		}
		wraps = append(wraps, w)
	} else {
		for _, o := range []string{"--before", "--after"} {
			if s.Opts.Has(o) {
				return nil, nil, argv.Usagef("you cannot use %s without --group", o)
			}
		}
	}
	for _, kind := range []string{"clone", "promotable"} {
		if !top.Has(kind) {
			continue
		}
		cg, err := argv.GroupByKeywords(top.Flat(kind), []string{"op", "meta"}, "options")
		if err != nil {
			return nil, nil, err
		}
		w := &wrap{kind: kind}
		options := cg.Flat("options")
		if len(options) > 0 && !strings.Contains(options[0], "=") {
			w.id, options = options[0], options[1:]
		}
		if len(options) > 0 {
			note("Configuring " + kind + " meta attributes without specifying the 'meta' keyword after the '" + kind + "' keyword is deprecated and will be removed in a future release. " + future)
		}
		if cg.Has("op") {
			note("Specifying 'op' after '" + kind + "' now defines operations for the base resource. In a future release, this will be removed and operations will have to be specified before '" + kind + "'. " + future)
			ops = append(ops, cg.All("op")...)
		}
		if cg.Has("meta") {
			note("Specifying 'meta' after '" + kind + "' now defines meta attributes for the base resource. In a future release, this will define meta attributes for the " + kind + ". " + future)
			meta = append(meta, cg.Flat("meta")...)
		}
		if w.meta, err = argv.KeyValues(options); err != nil {
			return nil, nil, masterHint(err)
		}
		wraps = append(wraps, w)
	}
	if top.Has("bundle") {
		bg, err := argv.GroupByKeywords(top.Flat("bundle"), []string{"op", "meta"}, "options")
		if err != nil {
			return nil, nil, err
		}
		if bg.Has("meta") {
			note("Specifying 'meta' after 'bundle' now defines meta options for the base resource. In a future release, this will be removed and meta options will have to be specified before 'bundle'. " + future)
			meta = append(meta, bg.Flat("meta")...)
		}
		if bg.Has("op") {
			note("Specifying 'op' after 'bundle' now defines operations for the base resource. In a future release, this will be removed and operations will have to be specified before 'bundle'. " + future)
			ops = append(ops, bg.All("op")...)
		}
		if len(bg.Flat("options")) != 1 {
			return nil, nil, argv.Usagef("you have to specify exactly one bundle")
		}
		wraps = append(wraps, &wrap{kind: "bundle", id: bg.Flat("options")[0]})
	}
	p := &primitive{}
	return p, wraps, masterHint(p.fill(s, instance, meta, ops))
}

// parseCreateFuture is the syntax that --future asks for.
func parseCreateFuture(s *session.Session, args []string) (*primitive, []*wrap, error) {
	top, err := argv.GroupByKeywords(args, []string{"clone", "promotable", "bundle", "group"}, "primitive")
	if err == nil {
		err = top.RepeatOnly()
	}
	if err != nil {
		return nil, nil, err
	}
	g, err := argv.GroupByKeywords(top.Flat("primitive"), []string{"op", "meta"}, "instance")
	if err != nil {
		return nil, nil, err
	}
	p := &primitive{}
	if err := masterHint(p.fill(s, g.Flat("instance"), g.Flat("meta"), g.All("op"))); err != nil {
		return nil, nil, err
	}
	var wraps []*wrap
	on := func(g *argv.Groups, kind string, words ...string) error {
		for _, w := range words {
			if g.Has(w) {
				what := map[string]string{"meta": "meta options", "op": "op settings"}[w]
				return argv.Usagef("%s must be defined on the base resource, not the %s", what, kind)
			}
		}
		return nil
	}
	if top.Has("group") {
		gg, err := argv.GroupByKeywords(top.Flat("group"), []string{"before", "after", "op", "meta"}, "group_id")
		if err == nil {
			err = on(gg, "group", "meta", "op")
		}
		if err != nil {
			return nil, nil, err
		}
		if len(gg.Flat("group_id")) != 1 {
			return nil, nil, argv.Usagef("You have to specify exactly one group after 'group'")
		}
		w := &wrap{kind: "group", id: gg.Flat("group_id")[0]}
		for _, at := range []string{"after", "before"} {
			if !gg.Has(at) {
				continue
			}
			if len(gg.Flat(at)) != 1 {
				return nil, nil, argv.Usagef("You have to specify exactly one resource after '%s'", at)
			}
			if at == "after" {
				w.after = gg.Flat(at)[0]
			} else {
				w.before = gg.Flat(at)[0]
			}
		}
		wraps = append(wraps, w)
	}
	for _, kind := range []string{"clone", "promotable"} {
		if !top.Has(kind) {
			continue
		}
		cg, err := argv.GroupByKeywords(top.Flat(kind), []string{"op", "meta"}, "options")
		if err != nil {
			return nil, nil, err
		}
		w := &wrap{kind: kind}
		options := cg.Flat("options")
		if len(options) > 0 && !strings.Contains(options[0], "=") {
			w.id, options = options[0], options[1:]
		}
		if len(options) > 0 {
			return nil, nil, argv.Usagef("Specifying instance attributes for a %s is not supported. Use 'meta' after '%s' if you want to specify meta attributes.", kind, kind)
		}
		if err := on(cg, kind, "op"); err != nil {
			return nil, nil, err
		}
		if w.meta, err = argv.KeyValues(cg.Flat("meta")); err != nil {
			return nil, nil, masterHint(err)
		}
		wraps = append(wraps, w)
	}
	if top.Has("bundle") {
		bg, err := argv.GroupByKeywords(top.Flat("bundle"), []string{"op", "meta"}, "options")
		if err == nil {
			err = on(bg, "bundle", "meta", "op")
		}
		if err != nil {
			return nil, nil, err
		}
		if len(bg.Flat("options")) != 1 {
			return nil, nil, argv.Usagef("you have to specify exactly one bundle")
		}
		wraps = append(wraps, &wrap{kind: "bundle", id: bg.Flat("options")[0]})
	}
	return p, wraps, nil
}

// one checks that a resource is put into one thing only.
func one(s *session.Session, wraps []*wrap) (*wrap, error) {
	if len(wraps) > 1 {
		group := "--group"
		if s.Opts.Has("--future") {
			group = "group"
		}
		return nil, argv.Usagef("you can specify only one of clone, promotable, bundle or %s", group)
	}
	if len(wraps) == 0 {
		return &wrap{}, nil
	}
	w := wraps[0]
	if w.after != "" && w.before != "" {
		if s.Opts.Has("--future") {
			return nil, argv.Usagef("you cannot specify both 'before' and 'after'")
		}
		return nil, argv.Usagef("you cannot specify both --before and --after")
	}
	if w.kind == "promotable" && w.meta.Has("promotable") {
		return nil, argv.Usagef("you cannot specify both promotable option and promotable keyword")
	}
	return w, nil
}
