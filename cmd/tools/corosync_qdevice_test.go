package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"hacluster/internal/program"
)

// TestQuick: certificates, requests and bundles go between the hosts in the order that the programs want them.
func TestQuick(t *testing.T) {
	var ran []string
	q := &quick{c: &certutil{env: &program.Env{Stdout: &bytes.Buffer{}}}, cluster: "it's"}
	q.ssh = func(host, input, command string) (string, error) {
		ran = append(ran, strings.TrimSpace(host+": "+command+" < "+input))
		if strings.HasPrefix(command, "cat ") {
			return "<" + command[strings.LastIndexByte(command, '/')+1:] + ">", nil
		}
		if strings.HasPrefix(command, "[") {
			return "", os.ErrNotExist
		}
		return "", nil
	}
	if err := q.run("server", []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	want := `a: [ -d /etc/corosync/qdevice/net/nssdb ] <
a: corosync-qdevice-net-certutil > /dev/null <
b: [ -d /etc/corosync/qdevice/net/nssdb ] <
b: corosync-qdevice-net-certutil > /dev/null <
server: corosync-qnetd-certutil -i <
server: cat /etc/corosync/qnetd/nssdb/qnetd-cacert.crt <
a: F corosync-qdevice-net-certutil -i C < <qnetd-cacert.crt>
b: F corosync-qdevice-net-certutil -i C < <qnetd-cacert.crt>
a: corosync-qdevice-net-certutil -r -n 'it'\''s' <
a: cat /etc/corosync/qdevice/net/nssdb/qdevice-net-node.crq <
server: F corosync-qnetd-certutil -s -n 'it'\''s' C < <qdevice-net-node.crq>
server: cat /etc/corosync/qnetd/nssdb/cluster-'it'\''s'.crt <
a: F corosync-qdevice-net-certutil -M C < <cluster-'it'\''s'.crt>
a: cat /etc/corosync/qdevice/net/nssdb/qdevice-net-node.p12 <
b: F corosync-qdevice-net-certutil -m C < <qdevice-net-node.p12>`
	want = strings.NewReplacer("F ", `f=$(mktemp) && cat > "$f" && `, " C ", ` -c "$f"; r=$?; rm -f "$f"; exit $r `).Replace(want)
	if got := strings.Join(ran, "\n"); got != want {
		t.Errorf("ran\n%s\nwant\n%s", got, want)
	}
	q.ssh = func(string, string, string) (string, error) { return "", nil }
	if err := q.run("server", []string{"a"}); fmt.Sprint(err) != "Node a seems to be already initialized. Please delete /etc/corosync/qdevice/net/nssdb" {
		t.Error(err)
	}
}

func TestQuickWords(t *testing.T) {
	for argv, want := range map[string]string{
		"-Q":             "You have to specify cluster name\n",
		"-Q -n c":        "No QNetd server address provided.\n",
		"-Q -n c q":      "No nodes provided.\n",
		"-Q -n c q -x":   "invalid option",
		"-Qn c -- q -oX": "-oX is no host\n",
	} {
		var out, errs bytes.Buffer
		code := qdeviceCertutil(t.Context(), &program.Env{Args: append([]string{"certutil"}, strings.Fields(argv)...), Stdout: &out, Stderr: &errs})
		if code == 0 || !strings.Contains(errs.String(), want) {
			t.Errorf("%s: %d %s", argv, code, &errs)
		}
	}
}
