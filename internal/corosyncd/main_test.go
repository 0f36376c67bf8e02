package corosyncd

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"syscall"
	"testing"
	"time"

	"hacluster/corosync/client"
)

// TestMain lets the test binary be other programs, each in a process of its own:
// with COROSYNCD_CONF in the environment a daemon with that configuration file (whose profile goes to
// the folder COROSYNCD_PROFILE, if that is set), with
// COROSYNCD_CLIENT a client of the daemon of its network namespace, with
// COROSYNCD_DEVICE a quorum device or its server, with COROSYNCD_BENCH a program that measures,
// with COROSYNCD_WITNESS one that talks and tells what it is given.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("COROSYNCD_CONF") != "":
		os.Exit(asDaemon())
	case os.Getenv("COROSYNCD_CLIENT") != "":
		os.Exit(asClient())
	case os.Getenv("COROSYNCD_BENCH") != "":
		os.Exit(asBench())
	case os.Getenv("COROSYNCD_WITNESS") != "":
		os.Exit(asWitness())
	case os.Getenv("COROSYNCD_DEVICE") != "":
		os.Exit(asDevice())
	}
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		// Rings of test hosts mostly wait, for lost tokens and for each other.
		_ = flag.Set("test.parallel", "6")
	}
	os.Exit(m.Run())
}

func asDaemon() int {
	Alone()
	level := slog.LevelInfo
	if os.Getenv("COROSYNCD_DEBUG") != "" {
		level = slog.LevelDebug
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if dir := os.Getenv("COROSYNCD_PROFILE"); dir != "" {
		host, _ := os.Hostname()
		if f, err := os.Create(filepath.Join(dir, host)); err == nil && pprof.StartCPUProfile(f) == nil {
			defer pprof.StopCPUProfile()
		}
	}
	err := Run(ctx, Options{
		ConfPath: os.Getenv("COROSYNCD_CONF"), StateDir: os.Getenv("COROSYNCD_STATE"),
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// asClient joins the group "proof", waits until COROSYNCD_CLIENT members are in it, sends
// COROSYNCD_COUNT messages, and prints what arrives until all members' messages are here.
func asClient() int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := prove(ctx, number(os.Getenv("COROSYNCD_CLIENT")), int(number(os.Getenv("COROSYNCD_COUNT")))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func prove(ctx context.Context, members uint32, count int) error {
	g, err := client.DialCPG(ctx)
	if err != nil {
		return err
	}
	defer g.Close()
	me, err := g.LocalNode(ctx)
	if err != nil {
		return err
	}
	if err := g.JoinWithRing(ctx, "proof"); err != nil {
		return err
	}
	sent := make(chan error, 1)
	started := false
	for left := int(members) * count; left > 0; {
		select {
		case e, ok := <-g.Events():
			if !ok {
				return g.Err()
			}
			switch e := e.(type) {
			case *client.Confchg:
				if len(e.Members) == int(members) && !started {
					started = true
					go func() { sent <- speak(ctx, g, me, count) }()
				}
			case *client.TotemConfchg:
				fmt.Fprintln(os.Stderr, "ring", e.Ring, e.Members)
			case *client.Deliver:
				left--
				fmt.Printf("%d %d %x\n", e.Node, len(e.Data), sha256.Sum256(e.Data))
			}
		case err := <-sent:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return fmt.Errorf("%d messages are missing: %w", left, ctx.Err())
		}
	}
	return nil
}

// speak sends messages of many sizes, a big one now and then.
func speak(ctx context.Context, g *client.CPG, node uint32, count int) error {
	for i := range count {
		size := i * 37 % 3000
		switch {
		case i == count/3:
			size = 1 << 20
		case i%50 == 49:
			size = 100000
		}
		b := make([]byte, size)
		for j := range b {
			b[j] = byte(j*int(node) + i)
		}
		b = append(b, strconv.Itoa(i)...)
		if err := g.Mcast(ctx, b); err != nil {
			return fmt.Errorf("message %d of %d bytes: %w", i, len(b), err)
		}
	}
	return nil
}
