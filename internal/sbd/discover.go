package sbd

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// WatchdogDevice is a watchdog that a host has, as `sbd query-watchdog` tells of it.
type WatchdogDevice struct {
	Path     string
	Identity string // what the driver calls it; "" when it could not be asked
	Driver   string // "" when nothing names it
	// PID is the process that feeds it, 0 for none, and Process that one's name.
	PID     int
	Process string
}

// Machine is where watchdogs are looked for; zero fields stand for this host.
type Machine struct {
	Dev, Sys, Proc string
	// Number gives a file's device number, and whether it is a character device.
	Number func(path string) (dev uint64, char bool)
	// Identify asks a watchdog for its name, which arms it for that moment.
	Identify func(path string) string
}

// softdog is the driver of the kernel's watchdog in software: it hangs when the kernel does.
const softdog = "softdog"

// Reliable tells whether a watchdog may be relied on: that in software may not.
func (w WatchdogDevice) Reliable() bool { return w.Driver != softdog }

// Watchdogs finds the watchdogs of a host: the character devices in /dev whose numbers are those of
// watchdogs, and links beside them. One that a process feeds is not touched; others are opened for a moment.
func (m Machine) Watchdogs() ([]WatchdogDevice, error) {
	m.fill()
	entries, err := os.ReadDir(m.Dev)
	if err != nil {
		return nil, err
	}
	numbers := m.numbers()
	links := map[string][]string{} // by the path of the device
	var found []WatchdogDevice
	for _, e := range entries {
		path := filepath.Join(m.Dev, e.Name())
		if e.Type()&os.ModeSymlink != 0 {
			// One step, and only within the folder: what a link leads to elsewhere is not asked.
			to, err := os.Readlink(path)
			if err == nil && !filepath.IsAbs(to) {
				to = filepath.Join(m.Dev, to)
			}
			if err == nil && filepath.Dir(filepath.Clean(to)) == filepath.Clean(m.Dev) {
				links[filepath.Clean(to)] = append(links[filepath.Clean(to)], path)
			}
			continue
		}
		if dev, char := m.Number(path); char && slices.Contains(numbers, dev) {
			found = append(found, WatchdogDevice{Path: path, Driver: m.driver(dev)})
		}
	}
	m.busy(found)
	for i := range found {
		w := &found[i]
		if w.PID == 0 {
			w.Identity = m.Identify(w.Path)
		}
		if w.Driver == "" && w.Identity == "Software Watchdog" {
			w.Driver = softdog
		}
	}
	for _, w := range slices.Clone(found) {
		for _, l := range links[w.Path] {
			w.Path = l
			found = append(found, w)
		}
	}
	slices.SortFunc(found, func(a, b WatchdogDevice) int { return strings.Compare(a.Path, b.Path) })
	return found, nil
}

func (m *Machine) fill() {
	for p, otherwise := range map[*string]string{&m.Dev: "/dev", &m.Sys: "/sys", &m.Proc: "/proc"} {
		if *p == "" {
			*p = otherwise
		}
	}
	if m.Number == nil {
		m.Number = func(path string) (uint64, bool) {
			var st unix.Stat_t
			if unix.Lstat(path, &st) != nil {
				return 0, false
			}
			return st.Rdev, st.Mode&unix.S_IFMT == unix.S_IFCHR
		}
	}
	if m.Identify == nil {
		m.Identify = func(path string) string {
			w, err := OpenWatchdog(path, 0)
			if err != nil {
				return ""
			}
			name := ""
			if info, err := unix.IoctlGetWatchdogInfo(int(w.f.Fd())); err == nil {
				name, _, _ = strings.Cut(string(info.Identity[:]), "\x00")
			}
			if w.Disarm() != nil {
				return ""
			}
			return name
		}
	}
}

// numbers are the device numbers of watchdogs: the first one's, which is fixed, and what the kernel tells.
func (m Machine) numbers() []uint64 {
	list := []uint64{unix.Mkdev(10, 130)}
	files, _ := filepath.Glob(filepath.Join(m.Sys, "class/watchdog/*/dev"))
	for _, f := range files {
		data, err := os.ReadFile(f)
		var major, minor uint32
		if err != nil {
			continue
		}
		if _, err := fmt.Sscanf(string(data), "%d:%d", &major, &minor); err == nil {
			list = append(list, unix.Mkdev(major, minor))
		}
	}
	return list
}

func (m Machine) driver(dev uint64) string {
	to, err := os.Readlink(filepath.Join(m.Sys, fmt.Sprintf("dev/char/%d:%d/device/driver", unix.Major(dev), unix.Minor(dev))))
	if err != nil {
		return ""
	}
	return filepath.Base(to)
}

// busy notes the processes that hold watchdogs open.
func (m Machine) busy(list []WatchdogDevice) {
	if len(list) == 0 {
		return
	}
	processes, _ := os.ReadDir(m.Proc)
	for _, p := range processes {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		fds := filepath.Join(m.Proc, p.Name(), "fd")
		files, _ := os.ReadDir(fds) // of a process that has ended: none
		for _, f := range files {
			to, err := os.Readlink(filepath.Join(fds, f.Name()))
			if err != nil {
				continue
			}
			for i := range list {
				if list[i].Path == to {
					list[i].PID, list[i].Process = pid, m.process(pid)
				}
			}
		}
	}
}

// process is a process's name as its status has it.
func (m Machine) process(pid int) string {
	data, err := os.ReadFile(filepath.Join(m.Proc, strconv.Itoa(pid), "status"))
	if err != nil {
		return ""
	}
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Scan()
	name, _ := strings.CutPrefix(sc.Text(), "Name:")
	return strings.TrimSpace(name)
}
