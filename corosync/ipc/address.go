package ipc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Where a file of this name exists, clients and servers meet at socket files instead of abstract addresses. Abstract
// ones belong to a network namespace: a container that shares its host's network has them taken by the host.
var (
	forceFiles = "/etc/libqb/force-filesystem-sockets"
	// socketDirs are where the files are then; which one is fixed when libqb is built, so a server is at all of them.
	socketDirs = []string{"/var/run", "/tmp"}
)

// meetingPoints are the addresses of a service, in Go's spelling: an abstract one, or files.
func meetingPoints(name string) (addresses []string, files bool, err error) {
	if _, err := os.Stat(forceFiles); err != nil {
		address, err := abstract(name)
		return []string{address}, false, err
	}
	if name == "" || strings.ContainsAny(name, "/\x00") {
		return nil, true, fmt.Errorf("%q cannot be the name of a socket", name)
	}
	for _, d := range socketDirs {
		addresses = append(addresses, filepath.Join(d, name))
	}
	return addresses, true, nil
}

// dialService connects to a service at the first of its addresses where somebody listens.
func dialService(ctx context.Context, name string) (*net.UnixConn, error) {
	addresses, _, err := meetingPoints(name)
	if err != nil {
		return nil, err
	}
	var first error
	for _, a := range addresses {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", a)
		if err == nil {
			return conn.(*net.UnixConn), nil
		}
		if err = unwrapNet(err); errors.Is(err, fs.ErrNotExist) {
			err = syscall.ECONNREFUSED // no file: nobody serves
		}
		if first == nil || errors.Is(first, syscall.ECONNREFUSED) {
			first = err
		}
	}
	return nil, first
}

// listenService listens at all addresses of a service.
func listenService(name string) ([]*net.UnixListener, error) {
	addresses, files, err := meetingPoints(name)
	if err != nil {
		return nil, err
	}
	var out []*net.UnixListener
	var faults []error
	for _, a := range addresses {
		if files {
			if err := vacate(a); err != nil {
				faults = append(faults, err)
				continue
			}
		}
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: a, Net: "unix"})
		if err == nil && files {
			// Who may connect is seen from who does.
			if err = os.Chmod(a, 0o777); err != nil {
				l.Close()
			}
		}
		if err != nil {
			faults = append(faults, unwrapNet(err))
			continue
		}
		out = append(out, l)
	}
	taken := errors.Join(faults...)
	if len(out) == 0 || errors.Is(taken, syscall.EADDRINUSE) {
		for _, l := range out {
			l.Close()
		}
		return nil, taken
	}
	return out, nil
}

// vacate removes the socket file that a server left behind; one at which somebody listens is taken.
func vacate(path string) error {
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
		return fmt.Errorf("%s: %w", path, syscall.EADDRINUSE)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
