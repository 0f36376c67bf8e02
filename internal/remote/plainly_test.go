package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestWhyAHostIsNotReached(t *testing.T) {
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 3121}, Err: err}
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "Connection refused"},
		{dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), "No route to host"},
		{dial(&net.DNSError{Name: "far", IsNotFound: true}), "No such device or address"},
		{dial(&net.DNSError{Name: "far", IsTimeout: true}), "Connection timed out"},
		{dial(os.ErrDeadlineExceeded), "Connection timed out"},
		{fmt.Errorf("register: %w", context.DeadlineExceeded), "Connection timed out"},
		{errors.New("the host's daemon does not take this node: code 5"), "the host's daemon does not take this node: code 5"},
	} {
		if got := Plainly(c.err).Error(); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}
