// Package nssdb reads certificates and keys out of databases of NSS, in which the original's quorum device keeps them. NSS's own
// programs certutil and pk12util read the database; nothing in it is changed.
package nssdb

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// ErrNone is wrapped by the errors about what a database does not have.
var ErrNone = errors.New("not in the database")

// limit is the time within which a program must have read the database.
const limit = 30 * time.Second

// Present tells whether a folder holds a database.
func Present(dir string) bool { return kind(dir) != "" }

// kind is what NSS calls the database's form, "" for none.
func kind(dir string) string {
	for _, f := range []struct{ file, kind string }{{"cert9.db", "sql:"}, {"cert8.db", "dbm:"}} {
		if _, err := os.Stat(filepath.Join(dir, f.file)); err == nil {
			return f.kind
		}
	}
	return ""
}

// run has one of NSS's programs read the database. Its standard input is empty: it asks nobody for a password.
func run(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, fmt.Errorf("%s holds a database of NSS, which only NSS's program %s can read: it is not installed (its package is libnss3-tools or nss-tools)", dir, name)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	args = append(args, "-d", kind(dir)+dir)
	switch password := filepath.Join(dir, "pwdfile.txt"); {
	case name == "pk12util":
		args = append(args, "-k", existing(password))
	default:
		args = append(args, "-f", existing(password))
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		for _, words := range []string{"could not find cert", "find user certs from nickname failed"} {
			if strings.Contains(strings.ToLower(errs.String()), words) {
				return nil, fmt.Errorf("%w in %s: %s", ErrNone, dir, strings.Join(strings.Fields(errs.String()), " "))
			}
		}
		return nil, fmt.Errorf("%s cannot read the database in %s: %s", name, dir, strings.Join(strings.Fields(errs.String()+" "+err.Error()), " "))
	}
	return out.Bytes(), nil
}

// existing is a file of passwords, an empty one where there is none.
func existing(path string) string {
	if _, err := os.Stat(path); err != nil {
		return os.DevNull
	}
	return path
}

// Certificate reads the certificate that a database has under a nickname.
func Certificate(ctx context.Context, dir, nickname string) (*x509.Certificate, error) {
	text, err := run(ctx, dir, "certutil", "-L", "-a", "-n", nickname)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%w in %s: %q", ErrNone, dir, nickname)
	}
	return x509.ParseCertificate(block.Bytes)
}

// Pair reads a certificate and its key. The key passes through a file that nobody else can read and that is gone afterwards.
func Pair(ctx context.Context, dir, nickname string) (crypto.Signer, *x509.Certificate, error) {
	folder, err := os.MkdirTemp("", "nssdb-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(folder)
	bundle := filepath.Join(folder, "pair.p12")
	if _, err := run(ctx, dir, "pk12util", "-o", bundle, "-n", nickname, "-W", ""); err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(bundle)
	if err != nil {
		return nil, nil, err
	}
	key, cert, err := Bundle(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: what pk12util gives of %q: %w", dir, nickname, err)
	}
	return key, cert, nil
}

// Bundle reads a PKCS #12 file without a password, in DER or as NSS writes it.
func Bundle(data []byte) (crypto.Signer, *x509.Certificate, error) {
	key, cert, _, err := pkcs12.DecodeChain(data, "")
	if err != nil {
		plain, nerr := normal(data)
		if nerr != nil {
			return nil, nil, err
		}
		if key, cert, _, err = pkcs12.DecodeChain(plain, ""); err != nil {
			return nil, nil, err
		}
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, errors.New("its key cannot sign")
	}
	return signer, cert, nil
}
