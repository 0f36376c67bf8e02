package supervise

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// run brings a supervisor up for the test's time and gives a function that sends it orders.
func run(t *testing.T, units ...Unit) (*Supervisor, func(verb, unit string) Reply) {
	t.Helper()
	dir := t.TempDir()
	s := &Supervisor{Units: units, Dir: dir, Enabled: filepath.Join(dir, "enabled"), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	ctx, cancel := context.WithCancel(context.Background())
	up, down := make(chan struct{}), make(chan error, 1)
	go func() { down <- s.Run(ctx, func() { close(up) }) }()
	select {
	case <-up:
	case err := <-down:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-down; err != nil {
			t.Error(err)
		}
	})
	return s, func(verb, unit string) Reply {
		r, err := Call(context.Background(), filepath.Join(dir, filepath.Base(Socket)), Request{verb, unit})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// notifier is a service that tells it is ready through the socket it is given.
const notifier = `exec perl -MIO::Socket::UNIX -e '$s=IO::Socket::UNIX->new(Type=>SOCK_DGRAM,Peer=>$ENV{NOTIFY_SOCKET});$s->send("READY=1");sleep 600'`

func TestStartStop(t *testing.T) {
	log := filepath.Join(t.TempDir(), "bad.log")
	_, order := run(t,
		Unit{Name: "base", Argv: []string{"sleep", "600"}},
		Unit{Name: "top", Argv: []string{"sh", "-c", notifier}, Notify: true, Requires: []string{"base"}},
		Unit{Name: "bad", Argv: []string{"sh", "-c", "exit 3"}, Notify: true, Log: log},
		Unit{Name: "none", Argv: []string{"/no/such/program"}},
	)
	if r := order("start", "top"); r.Error != "" || r.States[0].State != "active" || r.States[0].PID == 0 {
		t.Fatalf("start top: %+v", r)
	}
	if r := order("status", "base"); r.States[0].State != "active" {
		t.Errorf("what it requires: %+v", r)
	}
	if r := order("stop", "base"); r.Error != "" {
		t.Errorf("stop base: %+v", r)
	}
	if r := order("status", "top"); r.States[0].State != "inactive" {
		t.Errorf("what requires a stopped one: %+v", r)
	}
	if r := order("start", "bad"); !strings.Contains(r.Error, "bad.service failed") || !strings.HasSuffix(r.Error, "\nSee "+log+" for details.") || r.States[0].State != "failed" {
		t.Errorf("a service that fails: %+v", r)
	}
	if r := order("start", "none"); !strings.Contains(r.Error, "/no/such/program") {
		t.Errorf("a missing program: %+v", r)
	}
	if r := order("start", "other"); !r.Unknown {
		t.Errorf("an unknown unit: %+v", r)
	}
	if r := order("dance", "base"); r.Error == "" {
		t.Errorf("an unknown verb: %+v", r)
	}
	order("enable", "base")
	if r := order("status", "base"); !r.States[0].Enabled {
		t.Errorf("enabled: %+v", r)
	}
}

func TestRestartAfterKill(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	_, order := run(t, Unit{Name: "svc", Argv: []string{"sh", "-c", "echo $$ >> " + mark + "; exec sleep 600"}, Restart: true})
	first := order("start", "svc").States[0].PID
	// lines waits until the service has been started n times and run so far as to write its line.
	lines := func(n int) Status {
		t.Helper()
		deadline := time.Now().Add(20 * time.Second)
		for {
			data, _ := os.ReadFile(mark)
			if r := order("status", "svc").States[0]; r.State == "active" && len(strings.Fields(string(data))) == n {
				return r
			}
			if time.Now().After(deadline) {
				t.Fatalf("it was not started %d times: %q", n, data)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	lines(1)
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if second := lines(2); second.PID == first {
		t.Errorf("the same process still: %+v", second)
	}
	order("stop", "svc")
	if r := order("status", "svc").States[0]; r.State != "inactive" || r.PID != 0 {
		t.Errorf("after stop: %+v", r)
	}
}

// TestFinal: who ends with a code that says that it must stay down is not started again, and whoever ends with another is.
func TestFinal(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	unit := func(name, code string) Unit {
		return Unit{Name: name, Argv: []string{"sh", "-c", "echo " + name + " >> " + mark + "; exit " + code}, Restart: true, Final: []int{6}}
	}
	_, order := run(t, unit("refused", "100"), unit("useless", "6"), unit("broken", "7"))
	count := map[string]int{}
	until := func(enough func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			data, _ := os.ReadFile(mark)
			clear(count)
			for _, name := range strings.Fields(string(data)) {
				count[name]++
			}
			if enough() {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("started: %v", count)
			}
		}
	}
	for _, name := range []string{"refused", "useless"} {
		order("start", name)
		until(func() bool { return count[name] > 0 && order("status", name).States[0].State == "failed" })
	}
	order("start", "broken")
	until(func() bool { return count["broken"] == 5 }) // more than that it is not in so short a time
	if count["refused"] != 1 || count["useless"] != 1 {
		t.Errorf("started: %v", count)
	}
}

// TestTemplate runs an instance of a template. It is one of the host's units once it was asked for.
func TestTemplate(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	s, order := run(t,
		Unit{Name: "svc@", Argv: []string{"/bin/sh", "-c", "echo %i >> " + mark + "; exec sleep 600"}},
		Unit{Name: "other@", Argv: []string{"/no/such/program", "%i"}},
	)
	for _, name := range []string{"svc@", "svc", "other@a", "svc@../a"} {
		if r := order("start", name); !r.Unknown {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if r := order("enable", "svc@a"); r.Error != "" || !r.States[0].Enabled || r.States[0].State != "inactive" {
		t.Errorf("enable: %+v", r)
	}
	if r := order("start", "svc@a"); r.Error != "" || r.States[0].State != "active" {
		t.Errorf("start: %+v", r)
	}
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if data, _ := os.ReadFile(mark); string(data) == "a\n" {
			break
		} else if time.Since(begin) > 20*time.Second {
			t.Fatalf("its name is %q", data)
		}
	}
	if got := s.names(); !slices.Equal(got, []string{"svc@a"}) {
		t.Errorf("units: %v", got)
	}
	if r := order("stop", "svc@a"); r.Error != "" || r.States[0].State != "inactive" {
		t.Errorf("stop: %+v", r)
	}
}

// TestToldOfItsEnd: a service can tell as long as it runs, also that it ends, and nothing of that is left.
func TestToldOfItsEnd(t *testing.T) {
	heard := filepath.Join(t.TempDir(), "heard")
	const teller = `exec perl -MIO::Socket::UNIX -e 'sub note{my $s=IO::Socket::UNIX->new(Type=>SOCK_DGRAM,Peer=>$ENV{NOTIFY_SOCKET}) or return 0;$s->send($_[0])}
		$SIG{TERM}=sub{if(note("STOPPING=1")){open(F,">",$ARGV[0]);close F}exit 0};note("READY=1");sleep 600' `
	_, order := run(t, Unit{Name: "teller", Argv: []string{"sh", "-c", teller + heard}, Notify: true})
	if r := order("start", "teller"); r.Error != "" {
		t.Fatalf("start: %+v", r)
	}
	if r := order("stop", "teller"); r.Error != "" {
		t.Fatalf("stop: %+v", r)
	}
	if _, err := os.Stat(heard); err != nil {
		t.Error("its last word found nobody:", err)
	}
}

// TestStandsStill: a service that says that it is alive, and then does not, is killed and started again; one that goes on saying so is left alone.
func TestStandsStill(t *testing.T) {
	starts := filepath.Join(t.TempDir(), "starts")
	const teller = `exec perl -MIO::Socket::UNIX -e 'open(F,">>",shift);print F "$$ $ARGV[0] $ENV{WATCHDOG_USEC}\n";close F;
		$s=IO::Socket::UNIX->new(Type=>SOCK_DGRAM,Peer=>$ENV{NOTIFY_SOCKET});$s->send("READY=1");
		for(;;){$s->send("WATCHDOG=1");select(undef,undef,undef,0.1)}' ` // it would go on
	_, order := run(t,
		Unit{Name: "good", Argv: []string{"sh", "-c", teller + starts + " good"}, Notify: true, Restart: true, AliveLimit: 2 * time.Second},
		Unit{Name: "still", Argv: []string{"sh", "-c", teller + starts + " still"}, Notify: true, Restart: true, AliveLimit: 2 * time.Second},
	)
	good, first := order("start", "good").States[0].PID, order("start", "still").States[0].PID
	if err := syscall.Kill(first, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if r := order("status", "still").States[0]; r.State == "active" && r.PID != first {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("it stands still and is left alone: %+v", r)
		}
	}
	if r := order("status", "good").States[0]; r.PID != good {
		t.Errorf("one that is alive was killed: %+v", r)
	}
	data, err := os.ReadFile(starts)
	if err != nil || strings.Count(string(data), "still 2000000\n") != 2 || strings.Count(string(data), "good 2000000\n") != 1 {
		t.Errorf("%q %v", data, err)
	}
}

// TestOwnEnvironment: what whoever started the supervisor is to be told by it, a service does not tell that one in its place, nor does it take the other's
// word for its own that it is not watched.
func TestOwnEnvironment(t *testing.T) {
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		t.Setenv(name, "1")
	}
	dir := t.TempDir()
	told := func(name string) string { return filepath.Join(dir, name) }
	show := func(name string) []string {
		return []string{"sh", "-c", `env | grep -E '^(NOTIFY_SOCKET|WATCHDOG_)' >` + told(name) + `.new; mv ` + told(name) + `.new ` + told(name) + "; " + notifier}
	}
	s, order := run(t,
		Unit{Name: "deaf", Argv: []string{"sh", "-c", strings.TrimSuffix(show("deaf")[2], notifier) + "sleep 600"}},
		Unit{Name: "heard", Argv: show("heard"), Notify: true, AliveLimit: time.Hour},
	)
	order("start", "deaf")
	order("start", "heard")
	for name, want := range map[string]string{"deaf": "", "heard": "NOTIFY_SOCKET=" + filepath.Join(s.Dir, "heard.notify") + "\nWATCHDOG_USEC=3600000000\n"} {
		var got []byte
		for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			var err error
			if got, err = os.ReadFile(told(name)); err == nil || time.Since(begin) > 20*time.Second {
				break
			}
		}
		lines := slices.Sorted(strings.Lines(string(got)))
		if strings.Join(lines, "") != want {
			t.Errorf("%s was told %q, want %q", name, got, want)
		}
	}
}
