package ocf

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// spawner gives a thread of its own to what is called on it: with a mask for new files that is not this process's, and no urgency,
// which agents inherit. It is there once it is needed.
var spawner = sync.OnceValue(func() chan<- func(mask int) {
	calls := make(chan func(int))
	go func() {
		runtime.LockOSThread()
		mine := unix.Unshare(unix.CLONE_FS) == nil
		// What is urgent in this process is not in agents.
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, 0)
		_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}, 0)
		for f := range calls {
			f(map[bool]int{true: 0, false: -1}[mine])
		}
	}()
	return calls
})

// Start starts a program with a mask for the files that it makes; 0: this process's.
func Start(cmd *exec.Cmd, mask int) error {
	if mask == 0 {
		return cmd.Start()
	}
	done := make(chan error, 1)
	spawner() <- func(own int) {
		if own >= 0 {
			unix.Umask(mask)
		}
		done <- cmd.Start()
	}
	return <-done
}

// output is what a program writes to one of its outputs, through a pipe.
type output struct {
	kept   limited
	read   *os.File
	ended  chan struct{} // closed when nothing is read any more
	remote *os.File      // the program's end
}

func newOutput() (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &output{read: r, remote: w, ended: make(chan struct{})}, nil
}

// begin reads on behind the program; its end of the pipe is its own from now on.
func (o *output) begin() {
	_ = o.remote.Close()
	go func() {
		defer close(o.ended)
		buf := make([]byte, 32<<10)
		for {
			n, err := o.read.Read(buf)
			_, _ = o.kept.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
}

// finish takes what is in the pipe still, and waits for no more: what the program left running in the background may hold its output
// open for ever.
func (o *output) finish() string {
	_ = o.read.SetReadDeadline(time.Now())
	<-o.ended
	if raw, err := o.read.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			buf := make([]byte, 32<<10)
			for range 64 { // a pipe holds no more; one that is written to all the time has no end
				n, err := syscall.Read(int(fd), buf)
				if n > 0 {
					_, _ = o.kept.Write(buf[:n])
				}
				if n <= 0 && !errors.Is(err, syscall.EINTR) {
					return
				}
			}
		})
	}
	_ = o.read.Close()
	return o.kept.String()
}

func (o *output) drop() {
	_ = o.read.Close()
	_ = o.remote.Close()
}
