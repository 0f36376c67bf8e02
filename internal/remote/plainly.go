package remote

import (
	"errors"
	"net"
	"strings"
	"syscall"
)

// What Plainly tells of errors that are none of the system's.
var (
	errNoName   = errors.New("No such device or address")
	errTimedOut = errors.New("Connection timed out")
)

// Plainly is why Dial failed as histories have it: in C's words and without addresses. What there are no such words for stays as it is.
func Plainly(err error) error {
	var number syscall.Errno
	var name *net.DNSError
	var slow interface{ Timeout() bool }
	switch {
	case errors.As(err, &number):
		text := number.Error()
		return errors.New(strings.ToUpper(text[:1]) + text[1:])
	case errors.As(err, &name) && name.IsNotFound:
		return errNoName
	case errors.As(err, &slow) && slow.Timeout():
		return errTimedOut
	}
	return err
}
