// Package netdevice is the certificates between a cluster and the server of its quorum device of model net: what is
// done on the hosts themselves, by the programs corosync-qnetd-certutil and corosync-qdevice-net-certutil, and how pcs
// gets it done on all of them.
package netdevice

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/pattern"
)

// Folders with certificates, and the file of a server's authority.
const (
	ServerDir = "/etc/corosync/qnetd/nssdb"
	ClientDir = "/etc/corosync/qdevice/net/nssdb"
	caFile    = "qnetd-cacert.crt"
)

// Host is a host of a cluster or of a server.
type Host struct {
	Programs live.Programs
	// Server and Client are the folders, ServerDir and ClientDir if empty.
	Server, Client string
}

func (h Host) server() string {
	if h.Server != "" {
		return h.Server
	}
	return ServerDir
}

func (h Host) client() string {
	if h.Client != "" {
		return h.Client
	}
	return ClientDir
}

// initialized tells whether a folder holds certificates.
func initialized(dir string) bool {
	for _, f := range []string{caFile, "cert9.db", "key4.db", "pkcs11.txt", "cert8.db", "key3.db", "secmod.db"} {
		if _, err := os.Stat(filepath.Join(dir, f)); err == nil {
			return true
		}
	}
	return false
}

// ServerReady tells whether the host has a server's certificates.
func (h Host) ServerReady() bool { return initialized(h.server()) }

// ClientReady tells whether the host has a client's certificates.
func (h Host) ClientReady() bool { return initialized(h.client()) }

// The beginnings of errors.
const (
	notReady = "Quorum device 'net' has not been initialized yet"
	setup    = "Unable to initialize quorum device 'net': "
	destroy  = "Unable to destroy quorum device 'net': "
	reading  = "Unable to read quorum device certificate: "
	importer = "Unable to import quorum device certificate: "
	signing  = "Unable to sign quorum device certificate: "
)

func reason(err error) string {
	var pe *fs.PathError
	if !errors.As(err, &pe) {
		return err.Error()
	}
	text := pe.Err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + ": '" + pe.Path + "'"
}

func fail(what string, err error) error { return errors.New(what + reason(err)) }

func (h Host) run(ctx context.Context, what, name string, args ...string) (string, error) {
	r, err := h.Programs.Run(ctx, nil, "", name, args...)
	switch {
	case err != nil:
		return "", fail(what, err)
	case r.Code != 0:
		return "", errors.New(what + r.Complaint())
	}
	return r.Stdout, nil
}

// withFile runs a program on data, which programs take from files only.
func (h Host) withFile(ctx context.Context, what string, data []byte, name string, args ...string) (string, error) {
	f, err := os.CreateTemp("", "pcs-cert-*")
	if err != nil {
		return "", fail(what, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fail(what, err)
	}
	return h.run(ctx, what, name, append(args, "-c", f.Name())...)
}

var storedIn = pattern.Late(`(?m)^Certificate(?: request)? stored in (.+)$`)

// stored reads the file that a program says it made.
func stored(what, output string) ([]byte, error) {
	m := storedIn().FindAllStringSubmatch(output, -1)
	if m == nil {
		return nil, errors.New(what + strings.TrimSpace(output))
	}
	data, err := os.ReadFile(strings.TrimSpace(m[len(m)-1][1]))
	if err != nil {
		return nil, fail(what, err)
	}
	return data, nil
}

// Authority is the certificate of a server's authority.
func (h Host) Authority() ([]byte, error) {
	if !h.ServerReady() {
		return nil, errors.New(notReady)
	}
	data, err := os.ReadFile(filepath.Join(h.server(), caFile))
	if err != nil {
		return nil, fail(reading, err)
	}
	return data, nil
}

// Sign has a server sign a cluster's request.
func (h Host) Sign(ctx context.Context, request []byte, cluster string) ([]byte, error) {
	if !h.ServerReady() {
		return nil, errors.New(notReady)
	}
	out, err := h.withFile(ctx, signing, request, "corosync-qnetd-certutil", "-s", "-n", cluster)
	if err != nil {
		return nil, err
	}
	return stored(signing, out)
}

const clientTool = "corosync-qdevice-net-certutil"

// SetUp has a client trust a server's authority; what was there before is gone.
func (h Host) SetUp(ctx context.Context, authority []byte) error {
	if err := h.Destroy(); err != nil {
		return err
	}
	_, err := h.withFile(ctx, setup, authority, clientTool, "-i")
	return err
}

// Destroy removes a client's certificates.
func (h Host) Destroy() error {
	if !h.ClientReady() {
		return nil
	}
	if err := os.RemoveAll(h.client()); err != nil {
		return fail(destroy, err)
	}
	return nil
}

// Request makes a request for a cluster's certificate.
func (h Host) Request(ctx context.Context, cluster string) ([]byte, error) {
	if !h.ClientReady() {
		return nil, errors.New(notReady)
	}
	out, err := h.run(ctx, setup, clientTool, "-r", "-n", cluster)
	if err != nil {
		return nil, err
	}
	return stored(setup, out)
}

// Bundle makes of a signed certificate what the nodes of a cluster import, key and all.
func (h Host) Bundle(ctx context.Context, signed []byte) ([]byte, error) {
	if !h.ClientReady() {
		return nil, errors.New(notReady)
	}
	out, err := h.withFile(ctx, importer, signed, clientTool, "-M")
	if err != nil {
		return nil, err
	}
	return stored(importer, out)
}

// Import takes a bundle in.
func (h Host) Import(ctx context.Context, bundle []byte) error {
	if !h.ClientReady() {
		return errors.New(notReady)
	}
	_, err := h.withFile(ctx, importer, bundle, clientTool, "-m")
	return err
}
