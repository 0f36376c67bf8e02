package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hacluster/cib"
	"hacluster/internal/program"
)

const cibCIB = `<cib epoch="3" num_updates="1" admin_epoch="0" validate-with="pacemaker-3.9">
  <configuration>
    <crm_config/>
    <nodes>
      <node id="1" uname="alpha"/>
    </nodes>
    <resources>
      <primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2"/>
    </resources>
    <constraints/>
  </configuration>
  <status/>
</cib>
`

// TestCIBTools runs cibadmin, crm_shadow, crm_diff and others one after the other in one
// folder, as a person would. "|" parts the words of a command line.
func TestCIBTools(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cib.xml"), []byte(cibCIB), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "one.xml"), []byte(cibCIB), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	shadow := ""
	for _, c := range []struct {
		argv, stdin    string
		code           int
		stdout, stderr string // what they begin with
	}{
		{"cibadmin|-Q|-o|nodes", "", 0, "<nodes>\n  <node id=\"1\" uname=\"alpha\"/>\n</nodes>\n", ""},
		{"cibadmin|-Q|-e|-A|//primitive", "", 0, "/cib/configuration/resources/primitive[@id='ip']\n", ""},
		{"cibadmin|-Q|-A|//node/@uname", "", 0, "<xpath-query uname=\"alpha\"/>\n", ""},
		{"cibadmin|-C|-o|nodes|-p", `<node id="2" uname="beta"/>`, 0, "", ""},
		{"cibadmin|-C|-o|nodes|-X|<node id=\"2\" uname=\"beta\"/>|--output-as=xml", "", 108, "<pacemaker-result ", ""},
		{"cibadmin|-M|-X|<primitive id=\"ip\" colour=\"red\"/>", "", 78, "", "cibadmin: CIB API call failed: Update does not conform to the configured schema\n"},
		{"cibadmin|-M|-t|0|-X|<primitive id=\"ip\" description=\"x\"/>", "", 0, "", "Timeout must be positive, defaulting to 30\n"},
		{"cibadmin|-D|-o|bogus|-X|<primitive id=\"ip\"/>", "", 0, "", "Invalid value 'bogus' for '--scope'. Operation will apply to the entire CIB\n"},
		{"cibadmin|-M|-o||-X|<nodes/>", "", 70, "", "Invalid value '' for '--scope'. Operation will apply to the entire CIB\ncibadmin: CIB API call failed: Invalid argument\n"},
		{"cibadmin|-Q|-o|", "", 105, "", "Invalid value '' for '--scope'."},
		{"cibadmin|-a|", "", 0, "<cib crm_feature_set=\"" + cib.FeatureSet + "\" validate-with=\"\" ", ""},
		{"cibadmin|-a", "", 0, "<cib crm_feature_set=\"" + cib.FeatureSet + "\" validate-with=\"pacemaker-4.0\" ", ""},
		{"cibadmin|-Q|-U|joe|-S|", "", 64, "", "cibadmin: Invalid value '' for option '-S'\n"},
		{"cibadmin|-Q|--output-to=", "", 1, "", "cibadmin: Error creating output format (null): No such file or directory\n"},
		{"cibadmin|-Q|--output-as=", "", 1, "", "cibadmin: Error creating output format : Unknown output format\n"},
		{"crm_ticket|-l|--output-to=.", "", 1, "", "crm_ticket: Error creating output format (null): Is a directory\n"},
		{"crm_ticket|-l|--output-as=xml|--output-to=/nosuch/x", "", 105, "", "crm_ticket: Error creating output format xml: No such file or directory\n"},
		{"crm_resource|--validate=", "", 64, "", "crm_resource: Invalid check level setting: \n"},
		{"crm_error|--|5|--|6", "", 0, "Input/output error\nNo such device or address\n", ""},
		{"cibadmin|-E", "", 107, "", "cibadmin: The supplied command is considered dangerous."},
		{"cibadmin|-R|-X|<cib", "", 65, "", "cibadmin: Couldn't parse input from input string\n"},
		{"cibadmin|-Q|-n", "", 0, "<cib epoch=\"5\" num_updates=\"0\" admin_epoch=\"0\" validate-with=\"pacemaker-3.9\"/>\n", ""},
		{"cibadmin|--show-access=loud|-U|joe", "", 64, "", "cibadmin: Invalid value 'loud' for option '--show-access'\n"},
		{"cibadmin|-5|-X|<a/>", "", 0, "36f3fe87323978c81376fbe84b315483\n", ""},
		{"cibadmin|word", "", 64, "", "cibadmin: non-option ARGV-elements: word\n\nUsage:\n"},

		{"crm_shadow|-w", "", 105, "", "crm_shadow: No active shadow configuration defined\n"},
		{"crm_shadow|-c|one|-b", "", 0, "A new shadow instance was created. To begin using it, enter the following into your shell:\n\texport CIB_shadow=one\n", ""},
		{"crm_shadow|-c|one|-b", "", 73, "", "crm_shadow: A shadow instance 'one' already exists.\nTo prevent"},
		{"=one", "", 0, "", ""},
		{"crm_shadow|-F", "", 0, "./shadow.one\n", ""},
		{"cibadmin|-D|-X|<node id=\"2\"/>", "", 0, "", ""},
		{"crm_shadow|-d", "", 1, "Diff: --- 0.5.0 2\nDiff: +++ 0.6.0 (no digest)\n-- /cib/configuration/nodes/node[@id='2']\n+  /cib:  @epoch=6\n", ""},
		{"crm_shadow|-C|two|-f", "", 105, "", "crm_shadow: Could not access shadow instance 'two': No such file or directory\n"},
		{"crm_shadow|-C|two", "", 64, "", "crm_shadow: The commit command overwrites the active cluster configuration.\nAdditionally, the supplied shadow instance (two) is not the same as the active one (one).\n"},
		{"crm_shadow|-C|one|-f", "", 0, "", ""},
		{"crm_shadow|-d", "", 0, "", ""},
		{"crm_simulate|-S|-x|one.xml|-u|alpha|-O|out.xml", "", 0, "Current cluster status:\n  * Node List:\n    * Node alpha: UNCLEAN (offline)\n", ""},
		{"cibadmin|-Q|-o|status", "", 0, "<status>\n  <node_state id=\"1\" uname=\"alpha\" ", ""},
		{"crm_simulate|-S|-x|none.xml", "", 65, "", "crm_simulate: Could not read input XML"},
		{"crm_shadow|-D|one|-f", "", 0, "Remember to unset the CIB_shadow variable by entering the following into your shell:\n\tunset CIB_shadow\n", ""},
		{"crm_shadow|-p", "", 105, "", "crm_shadow: Could not access shadow instance 'one': No such file or directory\n"},
		{"=", "", 0, "", ""},
		{"cibadmin|-Q|-o|nodes", "", 0, "<nodes>\n  <node id=\"1\" uname=\"alpha\"/>\n</nodes>\n", ""},
		{"crm_shadow|-e|b/c|-b", "", 105, "Created new pacemaker-4.0 configuration\n", "crm_shadow: Could not create the shadow instance 'b/c': No such file or directory\n"},

		// An empty word is a name and an id like others.
		{"crm_attribute|-n||-v|x", "", 0, "", ""},
		{"crm_attribute|-n||-G", "", 0, "scope=crm_config name= value=x\n", ""},
		{"crm_attribute|-n|one|-v|1", "", 0, "", ""},
		{"crm_attribute|-n||-D", "", 0, "Deleted crm_config option: id=cib-bootstrap-options- name=\n", ""},
		{"crm_attribute|-n||-G", "", 105, "", "crm_attribute: Error performing operation: No such device or address\n"},
		{"crm_attribute|-s||-n|one|-G", "", 105, "", "crm_attribute: Error performing operation: No such device or address\n"},
		{"crm_attribute|-i||-n|one|-D", "", 0, "Deleted crm_config option: id=(null) name=one\n", ""},
		{"crm_attribute|-n|one|-G|-N|", "", 105, "", "crm_attribute: Could not map name= to a UUID\n"},
		{"crm_attribute|-n|one|-D", "", 0, "Deleted crm_config option: id=cib-bootstrap-options-one name=one\n", ""},

		{"crm_diff|-O|<a b=\"1\"/>|-N|<a b=\"2\"/>|-u", "", 1, "<diff format=\"2\">\n  <change operation=\"modify\" path=\"/a\">\n", ""},
		{"crm_diff|-O|<a b=\"1\"/>|-N|<a b=\"1\"/>", "", 0, "", ""},
		{"crm_diff|-O|<cib epoch=\"3\"/>|-N|<cib epoch=\"4\" num_updates=\"1\"/>|-u", "", 1, "<diff format=\"2\">\n  <change operation=\"modify\" path=\"/cib\">\n    <change-list>\n      <change-attr name=\"num_updates\" operation=\"set\" value=\"1\"/>\n    </change-list>\n", ""},
		{"crm_diff|-u|-O|<b id=\"z\"><c/></b>|-N|<b/>", "", 1, "<diff format=\"2\">\n  <change operation=\"delete\" path=\"/b[@id='z']/c\"/>\n  <change operation=\"modify\" path=\"/b[@id='z']\">\n", ""},
		{"crm_diff|-O|<!DOCTYPE a [<!ENTITY e \"x\">]><a><b id=\"&e;\" c=\"1&e;2\"/></a>|-N|<a><b id=\"x\" c=\"1x2\"/></a>", "", 0, "", ""},
		{"crm_diff|-o|cib.xml|-p|cib.xml", "", 70, "", "crm_diff: Could not apply patch: Invalid argument\n"},
		{"crm_diff|-c|-u|-o|x|-n|y", "", 64, "", "crm_diff: -u/--no-version incompatible with -c/--cib\n"},
	} {
		if name, ok := strings.CutPrefix(c.argv, "="); ok {
			shadow = name
			continue
		}
		var stdout, stderr bytes.Buffer
		env := &program.Env{
			Args: strings.Split(c.argv, "|"), Stdin: strings.NewReader(c.stdin), Stdout: &stdout, Stderr: &stderr,
			Getenv: func(name string) string {
				return map[string]string{"CIB_file": "cib.xml", "CIB_shadow": shadow, "CIB_shadow_dir": "."}[name]
			},
		}
		code := run(context.Background(), env)
		if code != c.code || !strings.HasPrefix(stdout.String(), c.stdout) || !strings.HasPrefix(stderr.String(), c.stderr) ||
			c.stderr == "" && stderr.Len() > 0 || c.stdout == "" && stdout.Len() > 0 {
			t.Errorf("%s: exit code %d\nstdout %q\nstderr %q\nwant %d\n%q\n%q", c.argv, code, stdout.String(), stderr.String(), c.code, c.stdout, c.stderr)
		}
	}
}
