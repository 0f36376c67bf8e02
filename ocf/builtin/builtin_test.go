package builtin

import (
	"bytes"
	"context"
	"encoding/xml"
	"path/filepath"
	"strings"
	"testing"

	"hacluster/ocf"
)

func call(t *testing.T, a ocf.Agent, action string, params map[string]string) (int, string, string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := Run(context.Background(), a.Provider, a.Type, action, &Env{
		Getenv: func(k string) string { return params[strings.TrimPrefix(k, "OCF_RESKEY_")] }, Stdout: &out, Stderr: &errs,
	})
	return code, out.String(), errs.String()
}

func TestMetadata(t *testing.T) {
	for _, a := range List() {
		code, out, _ := call(t, a, "meta-data", nil)
		var doc struct {
			Name    string `xml:"name,attr"`
			Actions struct {
				Action []struct {
					Name    string `xml:"name,attr"`
					Timeout string `xml:"timeout,attr"`
				} `xml:"action"`
			} `xml:"actions"`
		}
		d := xml.NewDecoder(strings.NewReader(out))
		if err := d.Decode(&doc); code != 0 || err != nil || doc.Name != a.Type || len(doc.Actions.Action) < 4 {
			t.Errorf("%s: code %d, %v, %+v", a, code, err, doc)
		}
	}
}

func TestDummyAndStateful(t *testing.T) {
	for _, c := range []struct {
		a     ocf.Agent
		steps string // action=code …
	}{
		{ocf.Agent{Provider: "heartbeat", Type: "Dummy"}, "monitor=7 stop=0 start=0 monitor=0 start=0 migrate_to=0 monitor=7 migrate_from=0 monitor=0 stop=0 monitor=7 dance=3"},
		{ocf.Agent{Provider: "pacemaker", Type: "Stateful"}, "monitor=7 promote=7 start=0 monitor=0 promote=0 monitor=8 demote=0 monitor=0 notify=0 stop=0 monitor=7"},
	} {
		params := map[string]string{"state": filepath.Join(t.TempDir(), "state")}
		for _, s := range strings.Fields(c.steps) {
			action, want, _ := strings.Cut(s, "=")
			if code, _, errs := call(t, c.a, action, params); string(rune('0'+code)) != want {
				t.Errorf("%s %s: code %d, want %s; %s", c.a, action, code, want, errs)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	ip := ocf.Agent{Provider: "heartbeat", Type: "IPaddr2"}
	for _, c := range []struct {
		a      ocf.Agent
		action string
		params map[string]string
		code   int
		say    string
	}{
		{ip, "start", nil, ocf.CodeNotConfigured, "parameter ip is required"},
		{ip, "start", map[string]string{"ip": "300.1.1.1"}, ocf.CodeNotConfigured, "ip:"},
		{ip, "start", map[string]string{"ip": "203.0.113.9", "cidr_netmask": "77"}, ocf.CodeNotConfigured, "out of range"},
		{ip, "start", map[string]string{"ip": "203.0.113.9", "nic": "nosuch0"}, ocf.CodeNotConfigured, "nosuch0"},
		{ip, "monitor", map[string]string{"ip": "203.0.113.9"}, ocf.CodeNotRunning, ""},
		{ip, "stop", map[string]string{"ip": "203.0.113.9"}, ocf.CodeOK, ""},
		{ocf.Agent{Provider: "heartbeat", Type: "apache"}, "monitor", map[string]string{"configfile": "/no/such"}, ocf.CodeNotRunning, ""},
		{ocf.Agent{Provider: "heartbeat", Type: "apache"}, "start", map[string]string{"configfile": "/no/such"}, ocf.CodeNotConfigured, "/no/such"},
		{ocf.Agent{Provider: "x", Type: "y"}, "start", nil, ocf.CodeNotInstalled, "x:y"},
	} {
		code, _, errs := call(t, c.a, c.action, c.params)
		if code != c.code || !strings.Contains(errs, c.say) {
			t.Errorf("%s %s %v: code %d, %q", c.a, c.action, c.params, code, errs)
		}
	}
}
