package pcsd

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/internal/pcs/live"
)

// machine is a host whose programs answer as told and whose services only have states.
type machine struct {
	live.Services
	active map[string]bool
	answer live.Result
	ran    []string
}

func (m *machine) IsActive(_ context.Context, unit string) bool    { return m.active[unit] }
func (m *machine) IsEnabled(_ context.Context, unit string) bool   { return m.active[unit] }
func (m *machine) IsInstalled(_ context.Context, unit string) bool { return true }

func (m *machine) Run(_ context.Context, env []string, _, name string, args ...string) (live.Result, error) {
	m.ran = append(m.ran, strings.Join(append(append([]string{}, env[:min(1, len(env))]...), append([]string{name}, args...)...), " "))
	return m.answer, nil
}

func sbdServer(t *testing.T) (s *Server, m *machine, call func(path string, form url.Values) string) {
	t.Helper()
	m = &machine{active: map[string]bool{}}
	s = &Server{}
	s.conf.Services, s.conf.Programs, s.conf.Log = m, m, slog.New(slog.DiscardHandler)
	s.conf.Paths.CIBDir = t.TempDir()
	s.conf.Paths.SBDConfig = filepath.Join(t.TempDir(), "default/sbd")
	return s, m, func(path string, form url.Values) string {
		a := endpoints[path].run(s, &request{Request: &http.Request{}, form: form, user: "alice"})
		if a.code != http.StatusOK {
			return http.StatusText(a.code) + ": " + a.body
		}
		return a.body
	}
}

func TestCheckSBD(t *testing.T) {
	_, m, call := sbdServer(t)
	m.active["sbd"] = true
	const service = `{"sbd":{"installed":true,"enabled":true,"running":true}`
	file := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	found := live.Result{Stdout: "\nDiscovered 2 watchdog devices:\n\n[1] /dev/watchdog\nIdentity: Good\nDriver: good\n\n[2] /dev/watchdog1\nIdentity: Software Watchdog\nDriver: softdog\nCAUTION: Not recommended for use with sbd.\n"}
	for _, c := range []struct {
		watchdog, devices string
		answer            live.Result
		want              string
	}{
		{"", "null", found, service + "}"},
		{"", "[]", found, service + `,"device_list":[]}`},
		{"/dev/watchdog", "[]", found, service + `,"watchdog":{"path":"/dev/watchdog","exist":true,"is_supported":true},"device_list":[]}`},
		{"/dev/watchdog1", "[]", found, service + `,"watchdog":{"path":"/dev/watchdog1","exist":true,"is_supported":true},"device_list":[]}`},
		{"/dev/none", "[]", found, service + `,"watchdog":{"path":"/dev/none","exist":false,"is_supported":false},"device_list":[]}`},
		{"/dev/watchdog", "[]", live.Result{Code: 1, Stderr: "broken"}, "Bad Request: Unable to get list of watchdogs: Error: Unable to query available watchdogs from sbd: broken\n"},
		{
			"", `["` + file + `","/dev/null","/no/such"]`, found,
			service + `,"device_list":[{"path":"` + file + `","exist":true,"block_device":false},{"path":"/dev/null","exist":true,"block_device":false},{"path":"/no/such","exist":false,"block_device":false}]}`,
		},
		{"", "", found, "Bad Request: Invalid input data format"},
		{"", `{"a":1}`, found, "Bad Request: Invalid input data format"},
	} {
		m.answer, m.ran = c.answer, nil
		if got := call("check_sbd", url.Values{"watchdog": {c.watchdog}, "device_list": {c.devices}}); got != c.want {
			t.Errorf("%s %s:\ngot  %s\nwant %s", c.watchdog, c.devices, got, c.want)
		}
		if c.watchdog == "" && len(m.ran) > 0 {
			t.Errorf("without a watchdog's name: %q", m.ran)
		}
	}
}

