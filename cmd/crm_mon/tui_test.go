package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hacluster/internal/program"
)

// pseudoTerminal opens a terminal that answers nothing: only the far end of it is read.
func pseudoTerminal(t *testing.T, size unix.Winsize) (far, near *os.File) {
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
