package netdevice

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"hacluster/internal/nssdb"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// SetUpLocal gives this host alone a certificate for a server.
func SetUpLocal(s *session.Session, server, cluster string) error {
	authority, err := ask(s, server, "remote/qdevice_net_get_ca_certificate", nil)
	if err != nil {
		return err
	}
	here := Local(s)
	wrong := func(err error) error { return s.Check(report.Errorf("%s", err)) }
	if err := here.SetUp(s.Ctx, authority); err != nil {
		return wrong(err)
	}
	request, err := here.Request(s.Ctx, cluster)
	if err != nil {
		return wrong(err)
	}
	signed, err := ask(s, server, "remote/qdevice_net_sign_node_certificate", url.Values{"certificate_request": {encoded(request)}, "cluster_name": {cluster}})
	if err != nil {
		return err
	}
	bundle, err := here.Bundle(s.Ctx, signed)
	if err != nil {
		return wrong(err)
	}
	if err := here.Import(s.Ctx, bundle); err != nil {
		return wrong(err)
	}
	return nil
}

// certificate reads a certificate, PEM or DER.
func certificate(data []byte) (*x509.Certificate, error) {
	if b, _ := pem.Decode(data); b != nil {
		data = b.Bytes
	}
	return x509.ParseCertificate(data)
}

// Holds tells whether the host has a certificate for a cluster and trusts an authority.
func (h Host) Holds(cluster string, authority []byte) (bool, error) {
	if !h.ClientReady() {
		return false, nil
	}
	var have [2]*x509.Certificate
	for i, c := range []struct{ file, nickname string }{{caFile, "QNet CA"}, {"cluster.crt", "Cluster Cert"}} {
		data, err := os.ReadFile(filepath.Join(h.client(), c.file))
		switch {
		case errors.Is(err, fs.ErrNotExist) && !nssdb.Present(h.client()):
			return false, nil
		case errors.Is(err, fs.ErrNotExist):
			have[i], err = nssdb.Certificate(context.Background(), h.client(), c.nickname)
		case err == nil:
			if have[i], err = certificate(data); err != nil {
				return false, errors.New("Unable to parse quorum device certificate")
			}
		}
		if err != nil {
			return false, fail(reading, err)
		}
	}
	want, err := certificate(authority)
	if err != nil {
		return false, errors.New("Unable to parse quorum device certificate")
	}
	return have[1].Subject.CommonName == cluster && bytes.Equal(have[0].Raw, want.Raw), nil
}

// CheckLocal tells whether this host has a certificate for a server.
func CheckLocal(s *session.Session, server, cluster string) (bool, error) {
	here := Local(s)
	if !here.ClientReady() {
		return false, nil
	}
	authority, err := ask(s, server, "remote/qdevice_net_get_ca_certificate", nil)
	if err != nil {
		return false, err
	}
	return here.Holds(cluster, authority)
}
