package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hacluster/corosync/client"
	"hacluster/corosync/cmap"
	"hacluster/internal/flight"
	"hacluster/internal/program"
)

func init() { programs["corosync-blackbox"] = corosyncBlackbox }

const blackboxHelp = `usage: corosync-blackbox [FILE...]

corosync-blackbox has the running corosync write its flight data, which are what it told
of late, at all levels, and prints them. With FILE it prints what was written before, also by
other daemons that use libqb.
`

// blackboxWait is how long the daemon may take to write.
const blackboxWait = 10 * time.Second

func corosyncBlackbox(ctx context.Context, env *program.Env) int {
	_, files, err := getopt(env, "h", map[string]byte{"help": 'h'})
	if err != nil {
		fmt.Fprintln(env.Stderr, err)
		return 1
	}
	for _, a := range env.Args[1:] {
		if a == "-h" || a == "--help" {
			fmt.Fprint(env.Stdout, blackboxHelp)
			return 0
		}
	}
	if len(files) == 0 {
		file, err := askFlight(ctx)
		if err != nil {
			fmt.Fprintf(env.Stderr, "corosync-blackbox: %v\n", err)
			return 1
		}
		files = []string{file}
	}
	code := 0
	for _, f := range files {
		if err := printFlight(env, f); err != nil {
			fmt.Fprintf(env.Stderr, "corosync-blackbox: %v\n", err)
			code = 1
		}
	}
	return code
}

// printFlight prints a file as qb-blackbox does.
func printFlight(env *program.Env, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "Dumping the contents of %s\n", file)
	entries, err := flight.Parse(data)
	for _, e := range entries {
		fmt.Fprintln(env.Stdout, e)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// askFlight has the daemon tell its state and write its flight data, and gives the name of the file when that is there.
func askFlight(ctx context.Context) (string, error) {
	c, err := starting(ctx, client.DialCmap)
	if err != nil {
		return "", fmt.Errorf("corosync does not answer: %w", err)
	}
	defer c.Close()
	dir, err := c.Text(ctx, "system.state_dir")
	if err != nil || dir == "" {
		dir = "/var/lib/corosync"
	}
	seen, err := watchName(dir, flight.Link)
	if err != nil {
		return "", err
	}
	defer seen.Close()
	now := cmap.Text(strconv.FormatInt(time.Now().UnixNano(), 10))
	for _, key := range []string{"runtime.blackbox.dump_state", "runtime.blackbox.dump_flight_data"} {
		if err := c.Set(ctx, key, now); err != nil {
			return "", fmt.Errorf("%s cannot be set: %w", key, err)
		}
	}
	if err := seen.wait(blackboxWait); err != nil {
		return "", fmt.Errorf("corosync has not written %s within %v: %w", filepath.Join(dir, flight.Link), blackboxWait, err)
	}
	return filepath.Join(dir, flight.Link), nil
}

// nameWatch waits for a name to come, or to lead elsewhere.
type nameWatch struct {
	file *os.File
	name string
}

func watchName(dir, name string) (*nameWatch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("inotify: %w", err)
	}
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE|unix.IN_MOVED_TO); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("%s cannot be watched: %w", dir, err)
	}
	return &nameWatch{os.NewFile(uintptr(fd), "inotify"), name}, nil
}

func (w *nameWatch) Close() { _ = w.file.Close() }

// wait returns when the name has come since the watch began.
func (w *nameWatch) wait(limit time.Duration) error {
	if err := w.file.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	b := make([]byte, 64<<10)
	for {
		n, err := w.file.Read(b)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return err
		}
		for events := b[:n]; len(events) >= unix.SizeofInotifyEvent; {
			size := unix.SizeofInotifyEvent + int(uint32(events[12])|uint32(events[13])<<8|uint32(events[14])<<16|uint32(events[15])<<24)
			if size > len(events) {
				break
			}
			if unix.ByteSliceToString(events[unix.SizeofInotifyEvent:size]) == w.name {
				return nil
			}
			events = events[size:]
		}
	}
}
