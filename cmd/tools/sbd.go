package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"hacluster/internal/program"
	"hacluster/internal/sbd"
)

func init() { programs["sbd"] = sbdMain }

const sbdHelp = `Fencing over a shared disk.
Usage: sbd [OPTION]... COMMAND [ARGUMENT]...
  -d DEVICE  a device to use, up to three times; SBD_DEVICE otherwise
  -n NODE    this node's name instead of the host's
  -1 N       create: watchdog timeout in seconds (5)
  -2 N       create: time to wait after a slot was taken (2)
  -3 N       create: how often slots are looked at (1)
  -4 N       create: after how long a message counts as delivered (10)
  -I N       how long one read or write may take (3)
  -w DEVICE  test-watchdog: the watchdog (/dev/watchdog); SBD_WATCHDOG_DEV otherwise
  -W -T      test-watchdog: with -W an even number of times, or with -T, there is no test
  -h         this page
  -W         watch: use the watchdog; twice: do not
  -P         watch: ask the cluster on this node, too; twice: do not
  -S N       watch: 1: do not start where a message to fence this node stands
  -s N       watch: how long devices may take to appear (120)
  -p FILE    watch: where the process is noted (/run/sbd.pid)
  -r ACTION  watch: what to do when all is lost, as SBD_TIMEOUT_ACTION
  -R         watch: no scheduling in real time, and memory is not locked
  -v         watch: say more in the log
  -5 N       watch: tell in the log when the watchdog was not fed for so many seconds; 0: never (three fifths of its time)
  -T         watch: leave the watchdog the timeout that it has
  -C N       watch: the watchdog's timeout while the kernel dumps its memory; 0: it is disarmed for that (0)
  -z         watch: the disks do not stand in for a cluster that was there and is not well any more
  -Z         watch: try out what ends this node: once a crash dump in its place, twice the end of the watch
  -c -D -F N -t N  watch: taken, and without effect
Commands:
  create                 write the layout anew; all that is on the device is lost
  list                   the slots that are taken, and what is in them
  dump                   the header
  allocate NODE          take a slot for a node
  message NODE MESSAGE   test, reset, off, crashdump, exit or clear
  ping NODE              whether a node's watch answers
  query-watchdog         the watchdogs of this host
  test-watchdog          arm a watchdog and let it reset this host
  watch                  keep watch over this node's slot, in the background; what no option says the settings of the service say
`

// sbdTool is one run of sbd.
type sbdTool struct {
	env     *program.Env
	devices []string
	name    string
	header  sbd.Header
	io      time.Duration
}

func (t *sbdTool) failed() int {
	fmt.Fprintln(t.env.Stderr, "sbd failed; please check the logs.")
	return 1
}

func (t *sbdTool) fault(format string, args ...any) { fmt.Fprintf(t.env.Stderr, format+"\n", args...) }

