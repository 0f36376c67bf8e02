package main

import (
	"context"
	"errors"
	"syscall"

	"hacluster/cib"
	"hacluster/internal/client"
	"hacluster/internal/tool/result"
)

// codeError is an error that is a result code.
type codeError struct{ code result.Code }

func (e *codeError) Error() string { return e.code.String() }

// toolCode is the result code of an error of the CIB or of a daemon. A daemon that
// does not run refuses the connection.
func toolCode(err error) result.Code {
	var code *codeError
	var doc *cib.Error
	var refused *client.AttributeError
	var fence *client.FenceError
	var errno syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return code.code
	case errors.As(err, &doc):
		return result.Legacy(int(doc.Code))
	case errors.As(err, &refused):
		return result.Code(refused.Errno)
	case errors.As(err, &fence):
		return result.Legacy(fence.Code)
	case errors.Is(err, context.DeadlineExceeded):
		return result.Code(syscall.ETIME)
	case !errors.Is(err, client.ErrNotRunning) && errors.As(err, &errno):
		return result.Code(errno)
	}
	return result.Code(syscall.ECONNREFUSED)
}
