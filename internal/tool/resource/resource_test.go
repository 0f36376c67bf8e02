package resource

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hacluster/internal/program"
)

const document = `<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0" crm_feature_set="3.19.0">
<configuration>
<crm_config/>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources>
<primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2">
<instance_attributes id="vip-params"><nvpair id="vip-ip" name="ip" value="192.0.2.1"/></instance_attributes>
</primitive>
<group id="web"><primitive id="fs" class="ocf" provider="heartbeat" type="Filesystem"/><primitive id="site" class="ocf" provider="heartbeat" type="apache"/></group>
<clone id="all"><meta_attributes id="all-meta"><nvpair id="all-role" name="target-role" value="Stopped"/></meta_attributes>
<primitive id="one" class="ocf" provider="pacemaker" type="Dummy"/></clone>
</resources>
<constraints>
<rsc_location id="off" rsc="vip" node="n2" score="-INFINITY"/>
<rsc_colocation id="with" rsc="web" with-rsc="vip" score="INFINITY"/>
<rsc_location id="cli-prefer-web" rsc="web" role="Started" node="n1" score="INFINITY"/>
</constraints>
</configuration>
<status>
<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>
<lrm_resource id="vip" class="ocf" provider="heartbeat" type="IPaddr2">
<lrm_rsc_op id="vip_last_0" operation_key="vip_start_0" operation="start" call-id="5" rc-code="0" op-status="0" interval="0" transition-key="1:1:0:u" transition-magic="0:0;1:1:0:u"/>
</lrm_resource></lrm_resources></lrm></node_state>
<node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/>
</status>
</cib>
`

// outcome is what came of a run.
type outcome struct {
	code           int
	stdout, stderr string
	file           string // the CIB afterwards
}

func runIn(t testing.TB, dir string, args ...string) outcome {
	t.Helper()
	return runOn(t, dir, document, args)
}

func runOn(t testing.TB, dir, document string, args []string) outcome {
	t.Helper()
	file := filepath.Join(dir, "cib.xml")
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	env := &program.Env{
		Args: append([]string{"crm_resource"}, args...), Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		Getenv: func(name string) string { return map[string]string{"CIB_file": file, "TZ": "UTC"}[name] },
	}
	code := Run(context.Background(), env)
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return outcome{code, stdout.String(), stderr.String(), string(after)}
}

