package sbd

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Watchdog is an armed watchdog: the host is reset when it is not fed in time.
type Watchdog struct {
	f      *os.File
	device bool
}

// OpenWatchdog arms a watchdog. A timeout of 0 leaves the device's own. A regular
// file in its place notes how often it was fed, and resets nothing.
func OpenWatchdog(path string, timeout time.Duration) (*Watchdog, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	w := &Watchdog{f: f}
	info, err := f.Stat()
	w.device = err == nil && info.Mode()&os.ModeCharDevice != 0
	if err == nil && timeout > 0 {
		err = w.Limit(timeout)
	}
	if err == nil {
		err = w.Feed()
	}
	if err != nil {
		// It is armed by now, perhaps: it must not strike a host that runs without a watch.
		return nil, errors.Join(err, w.Disarm())
	}
	return w, nil
}

// Limit sets how long the host lives without being fed.
func (w *Watchdog) Limit(timeout time.Duration) error {
	if !w.device {
		return nil
	}
	return unix.IoctlSetPointerInt(int(w.f.Fd()), unix.WDIOC_SETTIMEOUT, int(timeout/time.Second))
}

// Feed puts the reset off.
func (w *Watchdog) Feed() error {
	_, err := w.f.Write([]byte{0})
	return err
}

// Disarm ends it: the host lives on without.
func (w *Watchdog) Disarm() error {
	// A driver knows one of the two.
	_ = unix.IoctlSetPointerInt(int(w.f.Fd()), unix.WDIOC_SETOPTIONS, unix.WDIOS_DISABLECARD)
	_, err := w.f.WriteString("V")
	return errors.Join(err, w.f.Close())
}
