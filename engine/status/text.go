package status

import "fmt"

// CodeText is what an agent's exit code means, as alerts and logs put it.
func CodeText(code int) string {
	texts := map[int]string{
		0: "ok", 1: "error", 2: "invalid parameter", 3: "unimplemented feature", 4: "insufficient privileges", 5: "not installed",
		6: "not configured", 7: "not running", 8: "promoted", 9: "promoted (failed)", 190: "degraded", 191: "promoted (degraded)", 193: "unknown",
	}
	if t, ok := texts[code]; ok {
		return t
	}
	return "unknown"
}

// ResultText is what an agent's exit code means, as Pacemaker's programs and results in its log put it.
func ResultText(code int) string {
	texts := map[int]string{
		0: "OK", 1: "Error occurred", 2: "Invalid parameter", 3: "Unimplemented", 4: "Insufficient privileges", 5: "Not installed",
		6: "Not configured", 7: "Not running", 8: "Promoted", 9: "Failed in promoted role", 190: "Service is active but might fail soon",
		191: "Service is promoted but might fail soon", 193: "No exit status available",
	}
	if t, ok := texts[code]; ok {
		return t
	}
	return "Unknown exit status"
}

// ExecText is what an op-status means, as alerts and logs put it.
func ExecText(s int) string {
	texts := map[int]string{
		-2: "unknown", -1: "pending", 0: "complete", 1: "Cancelled", 2: "Timed Out", 3: "NOT SUPPORTED", 4: "Error", 5: "Hard error",
		6: "Fatal error", 7: "Not installed", 8: "Internal communication failure", 9: "Cannot execute now", 10: "No fence device", 11: "Invalid",
	}
	if t, ok := texts[s]; ok {
		return t
	}
	return fmt.Sprintf("status %d", s)
}
