package session

import (
	"errors"
	"os"

	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
)

type confState struct{ text string }

// ConfLive tells whether the verb works on the host's own corosync.conf.
func (s *Session) ConfLive() bool { return !s.Opts.Has("--corosync_conf") }

// HasConf tells whether corosync.conf exists.
func (s *Session) HasConf() bool {
	i, err := os.Stat(s.Paths.CorosyncConf)
	return err == nil && i.Mode().IsRegular()
}

// ConfText is corosync.conf's text.
func (s *Session) ConfText() (string, error) {
	if s.conf == nil {
		data, err := os.ReadFile(s.Paths.CorosyncConf)
		if err != nil {
			if s.Legacy() || !s.ConfLive() {
				return "", report.Items{report.Errorf("Unable to read %s: %s", s.Paths.CorosyncConf, Reason(err))}
			}
			return "", report.Items{unreadableConf(s.Paths.CorosyncConf, err)}
		}
		s.conf = &confState{string(data)}
	}
	return s.conf.text, nil
}

func unreadableConf(path string, err error) report.Item {
	return report.Errorf("Unable to read Corosync configuration '%s': %s: '%s'", path, Reason(err), path)
}

// RequireConf refuses a file of --corosync_conf that cannot be read, for commands that take the file itself.
func (s *Session) RequireConf() error {
	f, err := os.Open(s.Paths.CorosyncConf)
	if err != nil && !s.ConfLive() {
		return report.Fatal(unreadableConf(s.Paths.CorosyncConf, err).Text)
	}
	if err == nil {
		f.Close()
	}
	return nil
}

// RequireGivenConf refuses a file of --corosync_conf that cannot be read, for commands that take what is in it.
func (s *Session) RequireGivenConf() error {
	if s.ConfLive() || s.Legacy() {
		return nil
	}
	_, err := s.ConfText()
	return err
}

// parseConf reads corosync.conf.
func (s *Session) parseConf() (*corosyncconf.Section, error) {
	text, err := s.ConfText()
	if err != nil {
		return nil, err
	}
	read := corosyncconf.Parse
	if s.Legacy() {
		read = corosyncconf.Parse09
	}
	root, err := read(text)
	if err != nil {
		return nil, parseError{report.Errorf("Unable to parse corosync config: %s", err)}
	}
	return root, nil
}

// parseError is what is wrong with corosync.conf's form.
type parseError struct{ item report.Item }

func (e parseError) Error() string { return e.item.Text }

// Conf is corosync.conf as sections.
func (s *Session) Conf() (*corosyncconf.Section, error) {
	root, err := s.parseConf()
	var pe parseError
	if errors.As(err, &pe) {
		return nil, s.Check(pe.item)
	}
	return root, err
}

// Conf09 is Conf for those of 0.9's commands that take the file themselves: of a file that cannot be parsed, they do not say why.
func (s *Session) Conf09() (*corosyncconf.Section, error) {
	root, err := s.parseConf()
	var pe parseError
	if errors.As(err, &pe) {
		return nil, report.Fatal("Unable to parse corosync.conf: ")
	}
	return root, err
}

// Members09 are the first addresses of corosync.conf's nodes, read as Conf09 reads it.
func (s *Session) Members09() ([]string, error) {
	root, err := s.Conf09()
	if err != nil {
		return nil, err
	}
	return corosyncconf.Members09(root), nil
}

// WriteConf writes the file that --corosync_conf names, or this host's own.
func (s *Session) WriteConf(root *corosyncconf.Section) error {
	text := root.String()
	if err := writeInPlace(s.Paths.CorosyncConf, []byte(text)); err != nil {
		return report.Fatalf("Unable to write %s: %s", s.Paths.CorosyncConf, Reason(err))
	}
	s.conf = &confState{text}
	return nil
}

// PlainConf is Conf where corosync.conf may be missing: what is wrong with its form comes back as items, untold,
// and without a file there is neither.
func (s *Session) PlainConf() (*corosyncconf.Section, error) {
	root, err := s.parseConf()
	var pe parseError
	if errors.As(err, &pe) {
		return nil, report.Items{pe.item}
	}
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // no file is no error here
	}
	return root, nil
}

// ConfNodes are the names of corosync.conf's nodes; none where it cannot be read.
func (s *Session) ConfNodes() []string {
	root, err := s.parseConf()
	if err != nil {
		return nil
	}
	var out []string
	for _, n := range corosyncconf.Nodes(root) {
		out = append(out, n.Label())
	}
	return out
}

// NodeNames are the names of corosync.conf's nodes, with a warning where some have none.
func (s *Session) NodeNames() ([]string, []report.Item, error) {
	root, err := s.Conf()
	if err != nil {
		return nil, nil, err
	}
	var names []string
	var items []report.Item
	for _, n := range corosyncconf.Nodes(root) {
		switch {
		case n.Name != "":
			names = append(names, n.Name)
		case s.Legacy():
			names = append(names, n.Label())
		case items == nil:
			items = append(items, NamesMissing())
		}
	}
	return names, items, nil
}

// NamesMissing warns of nodes without a name.
func NamesMissing() report.Item {
	return report.Warnf("Some nodes are missing names in corosync.conf, those nodes were omitted. Edit corosync.conf and make sure all nodes have their name set.")
}

// ClusterName is the name of the cluster that this host belongs to, "" without.
func (s *Session) ClusterName() string {
	root, err := s.parseConf()
	if err != nil {
		return ""
	}
	return corosyncconf.ClusterName(root)
}

// BoothPair refuses one of booth's files without the other.
func (s *Session) BoothPair() error {
	conf, key := s.Opts.Value("--booth-conf") != "", s.Opts.Value("--booth-key") != ""
	if conf == key {
		return nil
	}
	given, missing := "--booth-conf", "--booth-key"
	if key {
		given, missing = missing, given
	}
	if s.Legacy() {
		return report.Fatalf("With %s must be specified %s as well", given, missing)
	}
	return report.Fatalf("When %s is specified, %s must be specified as well", given, missing)
}
