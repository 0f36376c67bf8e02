package crmreport

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"hacluster/corosync/conf"
	"hacluster/internal/logging"
)

// The files of a node's part of a report.
const (
	eventsFile   = "events.txt"
	analysisFile = "analysis.txt"
	clusterLog   = "cluster-log.txt"
	sysinfoFile  = "sysinfo.txt"
	monFile      = "crm_mon.txt"
	membersFile  = "members.txt"
	cibFile      = "cib.xml"
	notesFile    = "report.out"
	summaryFile  = "report.summary"
)

// Where Pacemaker and Corosync keep what they have.
const (
	stateDir  = "/var/lib/pacemaker"
	cibDir    = stateDir + "/cib"
	inputsDir = stateDir + "/pengine"
	runDir    = "/var/run/crm"
	confFile  = "/etc/corosync/corosync.conf"
)

// collector gathers what one node has to tell, in a folder.
type collector struct {
	*Machine
	*notes
	ctx      context.Context
	o        *Options
	mask     *masker
	matters  []*regexp.Regexp // lines of logs for the analysis
	node     string
	dir      string
	now      time.Time
	from, to time.Time
	cluster  string // corosync, or any
	conf     string // corosync.conf, "" without
}

// collect writes a node's part into dir, which is made.
func (c *collector) collect() error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	c.notes.into(filepath.Join(c.dir, notesFile))
	if err := c.find(); err != nil {
		return err
	}
	var logs []string
	if c.o.SearchLogs {
		logs = c.logFiles()
	}
	for _, l := range c.o.Logs {
		if !slices.Contains(logs, l) {
			logs = append(logs, l)
		}
	}
	_, journal := c.try(c.ctx, "journalctl", "--version")
	if len(logs) == 0 {
		if journal {
			c.log("Systemd journal will be only log collected")
		} else {
			c.log("No logs will be collected")
		}
		c.log("No log files found or specified with --logfile /some/path")
	}
	c.debug("Config: %s (%s) %s", c.cluster, c.conf, strings.Join(logs, "\n"))

	c.put(sysinfoFile, c.systemInfo())
	c.put("permissions.txt", c.permissions())
	c.configuration()
	c.inputs()
	c.put("backtraces.txt", c.cores())
	c.blackboxes()
	if c.cluster == "corosync" && c.running("corosync") {
		c.put("corosync-blackbox-live.txt", c.tell(c.ctx, "corosync-blackbox"))
		if r, there := c.try(c.ctx, "corosync-cmapctl"); there {
			c.put("corosync.dump", string(r.Stdout))
		}
		c.put("corosync.quorum", c.tell(c.ctx, "corosync-quorumtool", "-s", "-i"))
	}
	if c.coordinates() {
		c.put("DC", c.node+"\n")
	}
	c.put("dlm_dump.txt", c.locks())
	c.put("sysstats.txt", c.statistics())
	c.put("drbd_info.txt", c.drbd())
	c.debug("Sanitizing files: %s", strings.Join(c.o.Mask, " "))
	if err := c.hide(); err != nil {
		return err
	}
	if !c.o.Sos {
		c.readable()
	}
	if err := c.logs(logs, journal); err != nil {
		return err
	}
	return c.purge()
}

