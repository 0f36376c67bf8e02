package pcsd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/user"
	"strconv"

	"golang.org/x/sys/unix"
)

// Socket is where local users reach pcsd without a token: who they are the kernel tells.
const Socket = "/run/pcsd.socket"

// peerKey is the context's key of who is at the other end of a local connection.
type peerKey struct{}

// listenLocal opens the local socket. Nobody but root can connect before its group is set.
func (s *Server) listenLocal(ctx context.Context) (net.Listener, error) {
	path := s.conf.Socket
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	old := unix.Umask(0o177)
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path)
	unix.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("unable to bind to %s: %w", path, err)
	}
	if err := s.openTo(path); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// openTo lets the administrators' group in.
func (s *Server) openTo(path string) error {
	if g, err := user.LookupGroup(adminGroup); err == nil && os.Geteuid() == 0 {
		gid, err := strconv.Atoi(g.Gid)
		if err != nil {
			return err
		}
		if err := os.Chown(path, 0, gid); err != nil {
			return err
		}
	}
	return os.Chmod(path, 0o660)
}

// withPeer notes who connects.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	uc, ok := c.(*net.UnixConn)
	if !ok {
		return ctx
	}
	raw, err := uc.SyscallConn()
	if err != nil {
		return ctx
	}
	var cred *unix.Ucred
	if err := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil || cred == nil {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, cred.Uid)
}

// localUser is who sent a request over the local socket without a token, "" for nobody who may.
func (s *Server) localUser(r *http.Request) string {
	uid, ok := r.Context().Value(peerKey{}).(uint32)
	switch {
	case !ok:
		return ""
	case uid == 0:
		return adminUser
	}
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return ""
	}
	return u.Username
}
