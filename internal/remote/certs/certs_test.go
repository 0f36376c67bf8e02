package certs

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"testing"
	"time"
)

// authority makes an authority, and files with a certificate of it, number 2; revoked writes a list of certificates that it took back.
func authority(t *testing.T) (files Files, revoked func(until time.Time, serials ...int64) string) {
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
			IsCA: ca, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{byte(serial)},
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
	lists := 0
	files = Files{CA: write("ca.pem", "CERTIFICATE", caDER), Cert: write("cert.pem", "CERTIFICATE", der), Key: write("key.pem", "EC PRIVATE KEY", keyDER)}
	return files, func(until time.Time, serials ...int64) string {
		list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: until}
		for _, n := range serials {
			list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(n), RevocationTime: time.Now()})
		}
		der, err := x509.CreateRevocationList(rand.Reader, list, ca, caKey)
		if err != nil {
			t.Fatal(err)
		}
		lists++
		return write(fmt.Sprintf("crl%d.pem", lists), "X509 CRL", der)
	}
}

func TestCertificates(t *testing.T) {
	ours, ourList := authority(t)
	theirs, theirList := authority(t)
	mixed := theirs
	mixed.CA = ours.CA // trusts us, and is not trusted
	with := func(f Files, list string) Files {
		f.Revoked = list
		return f
	}
	soon := time.Now().Add(time.Hour)
	for _, c := range []struct {
		name           string
		client, server Files
		ok             bool
	}{
		{"of one authority", ours, ours, true},
		{"a client of another", mixed, ours, false},
		{"a server of another", ours, mixed, false},
		{"none of it is revoked", ours, with(ours, ourList(soon, 7)), true},
		{"a client that is revoked", ours, with(ours, ourList(soon, 7, 2)), false},
		{"a server that is revoked", with(ours, ourList(soon, 2)), ours, false},
		{"a list that is out of date", ours, with(ours, ourList(time.Now().Add(-time.Minute), 7)), false},
		{"a list that another authority of the name signed", ours, with(ours, theirList(soon, 7)), false},
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
			conn, err := c.server.Server(ctx, b)
			if err == nil {
				_, err = conn.Write([]byte("hello"))
			}
			b.Close()
			served <- err
		}()
		conn, err := c.client.Client(ctx, a)
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
	if _, err := broken.Client(context.Background(), nil); !errors.Is(err, ErrOwn) {
		t.Errorf("without a certificate: %v", err)
	}
}
