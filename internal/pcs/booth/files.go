// Package booth is `pcs booth`: tickets that one of several clusters holds, and the sites that vote on them.
package booth

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/booth/boothconf"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// instance is a configuration with its key: the host's own of a name, or files that options name.
type instance struct {
	s *session.Session
	// name is the instance's, conf and key are the paths, given that options named them.
	name, conf, key string
	given           bool
}

// many is as many words as anyone likes.
const many = -1

// begin is what verbs begin with: their options, a number of words between least and most, and the instance's files.
func begin(s *session.Session, args []string, least, most int, options ...string) (*instance, error) {
	if err := s.Only(options...); err != nil {
		return nil, err
	}
	if len(args) < least || most != many && len(args) > most {
		return nil, argv.Usage()
	}
	return open(s)
}

// open finds the files of the instance that the command line means.
func open(s *session.Session) (*instance, error) {
	in := &instance{s: s, name: "booth"}
	if n := s.Opts.Value("--name"); n != "" {
		in.name = n
	}
	if strings.Contains(in.name, "/") {
		return nil, report.Items{badName(s, in.name)}
	}
	in.conf, in.key = filepath.Join(s.Paths.BoothDir, in.name+".conf"), filepath.Join(s.Paths.BoothDir, in.name+".key")
	if s.Opts.Has("--booth-conf") {
		in.conf, in.key, in.given = s.Opts.Value("--booth-conf"), s.Opts.Value("--booth-key"), true
	}
	return in, nil
}

func badName(s *session.Session, name string) report.Item {
	if s.Legacy() {
		return report.Errorf("booth name '%s' is not valid (contains illegal character '/')", name)
	}
	return report.Errorf("booth name '%s' is not valid, it cannot contain / characters", name)
}

// authfileSwitches tells whether this build of booth has its key switched on or off by an option.
func authfileSwitches(s *session.Session) (set, unset bool) {
	on := func(name string) bool {
		v := s.Env.Getenv(name)
		return v != "" && v != "0" && !strings.EqualFold(v, "false")
	}
	return on("PCS_BOOTH_ENABLE_AUTHFILE_SET"), on("PCS_BOOTH_ENABLE_AUTHFILE_UNSET")
}

// fileError words why a file could not be used. A file that options name is told of without its path.
func (in *instance) fileError(action, role, path string, err error) report.Item {
	if in.given {
		return report.Errorf("Unable to %s %s: %s", action, role, session.Reason(err))
	}
	return report.Errorf("Unable to %s %s '%s': %s: '%s'", action, role, path, session.Reason(err), path)
}

// raw reads the configuration's text.
func (in *instance) raw() (string, error) {
	data, err := os.ReadFile(in.conf)
	switch {
	case err == nil:
		return string(data), nil
	case in.s.Legacy() && errors.Is(err, fs.ErrNotExist) && in.given:
		// told at once, and counted
		in.s.Out.Tell(report.Errorf("Booth config file '%s' does not exist", in.conf))
		return "", report.Items{report.Errorf("%s", report.ErrFailed)}
	case in.s.Legacy():
		return "", report.Items{report.Errorf("Unable to read Booth configuration '%s': %s", in.conf, session.Reason(err))}
	}
	return "", in.s.Check(in.fileError("read", "Booth configuration", in.conf, err))
}

// load reads the configuration.
func (in *instance) load() (*boothconf.Conf, error) {
	text, err := in.raw()
	if err != nil {
		return nil, err
	}
	c, err := in.parse(text)
	if err != nil {
		return nil, in.s.Check(in.badLines(err))
	}
	return c, nil
}

func (in *instance) parse(text string) (*boothconf.Conf, error) {
	set, unset := authfileSwitches(in.s)
	return boothconf.Parse(text, set || unset)
}

// badLines tells of lines that cannot be read.
func (in *instance) badLines(err error) report.Item {
	var bad boothconf.BadLines
	if !errors.As(err, &bad) {
		return report.Errorf("%s", err)
	}
	if in.s.Legacy() {
		return report.Errorf("unexpected line appeard in config: \n%s", strings.Join(bad, "\n"))
	}
	path := ""
	if !in.given {
		path = " '" + in.conf + "'"
	}
	return report.Errorf("unexpected %s in booth config%s:\n%s", report.Plural(len(bad), "line", "lines"), path, strings.Join(bad, "\n"))
}

// save writes the configuration.
func (in *instance) save(c *boothconf.Conf) error {
	// the file ends with an empty line's worth of newline, as its lines do
	if err := in.write(in.conf, []byte(c.String()), 0o644, true); err != nil {
		return in.s.Check(in.fileError("write", "Booth configuration", in.conf, err))
	}
	return nil
}

// write writes a file; the host's own key belongs to Pacemaker's user. Without overwrite an existing one is an error.
func (in *instance) write(path string, data []byte, mode os.FileMode, overwrite bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if !overwrite {
		flags |= os.O_EXCL
	}
	f, err := os.OpenFile(path, flags, mode)
	if err != nil {
		return err
	}
	if !in.given {
		err = f.Chmod(mode)
		if mode == keyMode && err == nil {
			err = giveToPacemaker(f)
		}
	}
	if err == nil {
		_, err = f.Write(data)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

const keyMode = 0o600

// giveToPacemaker makes a file Pacemaker's user's.
func giveToPacemaker(f *os.File) error {
	u, err := user.Lookup("hacluster")
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	return f.Chown(uid, gid)
}
