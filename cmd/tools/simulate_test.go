package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hacluster/internal/program"
	"hacluster/internal/tool"
)

const simulatedCIB = `<cib crm_feature_set="3.19.0" validate-with="pacemaker-4.0" epoch="1" num_updates="5" admin_epoch="0" have-quorum="1" dc-uuid="1">
  <configuration>
    <crm_config><cluster_property_set id="opts"><nvpair id="opts-f" name="fencing-enabled" value="false"/></cluster_property_set></crm_config>
    <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
    <resources>
      <primitive id="A" class="ocf" provider="heartbeat" type="Dummy"/>
      <clone id="C"><primitive id="B" class="ocf" provider="pacemaker" type="Dummy"/></clone>
      <clone id="P"><primitive id="ping" class="ocf" provider="pacemaker" type="ping"><instance_attributes id="pa"><nvpair id="pa1" name="host_list" value="a b"/></instance_attributes></primitive></clone>
    </resources>
    <constraints><rsc_ticket id="t" rsc="A" ticket="T"/></constraints>
  </configuration>
  <status>
    <node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member" crm-debug-origin="crm_simulate">
      <transient_attributes id="1"><instance_attributes id="s1"><nvpair id="s1a" name="pingd" value="1"/></instance_attributes></transient_attributes>
      <lrm id="1"><lrm_resources>
        <lrm_resource id="ping" class="ocf" provider="pacemaker" type="ping"><lrm_rsc_op id="ping_last_0" operation_key="ping_start_0" operation="start" transition-key="1:1:0:11111111-1111-1111-1111-111111111111" transition-magic="0:0;1:1:0:11111111-1111-1111-1111-111111111111" on_node="n1" call-id="5" rc-code="0" op-status="0" interval="0"/></lrm_resource>
        <lrm_resource id="B:0" class="ocf" provider="pacemaker" type="Dummy"><lrm_rsc_op id="B:0_last_0" operation_key="B:0_monitor_0" operation="monitor" transition-key="1:1:7:11111111-1111-1111-1111-111111111111" transition-magic="0:5;1:1:7:11111111-1111-1111-1111-111111111111" on_node="n1" call-id="3" rc-code="5" op-status="0" interval="0"/></lrm_resource>
      </lrm_resources></lrm>
    </node_state>
    <node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member">
      <lrm id="2"><lrm_resources>
        <lrm_resource id="A" class="ocf" provider="heartbeat" type="Dummy"><lrm_rsc_op id="A_last_0" operation_key="A_monitor_0" operation="monitor" transition-key="1:1:7:11111111-1111-1111-1111-111111111111" transition-magic="0:5;1:1:7:11111111-1111-1111-1111-111111111111" on_node="n2" call-id="3" rc-code="5" op-status="0" interval="0"/></lrm_resource>
      </lrm_resources></lrm>
    </node_state>
  </status>
</cib>
`

