// Package local is the messages that Corosync's services and their local
// clients exchange over libqb: requests, responses and events of cpg, cmap, cfg,
// quorum and votequorum, each as a Go value with its bytes.
//
// A request begins with a header of 16 bytes whose id is the function, a
// response and an event with one of 24 bytes that also holds a Status. Fields
// are in the host's byte order and, where nothing else is said, begin at
// multiples of 8. Nothing is defined about the bytes between them.
package local

import "fmt"

// Status is the outcome of a request, Corosync's cs_error_t. As an error it is never OK.
type Status int32

// The outcomes.
const (
	OK            Status = 1
	Library       Status = 2
	Timeout       Status = 5
	TryAgain      Status = 6
	Invalid       Status = 7
	NoMemory      Status = 8
	BadHandle     Status = 9
	Busy          Status = 10
	Access        Status = 11
	NotExist      Status = 12
	NameTooLong   Status = 13
	Exist         Status = 14
	NoSpace       Status = 15
	Interrupt     Status = 16
	NotFound      Status = 17
	NoResources   Status = 18
	NotSupported  Status = 19
	BadOperation  Status = 20
	Failed        Status = 21
	MessageError  Status = 22
	QueueFull     Status = 23
	TooBig        Status = 26
	NoSections    Status = 27
	TooManyGroups Status = 30
	Security      Status = 100
)

var statusNames = map[Status]string{
	OK: "CS_OK", Library: "CS_ERR_LIBRARY", 3: "CS_ERR_VERSION", 4: "CS_ERR_INIT", Timeout: "CS_ERR_TIMEOUT",
	TryAgain: "CS_ERR_TRY_AGAIN", Invalid: "CS_ERR_INVALID_PARAM", NoMemory: "CS_ERR_NO_MEMORY", BadHandle: "CS_ERR_BAD_HANDLE",
	Busy: "CS_ERR_BUSY", Access: "CS_ERR_ACCESS", NotExist: "CS_ERR_NOT_EXIST", NameTooLong: "CS_ERR_NAME_TOO_LONG",
	Exist: "CS_ERR_EXIST", NoSpace: "CS_ERR_NO_SPACE", Interrupt: "CS_ERR_INTERRUPT", NotFound: "CS_ERR_NAME_NOT_FOUND",
	NoResources: "CS_ERR_NO_RESOURCES", NotSupported: "CS_ERR_NOT_SUPPORTED", BadOperation: "CS_ERR_BAD_OPERATION",
	Failed: "CS_ERR_FAILED_OPERATION", MessageError: "CS_ERR_MESSAGE_ERROR", QueueFull: "CS_ERR_QUEUE_FULL",
	24: "CS_ERR_QUEUE_NOT_AVAILABLE", 25: "CS_ERR_BAD_FLAGS", TooBig: "CS_ERR_TOO_BIG", NoSections: "CS_ERR_NO_SECTIONS",
	28: "CS_ERR_CONTEXT_NOT_FOUND", TooManyGroups: "CS_ERR_TOO_MANY_GROUPS", Security: "CS_ERR_SECURITY",
}

// Error is Corosync's name of the outcome, as its tools print it.
func (s Status) Error() string {
	if n, ok := statusNames[s]; ok {
		return n
	}
	return fmt.Sprintf("unknown error %d", int32(s))
}
