package crmreport

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	stdbzip2 "compress/bzip2"

	"github.com/dsnet/compress/bzip2"
	"github.com/ulikunitz/xz"
)

// pack packs data as the name of its file tells.
func pack(name string, data []byte) ([]byte, error) {
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch {
	case strings.HasSuffix(name, "bz2"):
		w, err = bzip2.NewWriter(&b, nil)
	case strings.HasSuffix(name, "gz"):
		w = gzip.NewWriter(&b)
	case strings.HasSuffix(name, "xz"):
		w, err = xz.NewWriter(&b)
	default:
		return data, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = w.Write(data)
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	return b.Bytes(), err
}

// shrink packs a folder into a file beside it, FOLDER.tar.bz2, and gives its name.
func shrink(dir string) (target string, err error) {
	target = dir + ".tar.bz2"
	f, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			_ = os.Remove(target)
		}
	}()
	z, err := bzip2.NewWriter(f, nil)
	if err != nil {
		return "", err
	}
	t := tar.NewWriter(z)
	parent := filepath.Dir(dir)
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		i, err := d.Info()
		if err != nil {
			return err
		}
		link := ""
		if i.Mode()&fs.ModeSymlink != 0 {
			if link, err = os.Readlink(p); err != nil {
				return err
			}
		}
		h, err := tar.FileInfoHeader(i, link)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(parent, p)
		if err != nil {
			return err
		}
		h.Name = name
		if err := t.WriteHeader(h); err != nil || !i.Mode().IsRegular() {
			return err
		}
		data, err := os.Open(p)
		if err != nil {
			return err
		}
		defer data.Close() //nolint:errcheck // it was only read
		_, err = io.Copy(t, data)
		return err
	})
	if err == nil {
		err = t.Close()
	}
	if err == nil {
		err = z.Close()
	}
	return target, err
}

// maxUnpacked is the most that another node's part may come to.
const maxUnpacked = 8 << 30

var errNoReport = errors.New("there is no report in the answer")

// unpack takes the node's part out of another node's report, packed as it may be: REPORT/NODE/… goes into dir. Files that
// the report keeps once for all nodes (REPORT/crm_mon.txt) are put back. Nothing is written outside of dir.
func unpack(data []byte, dir string) error {
	var r io.Reader = bytes.NewReader(data)
	var err error
	switch {
	case bytes.HasPrefix(data, []byte("BZh")):
		r = stdbzip2.NewReader(r)
	case bytes.HasPrefix(data, []byte{0x1f, 0x8b}):
		r, err = gzip.NewReader(r)
	case bytes.HasPrefix(data, []byte("\xfd7zXZ")):
		r, err = xz.NewReader(r)
	}
	if err != nil {
		return err
	}
	common, links := map[string][]byte{}, map[string]string{}
	t := tar.NewReader(io.LimitReader(r, maxUnpacked))
	found := false
	for {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errNoReport, err)
		}
		parts := strings.Split(strings.TrimPrefix(path.Clean("/"+h.Name), "/"), "/")
		switch {
		case len(parts) < 2:
			continue
		case len(parts) == 2 && h.Typeflag == tar.TypeReg:
			if h.Size < 64<<20 {
				if common[parts[1]], err = io.ReadAll(t); err != nil {
					return err
				}
			}
			continue
		case len(parts) == 2:
			continue
		}
		found = true
		to := filepath.Join(append([]string{dir}, parts[2:]...)...)
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(to, 0o700)
		case tar.TypeSymlink:
			links[to] = h.Linkname
		case tar.TypeReg:
			if err = os.MkdirAll(filepath.Dir(to), 0o700); err == nil {
				err = store(to, t)
			}
			if err == nil {
				err = os.Chtimes(to, h.ModTime, h.ModTime)
			}
		}
		if err != nil {
			return err
		}
	}
	if !found {
		return errNoReport
	}
	for to, target := range links {
		if data, ok := common[strings.TrimPrefix(target, "../")]; ok && strings.HasPrefix(target, "../") {
			err = os.WriteFile(to, data, 0o600)
		} else if target == filepath.Base(target) && target != ".." {
			err = os.Symlink(target, to)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func store(to string, r io.Reader) error {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
