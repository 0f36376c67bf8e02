package corosyncd

import (
	"runtime"
	"runtime/debug"
)

// Alone sets up a process that is nothing but this daemon. It does one thing at a time, so that a second
// processor would only make it wait for wakes; and it keeps little, so that memory may be collected seldom.
func Alone() {
	runtime.GOMAXPROCS(1)
	runtime.MemProfileRate = 0
	debug.SetGCPercent(1000)
}
