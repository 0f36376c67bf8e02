package lab_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

// elsewhere: the users of TestPermissions reach the CIB from a host that takes no part in the cluster's daemons, with the same
// permissions. Debian's programs do, too, where they are.
func (b *bench) elsewhere(t *testing.T) {
	t.Helper()
	const key = "c496618a37acb82672d968de46fb6865eca340409ae5b2620e7d2320c6059a7f"
	b.do("1", "sh", "-c", "for u in joe ann tom; do echo $u:secret | chpasswd || exit 1; done; umask 077; echo joe:"+key+" > /etc/pacemaker/cib-credentials")
	b.do("2", "sh", "-c", "umask 077; echo "+key+" > /root/cib-key")
	b.do("1", "cibadmin", "--modify", "--xml-text", `<cib remote-clear-port="3999" remote-tls-port="3998"/>`)
	from := func(user, password string, words ...string) (int, string) {
		return b.try("2", append([]string{"env", "CIB_server=node1", "CIB_port=3999", "CIB_encrypted=false", "CIB_user=" + user, "CIB_passwd=" + password}, words...)...)
	}
	b.await(30*time.Second, "2", "VirtualIP", "env", "CIB_server=node1", "CIB_port=3999", "CIB_encrypted=false", "CIB_user=joe", "CIB_passwd=secret", "cibadmin", "-Q")
	type call struct {
		user, password, argv string
		code                 int
		has, lacks           string
	}
	calls := []call{
		{"joe", "secret", "cibadmin -Q", 0, "VirtualIP", "hushhush"},
		{"joe", "secret", "crm_mon -1r", 0, "VirtualIP", "Secret"},
		{"joe", "secret", "crm_attribute -t crm_config -n maintenance-mode -v true", 0, "", ""},
		{"joe", "secret", "crm_attribute -t crm_config -n maintenance-mode -G", 0, "value=true", ""},
		{"joe", "secret", "crm_attribute -t crm_config -n maintenance-mode -v false", 0, "", ""},
		{"joe", "secret", "crm_attribute -t crm_config -n enable-acl -v false", 4, "Permission denied", ""},
		{"joe", "secret", "cibadmin -E --force", 4, "Permission denied", ""},
		{"ann", "secret", "cibadmin -Q", 4, "Permission denied", "VirtualIP"},
		{"joe", "guess", "cibadmin -Q", 76, "does not let user joe in", "VirtualIP"},
		{"tom", "secret", "cibadmin -Q", 76, "does not let user tom in", "VirtualIP"},
		{"root", "secret", "cibadmin -Q", 76, "does not let user root in", "VirtualIP"},
		{"joe", "secret", "pcs constraint", 0, "Location Constraints", "hushhush"},
		{"joe", "guess", "pcs constraint", 1, "unable to get cib", "Location Constraints"},
		{"joe", "secret", "env CIB_encrypted=true CIB_port=3998 CIB_key_file=/root/cib-key cibadmin -Q", 0, "VirtualIP", "hushhush"},
		{"joe", "secret", "env CIB_encrypted=true CIB_port=3998 cibadmin -Q", 3, "CIB_ca_file", "VirtualIP"},
	}
	if _, err := os.Stat("/usr/sbin/cibadmin"); err == nil {
		calls = append(calls,
			call{"joe", "secret", "/usr/sbin/cibadmin -Q", 0, "VirtualIP", "hushhush"},
			call{"joe", "secret", "/usr/sbin/crm_mon -1r", 0, "VirtualIP", "Secret"},
			call{"joe", "secret", "/usr/sbin/crm_attribute -t crm_config -n maintenance-mode -G", 0, "value=false", ""},
			call{"joe", "guess", "/usr/sbin/cibadmin -Q", 76, "Protocol error", "VirtualIP"})
	}
	for _, c := range calls {
		code, out := from(c.user, c.password, strings.Fields(c.argv)...)
		if code != c.code || !strings.Contains(out, c.has) || c.lacks != "" && strings.Contains(out, c.lacks) {
			t.Errorf("from elsewhere: %s: %s: exit code %d, want %d with %q, without %q\n%s", c.user, c.argv, code, c.code, c.has, c.lacks, out)
		}
	}
	b.do("1", "cibadmin", "--modify", "--xml-text", `<cib remote-clear-port="0"/>`)
	b.await(30*time.Second, "2", "connection refused", "env", "CIB_server=node1", "CIB_port=3999", "CIB_encrypted=false", "CIB_passwd=secret", "cibadmin", "-Q")
}