func TestSBDConfig(t *testing.T) {
	s, _, call := sbdServer(t)
	for _, c := range []struct {
		path string
		form url.Values
		want string
	}{
		{"get_sbd_config", nil, "Bad Request: Unable to get SBD configuration: No such file or directory - " + s.conf.Paths.SBDConfig},
		{"set_sbd_config", nil, `Bad Request: Parameter "config" required`},
		{"set_sbd_config", url.Values{"config": {"SBD_DELAY_START=no\nSBD_OPTS=\"-n a\"\n"}}, "SBD configuration saved."},
		{"set_sbd_config", url.Values{"config": {"SBD_DELAY_START=yes\n"}}, "SBD configuration saved."},
		{"get_sbd_config", nil, "SBD_DELAY_START=yes\n"},
	} {
		if got := call(c.path, c.form); got != c.want {
			t.Errorf("%s: got %q, want %q", c.path, got, c.want)
		}
	}
	s.conf.Paths.SBDConfig += "/beneath"
	if got := call("set_sbd_config", url.Values{"config": {"x"}}); !strings.HasPrefix(got, "Bad Request: Unable to save SBD configuration: Not a directory") {
		t.Errorf("%q", got)
	}
}

func TestWatchdogTimeoutLive(t *testing.T) {
	_, m, call := sbdServer(t)
	m.active["pacemaker"] = true
	for _, c := range []struct {
		path, ran string
		code      int
		want      string
	}{
		{"remove_stonith_watchdog_timeout", "CIB_user=alice pcs property set stonith-watchdog-timeout= --force", 0, "OK"},
		{"set_stonith_watchdog_timeout_to_zero", "CIB_user=alice pcs property set stonith-watchdog-timeout=0 --force", 0, "OK"},
		{"set_stonith_watchdog_timeout_to_zero", "CIB_user=alice pcs property set stonith-watchdog-timeout=0 --force", 1, "Bad Request: ERROR"},
	} {
		m.answer, m.ran = live.Result{Code: c.code}, nil
		if got := call(c.path, nil); got != c.want || strings.Join(m.ran, "|") != c.ran {
			t.Errorf("%s: %q by %q", c.path, got, m.ran)
		}
	}
}

func TestWatchdogTimeoutOnDisk(t *testing.T) {
	s, m, call := sbdServer(t)
	step := func(path, want string, in ...string) {
		t.Helper()
		if got := call(path, nil); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
		if len(in) == 0 {
			return
		}
		root, note, err := (&cib.Store{Dir: s.conf.Paths.CIBDir}).Load()
		if err != nil || note != "" {
			t.Fatalf("%q, %v", note, err)
		}
		text := string(xml.Format(root))
		for _, x := range in {
			word, absent := strings.CutPrefix(x, "!")
			if strings.Contains(text, word) == absent {
				t.Errorf("%s: want %s in %s", path, x, text)
			}
		}
	}
	const set, remove, nvpair = "set_stonith_watchdog_timeout_to_zero", "remove_stonith_watchdog_timeout", `<nvpair id="cib-bootstrap-options-stonith-watchdog-tim" name="stonith-watchdog-timeout" value="0"/>`
	step(set, "OK")
	if _, err := os.Stat(s.conf.Paths.CIBDir + "/cib.xml"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a CIB came to be: %v", err)
	}
	doc, err := xml.Parse([]byte(`<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="5" num_updates="0"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/></cib>`))
	if err != nil {
		t.Fatal(err)
	}
	if err := (&cib.Store{Dir: s.conf.Paths.CIBDir}).Save(doc.Root); err != nil {
		t.Fatal(err)
	}
	step(remove, "OK", `epoch="5"`, "!cluster_property_set")
	step(set, "OK", nvpair, `epoch="6"`)
	step(set, "OK", nvpair, `epoch="6"`)
	step(remove, "OK", "!nvpair", `epoch="7"`)
	if len(m.ran) > 0 {
		t.Errorf("programs ran: %q", m.ran)
	}
}
