package lab_test

import (
	"strings"
	"testing"
	"time"
)

// asUser runs a command in a host as one of its users.
func (b *bench) asUser(host, user string, argv ...string) (int, string) {
	return b.try(host, append([]string{"runuser", "-u", user, "--"}, argv...)...)
}

// TestPermissions: users who are not root read and change what their roles allow, through the
// daemon's local protocol on any node, and nothing else.
func TestPermissions(t *testing.T) {
	t.Parallel()
	b := cluster(t, 2, false)
	for _, h := range []string{"1", "2"} {
		b.do(h, "sh", "-c", "getent group haclient >/dev/null || groupadd -r haclient; useradd -G haclient joe; useradd -G haclient ann; useradd -G haclient pete; useradd tom")
	}
	b.do("1", "pcs", "resource", "create", "Secret", "ocf:heartbeat:Dummy", "fake=hushhush", "--disabled")
	b.do("1", "pcs", "acl", "role", "create", "watcher", "read", "xpath", "/cib", "deny", "id", "Secret")
	b.do("1", "pcs", "acl", "role", "create", "switcher", "write", "xpath", "//nvpair[@name='maintenance-mode']")
	b.do("1", "pcs", "acl", "user", "create", "joe", "watcher", "switcher")
	b.do("1", "pcs", "constraint", "location", "Secret", "avoids", "node1")
	// He may see one resource, but not by which schema.
	b.do("1", "pcs", "acl", "role", "create", "peeper", "read", "id", "VirtualIP")
	b.do("1", "pcs", "acl", "user", "create", "pete", "peeper")

	if _, out := b.asUser("2", "joe", "sh", "-c", "command -v crm_resource"); strings.TrimSpace(out) != "/opt/hacluster/bin/crm_resource" {
		t.Fatalf("joe would not run our programs, but %s", out)
	}
	// Without ACLs whoever is in the group may do everything; who is not, nothing.
	if code, out := b.asUser("2", "ann", "cibadmin", "-Q"); code != 0 || !strings.Contains(out, "hushhush") {
		t.Errorf("without ACLs ann reads: exit code %d\n%s", code, out)
	}
	if code, out := b.asUser("2", "tom", "cibadmin", "-Q"); code == 0 || strings.Contains(out, "<cib") {
		t.Errorf("without the group tom reads: exit code %d\n%s", code, out)
	}
	b.do("1", "pcs", "property", "set", "maintenance-mode=false")
	b.do("1", "pcs", "property", "set", "enable-acl=true")
	b.await(30*time.Second, "2", `name="enable-acl" value="true"`, "cibadmin", "-Q")

	for _, c := range []struct {
		user, argv string
		code       int
		has, lacks string
	}{
		{"joe", "cibadmin -Q", 0, "VirtualIP", "hushhush"},
		// That the resource which the role and a constraint name is not there to him is no fault.
		{"joe", "crm_resource -l", 0, "VirtualIP", "Secret"},
		{"joe", "crm_resource -r VirtualIP -W", 0, "is running on", ""},
		{"joe", "crm_resource -r VirtualIP -g ip", 0, ".", ""},
		{"joe", "crm_resource -r Secret -W", 105, "not found", "hushhush"},
		{"joe", "crm_resource --wait", 0, "", ""},
		{"joe", "crm_ticket -L", 0, "", ""},
		{"joe", "crm_rule -c -r none", 105, "", ""},
		{"joe", "crm_standby -G -N node1", 0, "value=off", ""},
		{"joe", "env PCS_COMPAT=0.11 crm_verify -L", 78, "Secret", ""}, // this is what it is for
		{"pete", "cibadmin -Q", 0, "VirtualIP", "validate-with"},
		{"pete", "crm_resource -l", 78, "Could not parse on-disk configuration", ""},
		{"pete", "crm_ticket -L", 78, "Could not update local CIB", ""},
		{"joe", "crm_mon -1r", 0, "VirtualIP", "Secret"},
		{"joe", "crm_attribute -t crm_config -n maintenance-mode -v true", 0, "", ""},
		{"joe", "crm_attribute -t crm_config -n maintenance-mode -G", 0, "value=true", ""},
		{"joe", "crm_attribute -t crm_config -n maintenance-mode -v false", 0, "", ""},
		{"joe", "crm_attribute -t crm_config -n no-quorum-policy -v ignore", 4, "Permission denied", ""},
		{"joe", "crm_resource -r VirtualIP --delete -t primitive", 4, "Insufficient privileges", ""},
		{"joe", "cibadmin -D --xpath //primitive[@id='Secret']", 4, "Permission denied", ""},
		{"joe", "cibadmin -E --force", 4, "Permission denied", ""},
		{"joe", "crm_attribute -t crm_config -n enable-acl -v false", 4, "Permission denied", ""},
		{"joe", "crm_resource -r VirtualIP --fail -N node1", 1, "could not fail resource VirtualIP: code 4", ""},
		{"joe", "crm_resource -r VirtualIP --refresh -N node1", 1, "could not forget resource VirtualIP: code 4", ""},
		{"ann", "cibadmin -Q", 4, "Permission denied", "VirtualIP"},
		{"ann", "crm_attribute -t crm_config -n maintenance-mode -v true", 4, "Permission denied", ""},
		{"tom", "cibadmin -Q", 102, "", "VirtualIP"},
	} {
		code, out := b.asUser("2", c.user, strings.Fields(c.argv)...)
		if code != c.code || !strings.Contains(out, c.has) || c.lacks != "" && strings.Contains(out, c.lacks) {
			t.Errorf("%s: %s: exit code %d, want %d with %q, without %q\n%s", c.user, c.argv, code, c.code, c.has, c.lacks, out)
		}
	}
	// What was refused left no trace, on either node, and root is still told everything.
	for _, h := range []string{"1", "2"} {
		out := b.do(h, "cibadmin", "-Q")
		for _, want := range []string{`value="hushhush"`, `id="VirtualIP"`, `name="enable-acl" value="true"`, `name="maintenance-mode" value="false"`} {
			if !strings.Contains(out, want) {
				t.Errorf("node%s: %s is gone\n%s", h, want, out)
			}
		}
		if strings.Contains(out, "no-quorum-policy") {
			t.Errorf("node%s: no-quorum-policy was set\n%s", h, out)
		}
	}
	b.elsewhere(t)
}