func TestCommands(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{"", 0, "Full List of Resources:\n  * vip\t(ocf:heartbeat:IPaddr2):\t Started\n  * Resource Group: web:\n    * fs\t(ocf:heartbeat:Filesystem):\t Stopped\n" +
			"    * site\t(ocf:heartbeat:apache):\t Stopped\n  * Clone Set: all [one] (disabled):\n    * Stopped (disabled): [ n1 n2 ]\n", ""},
		{"-l", 0, "vip\nfs\nsite\none:0\none:1\n", ""},
		{"-W -r vip", 0, "resource vip is running on: n1\n", ""},
		{"-W -r web", 0, "", "resource web is NOT running\n"},
		{"-W -r web -Q", 0, "", ""},
		{"-Y", 0, "Resource vip is running\nResource web is not running\nResource all is not running\nConfiguration specifies 'all' should remain stopped\n", ""},
		{"-Y -r vip -N n2", 0, "Resource vip is not running on host n2\n", ""},
		{"-Y -N n1", 0, "Resource vip is running on host n1\n", ""},
		{"-a -r vip", 0, "Locations:\n  * Node n2 (score=-INFINITY, id=off, rsc=vip)\nResources colocated with vip:\n  * web (score=INFINITY, id=with)\n" +
			"    * Locations:\n      * Node n1 (score=INFINITY, id=cli-prefer-web, rsc=web)\n", ""},
		{"-O", 0, "vip\t(ocf:heartbeat:IPaddr2):\t Started: vip_start_0 (node=n1, call=5, rc=0): Done\n", ""},
		{"-O -r nothing", 0, "", ""},
		{"-q -r fs", 0, "fs\t(ocf:heartbeat:Filesystem):\t Stopped\nResource XML:\n<primitive id=\"fs\" class=\"ocf\" provider=\"heartbeat\" type=\"Filesystem\"/>\n", ""},
		{"-g ip -r vip", 0, "192.0.2.1\n", ""},
		{"-g nic -r vip", 0, "", "Attribute 'nic' not found for 'vip'\n"},
		{"--element -g type -r vip", 0, "IPaddr2\n", ""},
		{"-p nic -v eth0 -r vip", 0, "Set 'vip' option: id=vip-instance_attributes-nic set=vip-instance_attributes name=nic value=eth0\n", ""},
		{"-p ip -v 192.0.2.2 -r vip", 0, "Set 'vip' option: id=vip-ip name=ip value=192.0.2.2\n", ""},
		{"-d ip -r vip", 0, "Deleted 'vip' option: id=vip-ip name=ip\n", ""},
		{"-d nic -r vip", 105, "", "crm_resource: Error performing operation: No such object\n"},
		{"--meta -p is-managed -v false -r one", 0, "Performing update of 'is-managed' on 'all', the parent of 'one'\n" +
			"Set 'all' option: id=all-meta_attributes-is-managed set=all-meta_attributes name=is-managed value=false\n", ""},
		{"-p target-role -v x -r all", 109, "", "WARNING: There is already a meta attribute for 'all' called 'target-role' (id=all-role)\n" +
			"         Delete 'all-role' first or use the force option to override\ncrm_resource: Error performing operation: Multiple items match request\n"},
		{"-B -r web", 64, "", "crm_resource: Resource 'web' not moved: active in 0 locations.\nTo prevent 'web' from running on a specific location, specify a node.\n"},
		{"-M -r vip -N n1", 108, "", "crm_resource: Error performing operation: Requested item already exists\n"},
		{"-M -r vip -N n2", 0, "", ""},
		{"-M -r vip -N n2 -u soon", 64, "", "Invalid duration specified: soon\nPlease refer to https://en.wikipedia.org/wiki/ISO_8601#Durations for examples of valid durations\n"},
		{"-U -r web", 0, "Removing constraint: cli-prefer-web\n", ""},
		{"-U -r web -N n2", 0, "", ""},
		{"-D -t primitive -r vip", 78, "", "crm_resource: Could not delete resource vip: Update does not conform to the configured schema\nError performing operation: Invalid configuration\n"},
		{"--digests -r vip -N n1 CRM_meta_interval=10000", 0, "6a7a3db6b0cee48917245e80983722f0 (all parameters)\n" +
			"41005c9a2565afb987cfccc1bc5521b9 (non-private parameters)\n", ""},
		{"--digests -r web -N n1", 3, "", "crm_resource: Error performing operation: Unimplemented\n"},
		{"-C", 0, "Dry run: skipping clean-up of all nodes due to CIB_file\n", ""},
		{"-F -r vip -N n1", 0, "", "Dry run: skipping fail of vip on n1 due to CIB_file\n"},
		{"--restart -r web", 105, "", "web is not running anywhere and so cannot be restarted\ncrm_resource: Error performing operation: No such object\n"},

		{"-r nothing -W", 105, "", "crm_resource: Resource 'nothing' not found\nError performing operation: No such object\n"},
		{"-r vip -W -N nowhere", 105, "", "crm_resource: Node 'nowhere' not found\nError performing operation: No such object\n"},
		{"-W", 64, "", "crm_resource: Must supply a resource ID with -r/--resource\n"},
		{"-F -r vip", 64, "", "crm_resource: Must supply a node name with -N/--node\n"},
		{"-B -r one:0", 2, "", "crm_resource: Cannot operate on clone resource instance 'one:0'\nError performing operation: Invalid parameter\n"},
		{"-L -e", 64, "", "crm_resource: --expired requires --clear or -U\n"},
		{"-L a b", 64, "", "crm_resource: non-option ARGV-elements:\n[1 of 2] a\n[2 of 2] b\n"},
		{"--digests -r vip -N n1 =x", 64, "", "crm_resource: Error parsing '=x' as a name=value pair\n"},
		{"-D -r vip", 64, "", "crm_resource: You need to specify a resource type with -t\n"},
		{"-p ip -r vip", 64, "", "crm_resource: You need to supply a value with the -v option\n"},
		{"--option a=b -L", 64, "", "crm_resource: --option must be used with --validate and without -r\n"},
		{"--class ocf -r vip --validate", 64, "", "crm_resource: --class, --agent, and --provider cannot be used with -r/--resource\n"},
		{"--class ocf --agent x -L", 64, "", "crm_resource: --class, --agent, and --provider can only be used with --validate and --force-*\n"},
		{"--class ocf --agent x --validate", 64, "", "crm_resource: --provider and --agent are required with --class=ocf\n"},
		{"--class lsb --provider x --validate", 64, "", "crm_resource: --provider is supported only with --class=ocf\n"},
		{"--class lsb --validate", 64, "", "crm_resource: --agent is required with --class\n"},
		{"--agent x --validate", 64, "", "crm_resource: --class is required with --agent\n"},
		{"--class ocf --provider none --agent x --validate", 64, "", "crm_resource: ocf:none:x is not a known resource agent\n"},
		{"--class stonith --agent x --validate", 64, "", "crm_resource: x is not a known fencing agent\n"},
		{"--validate=x", 64, "", "crm_resource: Invalid check level setting: x\n"},
		{"-T P1D --wait", 64, "", "crm_resource: Error parsing option -T\n"},
		{"--list-options bundle", 64, "", "crm_resource: Error parsing option --list-options\n"},
		{"--list-agents nothing", 1, "", "No agents found for standard 'nothing'\ncrm_resource: Error performing operation: Error occurred\n"},
		{"--show-metadata ocf:x", 105, "", "crm_resource: 'ocf:x' is not a valid agent specification\nError performing operation: No such object\n"},
		{"-L --output-as=json", 1, "", "crm_resource: Error creating output format json: Unknown output format\nError performing operation: Error occurred\n"},
	} {
		got := runIn(t, dir, strings.Fields(c.args)...)
		if got.code != c.code || got.stdout != c.stdout || got.stderr != c.stderr {
			t.Errorf("%q: exit code %d, want %d\n--- stdout\n%s--- want\n%s--- stderr\n%s--- want\n%s", c.args, got.code, c.code, got.stdout, c.stdout, got.stderr, c.stderr)
		}
	}
}

