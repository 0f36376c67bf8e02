package cib

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Term tells how far a node's document is to be trusted when it meets others: versions alone do
// not, for a document that was changed much where there was no quorum has a high one. It is kept
// beside the document, never in it.
type Term struct {
	// Number is the term of the last group with quorum that this document is of; 0: of none. Groups
	// raise it when they change the configuration for the first time.
	Number uint64
	// Promised is the highest term that this node agreed to; it never agrees to one twice.
	Promised uint64
	// Forked: it was changed since without being sure that a group with quorum does so too; Base
	// is the version (without num_updates) up to which it has what that term's group has.
	Forked bool
	Base   Version
}

// Fork notes a change of a document of version v that is not one of a term's group.
func (t *Term) Fork(v Version) {
	if !t.Forked {
		t.Forked, t.Base = true, Version{AdminEpoch: v.AdminEpoch, Epoch: v.Epoch}
	}
}

// Of is the term without what was promised: what the document itself is of.
func (t Term) Of() Term {
	t.Promised = 0
	return t
}

// Compare orders documents of version v and w by how much of what groups with quorum did they have.
func (t Term) Compare(v Version, o Term, w Version) int {
	switch {
	case t.Number < o.Number:
		return -1
	case t.Number > o.Number:
		return 1
	}
	t.Fork(v)
	o.Fork(w)
	return t.Base.Compare(o.Base)
}

// String is a line as it stands in the file: term, promised, and the base of a fork.
func (t Term) String() string {
	s := fmt.Sprintf("%d %d", t.Number, t.Promised)
	if t.Forked {
		s += fmt.Sprintf(" %d.%d", t.Base.AdminEpoch, t.Base.Epoch)
	}
	return s
}

// ParseTerm reads what String wrote.
func ParseTerm(s string) (Term, error) {
	var t Term
	f := strings.Fields(s)
	bad := fmt.Errorf("%q is no term: two numbers and perhaps a version", s)
	if len(f) < 2 || len(f) > 3 {
		return Term{}, bad
	}
	if n, err := fmt.Sscanf(f[0]+" "+f[1], "%d %d", &t.Number, &t.Promised); n != 2 || err != nil {
		return Term{}, bad
	}
	if len(f) == 3 {
		t.Forked = true
		if n, err := fmt.Sscanf(f[2], "%d.%d", &t.Base.AdminEpoch, &t.Base.Epoch); n != 2 || err != nil {
			return Term{}, bad
		}
	}
	if t.Base.AdminEpoch < 0 || t.Base.Epoch < 0 || t.String() != strings.Join(f, " ") {
		return Term{}, bad
	}
	return t, nil
}

// termFile is where a store keeps the term.
const termFile = "cib.term"

// LoadTerm reads the term that belongs to what Load would give. A document that is no longer the one that
// was written (lost, or an earlier state in its place) is of none; the promise holds. note is for the administrator.
func (s *Store) LoadTerm() (t Term, note string, err error) {
	file := filepath.Join(s.Dir, termFile)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Term{}, "", nil
	}
	if err != nil {
		return Term{}, "", err
	}
	was, err := ParseTerm(strings.TrimSpace(string(text)))
	if err != nil {
		note = fmt.Sprintf("%s is broken: %v", file, err)
	} else if _, err := s.read(filepath.Join(s.Dir, "cib.xml")); err == nil {
		return was, "", nil
	}
	// On disk, too, before anything else takes the document's place.
	t.Promised = was.Promised
	return t, note, s.SaveTerm(t)
}

// SaveTerm writes a term so that it survives a crash right after SaveTerm returned; a crash before leaves
// the old or the new one.
func (s *Store) SaveTerm(t Term) error {
	if err := s.write(filepath.Join(s.Dir, termFile), []byte(t.String()+"\n")); err != nil {
		return err
	}
	return s.on().syncDir(s.Dir)
}
