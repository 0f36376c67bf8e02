// Package crmreport makes the archive that support engineers ask for: what each node of a
// cluster knows of itself, its configuration, its state and its logs between two times, without secrets.
//
//	code := crmreport.Make(ctx, crmreport.Options{From: from, SearchLogs: true}, &machine)
//
// The report is a folder, packed: REPORT/NODE/ has a node's files under the names that Pacemaker's crm_report gives
// them, REPORT/analysis.txt tells where nodes differ, and files that are the same on all nodes are kept once.
//
// Another node makes a report of its own with its own crm_report, ours or Pacemaker's: pcsd is asked for it, or ssh runs it.
package crmreport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Options are what is asked of a report.
type Options struct {
	// From and To are the times between which logs and files are of interest; a zero To is now.
	From, To time.Time
	// Nodes are those asked for, none: all of the cluster.
	Nodes []string
	// Cluster is "corosync", or "any" to find out.
	Cluster string
	// SearchLogs has the cluster's logs looked for; Logs are some more.
	SearchLogs bool
	Logs       []string
	// Mask are patterns of names whose values are hidden, Patterns those of lines that matter; both as grep reads them.
	Mask, Patterns []string
	// Shell runs a command line on another node, as User; nil and "": pcsd is asked first, then "ssh -T" as root.
	Shell []string
	User  string
	// Directory leaves the report as a folder. Dest is its name, "" for one of the day in the user's home.
	Directory bool
	Dest      string
	// Sos is for sosreport, which collects logs and readable forms itself.
	Sos bool
	// Debug tells all that is done.
	Debug bool
}

// The patterns that are there without asking.
var (
	DefaultMask     = []string{"passw.*"}
	DefaultPatterns = []string{"CRIT:", "ERROR:"}
)

// slack is by how much logs are read beyond the times asked for.
const slack = 10 * time.Second

// errTold ends a report whose fault has been told.
var errTold = errors.New("told")

// maker makes one report.
type maker struct {
	*Machine
	*notes
	o       Options
	mask    *masker
	matters []*regexp.Regexp
	now     time.Time
	base    string // the report's folder
	own     string // the node that this host is
}

// Make makes a report and tells how it goes; it answers the program's exit code.
func Make(ctx context.Context, o Options, m *Machine) int {
	k := &maker{Machine: m, notes: &notes{stderr: m.Stderr, host: short(m.Name), verbose: o.Debug}, o: o, now: m.Now(), own: m.Name}
	err := k.make(ctx)
	if err == nil {
		return 0
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if k.file != "" {
		k.into("")
		_ = os.RemoveAll(k.base)
	}
	if !errors.Is(err, errTold) {
		k.log("ERROR: %v", err)
	}
	return 1
}

func (k *maker) make(ctx context.Context) error {
	if k.o.From.IsZero() {
		return errors.New("Not sure what to do, no time range to extract")
	}
	var err error
	if k.mask, err = newMasker(k.o.Mask); err != nil {
		return err
	}
	for _, p := range k.o.Patterns {
		r, err := regexp.Compile(basic(p))
		if err != nil {
			return fmt.Errorf("%s is no regular expression: %w", p, err)
		}
		k.matters = append(k.matters, r)
	}
	if k.o.Cluster == "" || k.o.Cluster == "any" {
		k.o.Cluster = k.kind()
		k.debug("Detected the '%s' cluster stack", k.o.Cluster)
	}
	nodes := k.o.Nodes
	if r, there := k.try(ctx, "crm_node", "-n"); there && r.Code == 0 && k.running("pacemaker-controld") {
		if name := strings.TrimSpace(string(r.Stdout)); name != "" {
			k.own = name
		}
	}
	if len(nodes) == 0 {
		if nodes = k.members(ctx); len(nodes) == 0 {
			return errors.New("Cannot determine nodes; specify --nodes or --single-node")
		}
		k.log("Calculated node list: %s ", strings.Join(nodes, " "))
	}
	member := slices.ContainsFunc(nodes, k.here)
	if member {
		k.debug("We are a cluster node")
	} else {
		k.debug("We are a log master")
	}
	to := k.o.To
	if to.IsZero() {
		to = k.now
	}
	const shown = "01/02/06 15:04:05"
	k.log("Collecting data from %s (%s to %s)", strings.Join(nodes, " "), k.o.From.In(k.now.Location()).Format(shown), to.In(k.now.Location()).Format(shown))
	if err := k.begin(); err != nil {
		return err
	}
	c := collector{
		Machine: k.Machine, notes: k.notes, ctx: ctx, o: &k.o, mask: k.mask, matters: k.matters, now: k.now,
		from: k.o.From.Add(-slack), to: to.Add(slack),
	}
	if !member {
		if err := k.masterLog(c); err != nil {
			return err
		}
	}
	var got []string
	for _, node := range nodes {
		dir := filepath.Join(k.base, filepath.Base(node))
		if _, err := os.Lstat(dir); err == nil {
			continue // named twice
		}
		if k.here(node) {
			c.node, c.dir = node, dir
			err = c.collect()
			k.into(filepath.Join(k.base, summaryFile))
			if err != nil {
				return err
			}
		} else if err := k.fetch(ctx, node, dir, to); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			k.warn("Could not collect data from " + node + ": " + err.Error())
			_ = os.RemoveAll(dir)
			continue
		}
		got = append(got, node)
	}
	if err := k.summarize(ctx, nodes, got); err != nil {
		return err
	}
	return k.finish()
}

// here tells whether a node is this host.
func (k *maker) here(node string) bool { return node == k.Name || node == k.own }

