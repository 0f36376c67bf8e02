package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"time"

	"hacluster/internal/tlspsk"
)

// Identity is the one that all ends of Pacemaker Remote use with their key.
const Identity = "lrmd"

// DefaultKey is where the key is, unless the settings say otherwise.
const DefaultKey = "/etc/pacemaker/authkey"

// DefaultPort is the port, unless the settings say otherwise.
const DefaultPort = 3121

// ErrNoKey tells that this host has no key: nothing can be reached before it has.
var ErrNoKey = errors.New("Required key not available")

// ErrKeyRejected tells that the other end has another key, or does not know us.
var ErrKeyRejected = errors.New("Key was rejected by service")

// Settings are how this host secures its connections, from Pacemaker's variables
// PCMK_authkey_location, PCMK_remote_port, PCMK_remote_address, PCMK_ca_file,
// PCMK_cert_file and PCMK_key_file.
type Settings struct {
	Key             string // file
	Address         string // to listen at; "" is all
	Port            int
	CA, Cert, Owner string // files: with all three set, certificates take the key's place
}

// SettingsFrom reads the settings from the environment.
func SettingsFrom(getenv func(string) string) (Settings, error) {
	s := Settings{Key: DefaultKey, Port: DefaultPort, Address: getenv("PCMK_remote_address"), CA: getenv("PCMK_ca_file"), Cert: getenv("PCMK_cert_file"), Owner: getenv("PCMK_key_file")}
	if f := getenv("PCMK_authkey_location"); f != "" {
		s.Key = f
	}
	if p := getenv("PCMK_remote_port"); p != "" {
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 || n > 65535 {
			return s, fmt.Errorf("PCMK_remote_port: %q is no port", p)
		}
		s.Port = n
	}
	return s, nil
}

func (s Settings) certificates() bool { return s.CA != "" && s.Cert != "" && s.Owner != "" }

// key reads the key anew each time: it may come, or be changed, while this process runs.
func (s Settings) key() ([]byte, error) {
	data, err := os.ReadFile(s.Key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s does not exist", ErrNoKey, s.Key)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrNoKey, err)
	case len(data) == 0:
		return nil, fmt.Errorf("%w: %s is empty", ErrNoKey, s.Key)
	}
	return data, nil
}

const handshakeLimit = 10 * time.Second

// Secure makes a connection a secure one, as the end that called. Errors wrap ErrNoKey
// and ErrKeyRejected.
func (s Settings) Secure(ctx context.Context, raw net.Conn) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	if s.certificates() {
		return s.withCertificates(ctx, raw, tls.Client)
	}
	key, err := s.key()
	if err != nil {
		return nil, err
	}
	c, err := tlspsk.Client(ctx, raw, Identity, key)
	if errors.Is(err, tlspsk.ErrKey) || errors.Is(err, tlspsk.ErrIdentity) {
		return nil, fmt.Errorf("%w: %w", ErrKeyRejected, err)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Accept makes a connection a secure one, as the end that was called.
func (s Settings) Accept(ctx context.Context, raw net.Conn) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	if s.certificates() {
		return s.withCertificates(ctx, raw, tls.Server)
	}
	key, err := s.key()
	if err != nil {
		return nil, err
	}
	c, err := tlspsk.Server(ctx, raw, func(identity string) ([]byte, error) {
		if identity != Identity {
			return nil, fmt.Errorf("identity %q is not known", identity)
		}
		return key, nil
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// withCertificates checks that the other end's certificate comes from our authority; the
// name in it does not matter, since nodes are reached by any of their addresses.
func (s Settings) withCertificates(ctx context.Context, raw net.Conn, make func(net.Conn, *tls.Config) *tls.Conn) (net.Conn, error) {
	own, err := tls.LoadX509KeyPair(s.Cert, s.Owner)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	pem, err := os.ReadFile(s.CA)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	authority := x509.NewCertPool()
	if !authority.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%w: %s holds no certificate", ErrNoKey, s.CA)
	}
	conn := make(raw, &tls.Config{
		Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12,
		ClientAuth: tls.RequireAnyClientCert, InsecureSkipVerify: true, // the check is below
		VerifyConnection: func(st tls.ConnectionState) error {
			if len(st.PeerCertificates) == 0 {
				return errors.New("the other end has no certificate")
			}
			between := x509.NewCertPool()
			for _, c := range st.PeerCertificates[1:] {
				between.AddCert(c)
			}
			_, err := st.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: authority, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
			return err
		},
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyRejected, err)
	}
	return conn, nil
}
