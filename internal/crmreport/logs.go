package crmreport

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ulikunitz/xz"
)

// eventPatterns are lines of logs that tell of a cluster's events, from Heartbeat's time on.
var eventPatterns = regexp.MustCompile(strings.Join([]string{
	`do_state_transition|State transition S_`,
	`pcmk_peer_update.*(lost|memb):`,
	`(crmd|pacemaker-controld).*(crm_update_quorum|Quorum (lost|acquired))`,
	`Process.pause.detected`,
	`(lrmd|pacemaker-execd).*rsc:(start|stop)`,
	`Result of (start|stop|promote|demote|migrate_to|migrate_from) operation for `,
	`te_fence_node|Requesting fencing \(|fenced.*(requests|(Succeeded|Failed).to.|result=)`,
	`shutdown.decision|Corosync.Cluster.Engine|corosync.*Initializing.transport|Executive.Service.RELEASE`,
	`crm_shutdown:.Requesting.shutdown|pcmk_shutdown:.Shutdown.complete`,
}, "|"))

// detailPattern is what only logs of Pacemaker's daemons say.
const detailPattern = `Starting Pacemaker|Calculated transition|cib_perform_op|process_lrm_event|pacemaker[-_]remoted:`

// systemLogs are the folders where logs are looked for.
var systemLogs = []string{"/var/log", "/var/logs", "/var/syslog", "/var/adm", "/var/log/ha", "/var/log/cluster", "/var/log/pacemaker"}

// openLog opens a log, unpacked.
func openLog(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	var r io.Reader = f
	switch {
	case strings.HasSuffix(path, "bz2"):
		r = bzip2.NewReader(f)
	case strings.HasSuffix(path, "gz"):
		r, err = gzip.NewReader(f)
	case strings.HasSuffix(path, "xz"):
		r, err = xz.NewReader(f)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{r, f}, nil
}

// eachLine calls f with each line of a log, its end included, until f is false. A line of more than a megabyte comes in parts.
func eachLine(path string, f func(line []byte) bool) error {
	r, err := openLog(path)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // it was only read
	b := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := b.ReadSlice('\n')
		if len(line) > 0 && !f(line) {
			return nil
		}
		switch err {
		case nil, bufio.ErrBufferFull:
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

// candidates are all files where logs may be, those that changed last first.
func (m *Machine) candidates() []string {
	type file struct {
		path string
		time time.Time
	}
	var list []file
	for _, dir := range systemLogs {
		entries, err := os.ReadDir(m.path(dir))
		if err != nil {
			continue
		}
		for _, e := range entries {
			i, err := e.Info()
			if err != nil || !i.Mode().IsRegular() || i.Size() == 0 {
				continue
			}
			list = append(list, file{filepath.Join(m.path(dir), e.Name()), i.ModTime()})
		}
	}
	slices.SortStableFunc(list, func(a, b file) int { return b.time.Compare(a.time) })
	var paths []string
	for _, f := range list {
		paths = append(paths, f.path)
	}
	return paths
}

// findLogs gives up to limit logs that have a line which matches, those that changed last first.
func (m *Machine) findLogs(limit int, match func(line []byte) bool) []string {
	var found []string
	for _, path := range m.candidates() {
		hit, first := false, true
		_ = eachLine(path, func(line []byte) bool {
			if first && binary(line) {
				return false
			}
			first = false
			hit = match(line)
			return !hit
		})
		if hit {
			if found = append(found, path); len(found) == limit {
				break
			}
		}
	}
	return found
}

// binary tells that a file which begins so is none of text.
func binary(line []byte) bool {
	line = line[:min(len(line), 1024)]
	odd := 0
	for _, c := range line {
		if c < 9 || c > 126 {
			odd++
		}
	}
	return odd > 256 || bytes.IndexByte(line, 0) >= 0
}

// span is the time of the first and the last lines of a log; ok is false where neither can be told.
func span(path string, now time.Time) (first, last time.Time, ok bool) {
	n := 0
	var tail [10]string
	_ = eachLine(path, func(line []byte) bool {
		if n < 10 && first.IsZero() {
			if t, ok := lineTime(string(line), now); ok {
				first = t
			}
		}
		tail[n%10] = string(line[:min(len(line), 200)])
		n++
		return n < 10 || !first.IsZero()
	})
	if first.IsZero() {
		return first, last, false
	}
	last = now
	for i := range 10 {
		if t, ok := lineTime(tail[(n+i)%10], now); ok {
			last = t
		}
	}
	return first, last, true
}

// rotated are a log and its older parts (NAME.1, NAME-20260308.gz) that may have lines of the time asked for, the newest first.
func (c *collector) rotated(logfile string) []string {
	matches, _ := filepath.Glob(quoteGlob(logfile) + "*[0-9z]")
	type file struct {
		path string
		time time.Time
	}
	var files []file
	for _, path := range append([]string{logfile}, matches...) {
		if i, err := os.Stat(path); err == nil && i.Mode().IsRegular() {
			files = append(files, file{path, i.ModTime()})
		}
	}
	slices.SortStableFunc(files, func(a, b file) int { return b.time.Compare(a.time) })
	var set []string
	for _, f := range files {
		first, last, ok := span(f.path, c.now)
		switch {
		case !ok:
			c.warn("Skipping bad logfile '" + f.path + "': Could not determine log dates")
			continue
		case c.from.After(last):
			return set
		case first.After(c.to):
			continue
		}
		set = append(set, f.path)
		c.debug("Found log %s", f.path)
		if !c.from.Before(first) {
			return set
		}
	}
	return set
}

func quoteGlob(path string) string {
	return regexp.MustCompile(`[\\*?\[]`).ReplaceAllString(path, `\$0`)
}

// extract writes what a log and its older parts have of the time asked for. Lines without a time belong to those before.
func (c *collector) extract(w io.Writer, logfile string) error {
	set := c.rotated(logfile)
	for i := range slices.Backward(set) {
		path := set[i]
		n, from, to := 0, 0, 0
		in := false
		err := eachLine(path, func(line []byte) bool {
			n++
			if t, ok := lineTime(string(line[:min(len(line), 200)]), c.now); ok {
				in = !t.Before(c.from) && !t.After(c.to)
			}
			if in {
				if from == 0 {
					from = n
				}
				to = n
				_, _ = io.WriteString(w, c.mask.text(string(line)))
			}
			return c.ctx.Err() == nil
		})
		if err != nil {
			return err
		}
		switch {
		case from == 0:
			c.debug("Empty segment [%d-%d] from %s", from, to, path)
		case len(set) == 1 || i == 0:
			c.log("Including segment [%d-%d] from %s", from, to, path)
		case i == len(set)-1:
			c.log("Including all logs after line %d from %s", from, path)
		default:
			c.debug("including complete %s logfile", path)
		}
	}
	return nil
}
