package cib

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// Store keeps a cluster's CIB in a folder as Pacemaker does: cib.xml without the
// status, its digest in cib.xml.sig, earlier states in cib-N.raw with theirs,
// the next N in cib.last. A crash at any moment leaves the old or the new state.
type Store struct {
	Dir     string
	Backups int // how many earlier states are kept; 0 is 100
	// Owner and Group are given to what is written when Chown is set.
	Chown        bool
	Owner, Group int

	disk disk // nil is the real one
}

func (s *Store) on() disk {
	if s.disk != nil {
		return s.disk
	}
	return osDisk{}
}

// Load reads the newest good state; an empty folder gives an empty CIB. note is
// for the administrator: it tells that a state was broken and which was taken.
func (s *Store) Load() (root *etree.Element, note string, err error) {
	file := filepath.Join(s.Dir, "cib.xml")
	root, err = s.read(file)
	if err == nil {
		return root, "", nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		if len(s.backups()) == 0 {
			return New(), "", nil
		}
		note = file + " is missing"
	} else {
		note = err.Error()
		aside, aerr := os.MkdirTemp(s.Dir, "cib.auto.")
		if aerr != nil {
			return nil, note, aerr
		}
		for _, f := range []string{file, file + ".sig"} {
			if rerr := os.Rename(f, filepath.Join(aside, filepath.Base(f))); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
				return nil, note, rerr
			}
		}
		note += "; kept in " + aside
	}
	for _, b := range s.backups() {
		if root, err = s.read(b); err == nil {
			return root, note + "; continuing with " + b + " at version " + VersionOf(root).String(), nil
		}
		note += "; " + err.Error()
	}
	return New(), note + "; no good backup, continuing with an empty configuration", nil
}

// read gives the state in a file when it fits its digest.
func (s *Store) read(file string) (*etree.Element, error) {
	data, err := ReadFile(file)
	if err != nil {
		return nil, err
	}
	doc, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s is broken: %w", file, err)
	}
	sig, err := os.ReadFile(file + ".sig")
	if errors.Is(err, fs.ErrNotExist) {
		return doc.Root, nil
	}
	if err != nil {
		return nil, err
	}
	if want, have := strings.TrimSpace(string(sig)), FileDigest(doc.Root); want != have {
		return nil, fmt.Errorf("%s is broken: its digest is %s, not %s as recorded", file, have, want)
	}
	return doc.Root, nil
}

// backups are the earlier states, the newest first.
func (s *Store) backups() []string {
	names, _ := filepath.Glob(filepath.Join(s.Dir, "cib-*.raw"))
	type backup struct {
		name string
		n    int
		when int64
	}
	var all []backup
	for _, name := range names {
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), "cib-"), ".raw"))
		if err != nil {
			continue
		}
		b := backup{name: name, n: n}
		if fi, err := os.Stat(name); err == nil {
			b.when = fi.ModTime().UnixNano()
		}
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b backup) int {
		if a.when != b.when {
			if a.when > b.when {
				return -1
			}
			return 1
		}
		return b.n - a.n
	})
	out := make([]string, len(all))
	for i, b := range all {
		out[i] = b.name
	}
	return out
}

// Save writes a state so that it survives a crash right after Save returned, and
// keeps the one before as a backup.
func (s *Store) Save(root *etree.Element) error {
	file := filepath.Join(s.Dir, "cib.xml")
	if err := s.backup(file); err != nil {
		return fmt.Errorf("back %s up: %w", file, err)
	}
	conf := withoutStatus(root)
	if err := s.write(file, xml.Format(conf)); err != nil {
		return err
	}
	if err := s.write(file+".sig", []byte(DiskDigest(conf))); err != nil {
		return err
	}
	return s.on().syncDir(s.Dir)
}

func (s *Store) backup(file string) error {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	keep := s.Backups
	if keep <= 0 {
		keep = 100
	}
	last := filepath.Join(s.Dir, "cib.last")
	n := 1
	if text, err := os.ReadFile(last); err == nil {
		if v, err := strconv.Atoi(string(bytes.TrimSpace(text))); err == nil && v >= 0 {
			n = v % keep
		}
	}
	to := filepath.Join(s.Dir, fmt.Sprintf("cib-%d.raw", n))
	for _, suffix := range []string{"", ".sig"} {
		if err := s.on().remove(to + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := s.on().link(file+suffix, to+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := s.write(last, []byte(strconv.Itoa((n+1)%keep))); err != nil {
		return err
	}
	// What comes next may reach the disk before it otherwise, and then there was nothing to go back to.
	return s.on().syncDir(s.Dir)
}

func (s *Store) write(file string, data []byte) error {
	return replace(s.on(), file, data, func(f tempFile) error {
		if !s.Chown {
			return nil
		}
		return f.Chown(s.Owner, s.Group)
	})
}

// Load reads one file as a CIB, see Parse. It does not validate. The error is of package os, or tells
// the file, the line and what is wrong there (an *xml.Error in its chain where it is not well-formed).
func Load(file string) (*xml.Document, error) {
	data, err := ReadFile(file)
	if err != nil {
		return nil, err
	}
	doc, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return doc, nil
}
