package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"hacluster/internal/quorumdevice"
)

// quick sets certificates up on a cluster's nodes and its quorum device's server over ssh, as root. The other hosts have the certificate programs
// of this project or Corosync's.
type quick struct {
	ctx     context.Context
	c       *certutil
	cluster string
	// ssh runs a shell's command line on a host, with input; what it writes comes back, its complaints go to the user.
	ssh func(host, input, command string) (output string, err error)
}

const (
	deviceCertTool = "corosync-qdevice-net-certutil"
	serverCertTool = "corosync-qnetd-certutil"
)

// overSSH is quick.ssh.
func (q *quick) overSSH(host, input, command string) (string, error) {
	cmd := exec.CommandContext(q.ctx, "ssh", "root@"+host, command)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, q.c.env.Stderr
	if input == "" {
		cmd.Stdin = os.Stdin // ssh may ask there
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s: %s ended with code %d", host, command, exit.ExitCode())
	}
	return out.String(), err
}

// run sets up server and nodes; the first of them makes the cluster's request.
func (q *quick) run(server string, nodes []string) error {
	const dir = quorumdevice.DeviceCerts
	for _, n := range nodes {
		if _, err := q.ssh(n, "", "[ -d "+dir+" ]"); err == nil {
			return fault{1, "Node " + n + " seems to be already initialized. Please delete " + dir}
		}
		if _, err := q.ssh(n, "", deviceCertTool+" > /dev/null"); err != nil {
			return fault{1, "Node " + n + " doesn't have " + deviceCertTool + " installed"}
		}
	}
	// A server that has certificates says so, and keeps them.
	told, _ := q.ssh(server, "", serverCertTool+" -i")
	q.tell(told)
	ca, err := q.ssh(server, "", "cat "+filepath.Join(quorumdevice.ServerCerts, quorumdevice.CACert))
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if err := q.with(n, ca, deviceCertTool+" -i"); err != nil {
			return err
		}
	}
	first, name := nodes[0], "'"+strings.ReplaceAll(q.cluster, "'", `'\''`)+"'"
	if told, err = q.ssh(first, "", deviceCertTool+" -r -n "+name); err != nil {
		return err
	}
	q.tell(told)
	request, err := q.ssh(first, "", "cat "+filepath.Join(dir, quorumdevice.Request))
	if err != nil {
		return err
	}
	if err := q.with(server, request, serverCertTool+" -s -n "+name); err != nil {
		return err
	}
	cert, err := q.ssh(server, "", "cat "+quorumdevice.ServerCerts+"/cluster-"+name+".crt")
	if err != nil {
		return err
	}
	if err := q.with(first, cert, deviceCertTool+" -M"); err != nil {
		return err
	}
	if len(nodes) == 1 {
		return nil
	}
	bundle, err := q.ssh(first, "", "cat "+filepath.Join(dir, quorumdevice.Bundle))
	if err != nil {
		return err
	}
	for _, n := range nodes[1:] {
		if err := q.with(n, bundle, deviceCertTool+" -m"); err != nil {
			return err
		}
	}
	return nil
}

// with runs a command on a host whose option -c names a file with the data, which nobody else may read and which goes again.
func (q *quick) with(host, data, command string) error {
	told, err := q.ssh(host, data, `f=$(mktemp) && cat > "$f" && `+command+` -c "$f"; r=$?; rm -f "$f"; exit $r`)
	q.tell(told)
	return err
}

func (q *quick) tell(text string) { say(q.c.env.Stdout, "%s", text) }

// quick is the option -Q.
func (c *certutil) quick(ctx context.Context) error {
	if err := c.needCluster(); err != nil {
		return err
	}
	switch {
	case strings.ContainsRune(c.cluster, '/'):
		return fault{2, "A cluster name has no slash"}
	case len(c.words) == 0:
		return fault{2, "No QNetd server address provided."}
	case len(c.words) == 1:
		return fault{2, "No nodes provided."}
	}
	for _, w := range c.words {
		if strings.HasPrefix(w, "-") || strings.ContainsAny(w, " \t\n") {
			return fault{2, w + " is no host"}
		}
	}
	q := &quick{ctx: ctx, c: c, cluster: c.cluster}
	q.ssh = q.overSSH
	return q.run(c.words[0], c.words[1:])
}
