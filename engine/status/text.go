package status

import "fmt"

// ResultText is what an agent's exit code means, as Pacemaker's programs, its alerts and results in its log put it.
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
		-1: "Pending", 0: "Done", 1: "Cancelled", 2: "Timed out", 3: "Unsupported", 4: "Error", 5: "Hard error", 6: "Fatal error", 7: "Not installed",
		8: "Internal communication failure", 9: "Cannot execute now", 10: "No fence device", 11: "CIB secrets unavailable",
	}
	if t, ok := texts[s]; ok {
		return t
	}
	return fmt.Sprintf("status %d", s)
}
