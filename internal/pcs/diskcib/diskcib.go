// Package diskcib changes the CIB that lies on this host's disk while Pacemaker does not run.
package diskcib

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
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

// Delete removes what XPath expressions select. Expressions that select nothing are no error. note tells of a CIB that
// was broken, and which state was taken in its place.
func Delete(dir string, xpaths ...string) (note string, err error) {
	return change(dir, func(root *etree.Element) (*etree.Element, error) {
		for _, x := range xpaths {
			res, err := cib.Apply(root, cib.Request{Op: cib.Delete, Section: x, XPath: true, Multiple: true})
			switch {
			case err != nil && cib.CodeOf(err) == cib.NotFound:
				continue
			case err != nil:
				return nil, err
			}
			root = res.Root
		}
		return root, nil
	})
}

// Edit changes a section of the configuration, "crm_config": edit is given a copy of the whole CIB. note is Delete's.
func Edit(dir, section string, edit func(root *etree.Element) error) (note string, err error) {
	return change(dir, func(root *etree.Element) (*etree.Element, error) {
		edited := root.Copy()
		if err := edit(edited); err != nil {
			return nil, err
		}
		part := cib.Section(edited, section)
		if part == nil {
			return nil, fmt.Errorf("the CIB has no section %s", section)
		}
		if old := cib.Section(root, section); old != nil && bytes.Equal(xml.Format(old), xml.Format(part)) {
			return root, nil
		}
		res, err := cib.Apply(root, cib.Request{Op: cib.Replace, Section: section, Data: part})
		if err != nil {
			return nil, err
		}
		return res.Root, nil
	})
}

// change saves what a function makes of the CIB where that is another version.
func change(dir string, f func(*etree.Element) (*etree.Element, error)) (note string, err error) {
	if _, err := os.Stat(filepath.Join(dir, "cib.xml")); errors.Is(err, fs.ErrNotExist) {
		return "", ErrMissing
	}
	st, err := store(dir)
	if err != nil {
		return "", err
	}
	old, note, err := st.Load()
	if err != nil {
		return note, err
	}
	root, err := f(old)
	if err != nil || cib.VersionOf(root) == cib.VersionOf(old) && note == "" {
		return note, err
	}
	return note, st.Save(root)
}