// find tells where Pacemaker's parts are, and of which kind the cluster is.
func (c *collector) find() error {
	c.debug("Machine runtime directory: /var")
	c.debug("Pacemaker runtime data located in: %s", runDir)
	remote := c.hasProgram("pacemaker-remoted") || c.hasProgram("pacemaker_remoted")
	c.log("Searching for where Pacemaker daemons live... this may take a while")
	daemons := ""
	for _, dir := range []string{"/usr/libexec/pacemaker", "/usr/lib64/pacemaker", "/usr/lib/pacemaker", "/usr/local/libexec/pacemaker", "/usr/sbin", "/usr/local/sbin", "/usr/bin"} {
		if c.has(dir+"/pacemaker-schedulerd") || c.has(dir+"/pacemakerd") {
			daemons = dir
			break
		}
	}
	if self, err := os.Executable(); daemons == "" && err == nil && c.Root == "" && executable(filepath.Join(filepath.Dir(self), "clusterd")) {
		daemons = filepath.Dir(self)
	}
	switch {
	case daemons != "":
		c.log("Pacemaker daemons found in: %s", daemons)
	case remote:
		c.log("Pacemaker daemons not found (this appears to be a Pacemaker Remote node)")
	default:
		return fmt.Errorf("Pacemaker daemons not found (nonstandard installation?)")
	}
	switch {
	case c.has(cibDir + "/" + cibFile):
		c.log("Pacemaker config files found in: %s", cibDir)
	case remote:
		c.log("Pacemaker config not found (this appears to be a Pacemaker Remote node)")
	default:
		c.warn("Pacemaker config not found (nonstandard installation?)")
	}
	c.debug("Pacemaker blackboxes (if any) located in: %s/blackbox", stateDir)
	switch {
	case c.has(inputsDir):
		c.log("Pacemaker scheduler inputs found in: %s", inputsDir)
	case remote:
		c.log("Pacemaker scheduler inputs not found (this appears to be a Pacemaker Remote node)")
	default:
		c.warn("Pacemaker scheduler inputs not found (nonstandard installation?)")
	}
	if c.cluster = c.o.Cluster; c.cluster == "any" || c.cluster == "" {
		c.cluster = c.kind()
	}
	switch c.cluster {
	case "corosync":
		if c.has(confFile) {
			c.conf = confFile
			c.debug("Located corosync config file: %s", c.conf)
		} else {
			c.warn("Could not determine the location of your cluster configuration")
		}
	case "any":
	default:
		c.warn("Unknown cluster type: " + c.cluster)
		c.warn("Could not determine the location of your cluster configuration")
	}
	return nil
}

// kind guesses what the cluster is made of.
func (m *Machine) kind() string {
	if m.running("corosync") || m.has(confFile) {
		return "corosync"
	}
	return "any" // perhaps a remote node
}

// put writes a file of the report; an empty text makes none.
func (c *collector) put(name, text string) {
	if text == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		c.warn(err.Error())
	}
}

// configuration copies the files of the cluster, and asks it for its state.
func (c *collector) configuration() {
	for _, f := range []string{c.conf, cibDir + "/" + cibFile, "/etc/drbd.conf", "/etc/drbd.d", "/etc/booth"} {
		if f == "" || !c.has(f) {
			continue
		}
		if err := c.copy(c.path(f), filepath.Join(c.dir, filepath.Base(f))); err != nil {
			c.warn(err.Error())
		}
	}
	state := "STOPPED"
	if full := c.running("pacemaker-controld"); full || c.running("pacemaker-remoted", "pacemaker_remoted") {
		state = "RUNNING"
		var shown []string
		for line := range strings.Lines(c.tell(c.ctx, "crm_mon", "-1")) {
			if !strings.HasPrefix(line, "Last upd") {
				shown = append(shown, line)
			}
		}
		c.put(monFile, strings.Join(shown, ""))
		if r, there := c.try(c.ctx, "cibadmin", "-Q"); there {
			c.put(cibFile+".live", string(r.Stdout))
		}
		if full {
			c.put(membersFile, c.tell(c.ctx, "crm_node", "-p"))
		}
	}
	c.put(state, c.Name+"\n")
}

// copy copies a file or a folder with the times of change. What is nobody else's business stays out: keys, and what is no plain file.
func (c *collector) copy(from, to string) error {
	i, err := os.Stat(from)
	if err != nil {
		return err
	}
	switch {
	case i.IsDir():
		entries, err := os.ReadDir(from)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(to, 0o700); err != nil {
			return err
		}
		for _, e := range entries {
			if err := c.copy(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
				return err
			}
		}
		return nil
	case !i.Mode().IsRegular():
		return nil
	case strings.HasSuffix(from, ".key") || strings.HasSuffix(from, "authkey") || secretFile(from):
		c.debug("Leaving out the key %s", from)
		return os.WriteFile(to, []byte("****\n"), 0o600)
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		return err
	}
	return os.Chtimes(to, i.ModTime(), i.ModTime())
}

// secretFile tells that a booth configuration beside a file names it as the key.
func secretFile(path string) bool {
	confs, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.conf"))
	for _, f := range confs {
		data, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			name, value, ok := strings.Cut(line, "=")
			if ok && strings.TrimSpace(name) == "authfile" && strings.Trim(strings.TrimSpace(value), `"'`) == path {
				return true
			}
		}
	}
	return false
}

// inputs copies the scheduler's inputs of the time asked for.
func (c *collector) inputs() {
	list := c.changed(c.from, c.to, inputsDir)
	for _, f := range list {
		to := filepath.Join(c.dir, filepath.Base(inputsDir), strings.TrimPrefix(f, c.path(inputsDir)))
		err := os.MkdirAll(filepath.Dir(to), 0o700)
		if err == nil {
			err = c.copy(f, to)
		}
		if err != nil {
			c.warn(err.Error())
		}
	}
	if len(list) > 0 {
		c.debug("found %d scheduler input files in %s", len(list), inputsDir)
	}
}

