package corosyncd

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

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
