package corosyncd

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"hacluster/corosync/qnet"
	"hacluster/internal/quorumdevice"
)

// asDevice is a quorum device, its server, or one step of their certificates.
func asDevice() int {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	var err error
	words := strings.Fields(os.Getenv("COROSYNCD_DEVICE"))
	data := func() []byte {
		b, rerr := os.ReadFile(words[1])
		if rerr != nil {
			err = rerr
		}
		return b
	}
	switch words[0] {
	case "qnetd":
		err = quorumdevice.RunServer(ctx, quorumdevice.ServerOptions{Log: log})
	case "qnetd-tls":
		err = quorumdevice.RunServer(ctx, quorumdevice.ServerOptions{Log: log, TLS: qnet.TLSRequired, CertRequired: true})
	case "qdevice":
		err = quorumdevice.RunDevice(ctx, quorumdevice.DeviceOptions{Log: log})
	case "init-server":
		err = quorumdevice.InitServer(quorumdevice.ServerCerts)
	case "init":
		err = quorumdevice.InitNode(quorumdevice.DeviceCerts, data())
	case "request":
		_, err = quorumdevice.NewRequest(quorumdevice.DeviceCerts, words[1])
	case "sign":
		var cert []byte
		if cert, err = quorumdevice.Sign(quorumdevice.ServerCerts, data(), words[2]); err == nil {
			err = os.WriteFile(words[3], cert, 0o644)
		}
	case "import":
		_, err = quorumdevice.ImportSigned(quorumdevice.DeviceCerts, data())
	case "bundle":
		err = quorumdevice.ImportBundle(quorumdevice.DeviceCerts, data())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// ours is a program of ours on the host.
func (h *host) ours(words ...string) *exec.Cmd {
	c := h.command(os.Args[0])
	c.Env = append(os.Environ(), "COROSYNCD_DEVICE="+strings.Join(words, " "))
	return c
}

func (h *host) mustOurs(words ...string) {
	h.t.Helper()
	if out, err := h.ours(words...).CombinedOutput(); err != nil {
		h.t.Fatalf("node %d: %v: %v\n%s", h.number, words, err, out)
	}
}

func (h *host) must(name string, args ...string) {
	h.t.Helper()
	if out, err := h.output(name, args...); err != nil {
		h.t.Fatalf("node %d: %s %v: %v\n%s", h.number, name, args, err, out)
	}
}

// apart keeps hosts 1 and 2 from each other, while both reach host 3.
func (h *host) apart(yes string) {
	run(h.t, "nsenter", "-t", fmt.Sprint(h.bridgePid), "-n", "sh", "-ec",
		fmt.Sprintf("bridge link set dev n1 isolated %[1]s; bridge link set dev n2 isolated %[1]s", yes))
}

// TestQuorumDevice has clusters of two nodes with a quorum device go through a split and a
// loss: with our device and the original's server, the other way round, and all ours.
func TestQuorumDevice(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	for _, p := range []string{"corosync-qnetd", "corosync-qdevice", "corosync-qnetd-certutil", "certutil", "pk12util"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(err)
		}
	}
	t.Parallel()
	for _, c := range []struct {
		name                   string
		realServer, realDevice bool
		realCorosync           bool
		tls                    bool
		algorithm, votes       string
	}{
		{name: "ours", algorithm: "ffsplit", votes: "votes: 1"},
		{name: "ours-lms-tls", tls: true, algorithm: "lms"},
		{name: "their-server", realServer: true, algorithm: "ffsplit", votes: "votes: 1"},
		{name: "their-server-tls", realServer: true, tls: true, algorithm: "ffsplit", votes: "votes: 1"},
		{name: "their-device", realDevice: true, realCorosync: true, algorithm: "ffsplit", votes: "votes: 1"},
		{name: "their-device-tls", realDevice: true, tls: true, algorithm: "lms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tls := "off"
			if c.tls {
				tls = "required"
			}
			h := hosts(t, 3, func(string) string {
				return fmt.Sprintf(`totem {
version: 2
cluster_name: proof
token: 1000
transport: udpu
}
nodelist {
node {
ring0_addr: 10.98.0.1
nodeid: 1
name: n1
}
node {
ring0_addr: 10.98.0.2
nodeid: 2
name: n2
}
}
quorum {
provider: corosync_votequorum
device {
model: net
timeout: 4000
sync_timeout: 6000
%s
net {
host: 10.98.0.3
tls: %s
algorithm: %s
}
}
}
logging {
to_stderr: yes
to_syslog: no
}
`, c.votes, tls, c.algorithm)
			})
			if c.tls {
				certificates(h, c.realServer, c.realDevice)
			}
			switch {
			case c.realServer && c.tls:
				h[2].launch(h[2].command("corosync-qnetd", "-f", "-d", "-s", "req"))
			case c.realServer:
				h[2].launch(h[2].command("corosync-qnetd", "-f", "-d", "-s", "off"))
			case c.tls:
				h[2].launch(h[2].ours("qnetd-tls"))
			default:
				h[2].launch(h[2].ours("qnetd"))
			}
			h[2].await(10*time.Second, func(out string) bool { return strings.Contains(out, "Connected clients:\t\t0") }, "corosync-qnetd-tool", "-s")
			var devices [2]*exec.Cmd
			for _, o := range h[:2] {
				o.start(c.realCorosync)
			}
			h[0].members(15*time.Second, 1, 2)
			for i, o := range h[:2] {
				devices[i] = o.ours("qdevice")
				if c.realDevice {
					devices[i] = o.command("corosync-qdevice", "-f", "-d")
				}
				o.launch(devices[i])
			}
			state := func(quorate string, votes int) func(string) bool {
				return func(out string) bool {
					return strings.Contains(out, "Quorate:          "+quorate) && strings.Contains(out, fmt.Sprintf("Total votes:      %d\n", votes))
				}
			}
			const limit = 30 * time.Second
			for _, o := range h[:2] {
				o.await(limit, state("Yes", 3), "corosync-quorumtool", "-s")
			}
			h[2].await(limit, func(out string) bool { return strings.Count(out, "Membership node list:\t1, 2") == 2 }, "corosync-qnetd-tool", "-l")
			h[0].await(limit, func(out string) bool { return strings.Contains(out, "State:\t\t\tConnected\n") }, "corosync-qdevice-tool", "-s", "-v")

			h[0].apart("on")
			h[0].await(limit, state("Yes", 2), "corosync-quorumtool", "-s")
			h[1].await(limit, state("No", 1), "corosync-quorumtool", "-s")
			h[0].apart("off")
			for _, o := range h[:2] {
				o.await(limit, state("Yes", 3), "corosync-quorumtool", "-s")
			}
			h[0].stop(syscall.SIGKILL)
			h[1].await(limit, state("Yes", 2), "corosync-quorumtool", "-s")
		})
	}
}

