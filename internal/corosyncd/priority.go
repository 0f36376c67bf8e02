package corosyncd

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"

	"golang.org/x/sys/unix"
)

// Alone sets up a process that is nothing but this daemon. It does one thing at a time, so that a second
// processor would only make it wait for wakes; and it keeps little, so that memory may be collected seldom.
func Alone() {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(1000)
}

// beforeOthers has the process scheduled before others: a token that waits for a
// processor is a lost token to the other nodes. Threads that come later take the
// priority from those that start them.
func beforeOthers() error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range tasks {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, id, -20); err != nil {
			return err
		}
	}
	return nil
}
