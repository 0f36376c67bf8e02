package sbd

import (
	"strings"
	"time"
)

// IOTimeout is how long one read or write may take where nothing else is said.
const IOTimeout = 3 * time.Second

// Devices reads the setting SBD_DEVICE: paths parted by semicolons.
func Devices(setting string) []string {
	var out []string
	for _, d := range strings.Split(setting, ";") {
		if d = strings.TrimSpace(d); d != "" {
			out = append(out, d)
		}
	}
	return out
}
