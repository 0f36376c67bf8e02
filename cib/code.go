package cib

import "fmt"

// Code is the result of a CIB operation: the legacy numbers of Pacemaker, which
// are errno's below 200. In messages they stand negative.
type Code int

// The codes that CIB operations give. Those from 201 on are Pacemaker's own; the text of each says what
// it means (Code.String).
const (
	OK               Code = 0
	NotPermitted     Code = 1   // EPERM
	NotFound         Code = 6   // ENXIO: no such device or address
	TryAgain         Code = 11  // EAGAIN
	Access           Code = 13  // EACCES
	Exists           Code = 17  // EEXIST
	NoDevice         Code = 19  // ENODEV
	Invalid          Code = 22  // EINVAL
	NoData           Code = 61  // ENODATA
	Timeout          Code = 62  // ETIME
	NoMessage        Code = 42  // ENOMSG
	Unreached        Code = 70  // ECOMM: a node that does not answer
	Protocol         Code = 71  // EPROTO
	ProtocolUnknown  Code = 93  // EPROTONOSUPPORT
	NotSupported     Code = 95  // EOPNOTSUPP
	NotConnected     Code = 107 // ENOTCONN
	Generic          Code = 201
	NoQuorum         Code = 202
	SchemaValidation Code = 203
	TransformFailed  Code = 204
	OldData          Code = 205
	DiffFailed       Code = 206
	DiffResync       Code = 207
	Modified         Code = 208
	Backup           Code = 209
	SaveFailed       Code = 210
	SchemaUnchanged  Code = 211
	Corrupt          Code = 212
)

var codes = map[Code]struct {
	text string
	exit int
}{
	OK:               {"OK", 0},
	NotPermitted:     {"Operation not permitted", 4},
	NotFound:         {"No such device or address", 105},
	TryAgain:         {"Resource temporarily unavailable", 113},
	Access:           {"Permission denied", 4},
	Exists:           {"File exists", 108},
	NoDevice:         {"No such device", 105},
	Invalid:          {"Invalid argument", 70},
	NoMessage:        {"No message of desired type", 76},
	NoData:           {"No data available", 1},
	Timeout:          {"Timer expired", 124},
	Unreached:        {"Communication error on send", 71},
	Protocol:         {"Protocol error", 76},
	ProtocolUnknown:  {"Protocol not supported", 76},
	NotSupported:     {"Operation not supported", 3},
	NotConnected:     {"Transport endpoint is not connected", 102},
	Generic:          {"Error", 1},
	NoQuorum:         {"Operation requires quorum", 106},
	SchemaValidation: {"Update does not conform to the configured schema", 78},
	TransformFailed:  {"Schema transform failed", 78},
	OldData:          {"Update was older than existing configuration", 103},
	DiffFailed:       {"Application of update diff failed", 1},
	DiffResync:       {"Application of update diff failed, requesting full refresh", 1},
	Modified:         {"On-disk configuration was manually modified", 1},
	Backup:           {"Could not archive previous configuration", 1},
	SaveFailed:       {"Could not save new configuration to disk", 1},
	SchemaUnchanged:  {"Schema is already the latest available", 0},
	Corrupt:          {"Could not parse on-disk configuration", 78},
}

// String is Pacemaker's text for the code.
func (c Code) String() string {
	if e, ok := codes[c]; ok {
		return e.text
	}
	return fmt.Sprintf("Unknown error %d", int(c))
}

// Exit is the exit code of a tool that ends with c.
func (c Code) Exit() int {
	if e, ok := codes[c]; ok {
		return e.exit
	}
	return 1
}

// Error is an operation that was refused. What goes back to the client with it (the object that
// exists already, say) is Result.Data.
type Error struct {
	Code   Code
	Detail string // what and where, for people; may be empty
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Code.String()
	}
	return e.Code.String() + ": " + e.Detail
}

// DetailOf is what an error says beside its code, to go with that; "" where it says no more.
func DetailOf(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := err.(*Error); ok {
		return e.Detail
	}
	return err.Error()
}

func fail(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Detail: fmt.Sprintf(format, args...)}
}

// CodeOf is the code of the *Error in an error's chain: OK for nil, Generic where there is none.
func CodeOf(err error) Code {
	if err == nil {
		return OK
	}
	for e := err; e != nil; {
		if c, ok := e.(*Error); ok {
			return c.Code
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = u.Unwrap()
	}
	return Generic
}
