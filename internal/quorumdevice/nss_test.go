package quorumdevice

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// database makes a database as the original's programs do, with keys of a kind, an authority and certificates of these nicknames that it has signed.
func database(t *testing.T, kind []string, certs map[string]string) string {
	t.Helper()
	for _, p := range []string{"certutil", "pk12util"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	noise := filepath.Join(dir, "noise.txt")
	for f, text := range map[string]string{"pwdfile.txt": "", "noise.txt": strings.Repeat("noise", 100)} {
		if err := os.WriteFile(filepath.Join(dir, f), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(stdin string, args ...string) {
		t.Helper()
		cmd := exec.Command("certutil", append(args, "-d", dir, "-f", dir+"/pwdfile.txt")...)
		cmd.Stdin = strings.NewReader(stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("certutil %v: %v\n%s", args, err, out)
		}
	}
	run("", "-N")
	create := func(stdin string, args ...string) {
		t.Helper()
		run(stdin, append(append([]string{"-S"}, args...), kind...)...)
	}
	create("y\n0\ny\n", "-n", "QNet CA", "-s", "CN=QNet CA", "-x", "-t", "CT,,", "-m", "1", "-v", "1200", "-z", noise, "-2")
	serial := '2'
	for nickname, subject := range certs {
		create("", "-n", nickname, "-s", "CN="+subject, "-c", "QNet CA", "-t", "u,u,u", "-m", string(serial), "-v", "1200", "-z", noise)
		serial++
	}
	return dir
}

// TestDatabase reads a server's and a node's certificates out of the original's databases.
func TestDatabase(t *testing.T) {
	curve := []string{"-k", "ec", "-q", "nistp256"}
	server := database(t, nil, map[string]string{"QNetd Cert": ServerName})
	c, err := ServerTLS(server, true)
	if err != nil || c.Certificates[0].Leaf.Subject.CommonName != ServerName {
		t.Fatalf("%v, %v", c, err)
	}
	// The authority's key signs for nodes of ours.
	node := t.TempDir() + "/net"
	ca, err := os.ReadFile(filepath.Join(server, CACert))
	if err != nil {
		t.Fatal(err)
	}
	if err := InitNode(node, ca); err != nil {
		t.Fatal(err)
	}
	request, err := NewRequest(node, "c")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := Sign(server, request, "c")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ImportSigned(node, cert); err != nil {
		t.Error(err)
	}
	theirs := database(t, curve, map[string]string{"Cluster Cert": "c"})
	if c, err := DeviceTLS(theirs); err != nil || c.GetClientCertificate == nil {
		t.Errorf("%v, %v", c, err)
	}
	// A node that only trusts has no certificate, and says no more than that.
	if _, err := readCert(server, nodeCert); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if _, err := readKey(server, nodeKey); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	// Where NSS's programs are missing, it is said what is missing, and nothing is taken for absent.
	other := database(t, curve, nil)
	t.Setenv("PATH", t.TempDir())
	if _, err := readCert(other, CACert); err == nil || errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "certutil can read: it is not installed") {
		t.Error(err)
	}
}