// TestSimulate is crm_simulate's command line: each line begins with the file it leaves, the
// texts are what Pacemaker 3.0.2 writes (but for what is told of faults in the input).
func TestSimulate(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// The tag names a resource that is not there: pacemaker-3.2 calls that an error, and so
	// does every later schema that the same document is held against.
	dangling := strings.NewReplacer(`pacemaker-4.0`, `pacemaker-3.2`, `fencing-enabled`, `stonith-enabled`,
		`</configuration>`, `<tags><tag id="g"><obj_ref id="gone"/></tag></tags></configuration>`).Replace(simulatedCIB)
	twice := strings.Replace(simulatedCIB, `<status>`, `<status><node_state id="2" uname="n2"/>`, 1)
	unchecked := strings.Replace(simulatedCIB, `pacemaker-4.0`, `none`, 1)
	guest := strings.Replace(simulatedCIB, `type="Dummy"/>`, `type="Dummy"><meta_attributes id="am"><nvpair id="am1" name="remote-node" value="vm"/></meta_attributes></primitive>`, 1)
	const probe = `<lrm_rsc_op id="B:0_last_0" operation_key="B:0_monitor_0" operation="monitor"`
	again := strings.Replace(simulatedCIB, probe, strings.Replace(probe, "_last_0", "_last_failure_0", 1)+
		` transition-key="1:1:7:11111111-1111-1111-1111-111111111111" on_node="n1" call-id="3" rc-code="5" op-status="0" interval="0"/>`+probe, 1)
	amounts := strings.Replace(simulatedCIB, `<instance_attributes id="pa">`, `<utilization id="pu"><nvpair id="pu1" name="cpu" value="2"/></utilization><instance_attributes id="pa">`, 1)
	must(os.Mkdir("dir", 0o700))
	for name, text := range map[string]string{
		"cib.xml": simulatedCIB, "dangling.xml": dangling, "twice.xml": twice, "none.xml": unchecked, "again.xml": again, "guest.xml": guest, "undated.xml": strings.Replace(simulatedCIB, `<cib `, `<cib execution-date="0" `, 1), "amounts.xml": amounts, "dir/a.xml": simulatedCIB, "dir/.b.xml": "", "dir/c.txt": "",
	} {
		must(os.WriteFile(name, []byte(text), 0o600))
	}
	const start = "Current cluster status:\n  * Node List:\n    * Online: [ n1 n2 ]\n\n  * Full List of Resources:\n    * A\t(ocf:heartbeat:Dummy):\t Stopped (Not installed) \n" +
		"    * Clone Set: C [B]:\n      * Stopped: [ n1 n2 ]\n    * Clone Set: P [ping]:\n      * Started: [ n1 ]\n      * Stopped: [ n2 ]\n"
	const explained = "Explanation:\n  * P:\n    * score on n1: 0:\n      * +0  every node is allowed\n    * score on n2: 0:\n      * +0  every node is allowed\n" +
		"  * ping:0 is to be Started on n1:\n"
	for _, c := range []struct {
		argv   string
		stdin  string
		code   int
		stdout string // the beginning, or "…" and what is in it
		stderr string // all of it
		file   string // "NAME: text that is in it"
	}{
		{argv: "-x|cib.xml", stdout: start},
		{argv: "", stdin: simulatedCIB, stdout: start},
		{argv: "-p", stdin: simulatedCIB, stdout: start},
		{argv: "-L", stdout: start},
		{argv: "-xcib.xml", stdout: start, stderr: "Deprecated argument format '-xcib.xml' used.\nPlease use '-x cib.xml' instead.  Support will be removed in a future release.\n"},
		{argv: "-x|cib.xml|-A", stdout: "…    * Node: n1:\n      * pingd                           \t: 1         \t: Connectivity is degraded (Expected=2)\n"},
		{argv: "-x|cib.xml|-Q|-O|out.xml", file: `out.xml: num_updates="5"`},
		{argv: "-x|cib.xml|-Q|-O|out.xml|-w|1|-u|n1|-e|T", file: `out.xml: epoch="2" num_updates="1"`},
		{argv: "-x|cib.xml|-Q|-O|out.xml|-w|1", file: `out.xml: <cluster_property_set id="cib-bootstrap-options">`},
		{argv: "-x|cib.xml|-Q|-I|in.xml", file: `in.xml: interval="0" uname="n1" rsc-id="B:0"/>`},
		{argv: "-x|again.xml|-Q|-I|in.xml", file: `in.xml: interval="0" uname="n1"/>`},
		{argv: "-x|guest.xml|-Q|-I|in.xml|-O|out.xml", file: `in.xml: <nvpair id="vm-meta_attributes-internal_rsc" name="internal_rsc" value="true"/>`},
		{argv: "-x|cib.xml|-Q|-O|out.xml|-f|n1|-f|n1", file: `out.xml: num_updates="6"`},
		{argv: "-x|cib.xml|-O|gone/out.xml", code: 105, stderr: "crm_simulate: Could not create 'gone/out.xml': No such file or directory\n"},
		{argv: "-x|cib.xml|-d|n9", code: 105, stdout: "…  * Taking node n9 offline\n", stderr: "crm_simulate: n9: no such node\n"},
		{argv: "-x|twice.xml|-d|n2", code: 70, stdout: "…  * Taking node n2 offline\n", stderr: "crm_simulate: n2: several states are recorded for the same node\n"},
		{argv: "-x|cib.xml|-Q|-i|A_monitor@n1=7", stderr: "Invalid resource name: (null)\n"},
		{argv: "-x|cib.xml|-q|maybe|-u|n1", code: 65, stdout: start, stderr: "crm_simulate: \"maybe\" says neither that there is quorum (true, 1) nor that there is none (false, 0)\n"},
		{argv: "-x|gone.xml", code: 65, stderr: "crm_simulate: Could not read input XML: Bad input value provided (open gone.xml: no such file or directory)\n"},
		{argv: "-x|dangling.xml", code: 78, stderr: "Cannot upgrade configuration (claiming pacemaker-3.2 schema) to at least pacemaker-4.0 because it does not validate with any schema from pacemaker-3.2 to the latest\n"},
		{argv: "-X|-p", stdin: simulatedCIB, code: 78, stderr: "crm_simulate: --in-place has no file to store the result in: the input is standard input\n"},
		{argv: "-P|dir", stdout: "Timings:\n  * Testing dir/a.xml ... "},
		{argv: "-P|dir|-N|x", code: 64, stderr: "crm_simulate: Cannot parse integer value “x” for -N\n"},
		{argv: "-P|gone", code: 105, stderr: "crm_simulate: gone: No such file or directory\n"},
		{argv: "-P|dir|--output-as=xml", stdout: "…  <timings>\n    <timing file=\"dir/a.xml\" duration=\""},
		{argv: "-x|cib.xml|--output-as=xml|-Q|-i|bogus", stdout: "…<error>Invalid operation spec: bogus.  Only found 1 fields</error>"},
		{argv: "-x|undated.xml", stdout: start},
		{argv: "-x|cib.xml|-Q|--explain|P", stdout: explained},
		{argv: "-x|cib.xml|-Q|-u|n1|--explain=A|--output-as=xml", stdout: "…    <resource id=\"A\" role=\"Stopped\">\n      <score function=\"pcmk__primitive_assign\" node=\"n1\" score=\"-INFINITY\">\n        <origin score=\"0\" code=\"default\" text=\"every node is allowed\"/>\n"},
		{argv: "-x|cib.xml|-Q|--explain|X", code: 105, stderr: "crm_simulate: --explain X: there is no such resource\n"},
		{argv: "-x|none.xml|--output-as=xml", stdout: "…<status code=\"0\" message=\"OK\"/>", stderr: tool.Unchecked + "\n"},
		{argv: "-x|amounts.xml|-U|--output-as=xml", stdout: "…<utilization resource=\"ping:0\" node=\"n1\" function=\"pcmk__assign_resource\">\n      <cpu>2</cpu>\n"},
		{argv: "-x|cib.xml|--output-as=html", code: 105, stderr: "Error creating output format html: Unknown output format\n"},
		{argv: "--bogus", code: 64, stderr: "crm_simulate: Unknown option --bogus\n"},
		{argv: "-x|cib.xml|-X|-Q", file: `cib.xml: operation_key="ping_start_0" operation="start" crm-debug-origin="crm_simulate"`},
	} {
		var out, fault bytes.Buffer
		args := []string{"crm_simulate"}
		if c.argv != "" {
			args = append(args, strings.Split(c.argv, "|")...)
		}
		env := &program.Env{
			Args: args, Stdin: strings.NewReader(c.stdin), Stdout: &out, Stderr: &fault,
			Getenv: func(name string) string { return map[string]string{"CIB_file": "cib.xml", "TZ": "UTC"}[name] },
		}
		if code := crmSimulate(context.Background(), env); code != c.code {
			t.Errorf("%s: exit code %d, not %d: %s", c.argv, code, c.code, fault.String())
		}
		if part, inside := strings.CutPrefix(c.stdout, "…"); inside && !strings.Contains(out.String(), part) || !inside && !strings.HasPrefix(out.String(), part) || c.stdout == "" && out.Len() > 0 {
			t.Errorf("%s: standard output is\n%s\nnot\n%s", c.argv, out.String(), c.stdout)
		}
		if got := fault.String(); got != c.stderr {
			t.Errorf("%s: standard error is\n%s\nnot\n%s", c.argv, got, c.stderr)
		}
		if name, part, ok := strings.Cut(c.file, ": "); ok {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil || !bytes.Contains(data, []byte(part)) {
				t.Errorf("%s: %s (%v) does not hold %s:\n%s", c.argv, name, err, part, data)
			}
		}
	}
}

