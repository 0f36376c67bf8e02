package lab_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

// sshd is the program of this machine that lets hosts log in; "" where there is none.
func sshd() string {
	for _, p := range []string{"/usr/sbin/sshd", unpacked + "/usr/sbin/sshd"} {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return ""
}

// serveSSH has a host let root log in who has one of these keys, and again whenever its /root/sshd/start is called after a boot.
func (b *bench) serveSSH(host, authorized string) {
	b.t.Helper()
	b.feed(host, strings.NewReader(authorized), "sh", "-c", `umask 077; mkdir -p /root/sshd && cd /root/sshd && cat > authorized
grep -q ^sshd: /etc/passwd || echo sshd:x:65500:65534::/run/sshd:/usr/sbin/nologin >> /etc/passwd
ssh-keygen -q -t ed25519 -N '' -f key
cat > config <<'EOF'
HostKey /root/sshd/key
AuthorizedKeysFile /root/sshd/authorized
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile /run/sshd.pid
Subsystem sftp internal-sftp
SetEnv PATH=/opt/hacluster/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
EOF
cat > start <<'EOF'
#!/bin/sh
mkdir -p -m 755 /run/sshd
exec `+sshd()+` -f /root/sshd/config
EOF
chmod 700 start && ./start`)
}

// TestReportBySSH: where no pcsd answers, crm_report has ssh run it on the other host; what cannot be reached is told of.
func TestReportBySSH(t *testing.T) {
	t.Parallel()
	if sshd() == "" {
		t.Skip("no sshd here: prepare --tests brings it")
	}
	b := cluster(t, 2, false)
	b.do("1", "sh", "-c", "mkdir -p -m 700 /root/.ssh && ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519 && printf 'Host *\n BatchMode yes\n StrictHostKeyChecking accept-new\n' > /root/.ssh/config")
	key := b.do("1", "cat", "/root/.ssh/id_ed25519.pub")
	b.serveSSH("2", key)
	today := time.Now().Format("2006-01-02") + " 00:00"
	out := b.do("1", "crm_report", "--from", today, "-n", "node1 node2", "/root/report")
	if !strings.Contains(out, "Collected results are available in /root/report.tar.bz2\n") || strings.Contains(out, "Could not collect") {
		t.Errorf("crm_report says\n%s", out)
	}
	files := b.do("1", "sh", "-c", "cd /root; tar xjf report.tar.bz2; cd report; find . -not -type d | sort")
	for _, want := range []string{"./node1/cib.xml", "./node2/cib.xml", "./node2/corosync.conf", "./node2/members.txt", "./analysis.txt"} {
		if !strings.Contains(files, want+"\n") {
			t.Errorf("%s is missing in\n%s", want, files)
		}
	}
	if _, out := b.try("1", "crm_report", "--from", today, "-n", "node1 node2", "-u", "nobody", "/root/refused"); !strings.Contains(out, "Could not collect data from node2: ") || !strings.Contains(out, "ssh -T ended with code 255") {
		t.Errorf("as a user who may not:\n%s", out)
	}
}
