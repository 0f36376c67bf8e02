package scheduler_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hacluster/cib/xml"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
)

var update = flag.Bool("update", false, "write testdata/*.want anew")

// told writes a plan down as a person would check it.
func told(r *scheduler.Result) string {
	var b strings.Builder
	for _, m := range r.Messages {
		fmt.Fprintf(&b, "%s: %s\n", map[status.Severity]string{status.Error: "error", status.Warning: "warning"}[m.Severity], m.Text)
	}
	for _, l := range r.Summary {
		switch {
		case l.Resource == "":
			fmt.Fprintf(&b, "%s %s: %s\n", l.Verb, l.Node, l.Reason)
		default:
			fmt.Fprintf(&b, "%s %s %s %s -> %s %s", l.Verb, l.Resource, l.Role, l.Source, l.NextRole, l.Dest)
			if l.Reason != "" {
				fmt.Fprintf(&b, ": %s", l.Reason)
			}
			if l.Blocked {
				b.WriteString(" (blocked)")
			}
			b.WriteByte('\n')
		}
	}
	for _, s := range r.Graph.Synapses {
		fmt.Fprintf(&b, "%3d %s", s.Action.ID, s.Action.Key)
		if s.Action.Node != "" {
			fmt.Fprintf(&b, " on %s", s.Action.Node)
		}
		if s.Action.Router != "" {
			fmt.Fprintf(&b, " by %s", s.Action.Router)
		}
		if len(s.Inputs) > 0 {
			b.WriteString(" after")
			for _, in := range s.Inputs {
				fmt.Fprintf(&b, " %d", in.ID)
			}
		}
		b.WriteByte('\n')
	}
	if !r.RecheckBy.IsZero() {
		fmt.Fprintf(&b, "look again at %s\n", r.RecheckBy.UTC().Format("2006-01-02 15:04:05"))
	}
	return b.String()
}

func TestPlans(t *testing.T) {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".xml"), func(t *testing.T) {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := xml.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			before := xml.Compact(doc.Root)
			in := scheduler.Input{CIB: doc.Root, Now: when}
			res, err := scheduler.Plan(in)
			if err != nil {
				t.Fatal(err)
			}
			for range 100 { // the same input gives the same bytes
				again, err := scheduler.Plan(in)
				if err != nil || !bytes.Equal(res.Graph.XML(), again.Graph.XML()) || !bytes.Equal(res.Dot(true, true), again.Dot(true, true)) {
					t.Fatal("a second plan differs", err)
				}
			}
			if !bytes.Equal(before, xml.Compact(doc.Root)) {
				t.Error("planning changed the CIB")
			}
			got := told(res)
			golden := strings.TrimSuffix(f, ".xml") + ".want"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil { //nolint:gosec // test data
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestTooNew(t *testing.T) {
	root := parse(t, `<cib crm_feature_set="99.0" have-quorum="1"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/></cib>`)
	if _, err := scheduler.Plan(scheduler.Input{CIB: root, Now: when}); err == nil {
		t.Error("a CIB of newer software was planned for")
	}
	if m := scheduler.Check(scheduler.Input{CIB: root, Now: when}).Messages; len(m) != 1 || m[0].Severity != status.Error {
		t.Errorf("messages: %v", m)
	}
}

func TestEmpty(t *testing.T) {
	if _, err := scheduler.Plan(scheduler.Input{}); err == nil {
		t.Error("a plan without CIB")
	}
	res, err := scheduler.Plan(scheduler.Input{CIB: parse(t, `<cib/>`), Now: when})
	if err != nil || len(res.Graph.Synapses) != 0 {
		t.Errorf("an empty CIB: %v", err)
	}
}

// FuzzPlan: whatever a CIB holds, a plan is made, twice the same, and the CIB
// stays as it is.
func FuzzPlan(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.xml")
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	large := regexp.MustCompile(`INF|[0-9]{4}`) // a million clones take their time
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := xml.Parse(data)
		if err != nil || doc.Root.Tag != "cib" || bytes.Contains(data, []byte("-max")) && large.Match(data) || bytes.Contains(data, []byte("replicas")) {
			return
		}
		before := xml.Compact(doc.Root)
		in := scheduler.Input{CIB: doc.Root, Now: when}
		one, err := scheduler.Plan(in)
		if err != nil {
			return
		}
		two, err := scheduler.Plan(in)
		if err != nil || !bytes.Equal(one.Graph.XML(), two.Graph.XML()) {
			t.Fatal("two plans differ", err)
		}
		if !bytes.Equal(before, xml.Compact(doc.Root)) {
			t.Fatal("planning changed the CIB")
		}
	})
}

// TestTooManyInstances: a clone may ask for more instances than are built. Those that have no
// place to run at are left out with a warning; others are an error.
func TestTooManyInstances(t *testing.T) {
	for _, c := range []struct {
		unique   string
		severity status.Severity
		text     string
		starts   int
	}{
		{"false", status.Warning, "Only 2 of the 1000000 instances of c are looked at: there are places for no more", 2},
		{"true", status.Error, "c has 1000000 instances, of which only 10002 are planned for: over and above one for each node, a cluster holds at most 10000", 10002},
	} {
		res, err := scheduler.Plan(scheduler.Input{Now: when, NoScores: true, CIB: parse(t, shaped(2, func(b *strings.Builder) {
			fmt.Fprintf(b, `<clone id="c"><meta_attributes id="m"><nvpair id="m1" name="globally-unique" value="%s"/><nvpair id="m2" name="clone-max" value="1000000"/><nvpair id="m3" name="clone-node-max" value="%s"/></meta_attributes>`,
				c.unique, map[string]string{"false": "1", "true": "1000000"}[c.unique])
			simple(b, "p")
			b.WriteString(`</clone>`)
		}, nil))})
		if err != nil {
			t.Fatal(err)
		}
		told, starts := false, 0
		for _, m := range res.Messages {
			told = told || m.Severity == c.severity && m.Text == c.text
		}
		for _, s := range res.Graph.Synapses {
			if s.Action.Operation == "start" && s.Action.Resource != nil && strings.HasPrefix(s.Action.Resource.ID, "p") {
				starts++
			}
		}
		if !told || starts != c.starts {
			t.Errorf("unique=%s: %d starts, %v", c.unique, starts, res.Messages)
		}
	}
}
