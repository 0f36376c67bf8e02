package quorumdevice

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"hacluster/internal/nssdb"

	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// Files of certificates. The originals keep theirs in an NSS database in the same
// folders; the files that are carried between hosts have the originals' names and formats.
const (
	CACert     = "qnetd-cacert.crt"     // carried from the server to the nodes
	Request    = "qdevice-net-node.crq" // carried from a node to the server, PKCS #10
	Bundle     = "qdevice-net-node.p12" // carried between the nodes, PKCS #12 without password
	caKey      = "ca.key"
	serverCert = "server.crt"
	serverKey  = "server.key"
	nodeCert   = "cluster.crt"
	nodeKey    = "cluster.key"
)

// mark is a file of NSS's databases by whose name the original pcs knows that a folder was initialised; programs of ours take it from there.
const mark = "pkcs11.txt"

const marked = "# The certificates are in the files beside this one. Its name tells the original pcs that they are there.\n"

// validity is how long certificates hold, as with the originals: 1200 months.
const validity = 100 * 365 * 24 * time.Hour

// ErrExists is what InitServer and InitNode say where there is something already.
var ErrExists = errors.New("certificate database already exists")

// ErrNone is wrapped by the errors about a folder that was never initialised.
var ErrNone = errors.New("certificate database doesn't exist")

// Initialized tells whether a folder has the certificates of a server or a node.
func Initialized(dir string) bool {
	for _, f := range []string{CACert, "cert9.db", "cert8.db"} {
		if _, err := os.Stat(filepath.Join(dir, f)); err == nil {
			return true
		}
	}
	return false
}

// InitServer makes a server's own authority and certificate.
func InitServer(dir string) error {
	if Initialized(dir) {
		return ErrExists
	}
	if err := os.MkdirAll(dir, 0o770); err != nil {
		return err
	}
	ca, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template, err := template("QNet CA")
	if err != nil {
		return err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	root, err := x509.CreateCertificate(rand.Reader, template, template, ca.Public(), ca)
	if err != nil {
		return err
	}
	issuer, err := x509.ParseCertificate(root)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	cert, err := issue(ServerName, key.Public(), issuer, ca)
	if err != nil {
		return err
	}
	return errors.Join(
		writeKey(filepath.Join(dir, caKey), ca), writeKey(filepath.Join(dir, serverKey), key),
		writeCert(filepath.Join(dir, serverCert), cert), writeCert(filepath.Join(dir, CACert), root), write(filepath.Join(dir, mark), []byte(marked), 0o660))
}

func template(name string) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(validity),
	}, nil
}

func issue(name string, public any, issuer *x509.Certificate, key crypto.Signer) ([]byte, error) {
	t, err := template(name)
	if err != nil {
		return nil, err
	}
	t.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	return x509.CreateCertificate(rand.Reader, t, issuer, public, key)
}

// Sign signs a node's request for a cluster and gives the certificate, DER.
func Sign(dir string, request []byte, cluster string) ([]byte, error) {
	if cluster == "" {
		return nil, errors.New("no cluster name")
	}
	issuer, err := readCert(dir, CACert)
	if err != nil {
		return nil, err
	}
	key, err := readKey(dir, caKey)
	if err != nil {
		return nil, err
	}
	r, err := x509.ParseCertificateRequest(plain(request))
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	if err := r.CheckSignature(); err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	if r.Subject.CommonName != cluster {
		return nil, fmt.Errorf("certificate request: it is for cluster %q, not %q", r.Subject.CommonName, cluster)
	}
	return issue(cluster, r.PublicKey, issuer, key)
}

// InitNode takes a server's authority over.
func InitNode(dir string, ca []byte) error {
	if Initialized(dir) {
		return ErrExists
	}
	cert, err := x509.ParseCertificate(plain(ca))
	if err != nil {
		return fmt.Errorf("CA certificate: %w", err)
	}
	if err := os.MkdirAll(dir, 0o770); err != nil {
		return err
	}
	return errors.Join(writeCert(filepath.Join(dir, CACert), cert.Raw), write(filepath.Join(dir, mark), []byte(marked), 0o660))
}

// NewRequest makes a key for a cluster, and the request for its certificate (PKCS #10,
// DER), which is kept in the folder as well.
func NewRequest(dir, cluster string) ([]byte, error) {
	if _, err := readCert(dir, CACert); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	r, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: cluster}}, key)
	if err != nil {
		return nil, err
	}
	return r, errors.Join(writeKey(filepath.Join(dir, nodeKey), key), write(filepath.Join(dir, Request), r, 0o660))
}

// ImportSigned takes the certificate for this folder's key, and gives both as a PKCS #12
// bundle for the other nodes, which is kept in the folder as well.
func ImportSigned(dir string, cert []byte) ([]byte, error) {
	ca, err := readCert(dir, CACert)
	if err != nil {
		return nil, err
	}
	key, err := readKey(dir, nodeKey)
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(plain(cert))
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if err := fits(c, key, ca); err != nil {
		return nil, err
	}
	if err := writeCert(filepath.Join(dir, nodeCert), c.Raw); err != nil {
		return nil, err
	}
	b, err := pkcs12.Modern.Encode(key, c, []*x509.Certificate{ca}, "")
	if err != nil {
		return nil, err
	}
	return b, write(filepath.Join(dir, Bundle), b, 0o660)
}