// coordinates tells whether this node is the DC.
func (c *collector) coordinates() bool {
	r, _ := c.try(c.ctx, "crm_mon", "-1")
	for line := range strings.Lines(string(r.Stdout)) {
		if _, rest, ok := strings.Cut(line, "Current DC: "); ok {
			name, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			return name == c.node
		}
	}
	return false
}

// hide masks secrets in what was copied.
func (c *collector) hide() error {
	files, _ := filepath.Glob(filepath.Join(c.dir, "pengine", "*"))
	files = append(files, filepath.Join(c.dir, cibFile), filepath.Join(c.dir, cibFile+".live"), filepath.Join(c.dir, filepath.Base(confFile)))
	for _, f := range files {
		i, err := os.Stat(f)
		if err != nil || !i.Mode().IsRegular() {
			continue
		}
		r, err := openLog(f)
		if err != nil {
			return err
		}
		data, err := io.ReadAll(r)
		_ = r.Close()
		if err != nil {
			// What cannot be read cannot be masked.
			c.warn("Leaving out " + f + ": " + err.Error())
			if err := os.Remove(f); err != nil {
				return err
			}
			continue
		}
		masked := c.mask.text(string(data))
		if masked == string(data) {
			continue
		}
		packed, err := pack(f, []byte(masked))
		if err == nil {
			err = os.WriteFile(f, packed, 0o600)
		}
		if err == nil {
			err = os.Chtimes(f, i.ModTime(), i.ModTime())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readable adds the CIB in words, and what is wrong with it; from the masked one.
func (c *collector) readable() {
	f := filepath.Join(c.dir, cibFile)
	if _, err := os.Stat(f); err != nil {
		return
	}
	r, there := c.try(c.ctx, "crm_verify", "-V", "-x", f)
	if there {
		c.put("crm_verify.txt", string(r.Stdout)+string(r.Stderr))
	}
	c.put("cib.txt", c.tell(c.ctx, "pcs", "config", "-f", f))
}

// logFiles finds the logs of the cluster's daemons, in order.
func (c *collector) logFiles() []string {
	var list []string
	add := func(paths ...string) {
		for _, p := range paths {
			if p != "" && !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
	}
	facility := ""
	if c.conf != "" {
		c.debug("Reading corosync log settings from %s", c.conf)
		l := corosyncLogging(c.path(c.conf))
		if l.syslog {
			facility = l.facility
			add(c.systemLog()...)
		}
		if !c.o.Sos && l.file != "" && c.has(l.file) {
			c.debug("Log settings found for cluster type corosync: %s", l.file)
			add(c.path(l.file))
		}
	}
	set := logging.Settings(c.Getenv, c.path("/etc/sysconfig/pacemaker"), c.path("/etc/default/pacemaker"))
	f := set("PCMK_logfacility")
	if f == "" {
		f = "daemon"
	}
	if f != facility && f != "none" {
		add(c.systemLog()...)
	}
	if c.o.Sos {
		slices.Sort(list)
		return list
	}
	switch file := set("PCMK_logfile"); {
	case file == "none":
	case file == "":
		for _, file := range []string{"/var/log/pacemaker/pacemaker.log", "/var/log/pacemaker.log"} {
			if c.has(file) {
				c.debug("Log settings not found for Pacemaker, assuming %s", file)
				add(c.path(file))
				break
			}
		}
	case c.has(file):
		c.debug("Log settings found for Pacemaker: %s", file)
		add(c.path(file))
	}
	detail := regexp.MustCompile(detailPattern)
	add(c.findLogs(3, detail.Match)...)
	slices.Sort(list)
	return list
}

// systemLog is where the system's log daemon writes: a mark that it is sent is looked for. Without such a daemon, there is none.
func (c *collector) systemLog() []string {
	mark := fmt.Sprintf("Mark:pcmk:%d", c.now.Unix())
	if !c.marked {
		if _, there := c.try(c.ctx, "logger", "-p", "daemon.notice", mark); !there {
			return nil
		}
		c.marked = true
	}
	find := func() []string {
		return c.findLogs(1, func(line []byte) bool { return bytes.Contains(line, []byte(mark)) })
	}
	if !c.has(logging.SyslogSocket) {
		return nil
	}
	// The daemon tells nobody when it has written.
	for wait := 50 * time.Millisecond; wait < 2*time.Second; wait *= 2 {
		if found := find(); found != nil {
			return found
		}
		select {
		case <-time.After(wait):
		case <-c.ctx.Done():
			return nil
		}
	}
	return find()
}

type corosyncLog struct {
	syslog         bool
	facility, file string
}

// corosyncLogging reads where corosync logs to, also from a configuration that it would refuse.
func corosyncLogging(path string) corosyncLog {
	l := corosyncLog{syslog: true, facility: "daemon"}
	data, err := os.ReadFile(path)
	if err != nil {
		return l
	}
	root, err := conf.Parse(path, data)
	if err != nil {
		return l
	}
	toFile, file := false, ""
	for _, s := range root.All("logging") {
		if a, ok := s.Get("to_syslog"); ok {
			l.syslog = strings.ToLower(a.Value) != "no" && strings.ToLower(a.Value) != "off" && a.Value != "0"
		}
		if a, ok := s.Get("syslog_facility"); ok {
			l.facility = a.Value
		}
		if a, ok := s.Get("to_logfile"); ok {
			toFile = strings.EqualFold(a.Value, "yes") || strings.EqualFold(a.Value, "on")
		}
		if a, ok := s.Get("logfile"); ok {
			file = a.Value
		}
	}
	if toFile {
		l.file = file
	}
	return l
}

// logs writes what logs have of the time asked for, what of that matters, and events.
func (c *collector) logs(logs []string, journal bool) error {
	names := slices.Clone(logs)
	if journal {
		names = append(names, "journalctl")
	}
	if len(names) == 0 {
		return nil
	}
	const stamp = "2006-01-02 15:04:05"
	c.debug("Gathering logs from %s to %s:", c.from.Format(stamp), c.to.Format(stamp))
	c.debug("   %s", strings.Join(names, " "))
	analysis, events := &strings.Builder{}, &strings.Builder{}
	fmt.Fprintf(analysis, "Log pattern matches from %s:\n", c.node)
	link := ""
	for _, l := range logs {
		name := filepath.Base(l) + ".extract.txt"
		to := filepath.Join(c.dir, name)
		if i, err := os.Stat(l); err != nil || !i.Mode().IsRegular() {
			continue
		}
		if _, err := os.Stat(to); err == nil {
			continue // of the same name, from another folder: the first counts
		}
		f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		err = c.extract(f, l)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			c.warn(err.Error())
		}
		n, err := c.sift(to, analysis, events)
		if err != nil {
			return err
		}
		if n > 0 && link == "" {
			link = name
		}
	}
	if journal {
		r, _ := c.try(c.ctx, "journalctl", "--since", c.from.Format(stamp), "--until", c.to.Format(stamp))
		c.put("journal.log", c.mask.text(string(r.Stdout)))
		if len(r.Stdout) > 0 {
			if _, err := c.sift(filepath.Join(c.dir, "journal.log"), analysis, io.Discard); err != nil {
				return err
			}
		}
	}
	c.put(analysisFile, analysis.String())
	if len(logs) > 0 {
		if err := os.WriteFile(filepath.Join(c.dir, eventsFile), []byte(events.String()), 0o600); err != nil {
			return err
		}
	}
	if link != "" {
		return os.Symlink(link, filepath.Join(c.dir, clusterLog))
	}
	return nil
}

// sift writes the lines of a file that matter, and those that tell of events; n is how many lines it has.
func (c *collector) sift(path string, analysis, events io.Writer) (n int, err error) {
	err = eachLine(path, func(line []byte) bool {
		n++
		if slices.ContainsFunc(c.matters, func(r *regexp.Regexp) bool { return r.Match(line) }) {
			_, _ = analysis.Write(line)
		}
		if eventPatterns.Match(line) {
			_, _ = events.Write(line)
		}
		return true
	})
	return n, err
}

// purge drops files that say nothing.
func (c *collector) purge() error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		i, err := e.Info()
		if err != nil || !i.Mode().IsRegular() || i.Size() > 0 || e.Name() == eventsFile || e.Name() == notesFile {
			continue
		}
		if strings.Contains(e.Name(), "core") && !strings.HasPrefix(e.Name(), "corosync") {
			c.log("Detected empty core file: %s", e.Name())
			continue
		}
		c.debug("Removing empty file: %s", e.Name())
		if err := os.Remove(filepath.Join(c.dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
