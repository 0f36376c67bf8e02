package pcs_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"hacluster/internal/pcs"
	"hacluster/internal/pcs/live"
	"hacluster/internal/program"
)

const secretive = `<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config/><nodes/><resources><primitive id="A" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="i"><nvpair id="n" name="p" value="lrm://"/></instance_attributes></primitive></resources><constraints/></configuration><status><node_state id="1" uname="n1"><lrm id="1"><lrm_resources><lrm_resource id="A"><lrm_rsc_op id="A_s" operation="start" call-id="3" rc-code="0" last-rc-change="0"/><lrm_rsc_op id="A_m" operation="monitor" call-id="4" rc-code="7" last-rc-change="0"/></lrm_resource></lrm_resources></lrm></node_state></status></cib>`

// TestOnlyOneGeneration types what only one generation has, without asking for it.
func TestOnlyOneGeneration(t *testing.T) {
	t.Setenv("TZ", "UTC")
	w := newTown(t, 1)
	h := w.hosts[0]
	h.script["cibsecret get A p"] = live.Result{Stdout: "hidden\n"}
	file := t.TempDir() + "/cib.xml"
	for _, c := range []struct {
		words []string
		code  int
		want  string
	}{
		{[]string{"resource", "description", "A"}, 0, ""},
		{[]string{"resource", "description", "A", "what it is"}, 0, ""},
		{[]string{"cib", "element", "description", "A"}, 0, "what it is\n"},
		{[]string{"stonith", "description", "n"}, 1, "Error: 'n' is a nvpair, descriptions are only supported for "},
		{[]string{"cib", "element", "description", "none"}, 1, "Error: 'none' does not exist\n"},
		{[]string{"cib", "element", "description", "A", ""}, 0, ""},
		{[]string{"resource", "description", "A"}, 0, ""},
		{[]string{"resource", "config", "--show-secrets"}, 0, "    p=hidden\n"},
		{[]string{"resource", "config"}, 0, "    p=lrm://\n"},
		{[]string{"resource", "config", "--show-secrets", "--output-format=json"}, 1, "using '--show-secrets' is supported only with --output-format=text\n"},
		{[]string{"stonith", "confirm", "n1", "--yes", "--force"}, 1, "-f"},
		{[]string{"config", "export", "pcs-commands"}, 0, "pcs resource create --no-default-ops --force -- A ocf:pacemaker:Dummy \\\n  p=lrm://\n"},
		{[]string{"config", "import-cman", "output=x"}, 1, "Error: Unable to perform a CMAN cluster conversion due to missing python-clufter package\n"},
		{[]string{"resource", "history"}, 0, "Resource: A\n  Started on node xx Thu Jan  1 00:00:00 UTC 1970\n  Failed on Thu Jan  1 00:00:00 UTC 1970\n"},
	} {
		if _, err := os.Stat(file); err != nil {
			if err := os.WriteFile(file, []byte(secretive), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var b bytes.Buffer
		code := pcs.Run(context.Background(), &program.Env{
			Args: append([]string{"pcs", "-f", file}, c.words...), Stdin: strings.NewReader(""), Stdout: &b, Stderr: &b,
			Getenv: func(string) string { return "" },
		}, h.world())
		if code != c.code || !strings.Contains(b.String(), c.want) || c.want == "" && b.Len() > 0 {
			t.Errorf("%v: exit code %d, want %d, %q\n%s", c.words, code, c.code, c.want, b.String())
		}
	}
	if text, err := os.ReadFile(file); err != nil || strings.Contains(string(text), "hidden") {
		t.Error("a secret was written")
	}
}

// TestQuestions answers questions with the option of each generation.
func TestQuestions(t *testing.T) {
	for _, c := range []struct{ version, option, want string }{
		{"0.11", "", "Error: This operation is expected to force-reboot this system without following any shutdown procedures, use --force to override\n"},
		{"0.11", " --force", "Warning: This operation is expected to force-reboot this system without following any shutdown procedures\n"},
		{"0.12", "", "without following any shutdown procedures, use --yes to override\n"},
		{"0.12", " --yes", "Warning: This operation is expected to force-reboot this system without following any shutdown procedures\n"},
		{"0.12", " --force", "Deprecation Warning: Using --force to confirm this action is deprecated and might be removed in a future release, use --yes instead\nWarning: This operation"},
	} {
		w := newTown(t, 1)
		out, _ := w.typed(c.version, "stonith sbd watchdog test /dev/w"+c.option)
		if !strings.Contains(out, c.want) {
			t.Errorf("%s%s: want %q\n%s", c.version, c.option, c.want, out)
		}
	}
}
