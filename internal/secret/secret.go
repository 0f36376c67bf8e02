// Package secret keeps values of parameters out of the CIB, as Pacemaker's
// cibsecret does: the CIB holds lrm:// in their place, and each node has the value
// in a file that only root can read, /var/lib/pacemaker/lrm/secrets/RESOURCE/PARAMETER,
// with its MD5 sum in PARAMETER.sign beside it.
package secret

import (
	"crypto/md5" //nolint:gosec // the sum that the files have; it guards against accidents, not attacks
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Dir is where Pacemaker keeps secrets.
const Dir = "/var/lib/pacemaker/lrm/secrets"

// Magic is what stands in the CIB for a value that is kept here.
const Magic = "lrm://"

// limit is the size of a value that is read.
const limit = 1 << 20

// Store is a folder of secrets; "" is Dir.
type Store string

// Folder is where they are.
func (s Store) Folder() string {
	if s == "" {
		return Dir
	}
	return string(s)
}

// Path is the file of a value. Names that are none of a file are refused.
func (s Store) Path(resource, param string) (string, error) {
	for _, n := range []string{resource, param} {
		if n == "" || n == "." || n == ".." || strings.ContainsAny(n, "/\x00") {
			return "", fmt.Errorf("%q cannot be the name of a secret: %w", n, fs.ErrInvalid)
		}
	}
	return filepath.Join(s.Folder(), resource, param), nil
}

// ErrSum is wrapped by the error about a value that does not fit its sum.
var ErrSum = errors.New("its checksum does not match")

// Value reads a value and holds it against its sum. No error names the value.
func (s Store) Value(resource, param string) (string, error) {
	v, err := s.Raw(resource, param)
	if err == nil {
		var sum string
		sum, err = s.Sum(resource, param)
		if err == nil && !strings.EqualFold(sum, Sum(v)) {
			err = ErrSum
		}
	}
	if err != nil {
		return "", fmt.Errorf("secret value of parameter %s of resource %s: %w", param, resource, err)
	}
	return v, nil
}

// Raw reads a value without its sum; white space at the end does not count.
func (s Store) Raw(resource, param string) (string, error) { return s.read(resource, param, "") }

// Sum reads the sum that is kept beside a value.
func (s Store) Sum(resource, param string) (string, error) { return s.read(resource, param, ".sign") }

func (s Store) read(resource, param, suffix string) (string, error) {
	path, err := s.Path(resource, param)
	if err != nil {
		return "", err
	}
	f, err := os.Open(path + suffix)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return "", err
	case len(data) > limit:
		return "", fmt.Errorf("%s is larger than %d bytes", path+suffix, limit)
	case len(data) == 0:
		return "", fmt.Errorf("%s is empty", path+suffix)
	}
	return strings.TrimRight(string(data), " \t\n\v\f\r"), nil
}

// Sum is the checksum of a value.
func Sum(value string) string {
	h := md5.Sum([]byte(value)) //nolint:gosec // see the import
	return hex.EncodeToString(h[:])
}

// Set keeps a value. Each file is there as a whole or not at all.
func (s Store) Set(resource, param, value string) error {
	path, err := s.Path(resource, param)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return &FolderError{filepath.Dir(path), err}
	}
	if err := write(path, value+"\n"); err != nil {
		return &FileError{path, err}
	}
	if err := write(path+".sign", Sum(value)+"\n"); err != nil {
		return &FileError{path + ".sign", err}
	}
	return nil
}

// FolderError is a folder that could not be made, FileError a file.
type (
	FolderError struct {
		Path string
		Err  error
	}
	FileError struct {
		Path string
		Err  error
	}
)

func (e *FolderError) Error() string { return fmt.Sprintf("folder %s: %v", e.Path, e.Err) }
func (e *FolderError) Unwrap() error { return e.Err }
func (e *FileError) Error() string   { return fmt.Sprintf("file %s: %v", e.Path, e.Err) }
func (e *FileError) Unwrap() error   { return e.Err }

func write(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // readable by its owner only
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is renamed by then
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Remove forgets a value; one that is not there is no error.
func (s Store) Remove(resource, param string) error {
	path, err := s.Path(resource, param)
	if err != nil {
		return err
	}
	for _, p := range []string{path, path + ".sign"} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
