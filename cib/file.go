package cib

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/beevik/etree"
	packer "github.com/dsnet/compress/bzip2"

	"hacluster/cib/xml"
)

// errTooLarge is the error of a file that is larger than a document may be.
var errTooLarge = fmt.Errorf("more than the %d MB that a document may have", xml.MaxSize>>20)

// ReadFile gives a file's bytes, at most as many as a document may have; one whose
// name ends in .bz2 is unpacked.
func ReadFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	var from io.Reader = f
	op := "read"
	if strings.HasSuffix(file, ".bz2") {
		from, op = bzip2.NewReader(f), "unpack"
	}
	var b bytes.Buffer
	if st, err := f.Stat(); err == nil && st.Mode().IsRegular() && st.Size() <= xml.MaxSize {
		b.Grow(int(st.Size()) + bytes.MinRead)
	}
	_, err = b.ReadFrom(io.LimitReader(from, xml.MaxSize+1))
	data := b.Bytes()
	if err == nil && len(data) > xml.MaxSize {
		err = errTooLarge
	}
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			return nil, err
		}
		return nil, &fs.PathError{Op: op, Path: file, Err: err}
	}
	return data, nil
}

// WriteFile writes a document in place of a file so that a crash at any moment
// leaves the old or the new one: a temporary file beside it, synced, renamed, and
// the folder synced. Mode and owner of an existing file stay; a link is followed;
// a name that ends in .bz2 is packed.
func WriteFile(file string, root *etree.Element) error { return writeFile(osDisk{}, file, root) }

// OverwriteFile writes a document into a file as Pacemaker's tools do with the one that
// CIB_file names: it stays the same file, so that a program that holds it open sees the
// change, as the original pcs does with its copies. A crash meanwhile can leave it torn.
func OverwriteFile(file string, root *etree.Element) error {
	data, err := pack(file, root)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Truncate(int64(len(data)))
	}
	if errors.Is(err, syscall.EINVAL) { // a pipe, or a device
		err = nil
	}
	return errors.Join(err, f.Close())
}

// pack is a document as the bytes of a file of that name.
func pack(file string, root *etree.Element) ([]byte, error) {
	data := xml.Format(root)
	if !strings.HasSuffix(file, ".bz2") {
		return data, nil
	}
	var b bytes.Buffer
	z, err := packer.NewWriter(&b, nil)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func writeFile(d disk, file string, root *etree.Element) error {
	data, err := pack(file, root)
	if err != nil {
		return err
	}
	if to, err := filepath.EvalSymlinks(file); err == nil {
		file = to
	}
	mode, own := fs.FileMode(0o600), func(tempFile) error { return nil }
	if st, err := os.Stat(file); err == nil {
		mode = st.Mode().Perm()
		own = func(f tempFile) error { return keepOwner(f, st) }
	}
	err = replace(d, file, data, func(f tempFile) error { return errors.Join(f.Chmod(mode), own(f)) })
	if err != nil {
		return err
	}
	return d.syncDir(filepath.Dir(file))
}

// replace puts data in file's place: written beside it, synced, renamed.
// prepare sets mode and owner before anything is written.
func replace(d disk, file string, data []byte, prepare func(tempFile) error) error {
	f, err := d.create(filepath.Dir(file))
	if err != nil {
		return err
	}
	if err = prepare(f); err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = d.rename(f.Name(), file)
	}
	if err != nil {
		_ = d.remove(f.Name())
	}
	return err
}

// keepOwner gives f the owner and group of the file it will replace.
func keepOwner(f tempFile, old fs.FileInfo) error {
	st, ok := old.Sys().(*syscall.Stat_t)
	if !ok || int(st.Uid) == os.Geteuid() && int(st.Gid) == os.Getegid() {
		return nil
	}
	return f.Chown(int(st.Uid), int(st.Gid))
}

// disk is what writing does to the machine. Tests cut it off at every step.
type disk interface {
	create(dir string) (tempFile, error)
	rename(from, to string) error
	link(from, to string) error
	remove(name string) error
	syncDir(dir string) error
}

// tempFile is a file that is being written.
type tempFile interface {
	Name() string
	Write(data []byte) (int, error)
	Chmod(mode fs.FileMode) error
	Chown(uid, gid int) error
	Sync() error
	Close() error
}

// osDisk is the real one.
type osDisk struct{}

func (osDisk) create(dir string) (tempFile, error) { return os.CreateTemp(dir, "cib.") }
func (osDisk) rename(from, to string) error        { return os.Rename(from, to) }
func (osDisk) link(from, to string) error          { return os.Link(from, to) }
func (osDisk) remove(name string) error            { return os.Remove(name) }

func (osDisk) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
