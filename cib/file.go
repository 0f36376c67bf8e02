package cib

import (
	"bytes"
	"compress/bzip2"
	"errors"
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

// ReadFile gives a file's bytes; one whose name ends in .bz2 is unpacked, up to
// the size that a document may have.
func ReadFile(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil || !strings.HasSuffix(file, ".bz2") {
		return data, err
	}
	plain, err := io.ReadAll(io.LimitReader(bzip2.NewReader(bytes.NewReader(data)), xml.MaxSize+1))
	if err == nil && len(plain) > xml.MaxSize {
		err = errors.New("more than a document may hold")
	}
	if err != nil {
		return nil, &fs.PathError{Op: "unpack", Path: file, Err: err}
	}
	return plain, nil
}

// WriteFile writes a document in place of a file so that a crash at any moment
// leaves the old or the new one: a temporary file beside it, synced, renamed, and
// the folder synced. Mode and owner of an existing file stay; a link is followed;
// a name that ends in .bz2 is packed.
func WriteFile(file string, root *etree.Element) error {
	data := xml.Format(root)
	if strings.HasSuffix(file, ".bz2") {
		var b bytes.Buffer
		z, err := packer.NewWriter(&b, nil)
		if err != nil {
			return err
		}
		if _, err := z.Write(data); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		data = b.Bytes()
	}
	if to, err := filepath.EvalSymlinks(file); err == nil {
		file = to
	}
	dir := filepath.Dir(file)
	mode, own := fs.FileMode(0o600), func(*os.File) error { return nil }
	if st, err := os.Stat(file); err == nil {
		mode = st.Mode().Perm()
		own = func(f *os.File) error { return keepOwner(f, st) }
	}
	err := replace(file, data, func(f *os.File) error { return errors.Join(f.Chmod(mode), own(f)) })
	if err != nil {
		return err
	}
	return syncDir(dir)
}

// replace puts data in file's place: written beside it, synced, renamed.
// prepare sets mode and owner before anything is written.
func replace(file string, data []byte, prepare func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(file), "cib.")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone already after the rename
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
		err = os.Rename(f.Name(), file)
	}
	return err
}

// keepOwner gives f the owner and group of the file it will replace.
func keepOwner(f *os.File, old fs.FileInfo) error {
	st, ok := old.Sys().(*syscall.Stat_t)
	if !ok || int(st.Uid) == os.Geteuid() && int(st.Gid) == os.Getegid() {
		return nil
	}
	return f.Chown(int(st.Uid), int(st.Gid))
}
