package client

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

// MakeCert makes a certificate for pcsd that vouches for itself, for ten years; both parts are PEM.
func MakeCert(name string, now time.Time) (cert, key []byte, err error) {
	k, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		return nil, nil, err
	}
	who := pkix.Name{
		Country: []string{"US"}, Province: []string{"MN"}, Locality: []string{"Minneapolis"},
		Organization: []string{"pcsd"}, OrganizationalUnit: []string{"pcsd"}, CommonName: name,
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixMilli()), Subject: who, Issuer: who,
		NotBefore: now, NotAfter: now.AddDate(0, 0, 3650), SignatureAlgorithm: x509.SHA256WithRSA,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &k.PublicKey, k)
	if err != nil {
		return nil, nil, err
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	key = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)})
	return cert, key, nil
}
