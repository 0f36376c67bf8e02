// Package poll has goroutines wait for descriptors and for a time, and for nothing else. The runtime's own ways cost a daemon that
// mostly waits more than its work: package net has the kernel tell of room for more with each datagram that has left, and for a
// timer of package time the runtime's watching thread wakes twice besides.
package poll

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Arrivals tells when there is something to be read from a descriptor. It is a set of descriptors (epoll) that has the one in it
// alone, and that the scheduler waits for.
type Arrivals struct {
	set *os.File
	raw syscall.RawConn
}

// NewArrivals watches a descriptor. That stays the caller's, and has to be open until Close has returned.
func NewArrivals(fd int) (*Arrivals, error) {
	set, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.EpollCtl(set, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(fd)}); err != nil {
		return nil, errors.Join(os.NewSyscallError("epoll_ctl", err), unix.Close(set))
	}
	f, raw, err := waitable(set, "epoll")
	if err != nil {
		return nil, err
	}
	return &Arrivals{f, raw}, nil
}

// waitable makes a file of a descriptor, which package os waits for where it does not block by itself.
func waitable(fd int, name string) (*os.File, syscall.RawConn, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, nil, errors.Join(os.NewSyscallError("fcntl", err), unix.Close(fd))
	}
	f := os.NewFile(uintptr(fd), name)
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, raw, nil
}

// Read calls take until that returns true, each time when something may have arrived since; or until Close (an error). take must not
// block, and has read all there is where it returns false.
func (a *Arrivals) Read(take func() (done bool)) error {
	return a.raw.Read(func(uintptr) bool { return take() })
}

// Close ends Read, and waits until it has returned from take.
func (a *Arrivals) Close() error { return a.set.Close() }

// Alarm goes off at the time that was set last. It takes the kernel's timers, to the nanosecond.
type Alarm struct {
	file *os.File
	raw  syscall.RawConn
}

// NewAlarm makes an alarm that is not set.
func NewAlarm() (*Alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("a timer: %w", os.NewSyscallError("timerfd_create", err))
	}
	f, raw, err := waitable(fd, "timer")
	if err != nil {
		return nil, err
	}
	return &Alarm{f, raw}, nil
}

// Set has the alarm go off after so long, at once where that is over, and not at the time that was set before.
func (a *Alarm) Set(after time.Duration) error {
	var err error
	cerr := a.raw.Control(func(fd uintptr) {
		err = unix.TimerfdSettime(int(fd), 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(max(1, after.Nanoseconds()))}, nil)
	})
	return errors.Join(cerr, err)
}

// Wait returns when the alarm goes off, or with an error after Close. It is called by one goroutine at a time.
func (a *Alarm) Wait() error {
	return a.raw.Read(func(fd uintptr) bool {
		var times [8]byte
		_, _, errno := syscall.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&times)), unsafe.Sizeof(times))
		return errno == 0
	})
}

// Close ends Wait.
func (a *Alarm) Close() error { return a.file.Close() }
