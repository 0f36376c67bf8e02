package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/report"
)

// debugger tells, for --debug, which programs are run and what other nodes are asked, in the words of pcs's library. Passwords
// are not told.
type debugger struct {
	mu  sync.Mutex // many nodes are asked at once
	out *report.Console
}

func (d *debugger) tell(format string, a ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.out.Tell(report.Item{Severity: report.Debug, Text: fmt.Sprintf(format, a...)})
}

// input is what is handed over, framed; "" for nothing.
func input(text string) string {
	if text == "" {
		return ""
	}
	return "--Debug Input Start--\n" + text + "\n--Debug Input End--\n"
}

// toldPrograms are programs whose runs are told of.
type toldPrograms struct {
	live.Programs
	*debugger
}

func (p toldPrograms) Run(ctx context.Context, env []string, stdin, name string, args ...string) (live.Result, error) {
	command := strings.Join(append([]string{placeOf(name)}, args...), " ")
	variables := append([]string{"LC_ALL=C"}, env...)
	slices.Sort(variables)
	p.tell("Running: %s\nEnvironment:\n  %s\n%s", command, strings.Join(slices.Compact(variables), "\n  "), input(stdin))
	r, err := p.Programs.Run(ctx, env, stdin, name, args...)
	if err != nil {
		p.tell("unable to run command %s: %s", command, Reason(err))
		return r, err
	}
	p.tell("Finished running: %s\nReturn value: %d\n--Debug Stdout Start--\n%s\n--Debug Stdout End--\n--Debug Stderr Start--\n%s\n--Debug Stderr End--\n", command, r.Code, r.Stdout, r.Stderr)
	return r, err
}

// placeOf is where a program is, its name if that is not known.
func placeOf(name string) string {
	if self, err := os.Executable(); err == nil && !strings.Contains(name, "/") {
		if p := filepath.Join(filepath.Dir(self), name); isProgram(p) {
			return p
		}
	}
	if p, err := exec.LookPath(name); err == nil {
		return p
	}
	return name
}

// toldWire tells of requests to other nodes, and of their answers.
type toldWire struct {
	http.RoundTripper
	*debugger
}

// wire puts it before the network, and before what stands there already.
func (d *debugger) wire(next func(http.RoundTripper) http.RoundTripper) func(http.RoundTripper) http.RoundTripper {
	return func(t http.RoundTripper) http.RoundTripper {
		if next != nil {
			t = next(t)
		}
		return toldWire{t, d}
	}
}

func (w toldWire) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.GetBody != nil {
		if b, err := r.GetBody(); err == nil {
			data, _ := io.ReadAll(b)
			body = withoutPassword(string(data))
		}
	}
	w.tell("Sending HTTP Request to: %s\n%s", r.URL, input(body))
	resp, err := w.RoundTripper.RoundTrip(r)
	if err != nil {
		why := err.Error()
		var number syscall.Errno
		if errors.As(err, &number) {
			why = number.Error()
		}
		w.tell("Unable to connect to %s (%s)", r.URL.Hostname(), why)
		return resp, err
	}
	data, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(data), failing{err}))
	shown := string(data)
	if strings.HasSuffix(r.URL.Path, "/auth") {
		shown = "****" // the answer is the token
	}
	w.tell("Finished calling: %s\nResponse Code: %d\n--Debug Response Start--\n%s\n--Debug Response End--\n", r.URL, resp.StatusCode, shown)
	return resp, nil
}

// failing ends what was read as it ended.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

// withoutPassword hides what nobody else may know in the fields of a form.
func withoutPassword(body string) string {
	form, err := url.ParseQuery(body)
	if err != nil {
		return body
	}
	hidden := false
	for name := range form {
		if strings.Contains(name, "password") {
			form.Set(name, "****")
			hidden = true
		}
	}
	if !hidden {
		return body
	}
	return form.Encode()
}