func sbdMain(ctx context.Context, env *program.Env) int {
	t := &sbdTool{env: env, header: sbd.Defaults(), io: sbd.IOTimeout}
	if name, err := os.Hostname(); err == nil {
		t.name = name
	}
	usage := func() int {
		fmt.Fprint(env.Stderr, sbdHelp)
		return 1
	}
	w, watch := newWatchdogTool(env), newWatchTool(env)
	if limit, err := sbd.Seconds(env.Getenv("SBD_WATCHDOG_TIMEOUT")); err == nil && limit > 0 {
		t.header.Watchdog = uint32(limit / time.Second)
	}
	options, words, err := getopt(env, sbd.Letters, nil)
	if err != nil {
		fmt.Fprintln(env.Stderr, err)
		return usage()
	}
	for _, o := range options {
		value, number, good := sbd.OptionValue(o.letter, o.value)
		if !good {
			t.fault("Invalid value \"%s\" for option -%c", o.value, o.letter)
			return usage()
		}
		watch.options.Take(o.letter, value, number)
		switch o.letter {
		case 'd':
			t.devices = append(t.devices, value)
		case 'n':
			t.name = value
		case '1':
			t.header.Watchdog = uint32(number)
		case '2':
			t.header.Allocate = uint32(number)
		case '3':
			t.header.Loop = uint32(number)
		case '4':
			t.header.MsgWait = uint32(number)
		case 'I':
			t.io = time.Duration(number) * time.Second
		case 'w':
			w.path, w.named = value, true
		case 'W':
			w.asked++
		case 'T':
			w.noTimeout = true
		case 'h':
			fmt.Fprint(env.Stdout, sbdHelp)
			return 0
		}
	}
	if len(t.devices) == 0 {
		t.devices = sbd.Devices(env.Getenv("SBD_DEVICE"))
	}
	switch {
	case len(t.devices) > 0 && len(t.name) > sbd.NameMax:
		t.fault("Node name mustn't be longer than %d chars.\nIf uname is longer define a name to be used by sbd.", sbd.NameMax)
		return t.failed()
	case len(t.devices) > 3:
		t.fault("You can specify up to 3 devices via the -d option.")
		return t.failed()
	case len(words) == 0:
		t.fault("Not enough arguments.")
		return usage()
	}
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	good := false
	switch words[0] {
	case "create":
		good = t.create()
	case "list":
		good = t.list()
	case "dump":
		good = t.dump()
	case "allocate":
		good = t.allocate(ctx, word(1))
	case "message":
		good = t.message(ctx, word(1), word(2))
	case "ping":
		good = t.ping(ctx, word(1))
	case "watch":
		return watch.run(ctx)
	case "query-watchdog":
		good = w.query()
	case "test-watchdog":
		good = w.test(ctx, t.header.Watchdog)
	default:
		return usage()
	}
	if !good {
		return t.failed()
	}
	return 0
}

// open opens a device that must have a layout, and reads its header.
func (t *sbdTool) open(path string) (sbd.Disk, sbd.Header, func(), error) {
	d, err := sbd.Open(path, t.io)
	if err != nil {
		return sbd.Disk{}, sbd.Header{}, nil, err
	}
	disk := sbd.Disk{Sectors: d}
	h, err := disk.Header()
	if err != nil {
		_ = d.Close()
		return disk, h, nil, &noHeader{err}
	}
	return disk, h, func() { _ = d.Close() }, nil
}

// noHeader is a device that can be opened and has no layout.
type noHeader struct{ err error }

func (e *noHeader) Error() string { return e.err.Error() }

func (t *sbdTool) create() bool {
	for _, path := range t.devices {
		fmt.Fprintf(t.env.Stdout, "Initializing device %s\n", path)
		d, err := sbd.Open(path, t.io)
		if err != nil {
			t.fault("%v", err)
			return false
		}
		h, err := sbd.New(t.header, d.Size())
		if err == nil {
			fmt.Fprintf(t.env.Stdout, "Creating version %s header on device %d (uuid: %s)\nInitializing %d slots on device %d\n", h.Version(), d.Fd(), h.ID(), h.Slots, d.Fd())
			err = sbd.Disk{Sectors: d}.Create(h)
		}
		_ = d.Close()
		if err != nil {
			t.fault("Failed to init device %s", path)
			t.fault("%v", err)
			return false
		}
		fmt.Fprintf(t.env.Stdout, "Device %s is initialized.\n", path)
	}
	fmt.Fprintln(t.env.Stdout, "Did you check sbd service down on all nodes before? If not do so now and restart afterwards.")
	return true
}

func (t *sbdTool) list() bool {
	good := true
	for _, path := range t.devices {
		d, h, done, err := t.open(path)
		if err == nil {
			var slots []sbd.Slot
			slots, err = d.Slots(h)
			for _, s := range slots {
				var l sbd.Letter
				if l, err = d.Receive(s.Index); err != nil {
					break
				}
				fmt.Fprintf(t.env.Stdout, "%d\t%s\t%s\t%s\n", s.Index, s.Name, l.Message, l.From)
			}
			done()
			if err != nil {
				err = &noHeader{err}
			}
		}
		var layout *noHeader
		switch {
		case errors.As(err, &layout):
			t.fault("== Slots on disk %s NOT dumped", path)
			good = false
		case err != nil:
			t.fault("== disk %s unreadable!", path)
			good = false
		}
	}
	return good
}

