package pcs_test

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hacluster/cib"
	"hacluster/internal/pcs"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/preview"
	"hacluster/internal/pcs/session"
	"hacluster/internal/program"
	"hacluster/internal/running"
	"hacluster/ocf"
)

// paper is a cluster on paper: what is configured happens when somebody waits for it.
type paper struct {
	live.Cluster
	text []byte
	// pushes are the constraints of each configuration that was stored.
	pushes [][]string
	// programs are the programs of the host, its own if nil.
	programs live.Programs
	// paths are the host's files, the usual ones if empty.
	paths session.Paths
}

func (p *paper) Query(context.Context) ([]byte, error) { return p.text, nil }

func (p *paper) Replace(_ context.Context, section []byte) error {
	root, err := doc.Parse(p.text)
	if err != nil {
		return err
	}
	config, err := doc.Parse(section)
	if err != nil {
		return err
	}
	doc.Remove(doc.Configuration(root))
	doc.InsertAt(root, config, 0)
	var ids []string
	for _, c := range doc.Children(doc.Section(root, "constraints")) {
		ids = append(ids, doc.ID(c))
	}
	p.pushes = append(p.pushes, ids)
	p.text = doc.Format(root)
	return nil
}

func (p *paper) Patch(_ context.Context, diff []byte) error {
	root, err := doc.Parse(p.text)
	if err != nil {
		return err
	}
	d, err := doc.Parse(diff)
	if err != nil {
		return err
	}
	r, err := cib.Apply(root, cib.Request{Op: cib.Patch, Data: d})
	if err != nil {
		return err
	}
	p.text = doc.Format(r.Root)
	return nil
}

func (p *paper) Wait(context.Context, time.Duration) error {
	root, err := doc.Parse(p.text)
	if err != nil {
		return err
	}
	r, err := preview.Run(root)
	if err != nil {
		return err
	}
	p.text = doc.Format(r.After)
	return nil
}

// RemoveNode has nothing to forget: nobody keeps nodes elsewhere.
func (p *paper) RemoveNode(context.Context, string) error { return nil }

const two = `<cib validate-with="pacemaker-3.9" crm_feature_set="3.19.0" epoch="1" num_updates="0" admin_epoch="0" have-quorum="1" dc-uuid="1">
<configuration><crm_config><cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources>
<primitive id="A" class="ocf" provider="heartbeat" type="Dummy"/>
<primitive id="B" class="ocf" provider="heartbeat" type="Dummy"/>
</resources>
<constraints><rsc_colocation id="c" rsc="B" with-rsc="A" score="INFINITY"/></constraints></configuration>
<status>
<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"/>
<node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/>
</status></cib>`

func (p *paper) run(t *testing.T, version, words string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	code := pcs.Run(context.Background(), &program.Env{
		Args: append([]string{"pcs"}, strings.Fields(words)...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
		Getenv: func(k string) string { return map[string]string{"PCS_COMPAT": version, "PATH": os.Getenv("PATH")}[k] },
	}, session.World{Cluster: p, Programs: p.programs, Host: p.paths, Agents: running.Agents{Host: &ocf.Host{Root: "/nonexistent", FenceDir: "/nonexistent", InitDir: "/nonexistent"}}})
	return out.String(), code
}

func settled(t *testing.T) *paper {
	t.Helper()
	p := &paper{text: []byte(two)}
	if err := p.Wait(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestMove moves a resource in a running cluster: the constraint that does it is gone afterwards.
func TestMove(t *testing.T) {
	p := settled(t)
	root, err := doc.Parse(p.text)
	if err != nil {
		t.Fatal(err)
	}
	from := session.StateOf(root).RolesWithNodes("A", true)["Started"]
	to := "n1"
	if slices.Contains(from, to) {
		to = "n2"
	}
	// Nothing holds A where it goes, so that it must have a reason to stay.
	p.text = []byte(strings.Replace(string(p.text), "</cluster_property_set></crm_config>",
		"</cluster_property_set></crm_config><rsc_defaults><meta_attributes id=\"d\"><nvpair id=\"d1\" name=\"resource-stickiness\" value=\"10\"/></meta_attributes></rsc_defaults>", 1))
	out, code := p.run(t, "0.11", "resource move A "+to)
	if code != 0 || !strings.Contains(out, "resource 'A' is running on node '"+to+"'") {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	if len(p.pushes) != 2 || !slices.Contains(p.pushes[0], "cli-prefer-A") || slices.Contains(p.pushes[1], "cli-prefer-A") {
		t.Errorf("constraints were %v", p.pushes)
	}
	if out, code = p.run(t, "0.11", "resource move A "+from[0]+" --strict"); code != 1 || !strings.Contains(out, "Moving resource 'A' affects resource: 'B'") {
		t.Errorf("strict: exit code %d\n%s", code, out)
	}
}

// TestDisableSafely refuses what would stop other resources, and shows what would happen.
func TestDisableSafely(t *testing.T) {
	p := settled(t)
	for _, c := range []struct {
		version, run, want string
		code               int
	}{
		{"0.11", "resource disable A --simulate --brief", "B", 0},
		{"0.11", "resource disable A --simulate", "Revised Cluster Status", 0},
		{"0.11", "resource safe-disable A", "Disabling specified resource would have an effect on this resource: 'B'", 1},
		{"0.9", "resource safe-disable A", "Disabling specified resources would have an effect on other resources", 1},
		{"0.11", "resource safe-disable B", "", 0},
	} {
		out, code := p.run(t, c.version, c.run)
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit code %d, want %d, %q\n%s", c.run, code, c.code, c.want, out)
		}
	}
	if len(p.pushes) != 1 {
		t.Errorf("%d changes, want 1", len(p.pushes))
	}
}
