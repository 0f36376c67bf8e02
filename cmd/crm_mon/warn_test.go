package main

import (
	"bytes"
	"testing"
	"time"

	"hacluster/cib/xml"
	"hacluster/internal/output/tui"
	"hacluster/internal/program"
)

// TestWarn: before the page of a running cluster stands that its plans wait, and why; nowhere else, and of a cluster that does not, nothing.
func TestWarn(t *testing.T) {
	const circle = `<hacluster_circle resources="web" steps="web_start_0 on a" why="Transient attribute change: master-web of a"/>`
	const told = "The cluster turns in a circle with web, and waits some seconds each time: the same steps (web_start_0 on a) are planned again and again, and all that happens in between is: Transient attribute change: master-web of a. " +
		"Look for what the agents of these resources do while they start, stop or are monitored\n"
	for name, c := range map[string]struct {
		sign, format string
		live         bool
		want         string
	}{
		"running":            {circle, "text", true, told},
		"none":               {"", "text", true, ""},
		"a file":             {circle, "text", false, ""},
		"XML":                {circle, "xml", true, ""},
		"a page of another":  {circle, "html", true, ""},
		"nothing is printed": {circle, "none", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			page := func(sign string) (stdout, stderr string) {
				doc, err := xml.ParseString(`<cib dc-uuid="1" validate-with="pacemaker-3.9"><configuration><crm_config/><nodes><node id="1" uname="a"/></nodes><resources/><constraints/></configuration>` +
					`<status><node_state id="1" uname="a" in_ccm="true" crmd="online" join="member" expected="member">` + sign + `</node_state></status></cib>`)
				if err != nil {
					t.Fatal(err)
				}
				var out, errs bytes.Buffer
				o := &output{env: &program.Env{Stdout: &out, Stderr: &errs}, r: &request{format: c.format, mode: oneShot}}
				if err := o.show(tui.Snapshot{Root: doc.Root, At: time.Unix(1, 0)}, c.live); err != nil {
					t.Fatal(err)
				}
				return out.String(), errs.String()
			}
			stdout, stderr := page(c.sign)
			if stderr != c.want {
				t.Errorf("says %q, want %q", stderr, c.want)
			}
			if calm, _ := page(""); stdout != calm {
				t.Errorf("the page is another:\n%s\n%s", stdout, calm)
			}
		})
	}
}
