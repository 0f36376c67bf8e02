package simulation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
)

// mutant is a mistake that somebody might make in all honesty: a text of a file, and what stands in its place.
type mutant struct {
	what, file, old, new string
	// equal says why nothing is wrong with it, where nothing is.
	equal string
}

// mutants are the mistakes that `make mutants` makes, one at a time, in what decides: none of them shows while nothing fails.
var mutants = []mutant{
	// Terms.
	{"a promise is given twice", "engine/replica/term.go", "; had >= n {", "; had > n {", "who announces a term goes above what each has promised, and a promise says whom it is for"},
	{"a promise is not kept on disk", "engine/replica/term.go", "	if err := r.effects.SaveTerm(t); err != nil {\n		r.effects.Logf(\"could not save the promise", "	if err := error(nil); err != nil {\n		r.effects.Logf(\"could not save the promise", ""},
	{"half of the nodes are enough for a term", "engine/replica/term.go", "2*n <= r.effects.Nodes() && (n", "2*n < r.effects.Nodes() && (n", ""},
	{"half of the nodes are enough for an answer", "engine/replica/term.go", "		return n/2 + 1", "		return n / 2", ""},
	{"a term that cannot hold takes the place of one that does", "engine/replica/term.go", "	if n > 0 && r.view.holds && !r.possible(v.members) {\n		return", "	if false {\n		return", ""},
	{"an announcement of before this node came back counts", "engine/replica/term.go", "	if slices.Contains(v.members, r.node) && !r.effects.Shares(from) {", "	if false {", ""},
	{"an announcement counts though a member left", "engine/replica/term.go", "	return !a.void", "	return !a.void || true", ""},
	{"a term goes on when a member has left", "engine/replica/term.go", "	if slices.Contains(r.view.members, node) {\n		r.view = view{}", "	if false {\n		r.view = view{}", ""},
	{"a change outside of a term leaves the document one of it", "engine/replica/term.go", "	r.term.Fork(old)", "	_ = old", ""},
	{"a document that is taken over keeps the term of the one before", "engine/replica/replica.go", "	r.term, r.owed = term, nil", "	r.owed = nil", ""},
	{"a document is compared by its version alone", "engine/controller/join.go", "	if terms {\n		if d := p.term", "	if false {\n		if d := p.term", ""},
	{"one of two that wait for each other's fencing answers", "engine/replica/sure.go", "	if r.rival() {\n		return\n	}\n", "", "what only one of them has is not answered for other reasons"},
	{"the group answers without a term", "engine/replica/sure.go", "	if r.mayHold() {\n		// Most", "	if false {\n		// Most", ""},
	{"a promise counts for whoever announced that term", "engine/replica/term.go", " || msg.SelectAttrValue(byAttr, v.by) != v.by {", " {", ""},
	{"all who adopt a term have a change", "engine/replica/term.go", " && (ours || h.here[from]) {", " && (ours || true) {", ""},
	{"who is silent has a change", "engine/replica/sure.go", "		case r.quorate:\n", "		case false:\n", ""},
	{"a takeover waits for one who left", "engine/replica/replica.go", "	if !slices.Contains(r.effects.Members(), s.source) {", "	if false && !slices.Contains(r.effects.Members(), s.source) {", ""},
	{"the replica does not hear who left", "internal/node/core.go", "	c.Replica.Left(m.Name)", "	_ = m", ""},
	// Who leads.
	{"a DC of before writes", "engine/replica/leader.go", "r.leader == \"\" || r.leader == from", "r.leader == \"\" || r.leader != from || r.leader == from", ""},
	{"a takeover is anybody's to order", "engine/replica/replica.go", "	if !r.effects.Follows(from) {", "	if false {", ""},
	{"changes during a takeover are forgotten", "engine/replica/replica.go", "		r.sync.since = append(r.sync.since, delivered{from, msg, r.effects.MaxSchema(), res, err})\n", "		r.answer(from, msg, res, err)\n", ""},
	{"who accepts the offer of another DC takes part at once", "engine/controller/join.go", " && (c.state != NotDC || !c.joined) {", " && c.state != NotDC {", ""},
	{"who has just come wins elections", "engine/controller/election.go", "	if theirs := sinceOf(msg); theirs != c.since && ", "	if theirs := sinceOf(msg); false && theirs != c.since && ", ""},
	{"levels count beside a release that has none", "engine/controller/election.go", "		if p.process && p.unlevelled {", "		if false && p.unlevelled {", ""},
	{"attributes are not written anew at a join", "engine/controller/join.go", "	c.effects.RewriteAttributes(\"\")\n", "", ""},
	{"the DC does not write attributes", "engine/controller/election.go", "	c.effects.BecameDC(true)", "	c.effects.BecameDC(false)", ""},
	// Who is suspect, and who is fenced.
	{"who is back after its fencing is written down as fenced", "engine/controller/run.go", "	if p.process && p.joins > p.doomed {", "	if false && p.joins > p.doomed {", ""},
	{"who was fenced is not about to leave", "engine/controller/run.go", "	p.leaving = true\n	for _, what", "	for _, what", ""},
	{"a third more are needed to outvote", "engine/controller/suspect.go", "	return 2*agree > members", "	return 3*agree > 2*members", ""},
	{"who follows a DC accuses nobody with it", "engine/controller/follow.go", "	return c.blames[name][whom] || c.blames[c.follows[name]][whom]", "	return c.blames[name][whom]", ""},
	{"who waits for its fencing has others fenced", "engine/controller/overruled.go", "	case c.accused():\n", "	case false:\n", ""},
	{"who is suspect has a say", "engine/controller/overruled.go", "	case !slices.ContainsFunc(askers, speaks):\n", "	case false && speaks(target):\n", ""},
	{"a plan of before a join has whoever came since fenced", "engine/controller/overruled.go", "		return !asked || joins != p.joins\n", "		return !asked && joins != p.joins\n", ""},
	{"who has withdrawn a fencing speaks for it", "engine/fencer/withdraw.go", "			p.withdrawn = true\n", "			p.withdrawn = false\n", ""},
	{"a success is for who is there when it is told", "engine/fencer/peers.go", "		f.effects.Meant(r.Target, joins)\n", "		_ = joins\n", ""},
	{"what has no say any more counts as a try", "engine/controller/run.go", "			if !overrules(err) {\n", "			if true || !overrules(err) {\n", ""},
	{"whoever came once is pardoned", "engine/controller/suspects.go", "return p.joins > 0 && p.cleared == p.joins", "return p.joins > 0", ""},
	{"fencing is ordered without quorum", "engine/controller/suspect.go", "	return c.quorate || p != nil && p.ring ||", "	return true || p != nil && p.ring ||", ""},
	{"a DC gives way to whom it suspects on another's word", "engine/controller/suspect.go", "	if c.peer(dc).word != \"\" {", "	if false {", ""},
	{"a suspect's wish to shut down counts", "engine/controller/suspect.go", "p == nil || !p.suspect || s.FindElement", "p == nil || true || s.FindElement", ""},
	{"a member whose state was deleted is not expected", "engine/controller/expected.go", "c.expects[name] == \"member\" || p != nil", "p != nil", ""},
	{"a member is none after a document that has nothing of it", "engine/controller/expected.go", "what != \"member\" })", "what != \"\" })", ""},
	{"who is suspect on another's word alone is not expected", "engine/controller/expected.go", " || p != nil && p.suspect && p.word != \"\" {", " || p != nil && false {", ""},
	{"who was removed from the configuration is expected", "engine/controller/expected.go", "		if c.removed(p) {\n			delete", "		if false {\n			delete", ""},
	{"a plan that takes a suspect for down is carried out", "engine/controller/run.go", "	if c.acquit(p.Graph) {\n", "	if c.acquit(p.Graph) && false {\n", ""},
	// Failures, and what is known.
	{"failures that the DC was lost with are not counted", "engine/controller/uncounted.go", "		c.countFailure(f.node, f.op, true, f.ignored)", "		_ = f", ""},
	{"steps are ordered of who takes no part", "engine/controller/refused.go", "	case p.phase != phaseConfirmed:", "	case false:", ""},
	{"nobody hears that a step is refused", "engine/controller/controller.go", "			c.refuseOrder(from, op)\n", "", ""},
	{"what the DC writes of lost steps their node does not know", "internal/node/handover.go", "	c.noteCorrections(ch)\n", "", ""},
	{"what was lost is later than whatever another DC orders", "engine/controller/join.go", "	c.effects.NumberLost()\n", "", ""},
	{"of two histories of fencing the own one stays", "engine/fencer/history.go", "		if i < 0 || r.surer(f.history[i]) {", "		if i < 0 {", ""},
	{"a deletion comes before what waits", "engine/executor/executor.go", "		r.queue = append(r.queue, &job{op: op})\n		e.settle(now, r)\n		return", "		r.queue = append([]*job{{op: op}}, r.queue...)\n		e.settle(now, r)\n		return", ""},
	{"monitors go on after a stop", "engine/executor/executor.go", "	if controller && endsRecurring(op) || op.Action == \"stop\" {\n		e.cancelAll(r)", "	if false {\n		e.cancelAll(r)", ""},
	// Remote nodes, and guests.
	{"starts do not wait until a remote node is connected to from one place", "internal/node/plan.go", "		afterReconnections(r.Graph, logf)\n", "", ""},
	{"starts do not wait for a migration under way", "internal/node/plan.go", "		afterMigrations(root, r, logf)\n", "", ""},
	{"promotions do not wait for probes", "internal/node/plan.go", "		afterProbes(r.Graph)\n", "", ""},
	{"the fencing of guests does not wait for probes", "internal/node/plan.go", "		afterGuests(r)\n", "", ""},
	{"a connection moves before what is done over it", "internal/node/plan.go", "		beforeMoves(r.Graph)\n", "", ""},
	{"loops are not cut", "internal/node/plan.go", "		withoutLoops(r.Graph, logf)\n", "", ""},
	{"what is assumed without quorum is done", "internal/node/plan.go", "		withoutAssumed(root, r, logf)\n", "", ""},
	{"who left before the answer is known again", "engine/attribute/attribute.go", "		t.left = append(t.left, host)\n", "", ""},
	{"two that are connected to a remote node do what all are told to", "internal/node/remote.go", "	return r != nil && r.conn != nil && r.holds", "	return r != nil && r.conn != nil", ""},
	{"what is known of a remote node goes on whatever executor it has now", "internal/node/takeover.go", "	same := r.same()\n", "	same := true\n", ""},
	{"what is known of a remote node is forgotten when its connection moves", "internal/node/takeover.go", "	if op.Action == \"migrate_from\" && same {", "	if false {", ""},
	{"nobody orders what recurred on a remote node whose connection moved", "engine/executor/adopt.go", "			case !counts, repeats(x) &&", "			case !counts, false && repeats(x) &&", ""},
	{"what a node tells as it hands a connection over nobody knows", "internal/node/handover.go", "			r.late.entries = append(r.late.entries, entriesIn(ch, r.name)...)\n", "", ""},
	{"plans that turn in a circle do not wait", "engine/controller/brake.go", "		if pause <= 0 {", "		if true {", ""},
	{"a plan's own failure is news", "engine/controller/brake.go", "	c.brake.failed = true", "	c.brake.happened = true", ""},
	{"what was slow to fail waits all the same", "engine/controller/brake.go", " - now.Sub(t.begun)", "", ""},
	{"what happened in a circle's midst waits", "engine/controller/brake.go", "	if happened || len(steps) == 0 {", "	if len(steps) == 0 {", ""},
	{"what an earlier DC said of a circle stays", "engine/controller/run.go", "	c.formerSigns()\n", "", ""},
	{"what a plan takes down asks for another", "engine/controller/takendown.go", "	if r == nil || node == \"\" {", "	if true {", ""},
	{"a connection whose other end is silent fails twice", "engine/executor/finish.go", "			if !j.reported || !failed(j.op, Result{Code: j.code, Status: j.status}) {", "			if true {", ""},
	{"a stop waits for the tries to connect before it", "engine/executor/executor.go", "		e.giveUp(now, r)\n", "", ""},
	{"what was migrating to a lost node is started again without quorum", "internal/node/assumed.go", "target := departed(root, c, a.Resource.ID)", "target := \"\"", ""},
	{"attributes of before a node was started anew stay", "engine/controller/join.go", "	c.forgetFormer()\n", "", ""},
	{"who takes no part hears of no attributes", "engine/controller/join.go", "			strangers = append(strangers, name)\n", "			_ = name\n", ""},
	{"fencing that is not wanted any more is not withdrawn", "engine/fencer/withdraw.go", "		if op.State > Executing ||", "		if true || op.State > Executing ||", ""},
	{"nobody shares attributes of remote nodes in a join", "engine/controller/join.go", "		c.effects.ShareAttributes(strangers)\n		c.acknowledge()", "		c.acknowledge()", ""},
}