func (t *sbdTool) dump() bool {
	good := true
	for _, path := range t.devices {
		fmt.Fprintf(t.env.Stdout, "==Dumping header on disk %s\n", path)
		_, h, done, err := t.open(path)
		if err != nil {
			var layout *noHeader
			if !errors.As(err, &layout) {
				t.fault("== disk %s unreadable!", path)
			}
			t.fault("==Header on disk %s NOT dumped", path)
			good = false
			continue
		}
		done()
		fmt.Fprintf(t.env.Stdout, "Header version     : %s\n", h.Version())
		if id := h.ID(); id != "" {
			fmt.Fprintf(t.env.Stdout, "UUID               : %s\n", id)
		}
		fmt.Fprintf(t.env.Stdout, "Number of slots    : %d\nSector size        : %d\nTimeout (watchdog) : %d\nTimeout (allocate) : %d\nTimeout (loop)     : %d\nTimeout (msgwait)  : %d\n",
			h.Slots, h.SectorSize, h.Watchdog, h.Allocate, h.Loop, h.MsgWait)
		fmt.Fprintf(t.env.Stdout, "==Header on disk %s is dumped\n", path)
	}
	return good
}

func (t *sbdTool) allocate(ctx context.Context, name string) bool {
	for _, path := range t.devices {
		shown := name
		if shown == "" {
			shown = "(null)"
		}
		fmt.Fprintf(t.env.Stdout, "Trying to allocate slot for %s on device %s.\n", shown, path)
		if name == "" {
			t.fault("slot_allocate(): No name specified.")
			return false
		}
		d, h, done, err := t.open(path)
		if err == nil {
			_, err = d.Allocate(ctx, h, name, func(slot int) { fmt.Fprintf(t.env.Stdout, "slot %d is unused - trying to own\n", slot) })
			done()
		}
		if err != nil {
			t.fault("%s: %v", path, err)
			return false
		}
		fmt.Fprintf(t.env.Stdout, "Slot for %s has been allocated on %s.\n", name, path)
	}
	return true
}

// each does something on all devices at once, and tells on how many it worked.
func (t *sbdTool) each(f func(path string) error) int {
	var done sync.WaitGroup
	var mu sync.Mutex
	good := 0
	for _, path := range t.devices {
		done.Go(func() {
			err := f(path)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.fault("%s: %v", path, err)
				return
			}
			good++
		})
	}
	done.Wait()
	return good
}

// target is a node's slot on a device.
func (t *sbdTool) target(path, name string) (sbd.Disk, sbd.Header, int, func(), error) {
	d, h, done, err := t.open(path)
	if err != nil {
		return d, h, 0, nil, err
	}
	if name == "LOCAL" {
		name = t.name
	}
	slot, err := d.Lookup(h, name)
	if err != nil {
		done()
		return d, h, 0, nil, err
	}
	return d, h, slot, done, nil
}

// message delivers a message: it counts as delivered once the target has read it, or
// must have ended itself, on more than half of the devices.
func (t *sbdTool) message(ctx context.Context, name, what string) bool {
	m, err := sbd.ParseMessage(what)
	if err == nil && name == "" {
		err = errors.New("no node is named")
	}
	if err != nil {
		t.fault("%v", err)
		return false
	}
	good := t.each(func(path string) error {
		d, h, slot, done, err := t.target(path, name)
		if err != nil {
			return err
		}
		defer done()
		if err := d.Send(slot, sbd.Letter{Message: m, From: t.name}); err != nil {
			return err
		}
		if m == sbd.Exit {
			return nil
		}
		return sbd.Wait(ctx, time.Duration(h.MsgWait)*time.Second)
	})
	return good > len(t.devices)/2
}

// ping asks a node's watch for an answer.
func (t *sbdTool) ping(ctx context.Context, name string) bool {
	if name == "" {
		t.fault("no node is named")
		return false
	}
	good := t.each(func(path string) error {
		d, h, slot, done, err := t.target(path, name)
		if err != nil {
			return err
		}
		defer done()
		if err := d.Send(slot, sbd.Letter{Message: sbd.Test, From: t.name}); err != nil {
			return err
		}
		for range h.MsgWait + 1 {
			l, err := d.Receive(slot)
			if err != nil || l.Message != sbd.Test {
				return err
			}
			if err := sbd.Wait(ctx, time.Second); err != nil {
				return err
			}
		}
		return fmt.Errorf("%s failed to ping", name)
	})
	return good > 0 && good == len(t.devices)
}
