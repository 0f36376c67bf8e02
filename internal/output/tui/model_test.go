package tui

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/charmbracelet/x/ansi"

	"hacluster/cib"
	"hacluster/engine/status"
	"hacluster/internal/output/screen"
)

var update = flag.Bool("update", false, "write the golden frames anew")

// plainPager is the page of Pacemaker 3 with one switch.
type plainPager struct{ page screen.Page }

func (p *plainPager) Render(c *status.Cluster, s Snapshot) string {
	q := p.page
	q.Live, q.LocalNode, q.Fencing = true, s.LocalNode, s.Fencing
	return screen.Text(c, q)
}

func (p *plainPager) Key(k string) bool {
	if k != "r" {
		return false
	}
	p.page.Inactive = !p.page.Inactive
	return true
}

func (p *plainPager) Switches() []Switch { return []Switch{{"r", "*", "show inactive resources"}} }

var at = time.Date(2026, 11, 23, 16, 17, 3, 0, time.UTC)

func snapshot(t *testing.T, edits ...string) Snapshot {
	t.Helper()
	data, err := os.ReadFile("testdata/cluster.xml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(edits...).Replace(string(data))
	doc, err := cib.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return Snapshot{Root: doc.Root, LocalNode: "n1", At: at}
}

func start(t *testing.T, width, height int, o Options) *Model {
	t.Helper()
	time.Local = time.UTC
	p := &plainPager{screen.Page{Sections: screen.DefaultText, Inactive: true}}
	m := New(p, o)
	m.Resize(width, height)
	m.Take(snapshot(t))
	m.first()
	return m
}

func keys(m *Model, list ...string) (job *Job) {
	for _, k := range list {
		job = m.Key(k)
		for w := m.Work(); w != nil; w = m.Work() {
			m.Finish(w.Run(context.Background(), nil))
		}
	}
	return job
}

// reach puts the cursor on a subject.
func reach(t *testing.T, m *Model, id string) {
	t.Helper()
	keys(m, "home")
	for range 200 {
		for range 8 {
			if s, ok := m.chosen(); ok && s.ID == id {
				return
			}
			m.Key("right")
		}
		m.Key("down")
	}
	t.Fatalf("the cursor does not reach %s:\n%s", id, m.Frame())
}

func golden(t *testing.T, m *Model, name string) {
	t.Helper()
	got := m.Frame()
	for i, l := range strings.Split(got, "\n") {
		if w := ansi.StringWidth(l); w > m.width {
			t.Errorf("%s: line %d is %d columns wide of %d", name, i+1, w, m.width)
		}
	}
	if n := strings.Count(got, "\n") + 1; n != m.height {
		t.Errorf("%s: %d lines of %d", name, n, m.height)
	}
	shown := strings.ReplaceAll(got, "\x1b", "^")
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(shown+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if shown+"\n" != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, shown, want)
	}
}

func TestFrames(t *testing.T) {
	for _, size := range []struct {
		name          string
		width, height int
		color         bool
	}{{"80x24", 80, 24, false}, {"80x24-colour", 80, 24, true}, {"120x40", 120, 40, true}, {"120x40-plain", 120, 40, false}} {
		o := Options{CanAct: true, Color: size.color}
		open := func() *Model { return start(t, size.width, size.height, o) }
		frame := func(m *Model, name string) { t.Helper(); golden(t, m, name+"-"+size.name) }
		m := open()
		frame(m, "main")
		keys(m, "!")
		frame(m, "faults")
		m = open()
		reach(t, m, "web")
		keys(m, "enter")
		frame(m, "resource")
		keys(m, "d")
		frame(m, "tree")
		m = open()
		reach(t, m, "nfs")
		keys(m, "enter")
		frame(m, "failed")
		reach(t, m, "nfs")
		m = open()
		reach(t, m, "n1")
		keys(m, "enter")
		frame(m, "node")
		keys(m, "w")
		frame(m, "dies")
		m = open()
		reach(t, m, "vip")
		keys(m, "a")
		frame(m, "menu")
		keys(m, "1")
		frame(m, "plan")
		m = open()
		keys(m, "?")
		frame(m, "help")
		m = open()
		keys(m, "/", "v", "i", "p", "enter")
		frame(m, "filter")
	}
}

func text(m *Model) string { return ansi.Strip(m.Frame()) }