// certificates takes the steps of the certificates' paper work, each on its side's own program.
func certificates(h []*host, realServer, realDevice bool) {
	const server, node = quorumdevice.ServerCerts, quorumdevice.DeviceCerts
	carry := func(from *host, source string, to *host, target string) {
		h[0].t.Helper()
		b, err := os.ReadFile(strings.Replace(source, "/etc/corosync", from.dir+"/etc", 1))
		if err != nil {
			h[0].t.Fatal(err)
		}
		if err := os.WriteFile(strings.Replace(target, "/etc/corosync", to.dir+"/etc", 1), b, 0o600); err != nil {
			h[0].t.Fatal(err)
		}
	}
	if realServer {
		h[2].must("mkdir", "-p", "/etc/corosync/qnetd")
		h[2].must("corosync-qnetd-certutil", "-i")
	} else {
		h[2].mustOurs("init-server")
	}
	for _, o := range h[:2] {
		carry(h[2], server+"/"+quorumdevice.CACert, o, "/etc/corosync/ca.crt")
		if realDevice {
			o.must("corosync-qdevice-net-certutil", "-i", "-c", "/etc/corosync/ca.crt")
		} else {
			o.mustOurs("init", "/etc/corosync/ca.crt")
		}
	}
	if realDevice {
		h[0].must("corosync-qdevice-net-certutil", "-r", "-n", "proof")
	} else {
		h[0].mustOurs("request", "proof")
	}
	carry(h[0], node+"/"+quorumdevice.Request, h[2], "/etc/corosync/node.crq")
	if realServer {
		h[2].must("corosync-qnetd-certutil", "-s", "-c", "/etc/corosync/node.crq", "-n", "proof")
	} else {
		h[2].mustOurs("sign", "/etc/corosync/node.crq", "proof", server+"/cluster-proof.crt")
	}
	carry(h[2], server+"/cluster-proof.crt", h[0], "/etc/corosync/cluster.crt")
	if realDevice {
		h[0].must("corosync-qdevice-net-certutil", "-M", "-c", "/etc/corosync/cluster.crt")
	} else {
		h[0].mustOurs("import", "/etc/corosync/cluster.crt")
	}
	carry(h[0], node+"/"+quorumdevice.Bundle, h[1], "/etc/corosync/bundle.p12")
	if realDevice {
		h[1].must("corosync-qdevice-net-certutil", "-m", "-c", "/etc/corosync/bundle.p12")
	} else {
		h[1].mustOurs("bundle", "/etc/corosync/bundle.p12")
	}
}
