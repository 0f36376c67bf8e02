package crmreport

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"hacluster/internal/flight"
)

// packages are those whose files the package manager is asked to check, by their names in all distributions.
var packages = strings.Fields(`hacluster pacemaker pacemaker-libs pacemaker-cluster-libs libpacemaker3 pacemaker-remote pcs
corosync corosynclib libcorosync4 corosync-qdevice corosync-qnetd resource-agents fence-agents cluster-glue-libs cluster-glue libglue2 ldirectord
ocfs2-tools drbd drbd-pacemaker drbd-utils drbd-dkms lvm2 lvm2-clvm lvm2-lockd cmirrord libdlm libdlm3 booth sbd hawk ruby lighttpd glibc libc6`)

// systemInfo tells of the system and its software.
func (c *collector) systemInfo() string {
	var b strings.Builder
	var u syscall.Utsname
	_ = syscall.Uname(&u)
	fmt.Fprintf(&b, "Platform: Linux\nKernel release: %s\nArchitecture: %s\nDistribution: %s\n\n", text(u.Release[:]), text(u.Machine[:]), c.distribution())
	first := func(argv ...string) {
		if line, _, _ := strings.Cut(c.tell(c.ctx, argv...), "\n"); line != "" {
			b.WriteString(line + "\n")
		}
	}
	first("cibadmin", "--version")
	b.WriteString(c.tell(c.ctx, "pacemakerd", "-F"))
	if c.cluster == "corosync" {
		first("corosync", "-v")
	}
	first("stonith", "-V")
	fmt.Fprintf(&b, "resource-agents: %s\n\n", c.agentsVersion())
	b.WriteString(c.installed())
	return b.String()
}

// text is a string of the kernel's.
func text(s []int8) string {
	var b strings.Builder
	for _, c := range s {
		if c == 0 {
			break
		}
		b.WriteByte(byte(c))
	}
	return b.String()
}

