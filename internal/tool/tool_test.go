package tool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"hacluster/cib"
	"hacluster/internal/client"
	"hacluster/internal/program"
)

func TestSplit(t *testing.T) {
	o := Options{Glued: "xn"}
	for _, c := range []struct{ in, want string }{
		{"-1rx f", "-1 -r -x f"},
		{"-xFILE", "-x FILE"},
		{"-x -5", "-x -5"},
		{"-x --foo", "-x --foo"},
		{"-5 - -INFINITY", "-5 - -INFINITY"},
		{"-05", "-0 -5"},
		{"-- -abc", "-- -abc"},
		{"--long=-ab", "--long=-ab"},
		{"-axb", "-a -x b"},
	} {
		got, _ := o.Split(strings.Fields(c.in))
		if want := strings.Fields(c.want); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", c.in, got, want)
		}
	}
}

func TestParseFaults(t *testing.T) {
	n := 0
	o := Options{Glued: "Ln", List: []Option{
		{Short: 'L', Arg: Optional, Do: func(string) error { return nil }},
		{Short: 'n', Long: "name", Arg: Required, Do: func(string) error { return nil }},
		{Short: 't', Long: "timeout", Arg: Required, Given: Int(&n)},
		{Short: 'T', Arg: Required, Do: func(string) error { return errors.New("") }},
		{Short: 'q', Long: "quiet", Do: func(string) error { return nil }},
	}}
	for _, c := range []struct{ in, want string }{
		{"--nonsense", "Unknown option --nonsense"},
		{"--x=z", "Unknown option --x=z"},
		{"-n", "Missing argument for -n"},
		{"--name", "Missing argument for --name"},
		{"-t x", "Cannot parse integer value “x” for -t"},
		{"--timeout=99999999999", "Integer value “99999999999” for --timeout out of range"},
		{"-t 1_0", "Cannot parse integer value “1_0” for -t"},
		{"-t 0b1", "Cannot parse integer value “0b1” for -t"},
		{"-t 0xb", ""},
		{"-t +010", ""},
		{"-T 1", "Error parsing option -T"},
		{"--quiet=no", ""},
		{"-L -n", "Missing argument for -n"},
		{"-L -nq", "Missing argument for -n"},
		{"-L -nqt word", "Error parsing option -t"},
		{"-L -nqxt word", "Unknown option -nqxt"},
		{"-L -qn word", ""},
		{"-INFINITY", "Unknown option -INFINITY"},
		{"--name=", ""},
		{"word -q -- -n", ""},
	} {
		_, _, err := o.Parse(strings.Fields(c.in))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestOutput(t *testing.T) {
	var stdout, stderr bytes.Buffer
	env := &program.Env{Args: []string{"/sbin/crm_x", "-a", "b c"}, Stdout: &stdout, Stderr: &stderr}
	as := "xml"
	out, err := NewOutput(env, &as, nil)
	if err != nil {
		t.Fatal(err)
	}
	out.Info("only text")
	out.Element("thing", "id", "a", "none?", "")
	if code := out.Finish(NoSuch, errors.New("gone")); code != 105 {
		t.Errorf("exit code %d", code)
	}
	const want = `<pacemaker-result api-version="2.42" request="/sbin/crm_x -a 'b c'">
  <thing id="a"/>
  <status code="105" message="No such object">
    <errors>
      <error>crm_x: gone</error>
    </errors>
  </status>
</pacemaker-result>
`
	if stdout.String() != want || stderr.Len() != 0 {
		t.Errorf("got %s and %q", stdout.String(), stderr.String())
	}
}

func TestLiveError(t *testing.T) {
	for err, want := range map[error]string{
		nil: "", context.DeadlineExceeded: "Timer expired",
		fmt.Errorf("%w (cib_rw: gone)", client.ErrNotRunning): "Transport endpoint is not connected",
		&cib.Error{Code: cib.Access, Detail: "user joe"}:      "Permission denied",
		errors.New("odd"): "odd",
	} {
		got := ""
		if e := liveError(err); e != nil {
			got = TextOf(e)
		}
		if got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
