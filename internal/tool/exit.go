package tool

import (
	"errors"

	"hacluster/cib"
	"hacluster/engine/status"
)

// Exit is the exit code of a program of Pacemaker's.
type Exit int

// The exit codes, under the names of crm_error(8) without CRM_EX_.
const (
	OK                  Exit = 0
	Error               Exit = 1
	InvalidParam        Exit = 2
	Unimplemented       Exit = 3
	InsufficientPriv    Exit = 4
	NotInstalled        Exit = 5
	NotConfigured       Exit = 6
	NotRunning          Exit = 7
	Usage               Exit = 64
	DataErr             Exit = 65
	NoInput             Exit = 66
	NoUser              Exit = 67
	NoHost              Exit = 68
	Unavailable         Exit = 69
	Software            Exit = 70
	OSErr               Exit = 71
	OSFile              Exit = 72
	CantCreat           Exit = 73
	IOErr               Exit = 74
	TempFail            Exit = 75
	Protocol            Exit = 76
	NoPerm              Exit = 77
	Config              Exit = 78
	Fatal               Exit = 100
	Panic               Exit = 101
	Disconnect          Exit = 102
	Old                 Exit = 103
	Digest              Exit = 104
	NoSuch              Exit = 105
	Quorum              Exit = 106
	Unsafe              Exit = 107
	Exists              Exit = 108
	Multiple            Exit = 109
	Expired             Exit = 110
	NotYetInEffect      Exit = 111
	Indeterminate       Exit = 112
	Unsatisfied         Exit = 113
	NoDC                Exit = 114
	Timeout             Exit = 124
	Degraded            Exit = 190
	DegradedPromoted    Exit = 191
	NoExitStatus        Exit = 193
	exitMax             Exit = 255
	exitUnknownText          = "Unknown exit status"
	exitUnknownTextName      = "CRM_EX_UNKNOWN"
)

// exits are names and texts of the exit codes; those that agents have, too, have their texts with them.
var exits = map[Exit]struct{ name, text string }{
	OK:               {"OK", ""},
	Error:            {"ERROR", ""},
	InvalidParam:     {"INVALID_PARAM", ""},
	Unimplemented:    {"UNIMPLEMENT_FEATURE", ""},
	InsufficientPriv: {"INSUFFICIENT_PRIV", ""},
	NotInstalled:     {"NOT_INSTALLED", ""},
	NotConfigured:    {"NOT_CONFIGURED", ""},
	NotRunning:       {"NOT_RUNNING", ""},
	8:                {"PROMOTED", ""},
	9:                {"FAILED_PROMOTED", ""},
	Usage:            {"USAGE", "Incorrect usage"},
	DataErr:          {"DATAERR", "Invalid data given"},
	NoInput:          {"NOINPUT", "Input file not available"},
	NoUser:           {"NOUSER", "User does not exist"},
	NoHost:           {"NOHOST", "Host does not exist"},
	Unavailable:      {"UNAVAILABLE", "Necessary service unavailable"},
	Software:         {"SOFTWARE", "Internal software bug"},
	OSErr:            {"OSERR", "Operating system error occurred"},
	OSFile:           {"OSFILE", "System file not available"},
	CantCreat:        {"CANTCREAT", "Cannot create output file"},
	IOErr:            {"IOERR", "I/O error occurred"},
	TempFail:         {"TEMPFAIL", "Temporary failure, try again"},
	Protocol:         {"PROTOCOL", "Protocol violated"},
	NoPerm:           {"NOPERM", "Insufficient privileges"},
	Config:           {"CONFIG", "Invalid configuration"},
	Fatal:            {"FATAL", "Fatal error occurred, will not respawn"},
	Panic:            {"PANIC", "System panic required"},
	Disconnect:       {"DISCONNECT", "Not connected"},
	Old:              {"OLD", "Update was older than existing configuration"},
	Digest:           {"DIGEST", "Digest mismatch"},
	NoSuch:           {"NOSUCH", "No such object"},
	Quorum:           {"QUORUM", "Quorum required"},
	Unsafe:           {"UNSAFE", "Operation not safe"},
	Exists:           {"EXISTS", "Requested item already exists"},
	Multiple:         {"MULTIPLE", "Multiple items match request"},
	Expired:          {"EXPIRED", "Requested item has expired"},
	NotYetInEffect:   {"NOT_YET_IN_EFFECT", "Requested item is not yet in effect"},
	Indeterminate:    {"INDETERMINATE", "Could not determine status"},
	Unsatisfied:      {"UNSATISFIED", "Not applicable under current conditions"},
	NoDC:             {"NO_DC", "DC is not yet elected"},
	Timeout:          {"TIMEOUT", "Timeout occurred"},
	Degraded:         {"DEGRADED", ""},
	DegradedPromoted: {"DEGRADED_PROMOTED", ""},
	NoExitStatus:     {"NONE", ""},
}

// Name is the code's name, as CRM_EX_NOSUCH.
func (e Exit) Name() string {
	if x, ok := exits[e]; ok {
		return "CRM_EX_" + x.name
	}
	return exitUnknownTextName
}

// String is the code's text.
func (e Exit) String() string {
	if x, ok := exits[e]; ok && x.text != "" {
		return x.text
	} else if ok {
		return status.ResultText(int(e))
	}
	switch {
	case e > 128 && e < exitMax:
		return "Interrupted by signal"
	case e == exitMax:
		return Error.String()
	}
	return exitUnknownText
}

// ExitOf is the exit code that an error of a CIB ends a program with.
func ExitOf(err error) Exit {
	var e *cib.Error
	if errors.As(err, &e) {
		return Exit(e.Code.Exit())
	}
	if err == nil {
		return OK
	}
	return Error
}

// TextOf is what a program says of an error of a CIB: the words of its code.
func TextOf(err error) string {
	var e *cib.Error
	if errors.As(err, &e) {
		return e.Code.String()
	}
	return err.Error()
}
