// Package diskcib changes the CIB that lies on this host's disk while Pacemaker does not run.
package diskcib

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"hacluster/cib"
)

// ErrMissing is that there is no CIB on disk.
var ErrMissing = errors.New("CIB XML file cannot be found")

// store is the folder with the CIB, written as Pacemaker's user where this one may do that.
func store(dir string) (*cib.Store, error) {
	st := &cib.Store{Dir: dir}
	if os.Geteuid() != 0 {
		return st, nil
	}
	u, err := user.Lookup("hacluster")
	if err != nil {
		return nil, err
	}
	if st.Owner, err = strconv.Atoi(u.Uid); err != nil {
		return nil, err
	}
	if st.Group, err = strconv.Atoi(u.Gid); err != nil {
		return nil, err
	}
	st.Chown = true
	return st, nil
}

// Delete removes what XPath expressions select. Expressions that select nothing are no error.
func Delete(dir string, xpaths ...string) error {
	if _, err := os.Stat(filepath.Join(dir, "cib.xml")); errors.Is(err, fs.ErrNotExist) {
		return ErrMissing
	}
	st, err := store(dir)
	if err != nil {
		return err
	}
	root, _, err := st.Load()
	if err != nil {
		return err
	}
	changed := false
	for _, x := range xpaths {
		res, err := cib.Apply(root, cib.Request{Op: cib.Delete, Section: x, XPath: true, Multiple: true})
		switch {
		case err != nil && cib.CodeOf(err) == cib.NotFound:
			continue
		case err != nil:
			return err
		}
		changed = changed || cib.VersionOf(res.Root) != cib.VersionOf(root)
		root = res.Root
	}
	if !changed {
		return nil
	}
	return st.Save(root)
}
