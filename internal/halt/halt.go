// Package halt ends this host at once, as a watchdog would.
package halt

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// How a host ends.
type How int

// Ways to end: started again, turned off, or with a dump of its memory.
const (
	Reboot How = iota
	Off
	Crash
)

// Action reads PCMK_panic_action: "reboot" (also where nothing is said), "off" or "crash", after "sync-" when what waits to be
// written is to reach the disks before.
func Action(setting string) (how How, flush bool, err error) {
	word, flush := strings.CutPrefix(setting, "sync-")
	how, ok := map[string]How{"": Reboot, "reboot": Reboot, "off": Off, "crash": Crash}[word]
	if !ok || word == "" && flush {
		return Reboot, false, fmt.Errorf("PCMK_panic_action: %q is none of reboot, off, crash, sync-reboot, sync-off, sync-crash", setting)
	}
	return how, flush, nil
}

// Flush writes what waits to be written, for a second at most: a disk that hangs must not keep the host alive.
func Flush() {
	flushed := make(chan struct{})
	go func() { syscall.Sync(); close(flushed) }()
	select {
	case <-flushed:
	case <-time.After(time.Second):
	}
}

// Now ends this host. In a host that is a container or of a lab, whose
// processes have a number space of their own, only that one is ended: the kernel's
// keys would end the machine.
func Now(how How) {
	h := map[How]struct {
		key string
		cmd int
	}{
		Reboot: {"b", syscall.LINUX_REBOOT_CMD_RESTART},
		Off:    {"o", syscall.LINUX_REBOOT_CMD_POWER_OFF},
		Crash:  {"c", syscall.LINUX_REBOOT_CMD_RESTART},
	}[how]
	// The first number space has this name in every kernel; a host that is booted by
	// its kernel, and no other, has it.
	if name, err := os.Readlink("/proc/self/ns/pid"); err == nil && name == "pid:[4026531836]" {
		_ = os.WriteFile("/proc/sysrq-trigger", []byte(h.key), 0)
	}
	_ = syscall.Reboot(h.cmd)
}
