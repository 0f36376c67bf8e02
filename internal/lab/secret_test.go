package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// told is an agent that notes what it was given, as proof that the secret reached it; it fails its first monitor, for failures are told of most.
const told = `#!/bin/sh
case $1 in
start) echo "$OCF_RESKEY_passwd" > /root/told; touch /root/running;;
stop) rm -f /root/running;;
monitor) [ -e /root/running ] || exit 7; [ "$OCF_RESKEY_CRM_meta_interval" != 1000 ] || [ -e /root/failed ] || { touch /root/failed; echo "ocf-exit-reason:made to fail" >&2; exit 1; };;
meta-data) echo '<resource-agent name="Told" version="1"><version>1.1</version><longdesc/><shortdesc/><parameters><parameter name="passwd"><longdesc/><shortdesc/><content type="string"/></parameter></parameters><actions><action name="start" timeout="20s"/><action name="stop" timeout="20s"/><action name="monitor" timeout="20s" interval="10s"/><action name="meta-data" timeout="5s"/></actions></resource-agent>';;
esac
exit 0
`

// TestSecretStaysOut: a secret reaches the agent, and nothing else on any host: not the CIB, the plans, the logs (which
// tell all that they can), what is kept and what runs.
func TestSecretStaysOut(t *testing.T) {
	t.Parallel()
	b := cluster(t, 2, false)
	secret := fmt.Sprintf("pass-%s-word", b.name)
	for _, h := range []string{"1", "2"} {
		b.do(h, "sh", "-c", "mkdir -p /usr/lib/ocf/resource.d/lab /etc/default; cat > /usr/lib/ocf/resource.d/lab/Told <<'EOF'\n"+told+"EOF\nchmod 755 /usr/lib/ocf/resource.d/lab/Told; echo PCMK_debug=yes > /etc/default/pacemaker; systemctl stop pacemaker")
	}
	for _, h := range []string{"1", "2"} {
		b.do(h, "systemctl", "start", "pacemaker")
	}
	b.await(30*time.Second, "1", "Online: [ node1 node2 ]", "crm_mon", "-1r")
	for _, h := range []string{"1", "2"} {
		b.do(h, "sh", "-c", "umask 077; mkdir -p /var/lib/pacemaker/lrm/secrets/Told; cd /var/lib/pacemaker/lrm/secrets/Told; printf %s "+secret+" > passwd; md5sum < passwd | cut -c1-32 > passwd.sign")
	}
	b.do("1", "pcs", "resource", "create", "Told", "ocf:lab:Told", "passwd=lrm://", "op", "monitor", "interval=1s")
	for _, h := range []string{"1", "2"} {
		b.do(h, "cibsecret", "check", "Told", "passwd")
	}
	b.await(30*time.Second, "1", "made to fail", "crm_mon", "-1f")
	b.do("1", "crm_resource", "--wait", "--timeout", "60s")
	reached := 0
	for _, h := range []string{"1", "2"} {
		if _, out := b.try(h, "cat", "/root/told"); strings.TrimSpace(out) == secret {
			reached++
		}
		where := "grep -rlF " + secret + " /var/log /var/lib /var/tmp /run /etc /tmp 2>/dev/null | grep -v ^/var/lib/pacemaker/lrm/secrets/; ps -eo args | grep -F " + secret + " | grep -v grep; for f in /var/lib/pacemaker/pengine/*.bz2; do [ ! -e $f ] || bzcat $f | grep -qF " + secret + " && echo $f; done; true"
		// The shell that looks has the secret in its own words.
		out := b.do(h, "sh", "-c", "cat > /root/look <<'EOF'\n"+where+"\nEOF\ngrep -c . /var/log/pacemaker/pacemaker.log")
		if strings.TrimSpace(out) == "0" {
			t.Errorf("host %s has logged nothing", h)
		}
		if out := b.do(h, "sh", "/root/look"); strings.TrimSpace(out) != "" {
			t.Errorf("host %s has the secret in\n%s", h, out)
		}
	}
	if reached == 0 {
		t.Error("the agent never got the secret")
	}
	if out := b.do("1", "sh", "-c", "cibadmin -Q"); strings.Contains(out, secret) {
		t.Error("the CIB has the secret")
	}
}
