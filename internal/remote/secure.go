package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"time"

	"hacluster/internal/remote/certs"
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
// PCMK_cert_file, PCMK_key_file and PCMK_crl_file.
type Settings struct {
	Key          string // file
	Address      string // to listen at; "" is all
	Port         int
	Certificates certs.Files // where they are set, they take the key's place
}

// SettingsFrom reads the settings from the environment.
func SettingsFrom(getenv func(string) string) (Settings, error) {
	s := Settings{Key: DefaultKey, Port: DefaultPort, Address: getenv("PCMK_remote_address"), Certificates: certs.FromEnv(getenv, "PCMK_")}
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
	if s.Certificates.Set() {
		return withCertificates(s.Certificates.Client(ctx, raw))
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
	if s.Certificates.Set() {
		return withCertificates(s.Certificates.Server(ctx, raw))
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

// withCertificates gives the errors of connections with certificates our kinds.
func withCertificates(c net.Conn, err error) (net.Conn, error) {
	switch {
	case errors.Is(err, certs.ErrOwn):
		return nil, fmt.Errorf("%w: %w", ErrNoKey, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrKeyRejected, err)
	}
	return c, nil
}
