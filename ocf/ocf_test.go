package ocf

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// host is a folder with agents of the test's own.
func host(t *testing.T, files map[string]string) *Host {
	t.Helper()
	dir := t.TempDir()
	h := &Host{Root: dir + "/ocf", FenceDir: dir + "/sbin", InitDir: dir + "/init.d"}
	for name, script := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestLists(t *testing.T) {
	h := host(t, map[string]string{
		"ocf/resource.d/heartbeat/B": "", "ocf/resource.d/heartbeat/a": "", "ocf/resource.d/heartbeat/.hidden": "",
		"ocf/resource.d/mine/x": "", "sbin/fence_one": "", "sbin/fence_virtd": "", "sbin/other": "", "init.d/svc": "",
	})
	h.BuiltInList = func() []Agent { return []Agent{{OCF, "heartbeat", "IPaddr2"}, {OCF, "pacemaker", "Dummy"}} }
	if got, err := h.Providers(); strings.Join(got, " ") != "heartbeat mine pacemaker" || err != nil {
		t.Errorf("providers %v %v", got, err)
	}
	for _, c := range []struct{ class, provider, want string }{
		{OCF, "heartbeat", "B IPaddr2 a"},
		{OCF, "pacemaker", "Dummy"},
		{OCF, "none", ""},
		{Stonith, "", "fence_one"},
		{LSB, "", "svc"},
		{Service, "", "svc"},
		{Systemd, "", ""},
	} {
		if got, err := h.Agents(c.class, c.provider); strings.Join(got, " ") != c.want || err != nil {
			t.Errorf("%s %s: %v %v", c.class, c.provider, got, err)
		}
	}
	for _, bad := range [][2]string{{"nope", ""}, {OCF, "../x"}, {OCF, ""}} {
		if got, err := h.Agents(bad[0], bad[1]); err == nil {
			t.Errorf("%v gave %v", bad, got)
		}
	}
	if got := strings.Join(h.Standards(), " "); got != "lsb ocf service stonith" {
		t.Errorf("standards %s", got)
	}
}

func TestRun(t *testing.T) {
	h := host(t, map[string]string{
		"ocf/resource.d/p/env":   `echo "$OCF_RESOURCE_INSTANCE $OCF_RESOURCE_TYPE $OCF_RESKEY_ip $OCF_RESKEY_CRM_meta_on_node $OCF_CHECK_LEVEL $1"`,
		"ocf/resource.d/p/fails": "echo noise >&2; echo 'ocf-exit-reason:first' >&2; echo 'ocf-exit-reason:the disk is full' >&2; exit 6",
		"ocf/resource.d/p/odd":   "exit 99",
		"ocf/resource.d/p/slow":  "sleep 600 & sleep 600",
		"ocf/resource.d/p/dies":  "kill -9 $$",
		"ocf/resource.d/p/bg":    "sleep 600 & exit 7",
		"init.d/svc":             `case $1 in status) exit 3;; start) exit 0;; *) exit 42;; esac`,
		"sbin/fence_x":           "cat; exit 2",
		"ocf/resource.d/p/where": "pwd",
	})
	ctx := context.Background()
	for _, dir := range []string{"", t.TempDir()} {
		h.WorkDir = dir
		if res := h.Run(ctx, Action{Agent: Agent{OCF, "p", "where"}, Name: "start"}); strings.TrimSpace(res.Stdout) != either(dir, "/") {
			t.Errorf("an agent that starts in %q finds itself in %q", dir, res.Stdout)
		}
	}
	params := []Param{{"ip", "10.0.0.1"}, {"CRM_meta_on_node", "n1"}, {"OCF_CHECK_LEVEL", "10"}}
	for _, c := range []struct {
		a      Action
		code   int
		status Status
		reason string
		out    string
	}{
		{Action{Agent: Agent{OCF, "p", "env"}, Resource: "R", Name: "monitor", Params: params}, 0, Done, "", "R env 10.0.0.1 n1 10 monitor"},
		{Action{Agent: Agent{OCF, "p", "fails"}, Name: "start"}, 6, Done, "the disk is full", ""},
		{Action{Agent: Agent{OCF, "p", "odd"}, Name: "start"}, 1, Done, "", ""},
		{Action{Agent: Agent{OCF, "p", "slow"}, Name: "start", Timeout: 100 * time.Millisecond}, 1, TimedOut, "Resource agent did not complete within 100ms", ""},
		{Action{Agent: Agent{OCF, "p", "dies"}, Name: "start"}, 1, Failed, "Resource agent interrupted by Killed signal", ""},
		{Action{Agent: Agent{OCF, "p", "bg"}, Name: "monitor", Timeout: time.Minute}, 7, Done, "", ""},
		{Action{Agent: Agent{OCF, "p", "none"}, Name: "start"}, 5, NotInstalled, "none: No such file or directory", ""},
		{Action{Agent: Agent{OCF, "p", "../p/env"}, Name: "start"}, 5, NotInstalled, "", ""},
		{Action{Agent: Agent{LSB, "", "svc"}, Name: "monitor"}, 7, Done, "", ""},
		{Action{Agent: Agent{LSB, "", "svc"}, Name: "start"}, 0, Done, "", ""},
		{Action{Agent: Agent{LSB, "", "svc"}, Name: "stop"}, 1, Done, "", ""},
		{Action{Agent: Agent{Service, "", "svc"}, Name: "monitor"}, 7, Done, "", ""},
		{Action{Agent: Agent{Stonith, "", "fence_x"}, Name: "off", Params: []Param{{"plug", "n2"}, {"pcmk_host_list", "n2"}, {"bad", "a\naction=on"}}}, 2, Done, "", "action=off\nplug=n2"},
	} {
		res := h.Run(ctx, c.a)
		if res.Code != c.code || res.Status != c.status || c.reason != "" && res.Reason != c.reason || c.out != "" && strings.TrimSpace(res.Stdout) != c.out {
			t.Errorf("%s %s: %+v", c.a.Agent, c.a.Name, res)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if res := h.Run(ended, Action{Agent: Agent{OCF, "p", "slow"}, Name: "start"}); res.Status != Cancelled {
		t.Errorf("cancelled: %+v", res)
	}
}

// TestFenceMetadata: what the cluster does itself is no demand on the configuration.
func TestFenceMetadata(t *testing.T) {
	got, err := fenceMetadata([]byte(`<resource-agent name="f"><parameters><parameter name="port" required="1"/><parameter name="ip" required="1"/></parameters><actions><action name="on"/></actions></resource-agent>`))
	want := `<resource-agent name="f"><parameters><parameter name="port" required="0"/><parameter name="ip" required="1"/></parameters><actions><action name="on"/><action name="stop" timeout="20s"/><action name="start" timeout="20s"/></actions></resource-agent>`
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
	if _, err := fenceMetadata([]byte("<a>")); err == nil {
		t.Error("half a document is taken")
	}
}

func TestMetadata(t *testing.T) {
	h := host(t, map[string]string{
		"ocf/resource.d/p/a": `[ "$1" = meta-data ] && echo '<resource-agent name="a"/>'`, "ocf/resource.d/p/b": "exit 1", "init.d/svc": "",
	})
	ctx := context.Background()
	if m, err := h.Metadata(ctx, Agent{OCF, "p", "a"}); err != nil || strings.TrimSpace(string(m)) != `<resource-agent name="a"/>` {
		t.Errorf("%s %v", m, err)
	}
	if _, err := h.Metadata(ctx, Agent{OCF, "p", "b"}); err == nil || !strings.Contains(err.Error(), "ocf:p:b") {
		t.Errorf("failing: %v", err)
	}
	if _, err := h.Metadata(ctx, Agent{OCF, "p", "none"}); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("missing: %v", err)
	}
	if m, err := h.Metadata(ctx, Agent{LSB, "", "svc"}); err != nil || !strings.Contains(string(m), `name="svc"`) {
		t.Errorf("lsb: %s %v", m, err)
	}
}

// TestSecrets: an agent gets the secret, by whichever way it gets its parameters; without it only a stop is tried.
func TestSecrets(t *testing.T) {
	h := host(t, map[string]string{"ocf/resource.d/p/env": `echo "$OCF_RESKEY_passwd $OCF_RESKEY_user"`, "sbin/fence_x": "cat"})
	h.Secret = func(resource, param string) (string, error) {
		if resource == "R" && param == "passwd" {
			return "s3cret", nil
		}
		return "", errors.New("none for " + param)
	}
	params := []Param{{"passwd", "lrm://"}, {"user", "lrm://x"}}
	both := []Param{{"passwd", "lrm://"}, {"user", "lrm://"}}
	for _, c := range []struct {
		a      Action
		code   int
		status Status
		reason string
		out    string
	}{
		{Action{Agent: Agent{OCF, "p", "env"}, Resource: "R", Name: "monitor", Params: params}, 0, Done, "", "s3cret lrm://x"},
		{Action{Agent: Agent{OCF, "p", "env"}, Resource: "R", Name: "start", Params: both}, 2, Done, "Unable to load CIB secrets", ""},
		{Action{Agent: Agent{OCF, "p", "env"}, Resource: "R", Name: "stop", Params: both}, 0, Done, "", "s3cret lrm://"},
		{Action{Agent: Agent{Stonith, "", "fence_x"}, Resource: "R", Name: "off", Params: params}, 0, Done, "", "action=off\npasswd=s3cret\nuser=lrm://x"},
		{Action{Agent: Agent{Stonith, "", "fence_x"}, Resource: "other", Name: "off", Params: params}, 1, NoSecrets, "Failed to get CIB secrets", ""},
	} {
		res := h.Run(context.Background(), c.a)
		if res.Code != c.code || res.Status != c.status || res.Reason != c.reason || strings.TrimSpace(res.Stdout) != c.out {
			t.Errorf("%s %s: %+v", c.a.Agent, c.a.Name, res)
		}
	}
	if params[0].Value != "lrm://" {
		t.Error("the order itself holds the secret now")
	}
}