// begin makes the report's folder.
func (k *maker) begin() error {
	switch dest := k.o.Dest; {
	case dest == "":
		k.base = filepath.Join(k.Home, "pcmk-"+k.now.Format("Mon-02-Jan-2006"))
	case filepath.IsAbs(dest):
		k.base = filepath.Clean(dest)
	default:
		k.base = filepath.Join(k.Dir, dest)
	}
	if k.o.Dest != "" {
		k.debug("Using custom scratch dir: %s", k.base)
	}
	if _, err := os.Lstat(k.base); err == nil {
		return fmt.Errorf("Output directory %s already exists, specify an alternate name with --dest", k.base)
	}
	if target := k.base + ".tar.bz2"; !k.o.Directory {
		if _, err := os.Lstat(target); err == nil {
			return fmt.Errorf("Destination %s already exists, specify an alternate name with --dest", target)
		}
	}
	if err := os.MkdirAll(filepath.Dir(k.base), 0o755); err != nil { //nolint:gosec // as mkdir makes them
		return err
	}
	if err := os.Mkdir(k.base, 0o700); err != nil {
		return err
	}
	k.into(filepath.Join(k.base, summaryFile))
	return nil
}

// finish packs the report, and tells where it is.
func (k *maker) finish() error {
	k.log(" ")
	if k.o.Directory {
		k.log("Collected results are available in %s", k.base)
		k.log(" ")
		return nil
	}
	target, err := shrink(k.base)
	if err != nil {
		return fmt.Errorf("Could not archive %s: %w", filepath.Base(k.base), err)
	}
	k.into("")
	if err := os.RemoveAll(k.base); err != nil {
		return err
	}
	for _, line := range []string{
		"Collected results are available in " + target, " ",
		"Please create a bug entry where you have your support from,",
		"Include a description of your problem and attach this tarball", " ",
		"Thank you for taking time to create this report.", " ",
	} {
		k.log("%s", line)
	}
	return nil
}

// masterLog is for a host outside of the cluster that keeps its logs.
func (k *maker) masterLog(c collector) error {
	found := k.findLogs(1, regexp.MustCompile(`pacemaker-controld|CTS`).Match)
	if len(found) == 0 {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(k.base, clusterLog), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = c.extract(f, found[0])
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// summarize compares the nodes' parts, keeps once what is the same, and puts together what matters.
func (k *maker) summarize(ctx context.Context, nodes, got []string) error {
	var all, events strings.Builder
	for _, name := range []string{membersFile, cibFile, monFile, sysinfoFile} {
		fmt.Fprintf(&all, "Diff %s... ", name)
		found := false
		for _, n := range got {
			_, err := os.Stat(filepath.Join(k.base, filepath.Base(n), name))
			found = found || err == nil
		}
		if !found {
			fmt.Fprintf(&all, "no %s/*/%s :/\n", k.base, name)
			continue
		}
		same := true
		for _, n := range nodes[1:] {
			difference, equal := k.differ(ctx, filepath.Join(k.base, filepath.Base(nodes[0]), name), filepath.Join(k.base, filepath.Base(n), name))
			all.WriteString(difference)
			same = same && equal
		}
		if !same {
			all.WriteString("\n")
			continue
		}
		all.WriteString("OK\n")
		if name != cibFile {
			if err := k.once(got, name); err != nil {
				return err
			}
		}
	}
	if err := k.eventsOf(filepath.Join(k.base, clusterLog), &events); err != nil {
		return err
	}
	for _, n := range got {
		dir := filepath.Join(k.base, filepath.Base(n))
		for name, b := range map[string]*strings.Builder{analysisFile: &all, eventsFile: &events} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			b.Write(data)
		}
	}
	if err := os.WriteFile(filepath.Join(k.base, analysisFile), []byte(all.String()), 0o600); err != nil {
		return err
	}
	if events.Len() == 0 {
		return nil
	}
	return os.WriteFile(filepath.Join(k.base, eventsFile), []byte(events.String()), 0o600)
}

func (k *maker) eventsOf(path string, w io.Writer) error {
	err := eachLine(path, func(line []byte) bool {
		if eventPatterns.Match(line) {
			_, _ = w.Write(line)
		}
		return true
	})
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// differ compares the same file of two nodes.
func (k *maker) differ(ctx context.Context, a, b string) (difference string, equal bool) {
	for _, f := range []string{a, b} {
		if _, err := os.Stat(f); err != nil {
			return f + " does not exist\n", false
		}
	}
	if filepath.Base(a) != cibFile {
		x, errX := os.ReadFile(a)
		y, errY := os.ReadFile(b)
		if errX == nil && errY == nil && string(x) == string(y) {
			return "", true
		}
		r, there := k.try(ctx, "diff", "-u", a, b)
		if !there {
			return fmt.Sprintf("Files %s and %s differ\n", a, b), false
		}
		return string(r.Stdout) + string(r.Stderr), r.Code == 0
	}
	runs := func(f string) bool {
		_, err := os.Stat(filepath.Join(filepath.Dir(f), "RUNNING"))
		return err == nil
	}
	if runs(a) != runs(b) {
		return "can't compare cibs from running and stopped systems\n", true
	}
	r, there := k.try(ctx, "crm_diff", "-c", "-n", a, "-o", b)
	if !there {
		k.log("crm_diff(8) not found, cannot diff CIBs")
		return "", true
	}
	return string(r.Stdout) + string(r.Stderr), r.Code == 0
}

// once keeps a file that all nodes have alike in the report's folder, with links in theirs.
func (k *maker) once(nodes []string, name string) error {
	for i, n := range nodes {
		own := filepath.Join(k.base, filepath.Base(n), name)
		var err error
		if i == 0 {
			err = os.Rename(own, filepath.Join(k.base, name))
		} else {
			err = os.Remove(own)
		}
		if err == nil {
			err = os.Symlink("../"+name, own)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
