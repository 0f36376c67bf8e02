// Package result names the results that Pacemaker's functions give: the system's
// error numbers (from 1), Pacemaker's own codes (from -1001 down), and the legacy
// numbers of these (from 201).
//
//	result.Code(-1005).Name() // "pcmk_rc_node_unknown"
//	result.Code(2).String()   // "No such file or directory"
//	result.Legacy(202)        // -1017
package result

import (
	"fmt"
	"math"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Code is 0, an error number of the system, or one of Pacemaker's negative codes.
type Code int

// First and Last are the bounds of Pacemaker's own codes.
const (
	First Code = -1043
	Last  Code = -1001
)

// UnknownFormat is that a program does not have the output format asked for.
const UnknownFormat = Last - 1

// FirstLegacy and LastLegacy are the bounds of the legacy numbers of such codes.
const (
	FirstLegacy = 201
	LastLegacy  = 217
)

// own are Pacemaker's codes, from Last down: name, text, the exit code of a program
// that ends with it, and its legacy number, if any.
var own = [...]struct {
	name, text string
	exit       int
	legacy     int
}{
	{"error", "Error", 1, 201},
	{"unknown_format", "Unknown output format", 105, 217},
	{"bad_nvpair", "Bad name/value pair given", 2, 216},
	{"already", "Already in requested state", 108, 215},
	{"node_unknown", "Node not found", 68, 214},
	{"multiple", "Resource active on multiple nodes", 109, 213},
	{"cib_corrupt", "Could not parse on-disk configuration", 78, 212},
	{"cib_save", "Could not save new configuration to disk", 1, 210},
	{"cib_backup", "Could not archive previous configuration", 1, 209},
	{"cib_modified", "On-disk configuration was manually modified", 1, 208},
	{"diff_resync", "Application of update diff failed, requesting full refresh", 1, 207},
	{"diff_failed", "Application of update diff failed", 1, 206},
	{"old_data", "Update was older than existing configuration", 103, 205},
	{"transform_failed", "Schema transform failed", 78, 204},
	{"schema_unchanged", "Schema is already the latest available", 1, 211},
	{"schema_validation", "Update does not conform to the configured schema", 78, 203},
	{"no_quorum", "Operation requires quorum", 106, 202},
	{"ipc_unauthorized", "IPC server is blocked by unauthorized process", 1, 0},
	{"ipc_unresponsive", "IPC server is unresponsive", 1, 0},
	{"ipc_pid_only", "IPC server process is active but not accepting connections", 1, 0},
	{"op_unsatisfied", "Not applicable under current conditions", 113, 0},
	{"undetermined", "Result undetermined", 112, 0},
	{"before_range", "Result occurs before given range", 111, 0},
	{"within_range", "Result occurs within given range", 0, 0},
	{"after_range", "Result occurs after given range", 110, 0},
	{"no_output", "Output message produced no output", 0, 0},
	{"no_input", "Input file not available", 66, 0},
	{"underflow", "Value too small to be stored in data type", 70, 0},
	{"dot_error", "Error writing dot(1) file", 74, 0},
	{"graph_error", "Error writing graph file", 74, 0},
	{"invalid_transition", "Cluster simulation produced invalid transition", 1, 0},
	{"unpack_error", "Unable to parse CIB XML", 78, 0},
	{"duplicate_id", "Two or more XML elements have the same ID", 109, 0},
	{"disabled", "Disabled", 1, 0},
	{"bad_input", "Bad input value provided", 65, 0},
	{"bad_xml_patch", "Bad XML patch format", 65, 0},
	{"no_transaction", "No active transaction found", 105, 0},
	{"ns_resolution", "Nameserver resolution error", 68, 0},
	{"compression", "Compression/decompression error", 70, 0},
	{"no_dc", "DC is not yet elected", 114, 0},
	{"ipc_more", "More IPC message fragments to send", 1, 0},
	{"cs_internal", "Internal corosync error", 70, 0},
	{"digest_mismatch", "Digest does not match expected value", 104, 0},
}

// Legacy is the code behind a legacy number; numbers below [FirstLegacy] are those
// of the system, their sign does not count.
func Legacy(n int) Code {
	if n == math.MinInt32 {
		return Code(n) // its sign cannot be dropped
	}
	n = max(n, -n)
	if n >= FirstLegacy && n <= LastLegacy {
		for i, o := range own {
			if o.legacy == n {
				return Last - Code(i)
			}
		}
	}
	return Code(n)
}

// known tells whether the code is one of Pacemaker's own.
func (c Code) known() bool { return c >= First && c <= Last }

// Name is the code's name; "Unknown" where it has none.
func (c Code) Name() string {
	switch {
	case c == 0:
		return "pcmk_rc_ok"
	case c.known():
		return "pcmk_rc_" + own[Last-c].name
	case c > 0:
		if name := errnoName(int(c)); name != "" {
			return name
		}
	}
	return "Unknown"
}

// LegacyName is the name of a legacy number.
func LegacyName(n int) string {
	switch c := Legacy(n); {
	case c == -1015: // was never given one
		return "Unknown"
	case c == Last:
		return "pcmk_err_generic"
	case c.known():
		return "pcmk_err_" + own[Last-c].name
	default:
		return c.Name()
	}
}

// String is the code's text.
func (c Code) String() string {
	switch {
	case c == 0:
		return "OK"
	case c.known():
		return own[Last-c].text
	case c < 0:
		return "Error"
	}
	text := syscall.Errno(c).Error()
	if strings.HasPrefix(text, "errno ") {
		return fmt.Sprintf("Unknown error %d", int(c))
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// errnoName is the name of an error number of the system, "" for those that
// Pacemaker does not name.
func errnoName(n int) string {
	if n >= 130 {
		return ""
	}
	name := unix.ErrnoName(syscall.Errno(n))
	switch name {
	case "EDEADLK":
		return "EDEADLOCK"
	case "ENOTSUP":
		return "EOPNOTSUPP"
	case "EFSCORRUPTED":
		return "EUCLEAN"
	case "ELNRNG", "ENOCSI", "ENOANO", "EBFONT", "EADV", "ESRMNT", "EDOTDOT", "ETOOMANYREFS", "ENOTNAM", "ENAVAIL":
		return ""
	}
	return name
}

// Exit is the exit code of a program that ends with the code.
func (c Code) Exit() int {
	switch {
	case c == 0:
		return 0
	case c.known():
		return own[Last-c].exit
	case c < 0:
		return 1
	}
	switch syscall.Errno(c) {
	case syscall.EACCES:
		return 4
	case syscall.EBADF, syscall.EINVAL, syscall.EFAULT, syscall.ENOSYS, syscall.EOVERFLOW:
		return 70
	case syscall.EBADMSG, syscall.EMSGSIZE, syscall.ENOMSG, syscall.ENOPROTOOPT, syscall.EPROTO, syscall.EPROTONOSUPPORT, syscall.EPROTOTYPE:
		return 76
	case syscall.ECOMM, syscall.ENOMEM:
		return 71
	case syscall.ECONNABORTED, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ENOTCONN:
		return 102
	case syscall.EEXIST:
		return 108
	case syscall.EIO:
		return 74
	case syscall.EOPNOTSUPP:
		return 3
	case syscall.ENOTUNIQ:
		return 109
	case syscall.ENODEV, syscall.ENOENT, syscall.ENXIO:
		return 105
	case syscall.ETIME, syscall.ETIMEDOUT:
		return 124
	case syscall.EAGAIN, syscall.EBUSY:
		return 113
	}
	return 1
}