// ImportBundle takes a bundle of another node's ImportSigned, or of the original's.
func ImportBundle(dir string, bundle []byte) error {
	ca, err := readCert(dir, CACert)
	if err != nil {
		return err
	}
	signer, c, err := nssdb.Bundle(bundle)
	if err != nil {
		return fmt.Errorf("PKCS #12 certificate: %w", err)
	}
	if err := fits(c, signer, ca); err != nil {
		return err
	}
	return errors.Join(writeKey(filepath.Join(dir, nodeKey), signer), writeCert(filepath.Join(dir, nodeCert), c.Raw))
}

// fits checks that a certificate is for a key and from an authority.
func fits(c *x509.Certificate, key crypto.Signer, ca *x509.Certificate) error {
	public, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(key.Public()) {
		return errors.New("the certificate is not for this node's key")
	}
	if err := c.CheckSignatureFrom(ca); err != nil {
		return fmt.Errorf("the certificate is not from this server: %w", err)
	}
	return nil
}

// ServerTLS is how a server speaks TLS.
func ServerTLS(dir string, clientCert bool) (*tls.Config, error) {
	ca, pair, err := loadPair(dir, serverCert, serverKey)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if clientCert {
		// Usage flags are not looked at: the originals' certificates have none.
		c.ClientAuth = tls.RequireAnyClientCert
		c.VerifyPeerCertificate = func(raw [][]byte, _ [][]*x509.Certificate) error { return verify(raw, ca, "") }
	}
	return c, nil
}

// DeviceTLS is how a node speaks TLS.
func DeviceTLS(dir string) (*tls.Config, error) {
	ca, pair, err := loadPair(dir, nodeCert, nodeKey)
	if errors.Is(err, ErrNone) {
		if ca, err = readCert(dir, CACert); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	c := &tls.Config{
		MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, ServerName: ServerName,
		// The name in the certificate is a server's role, not its host.
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error { return verify(raw, ca, ServerName) },
	}
	if len(pair.Certificate) > 0 {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return c, nil
}

// verify checks a peer's certificate; name is its common name, "" for any.
func verify(raw [][]byte, ca *x509.Certificate, name string) error {
	if len(raw) == 0 {
		return errors.New("the peer has no certificate")
	}
	c, err := x509.ParseCertificate(raw[0])
	if err != nil {
		return err
	}
	if err := c.CheckSignatureFrom(ca); err != nil {
		return err
	}
	now := time.Now()
	switch {
	case now.Before(c.NotBefore) || now.After(c.NotAfter):
		return fmt.Errorf("the peer's certificate holds from %s to %s", c.NotBefore, c.NotAfter)
	case name != "" && c.Subject.CommonName != name:
		return fmt.Errorf("the peer's certificate is for %q, not %q", c.Subject.CommonName, name)
	}
	return nil
}

func loadPair(dir, cert, key string) (*x509.Certificate, tls.Certificate, error) {
	ca, err := readCert(dir, CACert)
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	c, err := readCert(dir, cert)
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	k, err := readKey(dir, key)
	return ca, tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: k, Leaf: c}, err
}

// nicknames are what the original calls the certificates in its databases, and the files that have them here.
var nicknames = []struct{ nickname, cert, key string }{
	{"QNetd Cert", serverCert, serverKey}, {"QNet CA", CACert, caKey}, {"Cluster Cert", nodeCert, nodeKey},
}

// read reads a file of a folder. What only a database of the original's has is written beside it first.
func read(dir, name string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	if !nssdb.Present(dir) {
		return nil, fmt.Errorf("%w: %s", ErrNone, filepath.Join(dir, name))
	}
	switch err := takeOver(dir, name); {
	case errors.Is(err, nssdb.ErrNone):
		return nil, fmt.Errorf("%w: %s: %w", ErrNone, filepath.Join(dir, name), err)
	case err != nil:
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, name))
}

// takeOver writes a file with what the folder's database has of it.
func takeOver(dir, name string) error {
	ctx := context.Background()
	for _, n := range nicknames {
		switch name {
		case n.cert:
			c, err := nssdb.Certificate(ctx, dir, n.nickname)
			if err != nil {
				return err
			}
			return writeCert(filepath.Join(dir, name), c.Raw)
		case n.key:
			key, _, err := nssdb.Pair(ctx, dir, n.nickname)
			if err != nil {
				return err
			}
			return writeKey(filepath.Join(dir, name), key)
		}
	}
	return fmt.Errorf("%w in %s: %s", nssdb.ErrNone, dir, name)
}

// plain is the DER inside PEM, or the bytes as they are. The originals' files have
// text before the PEM.
func plain(b []byte) []byte {
	if p, _ := pem.Decode(b); p != nil {
		return p.Bytes
	}
	return b
}

func readCert(dir, name string) (*x509.Certificate, error) {
	b, err := read(dir, name)
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(plain(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
	}
	return c, nil
}

func readKey(dir, name string) (crypto.Signer, error) {
	b, err := read(dir, name)
	if err != nil {
		return nil, err
	}
	k, err := x509.ParsePKCS8PrivateKey(plain(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
	}
	signer, ok := k.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s: the key cannot sign", filepath.Join(dir, name))
	}
	return signer, nil
}

func writeKey(file string, key crypto.Signer) error {
	b, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return write(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b}), 0o600)
}

func writeCert(file string, der []byte) error {
	return write(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o660)
}

// write puts a file in place whole.
func write(file string, data []byte, mode fs.FileMode) error {
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, data) {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".new")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone after the rename
	if err = f.Chmod(mode); err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