// TestShadow: a copy of the running configuration is changed aside, compared, and committed.
func TestShadow(t *testing.T) {
	t.Parallel()
	b := cluster(t, 2, false)
	shadow := func(name string, argv ...string) (int, string) {
		return b.try("1", append([]string{"env", "CIB_shadow=" + name}, argv...)...)
	}
	b.do("1", "crm_shadow", "--batch", "--create", "draft")
	if code, out := b.try("1", "crm_shadow", "--batch", "--create", "draft"); code != 73 || !strings.Contains(out, "already exists") {
		t.Errorf("the same copy again: exit code %d\n%s", code, out)
	}
	if code, out := shadow("draft", "crm_shadow", "--diff"); code != 0 || strings.Contains(out, "change") {
		t.Errorf("a fresh copy differs: exit code %d\n%s", code, out)
	}
	if code, out := shadow("draft", "crm_resource", "-r", "VirtualIP", "-p", "nic", "-v", "eth0"); code != 0 {
		t.Fatalf("a change of the copy: exit code %d\n%s", code, out)
	}
	if out := b.do("1", "cibadmin", "-Q"); strings.Contains(out, `name="nic"`) {
		t.Errorf("the change of the copy is in the running configuration\n%s", out)
	}
	if code, out := shadow("draft", "crm_shadow", "--diff"); code != 1 || !strings.Contains(out, `name="nic"`) {
		t.Errorf("the difference: exit code %d\n%s", code, out)
	}
	if code, out := shadow("draft", "crm_shadow", "--which"); code != 0 || !strings.Contains(out, "draft") {
		t.Errorf("which: exit code %d\n%s", code, out)
	}
	if code, out := shadow("draft", "crm_shadow", "--batch", "--commit", "draft", "--force"); code != 0 {
		t.Fatalf("commit: exit code %d\n%s", code, out)
	}
	for _, h := range []string{"1", "2"} {
		b.await(30*time.Second, h, `name="nic" value="eth0"`, "cibadmin", "-Q")
	}
	if code, out := shadow("draft", "crm_shadow", "--batch", "--delete", "draft", "--force"); code != 0 {
		t.Errorf("delete: exit code %d\n%s", code, out)
	}
	if code, out := shadow("draft", "cibadmin", "-Q"); code != 105 {
		t.Errorf("the copy after it was deleted: exit code %d\n%s", code, out)
	}

	// An upgrade goes as far as all nodes know, which is as far as there is; and no further.
	b.do("1", "cibadmin", "--upgrade", "--force")
	for _, h := range []string{"1", "2"} {
		b.await(30*time.Second, h, `validate-with="pacemaker-4.0"`, "cibadmin", "-Q")
	}
}
