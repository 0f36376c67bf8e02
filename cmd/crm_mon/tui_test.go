package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hacluster/internal/output/tui"
	"hacluster/internal/program"
)

// pseudoTerminal opens a terminal that answers nothing: only the far end of it is read.
func pseudoTerminal(t testing.TB, size unix.Winsize) (far, near *os.File) {
	t.Helper()
	far, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	if err := unix.IoctlSetPointerInt(int(far.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip(err)
	}
	n, err := unix.IoctlGetInt(int(far.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skip(err)
	}
	near, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = near.Close() })
	if err := unix.IoctlSetWinsize(int(near.Fd()), unix.TIOCSWINSZ, &size); err != nil {
		t.Fatal(err)
	}
	return far, near
}

// The first page waits for no answer of the terminal, also where it does not say how large
// it is; and q ends the program.
func TestFirstPageAtOnce(t *testing.T) {
	for _, size := range []unix.Winsize{{Row: 24, Col: 80}, {}} {
		far, near := pseudoTerminal(t, size)
		r, err := parseRequest(nil)
		if err != nil {
			t.Fatal(err)
		}
		env := &program.Env{Args: []string{"crm_mon"}, Stdin: near, Stdout: near, Stderr: os.Stderr, Getenv: func(name string) string {
			return map[string]string{"TERM": "xterm-256color"}[name]
		}}
		ended := make(chan int, 1)
		go func() { ended <- watch(t.Context(), env, watching{page: &pageScreen{r}, interval: time.Second}) }()
		shown := make(chan string, 1)
		go func() {
			var got strings.Builder
			buf := make([]byte, 4096)
			for {
				n, err := far.Read(buf)
				got.Write(buf[:n])
				if err != nil || strings.Contains(got.String(), "q quit") {
					shown <- got.String()
					break
				}
			}
			for err == nil { // what is written has to go somewhere
				_, err = far.Read(buf)
			}
		}()
		select {
		case s := <-shown:
			if !strings.Contains(s, "onnect") {
				t.Errorf("%+v: %q", size, s)
			}
		case <-time.After(3 * time.Second):
			t.Fatalf("%+v: no page within 3 s", size)
		}
		if _, err := far.WriteString("q"); err != nil {
			t.Fatal(err)
		}
		select {
		case code := <-ended:
			if code != 0 {
				t.Errorf("exit code %d", code)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("q does not end it")
		}
	}
}

// BenchmarkKeyToFrame is the time from a key, typed into a terminal, until the terminal has what
// changed on the screen, with 16 nodes and 1000 resources: the cursor moves, a filter is
// typed. 50 ms is what is asked for.
func BenchmarkKeyToFrame(b *testing.B) {
	root := cluster(b, 16, 1000)
	for _, c := range []struct {
		name, first, shows string // a key that comes first, and what shows then
		keys               []string
	}{
		{"cursor", "", "", []string{"\x1b[B"}},
		{"filter", "/", "Show lines with", []string{"7", "\x7f"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			far, near := pseudoTerminal(b, unix.Winsize{Row: 40, Col: 120})
			r, err := parseRequest(nil)
			if err != nil {
				b.Fatal(err)
			}
			if err := r.choose(); err != nil {
				b.Fatal(err)
			}
			env := &program.Env{Args: []string{"crm_mon"}, Stdin: near, Stdout: near, Stderr: os.Stderr, Getenv: func(name string) string {
				return map[string]string{"TERM": "xterm-256color"}[name]
			}}
			ctx, stop := context.WithCancel(b.Context())
			defer stop()
			ended := make(chan int, 1)
			go func() {
				ended <- watch(ctx, env, watching{page: &pageScreen{r}, interval: time.Second, source: func(_ context.Context, _ time.Duration, send func(news)) {
					send(news{Snapshot: newMirror(root.Copy()).snapshot(tui.Snapshot{At: time.Unix(1795449700, 0)})})
				}})
			}()
			written := make(chan string, 1024)
			go func() {
				buf := make([]byte, 1<<16)
				for {
					n, err := far.Read(buf)
					if err != nil {
						close(written)
						return
					}
					written <- string(buf[:n])
				}
			}()
			await := func(want string) {
				got := ""
				for limit := time.After(30 * time.Second); ; {
					select {
					case s := <-written:
						if got += s; strings.Contains(got, want) {
							return
						}
					case <-limit:
						b.Fatalf("%q did not come: %q", want, got)
					}
				}
			}
			await("r1")
			if c.first != "" {
				if _, err := far.WriteString(c.first); err != nil {
					b.Fatal(err)
				}
				await(c.shows)
			}
			for i := 0; b.Loop(); i++ {
				if _, err := far.WriteString(c.keys[i%len(c.keys)]); err != nil {
					b.Fatal(err)
				}
				await("") // what changed is written at once
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms/key")
		})
	}
}
