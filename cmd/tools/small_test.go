package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hacluster/internal/program"
)

const smallCIB = `<cib epoch="3" num_updates="0" admin_epoch="0" validate-with="pacemaker-3.9">
  <configuration>
    <crm_config><cluster_property_set id="opts"><nvpair id="o-q" name="no-quorum-policy" value="stop"/></cluster_property_set></crm_config>
    <nodes>
      <node id="1" uname="alpha"><instance_attributes id="nodes-1"><nvpair id="n-site" name="site" value="ea&quot;st"/></instance_attributes></node>
      <node id="2" uname="beta"/>
    </nodes>
    <resources>
      <primitive id="rem" class="ocf" provider="pacemaker" type="remote"/>
      <primitive id="vm" class="ocf" provider="heartbeat" type="VirtualDomain"><meta_attributes id="vm-m"><nvpair id="vm-r" name="remote-node" value="guest"/></meta_attributes></primitive>
    </resources>
    <constraints>
      <rsc_location id="l" rsc="vm"><rule id="r" score="1"><date_expression id="d" operation="lt" end="2020-01-01"/></rule></rsc_location>
      <rsc_ticket id="t" rsc="vm" ticket="T"/>
    </constraints>
  </configuration>
  <status>
    <node_state id="1" uname="alpha"><transient_attributes id="1"><instance_attributes id="status-1">
      <nvpair id="a" name="fail-count-vm#start_0" value="3"/><nvpair id="b" name="fail-count-vm#monitor_10000" value="2"/>
    </instance_attributes></transient_attributes></node_state>
    <tickets><ticket_state id="S" granted="true" last-granted="0"/></tickets>
  </status>
</cib>
`