func TestLossIsToldWithItsTime(t *testing.T) {
	m := start(t, 80, 24, Options{})
	if !m.Lost(errors.New("connection refused"), at.Add(5*time.Second)) || m.Lost(errors.New("again"), at.Add(6*time.Second)) {
		t.Error("a loss is news once")
	}
	got := text(m)
	for _, want := range []string{"CONNECTION LOST at 16:17:08 - what follows is from 16:17:03", "vip", "trying again: again"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	s := snapshot(t)
	s.At = at.Add(65 * time.Second)
	news := m.Take(s)
	if len(news) != 1 || news[0] != "16:18:08 connected again, after 1m0s" || strings.Contains(text(m), "LOST") {
		t.Errorf("%q\n%s", news, text(m))
	}
}

func TestTimeline(t *testing.T) {
	m := start(t, 100, 30, Options{})
	s := snapshot(t, `id="3" uname="n3" in_ccm="false" crmd="offline" join="down" expected="down"`, `id="3" uname="n3" in_ccm="true" crmd="online" join="member" expected="member"`,
		`epoch="7"`, `epoch="8"`)
	s.At = at.Add(time.Minute)
	news := strings.Join(m.Take(s), "\n")
	for _, want := range []string{"16:18:03 node n3: online, was OFFLINE", "16:18:03 the configuration was changed by root with cibadmin on n1 (0.8)"} {
		if !strings.Contains(news, want) {
			t.Errorf("%q is missing in %q", want, news)
		}
	}
	keys(m, "T")
	if !strings.Contains(text(m), "node n3: online, was OFFLINE") {
		t.Errorf("timeline:\n%s", text(m))
	}
	keys(m, "enter")
	if !strings.Contains(text(m), "as it was at 16:18:03") || !strings.Contains(text(m), "Online: [ n1 n2 n3 ]") {
		t.Errorf("the page of then:\n%s", text(m))
	}
}

// cluster is a running cluster for a Runner: it applies patchsets.
type cluster struct {
	t       *testing.T
	root    *etree.Element
	cleaned string
	patches int
	before  func(c *cluster) // what happens between reading and changing
}

func (c *cluster) Read(context.Context) (Snapshot, error) {
	s := Snapshot{Root: c.root.Copy(), At: at}
	if c.before != nil {
		c.before(c)
	}
	return s, nil
}

func (c *cluster) Patch(_ context.Context, p *etree.Element) error {
	res, err := cib.Apply(c.root, cib.Request{Op: cib.Patch, Data: p})
	if err != nil {
		return err
	}
	c.patches++
	c.root = res.Root
	return nil
}

func (c *cluster) Cleanup(_ context.Context, resource string) error {
	c.cleaned = resource
	return nil
}

func choose(t *testing.T, m *Model, id, title string) *Job {
	t.Helper()
	reach(t, m, id)
	keys(m, "a")
	for i, a := range m.top().actions {
		if a.title == title {
			keys(m, fmt.Sprint(i+1))
			if m.top().kind != confirmScreen {
				t.Fatalf("no plan is shown:\n%s", text(m))
			}
			return m.Key("y")
		}
	}
	t.Fatalf("%q is not offered for %s:\n%s", title, id, text(m))
	return nil
}

func TestActions(t *testing.T) {
	for _, c := range []struct{ id, title, want string }{
		{"n2", "put n2 into standby", `<nvpair id="nodes-2-standby" name="standby" value="on"/>`},
		{"n2", "put n2 into maintenance", `<nvpair id="nodes-2-maintenance" name="maintenance" value="true"/>`},
		{"n2", "put the whole cluster into maintenance", `<nvpair id="cib-bootstrap-options-maintenance-mode" name="maintenance-mode" value="true"/>`},
		{"vip", "move vip to n2", `<rsc_location id="cli-prefer-vip" rsc="vip" role="Started" node="n2" score="INFINITY"/>`},
		{"vip", "ban vip from n1", `<rsc_location id="cli-ban-vip-on-n1" rsc="vip" role="Started" node="n1" score="-INFINITY"/>`},
		{"vip", "disable vip", `<nvpair id="vip-meta_attributes-target-role" name="target-role" value="Stopped"/>`},
		{"nfs", "disable files", `<nvpair id="files-meta_attributes-target-role" name="target-role" value="Stopped"/>`},
		{"nfs", "put nfs into maintenance", `<nvpair id="nfs-meta_attributes-maintenance" name="maintenance" value="true"/>`},
	} {
		m := start(t, 120, 40, Options{CanAct: true})
		job := choose(t, m, c.id, c.title)
		run := &cluster{t: t, root: snapshot(t).Root}
		m.Finish(job.Proposal.Carry(context.Background(), run))
		doc := etree.NewDocumentWithRoot(run.root)
		got, _ := doc.WriteToString()
		if run.patches != 1 || !strings.Contains(got, c.want) || !strings.Contains(text(m), "Done: "+c.title) {
			t.Errorf("%s: %d changes, in the document: %t\n%s", c.title, run.patches, strings.Contains(got, c.want), text(m))
		}
	}
	m := start(t, 120, 40, Options{CanAct: true})
	job := choose(t, m, "vip", "clear the moves and bans of vip")
	run := &cluster{t: t, root: snapshot(t).Root}
	job.Proposal.Carry(context.Background(), run)
	if run.root.FindElement("//rsc_location") != nil {
		t.Error("the ban is still there")
	}
	m = start(t, 120, 40, Options{CanAct: true})
	job = choose(t, m, "nfs", "clean up the failures of nfs")
	if job.Proposal.Carry(context.Background(), run); run.cleaned != "nfs" {
		t.Errorf("cleaned up: %q", run.cleaned)
	}
}

func TestWhatRunsIsThePlan(t *testing.T) {
	ctx := context.Background()
	// The status moves between reading and changing: the same plan, made anew for the new document.
	m := start(t, 120, 40, Options{CanAct: true})
	job := choose(t, m, "vip", "move vip to n2")
	moved := 0
	run := &cluster{t: t, root: snapshot(t).Root, before: func(c *cluster) {
		if moved++; moved <= 2 {
			c.root.CreateAttr("num_updates", fmt.Sprint(20+moved))
		}
	}}
	if o := job.Proposal.Carry(ctx, run); o.Done == "" || run.patches != 1 {
		t.Errorf("%+v after %d changes", o, run.patches)
	}
	// Another plan: it is asked for again, and nothing is done.
	m = start(t, 120, 40, Options{CanAct: true})
	job = choose(t, m, "vip", "move vip to n2")
	run = &cluster{t: t, root: snapshot(t, `id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"`, `id="2" uname="n2" in_ccm="false" crmd="offline" join="down" expected="down"`).Root}
	o := job.Proposal.Carry(ctx, run)
	m.Finish(o)
	if run.patches != 0 || o.Again == nil || !strings.Contains(text(m), "The cluster has changed meanwhile") {
		t.Errorf("%+v, %d changes\n%s", o, run.patches, text(m))
	}
}

func TestReadOnly(t *testing.T) {
	m := start(t, 80, 24, Options{CanAct: true, ReadOnly: true})
	reach(t, m, "vip")
	if keys(m, "a"); m.top().kind != mainScreen || !strings.Contains(text(m), "Read-only: W allows changes") {
		t.Errorf("acting while read-only:\n%s", text(m))
	}
	if keys(m, "W", "a"); m.top().kind != menuScreen {
		t.Errorf("after W:\n%s", text(m))
	}
	m = start(t, 80, 24, Options{})
	if keys(m, "W", "a"); m.top().kind != mainScreen {
		t.Errorf("where nothing can be changed:\n%s", text(m))
	}
}

// Names from the cluster steer nothing, wherever they show.
func TestHostileNames(t *testing.T) {
	evil := "\u009b2J\u202evip\u2066<script>alert(1)</script>\u200f"
	attr := strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(evil)
	s := snapshot(t, `uname="n2"`, `uname="`+attr+`"`, `description="the shop"`, `description="`+attr+`"`, `exit-reason="no export at /srv"`, `exit-reason="&#10;Online: [ n1 n9 ]`+attr+`"`)
	p := &plainPager{screen.Page{Sections: screen.AllText, Inactive: true, Detail: true, Description: true}}
	m := New(p, Options{CanAct: true})
	m.Resize(120, 400)
	m.Take(s)
	m.first()
	check := func(where string) {
		t.Helper()
		got := m.Frame()
		for _, bad := range []string{"\u009b", "\u202e", "\u2066", "\u200f"} {
			if strings.Contains(got, bad) {
				t.Errorf("%s: %q comes through", where, bad)
			}
		}
		for _, l := range strings.Split(ansi.Strip(got), "\n") {
			if strings.HasPrefix(strings.TrimSpace(l), "Online: [ n1 n9") {
				t.Errorf("%s: a reason forges a line", where)
			}
		}
	}
	check("main")
	for _, k := range []string{"!", "esc", "T", "esc"} {
		keys(m, k)
		check(k)
	}
	for _, id := range []string{"web", "nfs", "n1"} {
		reach(t, m, id)
		for _, k := range []string{"enter", "d", "esc", "w", "esc", "a", "1", "esc", "esc", "esc"} {
			keys(m, k)
			check(id + " " + k)
		}
		m = New(p, Options{CanAct: true})
		m.Resize(120, 400)
		m.Take(s)
	}
	v := newView(s)
	if h := screen.HTML(v.c, p.page, screen.Head{}, nil); strings.Contains(h, "<script>") || strings.Contains(h, "\u202e") {
		t.Error("a name is HTML of the page")
	}
}

// In a conversation of lines nothing steers either: what is typed, what is answered, what happens.
func TestHostileNamesInLines(t *testing.T) {
	const evil = "\u009b2J\u202evip\u2066\u200f\u0085\u007f"
	hostile := []string{`uname="n2"`, `uname="n2` + evil + `"`, `description="the shop"`, `description="` + evil + `"`, `exit-reason="no export at /srv"`, `exit-reason="&#10;Online: [ n1 n9 ]` + evil + `"`}
	m := New(&plainPager{screen.Page{Sections: screen.AllText, Inactive: true, Detail: true, Description: true}}, Options{CanAct: true})
	talk := NewTalk(m)
	inert := func(where string, lines []string) {
		t.Helper()
		for _, l := range lines {
			if l != screen.Inert(l) || strings.Contains(l, "\n") {
				t.Errorf("%s: %q steers", where, l)
			}
		}
	}
	inert("nothing yet", talk.Greeting())
	m.Take(snapshot(t))
	inert("news", m.Take(snapshot(t, hostile...)))
	inert("greeting", talk.Greeting())
	for _, line := range []string{
		"status", "page", "node n1", "node n2" + evil, "resource web", "resource nfs", "resource x" + evil, "depends web", "depends " + evil, "dies n2" + evil, "dies " + evil,
		"history", "do " + evil, "do n2" + evil, "1", "no", "do web", "1", "yes", evil,
	} {
		lines, _, _ := talk.Answer(line)
		inert(line, lines)
	}
	inert("an error", talk.Done(Outcome{Err: errors.New("line\n" + evil)}))
	inert("done", talk.Done(Outcome{Done: evil}))
	m.Lost(errors.New("line\n"+evil), at)
	inert("lost", talk.Greeting())
	inert("history", texts(m.timeline()))
}

func TestTalk(t *testing.T) {
	m := start(t, 80, 24, Options{CanAct: true})
	talk := NewTalk(m)
	say := func(line string) string {
		lines, _, _ := talk.Answer(line)
		return strings.Join(lines, "\n")
	}
	if got := strings.Join(talk.Greeting(), "\n"); !strings.Contains(got, "quorum 2/3") || !strings.Contains(got, "node n3 is offline") {
		t.Errorf("greeting: %s", got)
	}
	for line, want := range map[string]string{
		"node n1": "State: online", "resource web": "Placement scores", "depends web": "BLOCKS", "dies n1": "The rest loses quorum", "page": "Full List of Resources",
		"help": "resource ID", "nonsense here": "Not understood", "do nobody": "There is no node or resource nobody",
	} {
		if got := say(line); !strings.Contains(got, want) {
			t.Errorf("%s: %q is missing in\n%s", line, want, got)
		}
	}
	if got := say("do n2"); !strings.Contains(got, "1: put n2 into standby") {
		t.Errorf("do n2: %s", got)
	}
	if got := say("1"); !strings.Contains(got, "To put n2 into standby") {
		t.Errorf("the plan: %s", got)
	}
	if _, job, _ := talk.Answer("yes"); job == nil {
		t.Error("yes carries nothing out")
	}
	say("1")
	if lines, job, _ := talk.Answer("well"); job != nil || lines[0] != "Left alone." {
		t.Error("anything but yes carries it out")
	}
	if _, _, quit := talk.Answer("quit"); !quit {
		t.Error("quit does not end it")
	}
}

func FuzzKeys(f *testing.F) {
	f.Add("!\x00\x01\x02a1y")
	f.Add("/vip\x03\x01dwT\x03?r\x04\x05")
	names := []string{"up", "down", "left", "right", "enter", "esc", "pgup", "pgdown", "home", "end", "backspace"}
	data, err := os.ReadFile("testdata/cluster.xml")
	if err != nil {
		f.Fatal(err)
	}
	doc, err := cib.Parse(data)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		m := New(&plainPager{screen.Page{Sections: screen.DefaultText}}, Options{CanAct: true, Color: true})
		m.Resize(40, 10)
		m.Take(Snapshot{Root: doc.Root, At: at})
		for i, r := range typed {
			if i > 60 {
				break
			}
			k := string(r)
			if int(r) < len(names) {
				k = names[r]
			}
			m.Key(k)
			if w := m.Work(); w != nil {
				m.Finish(w.Run(context.Background(), nil))
			}
			if n := strings.Count(m.Frame(), "\n") + 1; n != 10 {
				t.Fatalf("%d lines of 10", n)
			}
		}
	})
}
