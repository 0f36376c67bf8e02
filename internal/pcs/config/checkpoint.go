package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/linediff"
	"hacluster/internal/pcs/pattern"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// checkpoint is the file of one of the CIBs that Pacemaker keeps.
func checkpoint(s *session.Session, number string) string {
	return filepath.Join(s.Paths.CIBDir, "cib-"+number+".raw")
}

var checkpointName = pattern.Late(`^cib-(\d+)\.raw$`)

// Checkpoints is `config checkpoint`: the list of them.
func Checkpoints(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	files, err := os.ReadDir(s.Paths.CIBDir)
	if err != nil {
		return report.Fatalf("unable to list checkpoints: %s: '%s'", session.Reason(err), s.Paths.CIBDir)
	}
	type point struct {
		at     time.Time
		number string
	}
	var list []point
	for _, f := range files {
		m := checkpointName().FindStringSubmatch(f.Name())
		if m == nil {
			continue
		}
		if fi, err := os.Stat(checkpoint(s, m[1])); err == nil && fi.Mode().IsRegular() {
			list = append(list, point{fi.ModTime(), m[1]})
		}
	}
	if len(list) == 0 {
		s.Out.Info("No checkpoints available")
		return nil
	}
	slices.SortFunc(list, func(a, b point) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return strings.Compare(a.number, b.number)
	})
	for _, p := range list {
		s.Out.Print(fmt.Sprintf("checkpoint %s: date %s", p.number, p.at.Round(time.Second).Format(time.DateTime)))
	}
	return nil
}

// lines is what a CIB holds, in the words of the session's generation.
func lines(s *session.Session, root *etree.Element) []string {
	if s.Legacy() {
		return Lines09(s, root)
	}
	return Lines(s, root)
}

func readPoint(s *session.Session, number string) ([]string, bool) {
	data, err := os.ReadFile(checkpoint(s, number))
	if err != nil {
		return nil, false
	}
	root, err := doc.Parse(data)
	if err != nil {
		return nil, false
	}
	return lines(s, root), true
}

// CheckpointView is `config checkpoint view`.
func CheckpointView(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) != 1 {
		return argv.Usage()
	}
	text, ok := readPoint(s, args[0])
	if !ok {
		return report.Fatal("unable to read the checkpoint")
	}
	s.Out.Print(strings.Join(text, "\n"))
	return nil
}

// CheckpointDiff is `config checkpoint diff`.
func CheckpointDiff(s *session.Session, args []string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	if len(args) != 2 {
		return argv.Usage()
	}
	if args[0] == args[1] {
		return report.Fatal("cannot diff a checkpoint against itself")
	}
	var wrong []string
	var texts [2][]string
	var labels [2]string
	for i, a := range args {
		if a != "live" {
			labels[i] = "checkpoint " + a
			var ok bool
			if texts[i], ok = readPoint(s, a); !ok {
				wrong = append(wrong, "unable to read checkpoint '"+a+"'")
			}
			continue
		}
		labels[i] = "live configuration"
		root, err := s.CIB()
		if err != nil {
			return err
		}
		if texts[i] = lines(s, root); len(texts[i]) == 0 {
			wrong = append(wrong, "unable to read live configuration")
		}
	}
	if len(wrong) > 0 {
		return report.Fatal(strings.Join(wrong, "\n"))
	}
	s.Out.Print("Differences between " + labels[0] + " (-) and " + labels[1] + " (+):")
	for _, l := range linediff.Lines(texts[0], texts[1]) {
		s.Out.Print(strings.TrimRight(l, " \t"))
	}
	return nil
}

// CheckpointRestore is `config checkpoint restore`: the configuration of a checkpoint takes the place of the present one.
func CheckpointRestore(s *session.Session, args []string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	if len(args) != 1 {
		return argv.Usage()
	}
	path := checkpoint(s, args[0])
	data, err := os.ReadFile(path)
	if err != nil {
		return report.Fatalf("unable to read the checkpoint: %s", session.Errno(err, path))
	}
	root, err := doc.Parse(data)
	if err != nil {
		return report.Fatalf("unable to read the checkpoint: %s", session.ExpatReason(data, err))
	}
	configuration := cib.Section(root, "configuration")
	if configuration == nil {
		err = errors.New("there is no configuration in the checkpoint")
	} else {
		err = s.ReplaceCIB(configuration, "configuration")
	}
	if err != nil {
		return report.Fatalf("Unable to update cib\n%s", err)
	}
	return nil
}
