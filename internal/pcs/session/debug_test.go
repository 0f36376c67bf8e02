package session

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"hacluster/internal/dialect"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/live"
	"hacluster/internal/program"
)

type oneAnswer struct{}

func (oneAnswer) Run(context.Context, []string, string, string, ...string) (live.Result, error) {
	return live.Result{Stdout: "out", Stderr: "err", Code: 3}, nil
}

func (oneAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("T0KEN")), Request: r}, nil
}

// TestDebug: programs and requests are told of in the words of pcs's library, without passwords and tokens, where the generation tells progress.
func TestDebug(t *testing.T) {
	for _, minor := range []int{9, 11} {
		p, err := argv.Parse([]string{"--debug"}, argv.Generation(minor))
		if err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		env := &program.Env{Args: []string{"pcs"}, Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }}
		w := World{Programs: oneAnswer{}, Wire: func(http.RoundTripper) http.RoundTripper { return oneAnswer{} }}
		s := New(t.Context(), env, w, dialect.Version{0, minor, 0}, p.Options)
		if _, err := s.World.Programs.Run(t.Context(), []string{"CIB_file=x"}, "in", "/no/tool", "-a", "b"); err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(http.MethodPost, "https://node1:2224/remote/auth", strings.NewReader("password=t0p&username=u"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.World.Wire(nil).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := io.ReadAll(resp.Body); err != nil || string(data) != "T0KEN" {
			t.Errorf("the answer is %q, %v", data, err)
		}
		const want = "Running: /no/tool -a b\nEnvironment:\n  CIB_file=x\n  LC_ALL=C\n--Debug Input Start--\nin\n--Debug Input End--\n\n" +
			"Finished running: /no/tool -a b\nReturn value: 3\n--Debug Stdout Start--\nout\n--Debug Stdout End--\n--Debug Stderr Start--\nerr\n--Debug Stderr End--\n\n" +
			"Sending HTTP Request to: https://node1:2224/remote/auth\n--Debug Input Start--\npassword=%2A%2A%2A%2A&username=u\n--Debug Input End--\n\n" +
			"Finished calling: https://node1:2224/remote/auth\nResponse Code: 200\n--Debug Response Start--\n****\n--Debug Response End--\n\n"
		told, quiet := errs.String(), out.String()
		if minor == 9 {
			told, quiet = quiet, told
		}
		if told != want || quiet != "" {
			t.Errorf("0.%d tells\n%s\nand elsewhere %q", minor, told, quiet)
		}
	}
}
