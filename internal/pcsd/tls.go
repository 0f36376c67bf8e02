package pcsd

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hacluster/internal/pcsd/client"
)

// loadOrMake reads the certificate and key of a folder, made where either is missing.
func loadOrMake(dir, hostname string, now time.Time) (*tls.Certificate, error) {
	certFile, keyFile := filepath.Join(dir, "pcsd.crt"), filepath.Join(dir, "pcsd.key")
	cert, err1 := os.ReadFile(certFile)
	key, err2 := os.ReadFile(keyFile)
	for _, err := range []error{err1, err2} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the certificate cannot be read: %w", err)
		}
	}
	if err1 != nil || err2 != nil {
		var err error
		if cert, key, err = client.MakeCert(hostname, now); err != nil {
			return nil, err
		}
		if err := errors.Join(client.WriteSecret(certFile, cert), client.WriteSecret(keyFile, key)); err != nil {
			return nil, fmt.Errorf("the certificate cannot be stored: %w", err)
		}
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("SSL certificate '%s' and key '%s' do not fit: %w", certFile, keyFile, err)
	}
	return &pair, nil
}

// checkPair tells what is wrong with a certificate and a key, "" when nothing is.
func checkPair(cert, key string) string {
	problem := ""
	add := func(text string) {
		if problem != "" {
			problem += "; "
		}
		problem += text
	}
	block, _ := pem.Decode([]byte(cert))
	if block == nil {
		add("Invalid certificate: no PEM data found")
	} else if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		add("Invalid certificate: " + err.Error())
	}
	if block, _ := pem.Decode([]byte(key)); block == nil {
		add("Invalid key: no PEM data found")
	} else if !parsesAsKey(block.Bytes) {
		add("Invalid key: unknown form")
	}
	if problem != "" {
		return problem
	}
	if _, err := tls.X509KeyPair([]byte(cert), []byte(key)); err != nil {
		return "Certificate does not match the key"
	}
	return ""
}

func parsesAsKey(der []byte) bool {
	if _, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return true
	}
	_, err := x509.ParseECPrivateKey(der)
	return err == nil
}
