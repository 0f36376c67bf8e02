package lab_test

import (
	"strings"
	"testing"
	"time"
)

// installed has the tools of an installed Pacemaker 2.1 do with a running cluster what they refuse where the CIB
// is of a feature set above their own: restart, simulate, and edit a copy as a file. A resource D must run.
func (b *bench) installed(t *testing.T) {
	t.Helper()
	const theirs = "/usr/sbin/"
	if _, out := b.try("1", theirs+"crm_resource", "--version"); !strings.HasPrefix(out, "Pacemaker 2.1.") {
		t.Log("no Pacemaker 2.1 is installed here")
		return
	}
	for _, c := range []struct{ line, want string }{
		{"crm_verify -L", ""},
		{"crm_simulate -L -s", "pcmk__primitive_assign: D allocation score on node1: "},
		{"crm_simulate -L -S", "Executing Cluster Transition:"},
		{"crm_simulate -L -S -d node2", "OFFLINE: [ node2 ]"},
		{"cibadmin -Q > /tmp/copy.xml && export CIB_file=/tmp/copy.xml && " + theirs + "crm_attribute -n of-the-copy -v yes && " + theirs + "cibadmin -Q -o crm_config", `name="of-the-copy" value="yes"`},
	} {
		if out := b.do("1", "sh", "-c", theirs+c.line); !strings.Contains(out, c.want) {
			t.Errorf("%s says\n%s", c.line, out)
		}
	}
	starts := func() int {
		n := 0
		for _, h := range []string{"1", "2"} {
			n += strings.Count(b.do(h, "cat", "/var/log/pacemaker/pacemaker.log"), "Result of start operation for D ")
		}
		return n
	}
	before := starts()
	b.do("1", theirs+"crm_resource", "--restart", "-r", "D")
	if after := starts(); after != before+1 {
		t.Errorf("it was started %d times by a restart", after-before)
	}

	// Who puts a CIB of newer software in place does not take that away.
	b.do("1", "sh", "-c", `cibadmin -Q | sed '1s/crm_feature_set="[^"]*"/crm_feature_set="3.20.5"/;1s/ epoch="/ epoch="9/' > /tmp/newer.xml && cibadmin -R --xml-file /tmp/newer.xml`)
	b.await(30*time.Second, "2", "Executing Cluster Transition:", theirs+"crm_simulate", "-L", "-S")
}
