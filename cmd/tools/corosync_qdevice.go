package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"hacluster/internal/program"
	"hacluster/internal/quorumdevice"
)

func init() {
	programs["corosync-qdevice-tool"] = func(ctx context.Context, env *program.Env) int {
		return quorumDeviceTool(ctx, env, "Hhsvp:", "[-Hhsv] [-p qdevice_ipc_socket_path]", quorumdevice.DeviceSocket,
			"Can't connect to QDevice socket (is QDevice running?)")
	}
	programs["corosync-qnetd-tool"] = func(ctx context.Context, env *program.Env) int {
		return quorumDeviceTool(ctx, env, "Hhlsvc:p:", "[-Hhlsv] [-c cluster_name] [-p qnetd_ipc_socket_path]", quorumdevice.ServerSocket,
			"Can't connect to qnetd socket (is QNetd running?)")
	}
	programs["corosync-qnetd-certutil"] = qnetdCertutil
	programs["corosync-qdevice-net-certutil"] = qdeviceCertutil
}

// Exit codes of the two tools.
const (
	qtoolUsage   = 1
	qtoolConnect = 3
	qtoolRefused = 4
)

func quorumDeviceTool(ctx context.Context, env *program.Env, letters, forms, socket, absent string) int {
	usage := func() int {
		fmt.Fprintf(env.Stdout, "usage: %s %s\n", env.Name(), forms)
		return qtoolUsage
	}
	opts, _, err := getopt(env, letters, nil)
	if err != nil {
		fmt.Fprintln(env.Stderr, err)
		return usage()
	}
	verb, verbose, cluster := "", false, ""
	for _, o := range opts {
		switch o.letter {
		case 'H':
			verb = "shutdown"
		case 'l':
			verb = "list"
		case 's':
			verb = "status"
		case 'v':
			verbose = true
		case 'c':
			cluster = o.value
		case 'p':
			socket = o.value
		case 'h':
			return usage()
		}
	}
	if verb == "" {
		return usage()
	}
	err = quorumdevice.Ask(ctx, socket, verb, verbose, cluster, env.Stdout)
	var refused quorumdevice.Refused
	var dial *net.OpError
	switch {
	case errors.As(err, &refused):
		fmt.Fprintf(env.Stderr, "Error: %s", refused.Error())
		return qtoolRefused
	case errors.As(err, &dial) && dial.Op == "dial":
		fmt.Fprintf(env.Stderr, "%s: %s: %s\n", env.Name(), absent, reason(err))
		return qtoolConnect
	case err != nil:
		fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name(), err)
		return qtoolConnect
	}
	return 0
}

// reason is the system's word for an error.
func reason(err error) string {
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		s := sys.Err.Error()
		return strings.ToUpper(s[:1]) + s[1:]
	}
	return err.Error()
}

// certutil is what both programs for certificates share: the options, and the complaints.
type certutil struct {
	env           *program.Env
	verb          byte
	file, cluster string
	words         []string
}

// parse reads the command line; done tells that the program ends with code.
func (c *certutil) parse(verbs, letters, usage string) (code int, done bool) {
	opts, words, err := getopt(c.env, verbs+letters, nil)
	if err != nil {
		fmt.Fprintln(c.env.Stderr, err)
		return 1, true
	}
	c.words = words
	for _, o := range opts {
		switch {
		case o.letter == 'c':
			c.file = o.value
		case o.letter == 'n':
			c.cluster = o.value
		case strings.IndexByte(verbs, o.letter) >= 0:
			c.verb = o.letter
		}
	}
	if c.verb == 0 || c.verb == 'h' {
		fmt.Fprintf(c.env.Stdout, "%s: %s", c.env.Args[0], usage)
		return 0, true
	}
	return 0, false
}

// input reads the file of -c.
func (c *certutil) input() ([]byte, error) {
	b, err := os.ReadFile(c.file)
	if err != nil {
		return nil, fault{2, "Can't open certificate file " + c.file}
	}
	return b, nil
}

func (c *certutil) needCluster() error {
	if c.cluster == "" {
		return fault{2, "You have to specify cluster name"}
	}
	return nil
}

// fault is a complaint with its exit code.
type fault struct {
	code int
	text string
}

func (f fault) Error() string { return f.text }