func (c *collector) agentsVersion() string {
	data, err := os.ReadFile(c.path("/usr/lib/ocf/resource.d/heartbeat/.ocf-shellfuncs"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if strings.Contains(line, "Build version:") {
			return strings.TrimSuffix(line, "\n")
		}
	}
	return ""
}

func (c *collector) distribution() string {
	if r, there := c.try(c.ctx, "lsb_release", "-d"); there {
		c.debug("Using lsb_release for distribution info")
		return strings.TrimSpace(strings.TrimPrefix(string(r.Stdout), "Description:"))
	}
	files, _ := filepath.Glob(c.path("/etc/*-release"))
	for _, f := range append([]string{c.path("/etc/debian_version"), c.path("/etc/slackware-version")}, files...) {
		if data, err := os.ReadFile(f); err == nil {
			c.debug("Found %s distribution release file(s)", f)
			return f + " " + strings.TrimSpace(string(data))
		}
	}
	c.warn("No lsb_release, no /etc/*-release, no /etc/debian_version: no distro information")
	return ""
}

// installed lists the packages, and what of the cluster's was changed since they were installed.
func (c *collector) installed() string {
	var b strings.Builder
	begin := func(manager string) {
		c.debug("The package manager is: %s", manager)
		fmt.Fprintf(&b, "The package manager is: %s\nInstalled packages:\n", manager)
	}
	verify := func(p string, argv ...string) {
		c.debug("Verifying installation of: %s", p)
		fmt.Fprintf(&b, "Verifying installation of: %s\n%s", p, c.tell(c.ctx, argv...))
	}
	if r, there := c.try(c.ctx, "dpkg-query", "-f", "${Package} ${Version} ${Architecture}\n", "-W"); there {
		begin("deb")
		b.Write(r.Stdout)
		b.WriteString("\n")
		for _, p := range packages {
			if r, _ := c.try(c.ctx, "dpkg-query", "-W", p); r.Code == 0 && len(r.Stdout) > 0 {
				b.Write(r.Stdout)
				verify(p, "debsums", "-s", p)
			}
		}
		return b.String()
	}
	if r, there := c.try(c.ctx, "rpm", "-qa", "--qf", "%{name} %{version}-%{release} - %{distribution} %{arch}\n"); there {
		begin("rpm")
		b.Write(r.Stdout)
		b.WriteString("\n")
		for _, p := range packages {
			if r, _ := c.try(c.ctx, "rpm", "-q", p); r.Code == 0 {
				verify(p, "rpm", "--verify", p)
			}
		}
		return b.String()
	}
	c.warn("Unknown package manager")
	return ""
}

// permissions tells what is wrong with those of the cluster's folders.
func (c *collector) permissions() string {
	var b strings.Builder
	for _, dir := range []string{inputsDir, cibDir, runDir} {
		i, err := os.Stat(c.path(dir))
		switch {
		case errors.Is(err, os.ErrNotExist):
			fmt.Fprintf(&b, "%s doesn't exist\n", dir)
			continue
		case err != nil:
			fmt.Fprintf(&b, "%v\n", err)
			continue
		case !i.IsDir():
			fmt.Fprintf(&b, "%s has wrong type\n", dir)
			continue
		}
		u, err := user.Lookup("hacluster")
		if err != nil {
			b.WriteString("hacluster: id not found\n")
			continue
		}
		g, err := user.LookupGroup("haclient")
		if err != nil {
			b.WriteString("haclient: id not found\n")
			continue
		}
		s, ok := i.Sys().(*syscall.Stat_t)
		if ok && (s.Mode&0o7777 != 0o750 || strconv.Itoa(int(s.Uid)) != u.Uid || strconv.Itoa(int(s.Gid)) != g.Gid) {
			fmt.Fprintf(&b, "wrong permissions or ownership for %s:\n%s", dir, c.tell(c.ctx, "ls", "-ld", c.path(dir)))
		}
	}
	return b.String()
}

// statistics tells how the system is doing, each part after the command that it is from.
func (c *collector) statistics() string {
	var b strings.Builder
	for _, line := range []string{
		"uname -n", "uptime", "ps axf", "ps auxw", "top -b -n 1", "ifconfig -a", "ip addr list", "netstat -i", "arp -an",
		"cat /proc/cpuinfo", "lsscsi", "lspci", "lsblk", "mount", "df",
	} {
		argv := strings.Fields(line)
		b.WriteString("+ " + line + "\n")
		r, there := c.try(c.ctx, argv...)
		if !there {
			fmt.Fprintf(&b, "%s: command not found\n", argv[0])
		}
		b.Write(r.Stdout)
		b.Write(r.Stderr)
	}
	return b.String()
}

// locks tells of the distributed lock manager, where it runs.
func (c *collector) locks() string {
	ls, there := c.try(c.ctx, "dlm_tool", "ls")
	if !there || !c.running("dlm_controld") {
		return ""
	}
	var b strings.Builder
	for _, part := range [][]string{
		{"--- Lockspace overview:", "ls -n"},
		{"---Lockspace history:", "dump"},
		{"---Lockspace status:", "status", "status -v"},
		{"---Lockspace config:", "dump_config"},
		{"", "log_plock"},
	} {
		if part[0] != "" {
			b.WriteString(part[0] + "\n")
		}
		for _, words := range part[1:] {
			b.WriteString(c.tell(c.ctx, append([]string{"dlm_tool"}, strings.Fields(words)...)...))
		}
	}
	for line := range strings.Lines(string(ls.Stdout)) {
		w := strings.Fields(line)
		if len(w) < 2 || w[0] != "name" {
			continue
		}
		fmt.Fprintf(&b, "--- Lockspace %s:\n%s%s", w[1], c.tell(c.ctx, "dlm_tool", "lockdump", w[1]), c.tell(c.ctx, "dlm_tool", "lockdebug", "-svw", w[1]))
	}
	return b.String()
}

var sharedSecret = regexp.MustCompile(`(shared-secret\s*")[^"]*";`)

// drbd tells of DRBD, where there is one.
func (c *collector) drbd() string {
	var b strings.Builder
	if data, err := os.ReadFile(c.path("/proc/drbd")); err == nil {
		fmt.Fprintf(&b, "--- /proc/drbd:\n%s\n", data)
	}
	part := func(title string, argv ...string) bool {
		r, there := c.try(c.ctx, argv...)
		if there {
			fmt.Fprintf(&b, "--- %s:\n%s%s\n", title, sharedSecret.ReplaceAll(r.Stdout, []byte(`$1****";`)), r.Stderr)
		}
		return there
	}
	if part("drbdadm dump", "drbdadm", "dump") {
		part("drbdadm status", "drbdadm", "status")
		b.WriteString("--- drbdadm show-gi:\n")
		for line := range strings.Lines(c.tell(c.ctx, "drbdsetup", "status")) {
			if w := strings.Fields(line); len(w) > 0 && line[0] != ' ' && line[0] != '\t' && line[0] != '#' {
				fmt.Fprintf(&b, "%s:\n%s\n", w[0], c.tell(c.ctx, "drbdadm", "show-gi", w[0]))
			}
		}
		b.WriteString("\n")
	}
	part("drbd-overview", "drbd-overview")
	if part("drbdsetup status", "drbdsetup", "status", "--verbose", "--statistics") {
		part("drbdsetup events2", "drbdsetup", "events2", "--timestamps", "--statistics", "--now")
	}
	return b.String()
}

// cores keeps core dumps of the time asked for, and gives their backtraces.
func (c *collector) cores() string {
	c.debug("Looking for backtraces: %d %d", c.from.Unix(), c.to.Unix())
	var list []string
	for _, f := range c.changed(c.from, c.to, stateDir+"/cores", "/var/lib/corosync") {
		if strings.HasPrefix(filepath.Base(f), "core") {
			c.log("Found core file: %s", strings.TrimSpace(c.tell(c.ctx, "ls", "-al", f)))
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return ""
	}
	keep := filepath.Join(c.dir, "cores")
	err := os.MkdirAll(keep, 0o700)
	for _, f := range list {
		if err == nil {
			err = c.copy(f, filepath.Join(keep, filepath.Base(f)))
		}
	}
	if err == nil {
		_, err = shrink(keep)
	}
	if err != nil {
		c.warn(err.Error())
	} else if err := os.RemoveAll(keep); err != nil {
		c.warn(err.Error())
	}
	if _, there := c.try(c.ctx, "gdb", "--version"); !there {
		c.warn("Please install gdb to get backtraces")
		return ""
	}
	var b strings.Builder
	for _, f := range list {
		program := c.dumped(f)
		if program == "" {
			c.warn("Could not find the program path for core " + f)
			continue
		}
		gdb := func(command string) string {
			r, _ := c.try(c.ctx, "gdb", "-batch", "-n", "-quiet", "-ex", command, "-ex", "quit", program, f)
			return string(r.Stdout)
		}
		fmt.Fprintf(&b, "====================== start backtrace ======================\n%s%s====================== start detail ======================\n%s"+
			"======================= end backtrace =======================\n", c.tell(c.ctx, "ls", "-l", f), gdb("thread apply all bt"), gdb("thread apply all bt full"))
	}
	return b.String()
}

var generatedBy = regexp.MustCompile("Core was generated by `([^ ']+)")

// dumped is the program that a core dump is of, "" where it cannot be told.
func (c *collector) dumped(core string) string {
	r, _ := c.try(c.ctx, "gdb", "-batch", "-n", "-quiet", "-c", core, "-ex", "quit")
	m := generatedBy.FindSubmatch(r.Stdout)
	if m == nil {
		return ""
	}
	name := strings.TrimRight(string(m[1]), ":.")
	if strings.HasPrefix(name, "/") && executable(name) {
		return name
	}
	for _, dir := range append(filepath.SplitList(c.Getenv("PATH")), "/usr/libexec/pacemaker", "/usr/lib/pacemaker", "/usr/lib64/pacemaker") {
		if p := filepath.Join(dir, filepath.Base(name)); executable(p) {
			return p
		}
	}
	return ""
}

// blackboxes writes out those that the daemons left.
func (c *collector) blackboxes() {
	for _, f := range c.changed(c.from, c.to, stateDir+"/blackbox") {
		name := filepath.Base(f)
		data, err := os.ReadFile(f)
		if err != nil {
			c.warn(err.Error())
			continue
		}
		entries, err := flight.Parse(data)
		if err != nil {
			c.warn(f + ": " + err.Error())
		}
		var text strings.Builder
		for _, e := range entries {
			text.WriteString(e.String() + "\n")
		}
		c.put(name+".blackbox", text.String())
		c.log("Extracting contents of blackbox: %s", name)
	}
}