// mixes are what a mutant has to survive beside all tests, and from which seed on.
var mixes = []struct{ name, first string }{{"", "7040000"}, {"aimed", "8040000"}, {"terms", "9040000"}}

// TestMutants makes each mistake in a copy and tells what finds it: the tests of the package it is in, those of this one, the seeds of a mix.
// MUTANTS is how many seeds of each mix are played, MUTANT a part of the words of the mutants to try.
func TestMutants(t *testing.T) {
	seeds := os.Getenv("MUTANTS")
	if seeds == "" {
		t.Skip("MUTANTS does not say how many seeds")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		if !strings.Contains(m.what, os.Getenv("MUTANT")) {
			continue
		}
		found, err := m.try(root, t.TempDir(), seeds)
		switch {
		case err != nil:
			t.Errorf("%s (%s): %v", m.what, m.file, err)
		case found != "":
			fmt.Printf("found: %s: %s\n", m.what, found)
		case m.equal != "":
			fmt.Printf("equal: %s: %s\n", m.what, m.equal)
		default:
			t.Errorf("survived: %s (%s)", m.what, m.file)
		}
	}
}

// brokenSeed is what TestSeeds says of a seed that breaks an invariant, failedTest what a test that fails says.
var (
	brokenSeed = regexp.MustCompile(`(?m)^seed \d+: after [^:]*: ([^:]*):`)
	failedTest = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)
)