// TestSmall runs programs one after the other on one file, as a person would.
func TestSmall(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cib.xml")
	if err := os.WriteFile(file, []byte(smallCIB), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		argv           string
		code           int
		stdout, stderr string
	}{
		{"crm_attribute -n site -G -N ALPHA", 0, "scope=nodes name=site value=ea\\\"st\n", ""},
		{"crm_attribute -n no-quorum-policy -v freeze", 0, "", ""},
		{"crm_attribute -n no-quorum-policy -i o-q", 0, "scope=crm_config id=o-q name=no-quorum-policy value=freeze\n", ""},
		{"crm_attribute -n x.y -N guest -v 1", 0, "", ""},
		{"crm_attribute -P ^x -N guest", 0, "scope=nodes name=x.y value=1\n", ""},
		{"crm_attribute -n x.y -N guest -D", 0, "Deleted nodes attribute: id=nodes-guest-x.y name=x.y\n", ""},
		{"crm_attribute -n x -N nobody -G", 105, "", "crm_attribute: Could not map name=nobody to a UUID\n"},
		{"crm_attribute -t crm_configs -N alpha -n x", 76, "", "crm_attribute: Error performing operation: No message of desired type\n"},
		{"crm_attribute -N beta -l reboot -n x -v 1", 105, "", "Error setting x=1 (section=status, set=status-2): No such device or address\ncrm_attribute: Error performing operation: No such device or address\n"},
		{"crm_attribute -N alpha -n '\" -G", 105, "", "crm_attribute: Error performing operation: No such device or address\n"},
		{"crm_standby -N beta -v on", 0, "", ""},
		{"crm_standby -N beta --get-v", 0, "scope=nodes name=standby value=on\n", ""},
		{"crm_standby -N beta --u", 1, "\n" + standbyScript.usage + "\n", "crm_standby: option '--u' is ambiguous; possibilities: '--update' '--uname'\n"},
		{"crm_failcount -G -r vm -N alpha", 0, "scope=status  name=fail-count-vm value=5\n", ""},
		{"crm_failcount -G -r vm -n monitor -I PT10S -N alpha -q", 0, "2\n", ""},
		{"crm_ticket -w", 0, "T\nS\n", ""},
		{"crm_ticket -t S -D owner", 0, "", ""},
		{"crm_ticket -t S -v x -s", 64, "", "crm_ticket: Must supply attribute name with -S for -v x\n"},
		{"crm_ticket -t T -S owner -v east", 0, "", ""},
		{"crm_ticket -t T -L", 0, "T\trevoked\t(owner=east)\n", ""},
		{"crm_ticket -t S -C", 4, "", "Revoking 'S' can trigger the specified"},
		{"crm_ticket -t T -C", 0, "Cleaned up T\n", ""},
		{"crm_rule -c -r r", 110, "Rule r is expired\n", ""},
		{"crm_rule -c -r r -r gone -d 2019-01-01", 105, "Rule r is still in effect\n", "Could not determine whether rule gone is in effect: Rule not found\n"},
		{"crmadmin -N guest,remote -q", 0, "guest\nrem\n", ""},
		{"crmadmin -N -B", 0, "export alpha=1\nexport beta=2\nexport guest=guest\nexport rem=rem\n", ""},
		{"crm_error -n 6 -- -201", 0, "ENXIO - No such device or address\npcmk_err_generic - Error\n", ""},
		{"iso8601 -d 2020-01-31 -D P1M -E 2020-02-29 00:00:00Z", 1, "Date: 2020-01-31 00:00:00Z\nDuration:  1 month \nDuration ends at: 2020-02-29 00:00:00Z\n", ""},
		{"stonith_admin -t 9999999 -L", 64, "", "Integer value \"9999999\" for -t out of range\n"},
		{"stonith_admin -e none -K -a x", 64, "", "stonith_admin: Invalid option: -e none\n"},
		// Beside a command that needs no fencer, its absence is told in the words of the other.
		{"stonith_admin -I -r a -i 2", 102, "", "Can't register topology level 2 for a: Transport endpoint is not connected\n"},
		{"stonith_admin -F n -H m -q", 102, "0 events found\n", ""},
		{"stonith_admin -U n -h m", 0, "Node m has never been fenced\n", ""},
		{"stonith_admin -h m", 102, "", "Could not connect to fencer: Transport endpoint is not connected\n"},
		{"stonith_admin -F n -H m --output-as=xml", 102, "<pacemaker-result api-version=\"2.42\" request=\"stonith_admin -F n -H m --output-as=xml\">\n  <list name=\"fencing history\" count=\"0\"/>\n  <status code=\"102\" message=\"Not connected\"/>\n</pacemaker-result>\n", ""},
		{"cibadmin -Q a -- b -c", 64, "", "cibadmin: non-option ARGV-elements: a -- b -c\n"},
		{"cibadmin -Q a -- b", 64, "", "cibadmin: non-option ARGV-elements: a b\n"},
		{"attrd_updater -n a -P b -U 1", 64, "", "attrd_updater: Error: --name and --pattern cannot be used at the same time\n"},
		{"crm_node -R 5", 64, "", "crm_node: The supplied command is considered dangerous."},
	} {
		var stdout, stderr bytes.Buffer
		env := &program.Env{
			Args: strings.Fields(c.argv), Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
			Getenv: func(name string) string { return map[string]string{"CIB_file": file, "TZ": "UTC"}[name] },
		}
		code := run(context.Background(), env)
		if code != c.code || stdout.String() != c.stdout || !strings.HasPrefix(stderr.String(), c.stderr) || c.stderr == "" && stderr.Len() > 0 {
			t.Errorf("%s: exit code %d\nstdout %q\nstderr %q\nwant %d\n%q\n%q", c.argv, code, stdout.String(), stderr.String(), c.code, c.stdout, c.stderr)
		}
	}
}

func TestCompareNames(t *testing.T) {
	for _, pair := range [][2]string{{"node2", "node10"}, {"a", "B"}, {"n01", "n2"}, {"n", "n1"}} {
		if compareNames(pair[0], pair[1]) >= 0 || compareNames(pair[1], pair[0]) <= 0 {
			t.Errorf("%s is not before %s", pair[0], pair[1])
		}
	}
	if compareNames("Node01", "node1") != 0 {
		t.Error("the same but for case and zeros")
	}
}

// TestXMLProc has what xsltproc makes with Corosync's own sheet.
func TestXMLProc(t *testing.T) {
	f := filepath.Join(t.TempDir(), "c.xml")
	if err := os.WriteFile(f, []byte(`<?xml version="1.0"?>
<corosync a="1"><totem version="2" cluster_name="a&amp;b"> text <interface linknumber="0"/></totem><nodelist><node nodeid="1"/></nodelist></corosync>`), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := corosyncXMLProc(t.Context(), &program.Env{Args: []string{"corosync-xmlproc", f}, Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }})
	_, rest, _ := strings.Cut(out.String(), "\n")
	const want = "a: 1\n\ntotem {\n    version: 2\n    cluster_name: a&b\n\n    interface {\n        linknumber: 0\n    }\n}\n\nnodelist {\n\n    node {\n        nodeid: 1\n    }\n}\n"
	if code != 0 || rest != want || !strings.HasPrefix(out.String(), "# Corosync configuration file generated from "+f+" at 2") {
		t.Errorf("%d %s\n%s", code, &errs, &out)
	}
}
