package supervise

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// What a service tells the one who started it.
const (
	ReadyState    = "READY=1"
	StoppingState = "STOPPING=1"
	AliveState    = "WATCHDOG=1"
)

// OfManager tells whether a variable of the environment ("NAME=value") is between a process and the service manager that started it: a process does not hand it on to
// those that it starts.
func OfManager(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return name == "NOTIFY_SOCKET" || name == "WATCHDOG_USEC" || name == "WATCHDOG_PID"
}

// Notify tells whoever started this process (systemd or a Supervisor) of its state.
// Without NOTIFY_SOCKET in the environment it does nothing.
func Notify(getenv func(string) string, state string) error {
	path := getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	if strings.HasPrefix(path, "@") {
		path = "\x00" + path[1:]
	}
	c, err := net.Dial("unixgram", path)
	if err != nil {
		return err
	}
	_, err = c.Write([]byte(state))
	return errors.Join(err, c.Close())
}

// Ready tells that this process serves.
func Ready(getenv func(string) string) error { return Notify(getenv, ReadyState) }

// AliveInterval is how often this process should tell that it is alive, half of
// what it is allowed; 0 where nobody asks for it.
func AliveInterval(getenv func(string) string) time.Duration {
	if pid := getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || usec <= 0 || usec > int64(1<<62)/1000 {
		return 0
	}
	return time.Duration(usec) * time.Microsecond / 2
}

// KeepAlive tells that this process is alive for as long as ctx lasts, where that is asked for: of a service that has no one loop which does its
// work. failed is given what goes wrong.
func KeepAlive(ctx context.Context, getenv func(string) string, failed func(error)) {
	every := AliveInterval(getenv)
	if every <= 0 {
		return
	}
	go func() {
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			if err := Notify(getenv, AliveState); err != nil {
				failed(err)
			}
			select {
			case <-t.C:
			case <-ctx.Done():
				return
			}
		}
	}()
}