// changed is the mutant's file with the mistake in it.
func (m mutant) changed(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(text, []byte(m.old)); n != 1 {
		return nil, fmt.Errorf("what is to be changed is there %d times: %q", n, m.old)
	}
	return bytes.Replace(text, []byte(m.old), []byte(m.new), 1), nil
}

// Each mistake can be made in the code as it is, and gives a file that Go can read: who changes what a mutant is about finds the mutant here.
func TestMutantsApply(t *testing.T) {
	for i, m := range mutants {
		text, err := m.changed("../..")
		if err == nil {
			_, err = parser.ParseFile(token.NewFileSet(), m.file, text, parser.SkipObjectResolution)
		}
		if err != nil {
			t.Errorf("%s (%s): %v", m.what, m.file, err)
		}
		if m.old == m.new || slices.ContainsFunc(mutants[:i], func(o mutant) bool { return o.what == m.what }) {
			t.Errorf("%s (%s): it changes nothing, or is there twice", m.what, m.file)
		}
	}
}

// Each mistake is one that Go builds. As many as do not get into each other's way are built at once.
func TestMutantsBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds packages")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for left := mutants; len(left) > 0; {
		files, packages := map[string]string{}, []string{}
		var next []mutant
		for _, m := range left {
			if files[m.file] == "" {
				text, err := os.ReadFile(filepath.Join(root, m.file))
				if err != nil {
					t.Fatal(err)
				}
				files[m.file] = string(text)
			}
			if strings.Count(files[m.file], m.old) != 1 {
				next = append(next, m)
				continue
			}
			files[m.file] = strings.Replace(files[m.file], m.old, m.new, 1)
			packages = append(packages, "./"+filepath.Dir(m.file))
		}
		if len(next) == len(left) {
			t.Fatalf("%d cannot be made, see TestMutantsApply", len(left))
		}
		left = next
		list, dir := map[string]string{}, t.TempDir()
		for file, text := range files {
			changed := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
			if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			list[filepath.Join(root, file)] = changed
		}
		overlay, err := json.Marshal(map[string]any{"Replace": list})
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(packages)
		c := exec.Command("go", append([]string{"build", "-trimpath", "-overlay", filepath.Join(dir, "overlay.json")}, slices.Compact(packages)...)...)
		c.Dir = root
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// try tells what finds a mutant; "": nothing.
func (m mutant) try(root, scratch, seeds string) (found string, err error) {
	text, err := m.changed(root)
	if err != nil {
		return "", err
	}
	changed, overlay := filepath.Join(scratch, "changed.go"), filepath.Join(scratch, "overlay.json")
	if err := os.WriteFile(changed, text, 0o600); err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, m.file): changed}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(overlay, list, 0o600); err != nil {
		return "", err
	}
	run := func(dir string, env []string, name string, args ...string) (string, error) {
		c := exec.Command(name, args...)
		c.Dir, c.Env = dir, append(append(os.Environ(), "MUTANTS="), env...)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	binary := filepath.Join(scratch, "simulation.test")
	if out, err := run(root, nil, "go", "test", "-trimpath", "-vet=off", "-overlay", overlay, "-c", "-o", binary, "./internal/simulation"); err != nil {
		return "", fmt.Errorf("it cannot be built: %s", out)
	}
	// The cheapest first; what was found once need not be looked for any more.
	own := "./" + filepath.Dir(m.file)
	if out, err := run(root, nil, "go", "test", "-trimpath", "-vet=off", "-overlay", overlay, own); err != nil {
		return "tests of " + own + " (" + strings.Join(kinds(failedTest, out), ", ") + ")", nil
	}
	clusters := filepath.Join(root, "internal/simulation")
	for _, some := range []string{"TestTerm", "."} {
		if out, err := run(clusters, []string{"SIMULATE_SEEDS=1"}, binary, "-test.run", some); err != nil {
			return "scenarios (" + strings.Join(kinds(failedTest, out), ", ") + ")", nil
		}
	}
	for _, mix := range mixes {
		out, err := run(clusters, []string{"SIMULATE_MIX=" + mix.name, "SIMULATE_SEEDS=" + seeds, "SIMULATE_FIRST=" + mix.first},
			binary, "-test.v", "-test.timeout", "0", "-test.run", "TestSeeds")
		if err != nil {
			return fmt.Sprintf("%d of %s seeds from %s (%s)", len(brokenSeed.FindAllString(out, -1)), seeds, mix.first, strings.Join(kinds(brokenSeed, out), ", ")), nil
		}
	}
	return "", nil
}

// kinds lists what a pattern found in a text, each once.
func kinds(pattern *regexp.Regexp, text string) (out []string) {
	for _, x := range pattern.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(out, x[1]) {
			out = append(out, x[1])
		}
	}
	sort.Strings(out)
	return out
}