func (c *certutil) end(err error) int {
	if err == nil {
		return 0
	}
	var f fault
	switch {
	case errors.As(err, &f):
		fmt.Fprintln(c.env.Stderr, f.text)
		return f.code
	case errors.Is(err, quorumdevice.ErrNone):
		fmt.Fprintf(c.env.Stderr, "Certificate database doesn't exists. Use %s -i to create it\n", c.env.Args[0])
	default:
		fmt.Fprintln(c.env.Stderr, err)
	}
	return 1
}

func qnetdCertutil(_ context.Context, env *program.Env) int {
	c := &certutil{env: env}
	if code, done := c.parse("ihs", "Gc:n:", `[-i|-s] [-c certificate] [-G] [-n cluster_name]

 -i                  Make the server's own CA and certificate
 -s                  Sign a cluster's certificate request
 -c certificate      File with the request
 -G                  Taken for the original's sake: files are never writable for the group
 -n cluster_name     Name of the cluster (for -s)
`); done {
		return code
	}
	const dir = quorumdevice.ServerCerts
	if c.verb == 'i' {
		err := quorumdevice.InitServer(dir)
		if errors.Is(err, quorumdevice.ErrExists) {
			err = fault{1, "Certificate database (" + dir + ") already exists. Delete it to initialize new db"}
		}
		if err == nil {
			fmt.Fprintf(env.Stdout, "QNetd CA certificate is exported as %s\n", filepath.Join(dir, quorumdevice.CACert))
		}
		return c.end(err)
	}
	request, err := c.input()
	if err == nil {
		err = c.needCluster()
	}
	if err != nil {
		return c.end(err)
	}
	if strings.ContainsRune(c.cluster, '/') {
		return c.end(fault{2, "A cluster name has no slash"})
	}
	_, _ = io.WriteString(env.Stdout, "Signing cluster certificate\n")
	cert, err := quorumdevice.Sign(dir, request, c.cluster)
	if err != nil {
		return c.end(err)
	}
	file := filepath.Join(dir, "cluster-"+c.cluster+".crt")
	if err := os.WriteFile(file, cert, 0o640); err != nil {
		return c.end(err)
	}
	fmt.Fprintf(env.Stdout, "Certificate stored in %s\n", file)
	return 0
}

func qdeviceCertutil(ctx context.Context, env *program.Env) int {
	c := &certutil{env: env}
	if code, done := c.parse("hiMmQr", "c:S:C:n:", `[-i|-m|-M|-r|-Q] [-c certificate] [-n cluster_name] [server node…]

 -i      Take the server's CA over (-c, the file that corosync-qnetd-certutil -i names)
 -r      Make a request for the cluster's certificate
 -M      Take the signed certificate, and write a PKCS #12 file for the other nodes
 -m      Take the PKCS #12 file of another node
 -Q      Do all of it over ssh as root, on the server and on the cluster's nodes (pcs quorum device add does it over pcsd)

 -c certificate      CA, certificate or PKCS #12 file
 -n cluster_name     Name of the cluster (for -r and -Q)
`); done {
		return code
	}
	const dir = quorumdevice.DeviceCerts
	switch c.verb {
	case 'Q':
		return c.end(c.quick(ctx))
	case 'r':
		err := c.needCluster()
		if err == nil {
			_, _ = io.WriteString(env.Stdout, "Creating new certificate request\n")
			_, err = quorumdevice.NewRequest(dir, c.cluster)
		}
		if err == nil {
			fmt.Fprintf(env.Stdout, "Certificate request stored in %s\n", filepath.Join(dir, quorumdevice.Request))
		}
		return c.end(err)
	}
	data, err := c.input()
	if err != nil {
		return c.end(err)
	}
	switch c.verb {
	case 'i':
		err = quorumdevice.InitNode(dir, data)
		if errors.Is(err, quorumdevice.ErrExists) {
			err = fault{1, "Certificate database already exists. Delete it to continue"}
		}
	case 'M':
		_, _ = io.WriteString(env.Stdout, "Importing signed cluster certificate\n")
		if _, err = quorumdevice.ImportSigned(dir, data); err == nil {
			fmt.Fprintf(env.Stdout, "Certificate stored in %s\n", filepath.Join(dir, quorumdevice.Bundle))
		}
	case 'm':
		_, _ = io.WriteString(env.Stdout, "Importing cluster certificate and key\n")
		err = quorumdevice.ImportBundle(dir, data)
	}
	return c.end(err)
}
