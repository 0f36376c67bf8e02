// Package certs is TLS between hosts where both ends have a certificate of one authority, the
// cluster's own, as Pacemaker Remote and remote access to the CIB use it.
package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"
)

// Files are the files of an end, in PEM; Revoked is optional.
type Files struct {
	CA, Cert, Key string
	Revoked       string // lists of certificates that the authority took back
}

// FromEnv reads the files from the variables that Pacemaker has for them, with a prefix: PCMK_ca_file,
// PCMK_cert_file, PCMK_key_file and PCMK_crl_file.
func FromEnv(getenv func(string) string, prefix string) Files {
	return Files{getenv(prefix + "ca_file"), getenv(prefix + "cert_file"), getenv(prefix + "key_file"), getenv(prefix + "crl_file")}
}

// Or fills what is not set from others.
func (f Files) Or(o Files) Files {
	for _, p := range []struct {
		to   *string
		from string
	}{{&f.CA, o.CA}, {&f.Cert, o.Cert}, {&f.Key, o.Key}, {&f.Revoked, o.Revoked}} {
		if *p.to == "" {
			*p.to = p.from
		}
	}
	return f
}

// Set tells whether certificates are to be used.
func (f Files) Set() bool { return f.CA != "" && f.Cert != "" && f.Key != "" }

// ErrOwn is wrapped by errors about this end's own files.
var ErrOwn = errors.New("the certificates of this host cannot be used")

// Client makes a connection a secure one, as the end that called, until ctx ends.
func (f Files) Client(ctx context.Context, raw net.Conn) (net.Conn, error) {
	return f.connect(ctx, raw, tls.Client)
}

// Server makes a connection a secure one, as the end that was called, until ctx ends.
func (f Files) Server(ctx context.Context, raw net.Conn) (net.Conn, error) {
	return f.connect(ctx, raw, tls.Server)
}

// Check tells what is wrong with the files, nil if they can be used.
func (f Files) Check() error {
	_, err := f.config()
	return err
}

func (f Files) connect(ctx context.Context, raw net.Conn, end func(net.Conn, *tls.Config) *tls.Conn) (net.Conn, error) {
	config, err := f.config()
	if err != nil {
		return nil, err
	}
	conn := end(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return conn, nil
}

// config reads the files, anew for each connection: they may be changed while a daemon runs. The other end's certificate has to
// come from our authority and not be taken back; the name in it does not matter, since nodes are reached by any of their addresses.
func (f Files) config() (*tls.Config, error) {
	own, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOwn, err)
	}
	text, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOwn, err)
	}
	authority := x509.NewCertPool()
	if !authority.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%w: %s holds no certificate", ErrOwn, f.CA)
	}
	revoked, err := f.revoked()
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true,
		ClientAuth: tls.RequireAnyClientCert, InsecureSkipVerify: true, // the check is below
		VerifyConnection: func(st tls.ConnectionState) error {
			if len(st.PeerCertificates) == 0 {
				return errors.New("the other end has no certificate")
			}
			between := x509.NewCertPool()
			for _, c := range st.PeerCertificates[1:] {
				between.AddCert(c)
			}
			chains, err := st.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: authority, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
			if err != nil {
				return err
			}
			for _, chain := range chains {
				if err = inForce(chain, revoked, time.Now()); err == nil {
					return nil
				}
			}
			return err
		},
	}, nil
}

// revoked reads the lists of what was taken back.
func (f Files) revoked() ([]*x509.RevocationList, error) {
	if f.Revoked == "" {
		return nil, nil
	}
	text, err := os.ReadFile(f.Revoked)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOwn, err)
	}
	var lists []*x509.RevocationList
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "X509 CRL" {
			continue
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrOwn, f.Revoked, err)
		}
		lists = append(lists, list)
	}
	if len(lists) == 0 {
		return nil, fmt.Errorf("%w: %s holds no list of revoked certificates", ErrOwn, f.Revoked)
	}
	return lists, nil
}

// inForce tells whether nothing in a chain was taken back by who issued it, nil if so. A list that is out of date may lack
// what it should tell: then nothing that its authority issued is taken.
func inForce(chain []*x509.Certificate, lists []*x509.RevocationList, now time.Time) error {
	for i, c := range chain[:len(chain)-1] {
		issuer := chain[i+1]
		var unsure error
		found := false
		for _, l := range lists {
			if !bytes.Equal(l.RawIssuer, issuer.RawSubject) {
				continue
			}
			if err := l.CheckSignatureFrom(issuer); err != nil {
				unsure = fmt.Errorf("the list of revoked certificates of %q: %w", issuer.Subject, err)
				continue
			}
			if !l.NextUpdate.IsZero() && now.After(l.NextUpdate) {
				return fmt.Errorf("the list of revoked certificates of %q is out of date", issuer.Subject)
			}
			found = true
			if slices.ContainsFunc(l.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool { return e.SerialNumber.Cmp(c.SerialNumber) == 0 }) {
				return fmt.Errorf("the certificate of %q is revoked", c.Subject)
			}
		}
		if !found && unsure != nil {
			return unsure
		}
	}
	return nil
}
