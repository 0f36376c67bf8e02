package ipc

import (
	"context"
	"errors"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// asNobody does something as a user without rights, for which the test has to be root's.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	const nobody, same = 65534, ^uintptr(0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if _, _, e := unix.RawSyscall(unix.SYS_SETRESGID, same, nobody, same); e != 0 {
			t.Error(e)
			return
		}
		if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, same, nobody, same); e != 0 {
			t.Error(e)
			return
		}
		do()
	}()
	<-done
}

// CVE-2018-16877, CVE-2018-16878: who takes the address of a service that does not run is taken for the service. A client
// sends nothing to a server that is neither root's nor hacluster's nor its own.
func TestCVE_2018_16877_2018_16878(t *testing.T) {
	hacluster := func() (uint32, uint32, bool) { return 189, 90, true }
	none := func() (uint32, uint32, bool) { return 0, 0, false }
	for _, c := range []struct {
		server  Peer
		self    uint32
		cluster func() (uint32, uint32, bool)
		want    bool
	}{
		{Peer{UID: 0}, 1000, hacluster, true},
		{Peer{UID: 189, GID: 5}, 0, hacluster, true},
		{Peer{UID: 7, GID: 90}, 0, hacluster, true},
		{Peer{UID: 1000, GID: 5}, 1000, hacluster, true},
		{Peer{UID: 1000, GID: 5}, 0, hacluster, false},
		{Peer{UID: 1000, GID: 0}, 0, none, false},
		{Peer{UID: 1000}, 1001, none, false},
	} {
		if got := authentic(c.server, c.self, c.cluster); got != c.want {
			t.Errorf("%+v for user %d: %v", c.server, c.self, got)
		}
	}
	name := ""
	asNobody(t, func() { name, _, _ = serve(t, Socket, nil) })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if c, err := Dial(ctx, name, 1<<16); !errors.Is(err, syscall.ECONNABORTED) {
		t.Errorf("nobody's server is spoken to: %v", err)
		if c != nil {
			c.Close()
		}
	}
}

// CVE-2016-7035, CVE-2020-25654: users of the host get at what runs as root, for their rights are not asked for. A server
// knows who the client is, and lets in whom Accept lets in.
func TestCVE_2016_7035_2020_25654(t *testing.T) {
	var seen Peer
	name, _, _ := serve(t, Socket, func(c *Config) {
		c.Accept = func(p Peer) error {
			seen = p
			if p.UID != 0 {
				return syscall.EACCES
			}
			return nil
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var err error
	asNobody(t, func() { _, err = Dial(ctx, name, 1<<16) })
	if !errors.Is(err, syscall.EACCES) || seen.UID != 65534 {
		t.Errorf("nobody is let in as %d: %v", seen.UID, err)
	}
}
