package node

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hacluster/engine/controller"
)

// sampler measures how busy this machine and this process are.
type sampler struct {
	at   time.Time
	used time.Duration
}

// sample measures; what the machine does not tell stays out of it.
func (s *sampler) sample(now time.Time) controller.Sample {
	out := controller.Sample{Cores: runtime.NumCPU(), Busy: -1}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		if f := strings.Fields(string(b)); len(f) > 0 {
			if load, err := strconv.ParseFloat(f[0], 64); err == nil {
				out.Load = load
			}
		}
	}
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err == nil {
		used := time.Duration(u.Utime.Nano() + u.Stime.Nano())
		if gap := now.Sub(s.at); !s.at.IsZero() && gap > 0 {
			out.Busy = float64(used-s.used) / float64(gap)
		}
		s.at, s.used = now, used
	}
	return out
}
