// Package realtime has a process run when it wants to, also on a busy host: corosync, whose token must not wait for a processor or for a
// page that was swapped out, and sbd, which feeds a watchdog.
package realtime

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	// Highest is the greatest priority of SCHED_RR (sched(7)).
	Highest = 99
	// nicest and LeastNice end the range of setpriority(2).
	LeastNice, nicest = -20, 19

	cgroups = "/sys/fs/cgroup"
)

// Wish is how a process wants to be scheduled: the settings sched_rr, priority and move_to_root_cgroup of corosync.conf(5).
type Wish struct {
	RoundRobin bool
	Nice       int    // counts where RoundRobin is false; a value beyond the range stands for its end
	RootCgroup string // yes, no; auto: where RoundRobin is refused
}

// Take fulfils a wish for all threads, those to come too, and locks the memory. What this host does not allow is told, and done without.
func Take(w Wish, log *slog.Logger) {
	if w.RootCgroup == "yes" {
		leaveCgroup(cgroups, log)
	}
	nice := w.Nice
	if w.RoundRobin {
		nice = 0
		err := eachThread(roundRobin)
		if err != nil && w.RootCgroup == "auto" {
			leaveCgroup(cgroups, log)
			err = eachThread(roundRobin)
		}
		if err != nil {
			log.Warn(fmt.Sprintf("Could not set SCHED_RR at priority %d: %v", Highest, err))
			nice = LeastNice
		}
	}
	if nice != 0 {
		nice = min(max(nice, LeastNice), nicest)
		if err := eachThread(func(id int) error { return unix.Setpriority(unix.PRIO_PROCESS, id, nice) }); err != nil {
			log.Warn(fmt.Sprintf("Could not set priority %d: %v", nice, err))
		}
	}
	lockMemory(log)
}

func roundRobin(thread int) error {
	return unix.SchedSetAttr(thread, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: Highest}, 0)
}

// eachThread does something to every thread. Threads that come later take after the one that starts them; so it looks until there is no new one.
func eachThread(do func(id int) error) error {
	var done []int
	for more := true; more; {
		more = false
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, t := range tasks {
			id, err := strconv.Atoi(t.Name())
			if err != nil || slices.Contains(done, id) {
				continue
			}
			if err := do(id); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
			done = append(done, id)
			more = true
		}
	}
	return nil
}

// leaveCgroup moves the process to the root of the control groups below dir, the place where kernels with CONFIG_RT_GROUP_SCHED
// allow SCHED_RR: version 1 has a hierarchy for processors, version 2 one for all.
func leaveCgroup(dir string, log *slog.Logger) {
	file := filepath.Join(dir, "cpu", "tasks")
	if _, err := os.Stat(filepath.Join(dir, "cpu", "cpu.rt_runtime_us")); err != nil {
		file = filepath.Join(dir, "cgroup.procs")
		if _, err := os.Stat(file); err != nil {
			log.Debug("this host has no control groups that would limit real-time scheduling")
			return
		}
	}
	move := func(id int) error { return os.WriteFile(file, []byte(strconv.Itoa(id)+"\n"), 0o644) }
	var err error
	if filepath.Base(file) == "tasks" {
		err = eachThread(move)
	} else {
		err = move(os.Getpid())
	}
	if err != nil {
		log.Warn(fmt.Sprintf("Can't move to the root cgroup: %v", err))
	}
}

// lockMemory keeps pages from being swapped out once they were used. Where the limit holds, memory that comes later could be refused.
func lockMemory(log *slog.Logger) {
	all := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &all); err != nil && !mayLock() {
		log.Warn(fmt.Sprintf("Could not increase RLIMIT_MEMLOCK, not locking memory: %v", err))
		return
	}
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		log.Warn(fmt.Sprintf("Could not lock memory of service to avoid page faults: %v", err))
	}
}

// mayLock tells whether the process may lock memory whatever the limit is.
func mayLock() bool {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	err := unix.Capget(&h, &sets[0])
	return err == nil && sets[0].Effective&(1<<unix.CAP_IPC_LOCK) != 0
}
