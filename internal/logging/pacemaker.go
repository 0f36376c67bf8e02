package logging

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
)

// PacemakerLogFile is where Pacemaker's daemons log when nothing else is set.
const PacemakerLogFile = "/var/log/pacemaker/pacemaker.log"

// Host is where a daemon logs: what it has of this machine.
type Host struct {
	// Getenv looks a setting up, in the environment and in the files that hold a daemon's settings.
	Getenv func(string) string
	Node   string // this host's name
	PID    int
	Stderr *os.File
	Syslog string // the socket; SyslogSocket if empty
	// UID and GID own a log file that is made; -1 leaves it to this process's.
	UID, GID int
}

// option looks a setting of Pacemaker up, by its old name as well.
func (h Host) option(name string) string {
	if v := h.Getenv("PCMK_" + name); v != "" {
		return v
	}
	return h.Getenv("HA_" + name)
}

// enabled tells whether an option is on for a daemon: yes, or a list that names
// the daemon.
func enabled(value, daemon string) bool {
	switch strings.ToLower(value) {
	case "yes", "true", "on", "1", "y":
		return true
	case "", "no", "false", "off", "0", "n":
		return false
	}
	for _, d := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' }) {
		if d == daemon {
			return true
		}
	}
	return false
}

// Pacemaker gives the targets of a daemon of Pacemaker, as its settings PCMK_logfile,
// PCMK_logfacility, PCMK_logpriority, PCMK_debug and PCMK_stderr say. The error
// tells what could not be used; the targets are good all the same.
func (h Host) Pacemaker(ident string) ([]Target, error) {
	var faults []error
	debug := h.option("debug")
	filter := Filter{Level: slog.LevelInfo, Debug: func(d string) bool {
		if d == "" {
			d = ident
		}
		return enabled(debug, d)
	}}
	if debug == "" {
		filter.Debug = nil
	}
	form := func(l Line) string { return pacemakerLine(l, h.Node, ident, h.PID) }
	var out []Target
	var file *os.File
	path := h.option("logfile")
	if path == "" {
		path = PacemakerLogFile
	}
	if path != "/dev/null" && !strings.EqualFold(path, "none") {
		mode := os.FileMode(0o660)
		if m := h.option("logfile_mode"); m != "" {
			n, err := strconv.ParseUint(m, 8, 12)
			if err != nil {
				faults = append(faults, fmt.Errorf("PCMK_logfile_mode: %q is not a mode in octal digits", m))
			} else {
				mode = os.FileMode(n)
			}
		}
		f, err := OpenFile(path, mode)
		if err != nil {
			faults = append(faults, fmt.Errorf("logging to %s is disabled: %w", path, err))
		} else {
			file = f
			if h.UID >= 0 {
				_ = f.Chown(h.UID, h.GID) // members of haclient read it; whoever is not root leaves it as it is
				_ = f.Chmod(mode)
			}
			out = append(out, &Writer{Filter: filter, W: f, Form: form})
		}
	}
	if f := h.option("logfacility"); !strings.EqualFold(f, "none") {
		facility, ok := 3, true
		if f != "" {
			facility, ok = Facility(f)
		}
		if !ok {
			faults = append(faults, fmt.Errorf("PCMK_logfacility: %q is not a facility of syslog", f))
			facility = 3
		}
		level := Notice
		if p := h.option("logpriority"); p != "" {
			if level, ok = ParseLevel(p); !ok {
				faults = append(faults, fmt.Errorf("PCMK_logpriority: %q is not a priority of syslog", p))
				level = Notice
			}
		}
		out = append(out, &Syslog{
			Filter: Filter{Level: level}, Path: h.Syslog, Facility: facility, Ident: ident, PID: h.PID,
			Form: func(l Line) string { return " " + word(l.Level) + ": " + l.Text },
		})
	}
	if h.Stderr != nil && !same(h.Stderr, file) && (file == nil || enabled(h.option("stderr"), ident)) {
		out = append(out, &Writer{Filter: filter, W: h.Stderr, Form: form})
	}
	return out, errors.Join(faults...)
}

// pacemakerLine is a line of Pacemaker's log file:
//
//	Nov 23 16:14:57.428 n1 pacemaker-based     [26] (function) 	info: text | detail
func pacemakerLine(l Line, node, ident string, pid int) string {
	if l.Daemon != "" {
		ident = l.Daemon
	}
	text := l.Text
	if l.Detail != "" {
		text += " | " + l.Detail
	}
	return fmt.Sprintf("%s %s %-20s[%d] (%s) \t%s: %s", l.Time.Format("Jan 02 15:04:05.000"), node, ident, pid, l.Func, word(l.Level), text)
}

// same tells whether two files are one: a daemon's errors go where it logs, often.
func same(a, b *os.File) bool {
	if a == nil || b == nil {
		return false
	}
	x, err := a.Stat()
	if err != nil {
		return false
	}
	y, err := b.Stat()
	return err == nil && os.SameFile(x, y)
}

// AgentEnvironment are the variables by which agents find where to log.
func AgentEnvironment(getenv func(string) string) []string {
	h := Host{Getenv: getenv}
	file, facility, debug := h.option("logfile"), h.option("logfacility"), "0"
	if file == "" {
		file = PacemakerLogFile
	}
	if facility == "" {
		facility = "daemon"
	}
	if enabled(h.option("debug"), "pacemaker-execd") {
		debug = "1"
	}
	out := []string{"PCMK_logfacility=" + facility, "PCMK_debug=" + debug, "HA_debug=" + debug, "HA_LOGFACILITY=" + facility, "HA_logfacility=" + facility}
	if !strings.EqualFold(file, "none") {
		out = append(out, "PCMK_logfile="+file, "HA_logfile="+file, "HA_LOGFILE="+file)
	}
	return out
}