// TestSimulateLimited: a user who may not see or change all of a shadow copy cannot have it replaced by what is seen.
func TestSimulateLimited(t *testing.T) {
	t.Chdir(t.TempDir())
	text := strings.NewReplacer(`<nvpair id="opts-f"`, `<nvpair id="opts-a" name="enable-acl" value="true"/><nvpair id="opts-f"`, `</configuration>`,
		`<acls><acl_target id="joe"><role id="reader"/></acl_target><acl_role id="reader"><acl_permission id="p" kind="read" xpath="/cib"/></acl_role></acls></configuration>`).Replace(simulatedCIB)
	for _, c := range []struct {
		user string
		code int
	}{{"joe", 4}, {"root", 0}, {"", 0}} {
		if err := os.WriteFile("shadow.s", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, fault bytes.Buffer
		env := &program.Env{
			Args: []string{"crm_simulate", "-L", "-S"}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &fault,
			Getenv: func(name string) string {
				return map[string]string{"CIB_shadow": "s", "CIB_shadow_dir": ".", "CIB_user": c.user}[name]
			},
		}
		code := crmSimulate(context.Background(), env)
		after, err := os.ReadFile("shadow.s")
		if err != nil || code != c.code || (string(after) == text) != (c.code != 0) {
			t.Errorf("user %q: exit code %d (%v), %s; the file:\n%s", c.user, code, err, fault.String(), after)
		}
	}
}
