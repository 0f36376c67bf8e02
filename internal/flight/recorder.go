// Package flight is the flight data of a daemon: what it told of late, at all levels, whatever its log keeps. It is in memory until somebody wants
// it, and is written as libqb's blackbox, which qb-blackbox prints; files of that form, also those that other daemons wrote, are read here, too.
package flight

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hacluster/internal/logging"
)

// Entry is one thing that was told.
type Entry struct {
	Time     time.Time
	Severity int    // syslog's, 0 is emerg, 7 debug; 8 is trace
	Func     string // of the source
	Line     uint32 // of the source
	Tags     uint32 // what libqb's programs mark an entry with
	Text     string
}

// Size is how many bytes of entries a recorder keeps.
const Size = 1 << 20

// Recorder keeps the last entries. It is a target of a log; any goroutine may use it.
type Recorder struct {
	mu      sync.Mutex
	entries []Entry // the oldest from first on
	first   int
	bytes   int // that these take in a file

	dumping sync.Mutex // files are written one after the other: two of one second have the same name
}

// Enabled is of logging.Target: all is wanted but traces.
func (r *Recorder) Enabled(level slog.Level, _ string) bool { return level >= slog.LevelDebug }

// Write is of logging.Target.
func (r *Recorder) Write(l logging.Line) {
	text := l.Text
	if l.Detail != "" {
		text += " (" + l.Detail + ")"
	}
	e := Entry{Time: l.Time, Severity: logging.Severity(l.Level), Func: l.Func, Line: uint32(max(0, l.Number)), Text: "[" + logging.Subsystem(l) + "] " + text}
	e.cut()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, e)
	r.bytes += e.room()
	for ; r.bytes > Size; r.first++ {
		r.bytes -= r.entries[r.first].room()
		r.entries[r.first] = Entry{}
	}
	if r.first > len(r.entries)/2 {
		r.entries, r.first = append([]Entry(nil), r.entries[r.first:]...), 0
	}
}

// Entries are those that are kept, the oldest first.
func (r *Recorder) Entries() []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Entry(nil), r.entries[r.first:]...)
}

// Link is the name in a daemon's folder that leads to what was written last.
const Link = "fdata"

// Dump writes what is kept into a file of its own in dir, for root alone, and has Link lead to it; it gives the file's path.
func (r *Recorder) Dump(dir string, now time.Time) (string, error) {
	r.dumping.Lock()
	defer r.dumping.Unlock()
	path := filepath.Join(dir, fmt.Sprintf("%s-%s-%d", Link, now.Format("2006-01-02T15:04:05"), os.Getpid()))
	if err := os.WriteFile(path, Marshal(r.Entries()), 0o600); err != nil {
		return "", fmt.Errorf("flight data: %w", err)
	}
	link := filepath.Join(dir, Link)
	fresh := link + ".new"
	_ = os.Remove(fresh)
	if err := os.Symlink(path, fresh); err != nil {
		return "", fmt.Errorf("flight data: %w", err)
	}
	if err := os.Rename(fresh, link); err != nil {
		return "", fmt.Errorf("flight data: %w", err)
	}
	return path, nil
}