// TestFiles holds what commands leave in the file.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ args, has, hasNot string }{
		{"-M -r vip -N n2 -f", `<rsc_location id="cli-ban-vip-on-n1" rsc="vip" role="Started" node="n1" score="-INFINITY"/>`, "absent"},
		{"-M -r vip -N n2", `<rsc_location id="cli-prefer-vip" rsc="vip" role="Started" node="n2" score="INFINITY"/>`, "cli-ban"},
		{"-B -r vip", `id="cli-ban-vip-on-n1"`, "absent"},
		{"-U -r web", `epoch="2"`, "cli-prefer-web"},
		{"--element -p description -v x -r vip", `description="x"`, "absent"},
		{"--meta -p target-role -v Stopped --recursive -r vip", `id="web-meta_attributes-target-role"`, "absent"},
		{"-D -t clone -r all", `epoch="2"`, `id="all"`},
		{"-p ip -v 192.0.2.2 -s other -r vip", `<nvpair id="other-ip" name="ip" value="192.0.2.2"/>`, "absent"},
	} {
		got := runIn(t, dir, strings.Fields(c.args)...)
		if got.code != 0 || !strings.Contains(got.file, c.has) || strings.Contains(got.file, c.hasNot) {
			t.Errorf("%q: exit code %d, %s\nwant %s and not %s in\n%s", c.args, got.code, got.stderr, c.has, c.hasNot, got.file)
		}
	}
}

// TestOldRole: where the schema knows the promoted role by its old name only, all is said and tried again with that.
func TestOldRole(t *testing.T) {
	old := strings.Replace(document, "pacemaker-3.9", "pacemaker-3.0", 1)
	got := runOn(t, t.TempDir(), old, strings.Fields("-B -r vip -N n1 --promoted -u P1D"))
	if got.code != 0 || !strings.Contains(got.file, `role="Master"`) || strings.Count(got.stdout, "Migration will take effect until: ") != 2 || strings.Count(got.stdout, "WARNING: ") != 2 {
		t.Errorf("exit code %d, %s%s%s", got.code, got.stdout, got.stderr, got.file)
	}
}

// TestQueriesLeaveTheFile holds that what only asks writes nothing.
func TestQueriesLeaveTheFile(t *testing.T) {
	dir := t.TempDir()
	for _, args := range []string{"-L", "-q -r vip", "-a -r vip", "-C", "--digests -r vip -N n1", "--wait", "--restart -r web"} {
		if got := runIn(t, dir, strings.Fields(args)...); got.file != document {
			t.Errorf("%q: the file changed", args)
		}
	}
}

func FuzzCommandLine(f *testing.F) {
	for _, s := range []string{"-L", "-q -r vip", "-p x -v y -r one --meta", "-M -r web -N n1 -u P1D", "--digests -r vip -N n1 a=b", "-U -e", "-r ' -W -g x"} {
		f.Add(s)
	}
	dir := f.TempDir()
	// What takes time is to raise and check the document, which is no part of this: a small one of the newest schema.
	small := `<cib validate-with="pacemaker-4.0" admin_epoch="0" epoch="1" num_updates="0"><configuration><crm_config/><nodes><node id="1" uname="n1"/></nodes>
<resources><group id="web"><primitive id="vip" class="ocf" provider="p" type="t"/></group></resources><constraints><rsc_location id="cli-prefer-web" rsc="web" node="n1" score="1"/></constraints></configuration>
<status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"/></status></cib>`
	f.Fuzz(func(t *testing.T, line string) {
		if strings.Contains(line, "output-to") || strings.Contains(line, "force-") || strings.Contains(line, "validate") || strings.Contains(line, "metadata") {
			return // these write files and run programs
		}
		if got := runOn(t, dir, small, strings.Fields(line)); got.code < 0 || got.code > 255 {
			t.Errorf("exit code %d", got.code)
		}
	})
}

// TestClearTellsOfUpgrade: before anything is taken back the CIB is read in its latest schema, in which a constraint
// with two rules is two.
func TestClearTellsOfUpgrade(t *testing.T) {
	two := `<rsc_location id="two" rsc="vip"><rule id="r1" score="1"><expression id="e1" attribute="a" operation="defined"/></rule>` +
		`<rule id="r2" score="2"><expression id="e2" attribute="b" operation="defined"/></rule></rsc_location>`
	got := runOn(t, t.TempDir(), strings.Replace(document, "</constraints>", two+"</constraints>", 1), []string{"-U", "-r", "web"})
	want := "Removing constraint: cli-prefer-web\nRemoving constraint: pcmk__3_10_upgrade-two-1\nRemoving constraint: pcmk__3_10_upgrade-two-2\n"
	if got.code != 0 || got.stdout != want {
		t.Errorf("code %d, output %q, want %q", got.code, got.stdout, want)
	}
	if !strings.Contains(got.file, `id="two"`) {
		t.Error("the constraint itself is gone")
	}
}
