package logging

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"hacluster/corosync/conf"
)

// subsystems are the names that Corosync's log has for the packages of ours.
// Where one does not stand here, its nearest folder counts.
var subsystems = map[string]string{
	"hacluster/corosync/totem": "TOTEM", "hacluster/corosync/transport": "TOTEM", "hacluster/corosync/knet": "KNET", "hacluster/corosync/quorum": "QUORUM",
	"hacluster/corosync/cpg": "CPG", "hacluster/corosync/cmap": "CMAP", "hacluster/corosync/qdevice": "QDEVICE", "hacluster/internal/quorumdevice": "QDEVICE",
}

// Subsystem is the one that a line names, or that its package is of.
func Subsystem(l Line) string {
	if l.Daemon != "" {
		return l.Daemon
	}
	source := l.Source
	for source != "" {
		if s, ok := subsystems[source]; ok {
			return s
		}
		i := strings.LastIndexByte(source, '/')
		if i < 0 {
			break
		}
		source = source[:i]
	}
	return "MAIN"
}

// corosyncWord is the level's name: what Corosync's own daemon says about its
// doings are notices, but for the links'.
func corosyncWord(l Line) string {
	if l.Level == slog.LevelInfo && Subsystem(l) != "KNET" {
		return "notice"
	}
	return word(l.Level)
}

// level is a line's level in Corosync's eyes.
func corosyncLevel(l Line) slog.Level {
	if l.Level == slog.LevelInfo && Subsystem(l) != "KNET" {
		return Notice
	}
	return l.Level
}

// Corosync gives the targets that the section logging of corosync.conf asks for.
// The error tells what could not be used; the targets are good all the same.
func (h Host) Corosync(ident string, c conf.Logging) ([]Target, error) {
	var faults []error
	stamp := ""
	switch c.Timestamp {
	case "on", "yes", "1", "":
		stamp = "Jan 02 15:04:05"
	case "hires":
		stamp = "Jan 02 15:04:05.000"
	}
	text := func(l Line) string {
		t := fmt.Sprintf("[%-6s] %s", Subsystem(l), l.Text)
		if l.Detail != "" {
			t += " (" + l.Detail + ")"
		}
		return t
	}
	form := func(l Line) string {
		begin := ""
		if stamp != "" {
			begin = l.Time.Format(stamp) + " "
		}
		return fmt.Sprintf("%s[%d] %s %s %-7s %s", begin, h.PID, h.Node, ident, corosyncWord(l), text(l))
	}
	// What a priority asks for is what Corosync gives that priority.
	level := func(name, value string) slog.Level {
		l, ok := ParseLevel(value)
		if !ok {
			faults = append(faults, fmt.Errorf("%s: %q is not a priority of syslog", name, value))
			l = slog.LevelInfo
		}
		if c.Debug {
			l = min(l, slog.LevelDebug)
		}
		return l
	}
	priority := level("logfile_priority", c.Priority)
	var out []Target
	var file *os.File
	if c.ToLogfile && c.Logfile != "" {
		err := os.MkdirAll(filepath.Dir(c.Logfile), 0o755)
		if err == nil {
			file, err = OpenFile(c.Logfile, 0o640)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("logging to %s is disabled: %w", c.Logfile, err))
		} else {
			out = append(out, &corosyncTarget{priority, &Writer{W: file, Form: form}})
		}
	}
	if c.ToSyslog {
		facility, ok := Facility(c.Facility)
		if !ok {
			faults = append(faults, fmt.Errorf("syslog_facility: %q is not a facility of syslog", c.Facility))
			facility = 3
		}
		out = append(out, &corosyncTarget{level("syslog_priority", c.SyslogPriority), &Syslog{Path: h.Syslog, Facility: facility, Ident: ident, OneName: true, PID: h.PID, Form: text}})
	}
	if h.Stderr != nil && c.ToStderr && !same(h.Stderr, file) {
		out = append(out, &corosyncTarget{priority, &Writer{W: h.Stderr, Form: form}})
	}
	return out, errors.Join(faults...)
}

// corosyncTarget is a target whose level is Corosync's.
type corosyncTarget struct {
	level slog.Level
	to    Target
}

func (t *corosyncTarget) Enabled(level slog.Level, _ string) bool {
	return level >= t.level || level == slog.LevelInfo && t.level == Notice
}

func (t *corosyncTarget) Write(l Line) {
	if corosyncLevel(l) >= t.level {
		l.Level = corosyncLevel(l)
		t.to.Write(l)
	}
}

// Close closes the files of targets that are used no more.
func Close(targets []Target) {
	for _, t := range targets {
		if c, ok := t.(*corosyncTarget); ok {
			t = c.to
		}
		if w, ok := t.(*Writer); ok {
			if f, ok := w.W.(*os.File); ok && f != os.Stderr {
				_ = f.Close()
			}
		}
	}
}
