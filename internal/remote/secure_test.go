package remote

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"testing"
	"time"
)

// authority makes an authority, and settings with a certificate of it.
func authority(t *testing.T) Settings {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := dir + "/" + name
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	make1 := func(serial int64, ca bool, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, []byte) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "any name"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IsCA: ca, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		}
		if parent == nil {
			parent, signer = c, key
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		return c, key, der
	}
	ca, caKey, caDER := make1(1, true, nil, nil)
	_, key, der := make1(2, false, ca, caKey)
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Settings{CA: write("ca.pem", "CERTIFICATE", caDER), Cert: write("cert.pem", "CERTIFICATE", der), Owner: write("key.pem", "EC PRIVATE KEY", keyDER)}
}

func TestCertificates(t *testing.T) {
	ours, theirs := authority(t), authority(t)
	mixed := theirs
	mixed.CA = ours.CA // trusts us, and is not trusted
	for _, c := range []struct {
		name           string
		client, server Settings
		ok             bool
	}{
		{"of one authority", ours, ours, true},
		{"a client of another", mixed, ours, false},
		{"a server of another", ours, mixed, false},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		a, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		b, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		served := make(chan error, 1)
		go func() {
			conn, err := c.server.Accept(ctx, b)
			if err == nil {
				_, err = conn.Write([]byte("hello"))
			}
			b.Close()
			served <- err
		}()
		conn, err := c.client.Secure(ctx, a)
		if err == nil {
			_, err = io.ReadFull(conn, make([]byte, 5))
		}
		a.Close()
		serr := <-served
		cancel()
		if (err == nil && serr == nil) != c.ok {
			t.Errorf("%s: client %v, server %v", c.name, err, serr)
		}
	}
	broken := ours
	broken.Cert = "/nowhere"
	if _, err := broken.Secure(context.Background(), nil); !errors.Is(err, ErrNoKey) {
		t.Errorf("without a certificate: %v", err)
	}
}
