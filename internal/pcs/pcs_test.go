package pcs_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hacluster/cib"
	"hacluster/internal/pcs"
	"hacluster/internal/pcs/session"
	"hacluster/internal/program"
	"hacluster/internal/running"
	"hacluster/ocf"
	"hacluster/ocf/builtin"
)

// writeProgram writes a script that is run at once. No process is started meanwhile: it would have the file open for writing until it runs
// something else, and the script could not be run ("text file busy").
func writeProgram(file, text string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(file, []byte(text), 0o755)
}

// builtIn are the agents that need no package; clusterd would run them, here nobody does.
func builtIn(t *testing.T) running.Agents {
	t.Helper()
	dir := t.TempDir()
	for _, a := range builtin.List() {
		var out bytes.Buffer
		builtin.Run(context.Background(), a.Provider, a.Type, "meta-data", &builtin.Env{Getenv: func(string) string { return "" }, Stdout: &out, Stderr: &out})
		file := filepath.Join(dir, "resource.d", a.Provider, a.Type)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := writeProgram(file, "#!/bin/sh\ncat <<'EOF'\n"+out.String()+"EOF\n"); err != nil {
			t.Fatal(err)
		}
	}
	return running.Agents{Host: &ocf.Host{Root: dir, FenceDir: dir, InitDir: dir}}
}

// TestFile types a story into one CIB file, in each dialect: what is printed, and the exit code.
func TestFile(t *testing.T) {
	agents := builtIn(t)
	type step struct {
		run, want string // want: a part of the output; "" for no output at all
		code      int
	}
	for version, steps := range map[string][]step{
		"0.9.152": {
			{"resource create VIP ocf:heartbeat:IPaddr2 ip=192.0.2.1 cidr_netmask=24 op monitor interval=30s", "", 0},
			{"resource create VIP ocf:heartbeat:Dummy", "VIP", 1},
			{"resource create Web ocf:heartbeat:Dummy", "", 0},
			{"resource show Web", "Resource: Web (class=ocf provider=heartbeat type=Dummy)", 0},
			{"constraint colocation add Web with VIP INFINITY", "", 0},
			{"constraint order VIP then Web", "Adding VIP Web (kind: Mandatory) (Options: first-action=start then-action=start)", 0},
			{"constraint", "  Web with VIP (score:INFINITY)", 0},
			{"constraint --full", "id:colocation-Web-VIP-INFINITY", 0},
			{"resource defaults", "No defaults set", 0},
			{"resource defaults resource-stickiness=60", "", 0},
			{"resource defaults", "resource-stickiness: 60", 0},
			{"property set no-quorum-policy=ignore", "", 0},
			{"property list", "no-quorum-policy: ignore", 0},
			{"resource delete Nothing", "Nothing", 1},
			{"resource frob", "", 1},
			{"resource op frob", "", 0},
			{"resource relations Web", "`- order\n   |  start VIP then start Web\n   `- VIP", 0},
			{"resource relations Nothing", "bundle/clone/group/master/resource 'Nothing' does not exist", 1},
			{"resource move Web nowhere", "Node 'nowhere' not found", 1},
			{"constraint --output-format=json", "option --output-format not recognized", 1},
			{"tag config", "No tags defined", 0},
			{"acl role create reader read xpath //", "", 0},
			{"acl user create alice reader", "", 0},
			{"acl role delete reader", "", 0},
			{"acl", "ACLs are disabled, run 'pcs acl enable' to enable", 0},
			{"acl user delete alice", "does not exist", 1},
			{"node standby nowhere --wait=x", "Cannot use '-f' together with '--wait'", 1},
			{"constraint ref Web", "colocation-Web-VIP-INFINITY", 0},
		},
		"0.11": {
			{"resource create VIP ocf:heartbeat:IPaddr2 ip=192.0.2.1", "", 0},
			{"resource create Bad ocf:heartbeat:IPaddr2", "required resource option 'ip' is missing", 1},
			{"resource create Odd ocf:heartbeat:NoSuchAgent", "is not installed or does not provide valid metadata", 1},
			{"resource config VIP", "Resource: VIP (class=ocf provider=heartbeat type=IPaddr2)", 0},
			{"property set no-such-property=1", "no-such-property", 1},
			{"resource create Web ocf:heartbeat:Dummy", "", 0},
			{"resource group add G VIP Web", "", 0},
			{"resource relations Web", "`- outer resource\n   `- G", 0},
			{"resource op add Web monitor interval=10s", "already specified for Web", 1},
			{"resource op add Web monitor interval=7s role=Sleeping", "'Sleeping' is not a valid role value", 1},
			{"resource meta Web priority=5", "", 0},
			{"resource clone G meta interleave=true", "", 0},
			{"status query resource Web is-in-clone", "True\nG-clone", 0},
			{"status query resource G is-type clone", "False", 2},
			{"status query resource Web is-state started members all", "'members' quantifier can be used only on group resources", 1},
			{"resource disable G-clone", "", 0},
			{"status query resource G-clone is-state disabled --quiet", "", 0},
			{"resource group remove G", "Cannot remove all resources from a cloned group", 1},
			{"resource ban G-clone somewhere", "Node 'somewhere' does not appear to exist in configuration", 1},
			{"resource bundle create Box container podman image=x port-map port=80", "", 0},
			{"resource bundle update Box port-map add port=0", "'0' is not a valid port value, use a port number (1..65535)", 1},
			{"resource bundle update Box port-map remove Box-port-map-80 port-map add port=81", "", 0},
			{"resource bundle reset Box container replicas=2", "required container option 'image' is missing", 1},
			{"resource failcount", "No failcounts", 0},
			{"resource delete G-clone Box", "Removing dependant elements:\n  Group: 'G'", 0},
			{"resource config", "", 0},
			{"stonith sbd enable", "'-f' is not supported in this command", 1},
		},
	} {
		t.Run(version, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "cib.xml")
			if err := (&cib.Store{Dir: filepath.Dir(file)}).Save(cib.New()); err != nil {
				t.Fatal(err)
			}
			for _, s := range steps {
				var out bytes.Buffer
				code := pcs.Run(context.Background(), &program.Env{
					Args: append([]string{"pcs", "-f", file}, strings.Fields(s.run)...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
					Getenv: func(k string) string { return map[string]string{"PCS_COMPAT": version, "PATH": os.Getenv("PATH")}[k] },
				}, session.World{Agents: agents})
				if code != s.code || !strings.Contains(out.String(), s.want) || s.want == "" && s.code == 0 && out.Len() > 0 {
					t.Errorf("pcs %s: exit code %d, want %d\n%s\nwant %q", s.run, code, s.code, out.String(), s.want)
				}
			}
		})
	}
}

// FuzzRun: no command line crashes pcs.
func FuzzRun(f *testing.F) {
	for _, s := range []string{"resource create x", "constraint location a prefers b=INFINITY", "--force -f", "status --full --wait=3", "property set a=b --forc"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words := strings.Fields(line)
		// Only verbs on a file: others reach for the host.
		if len(words) == 0 || words[0] != "resource" && words[0] != "constraint" && words[0] != "property" {
			return
		}
		for _, w := range words {
			if strings.HasPrefix(w, "debug") || strings.Contains(w, "/") || strings.HasPrefix(w, "-") {
				return
			}
		}
		file := filepath.Join(t.TempDir(), "cib.xml")
		if err := (&cib.Store{Dir: filepath.Dir(file)}).Save(cib.New()); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		pcs.Run(context.Background(), &program.Env{
			Args: append([]string{"pcs", "-f", file}, words...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
			Getenv: func(string) string { return "" },
		}, session.World{Agents: running.Agents{Host: &ocf.Host{Root: "/nonexistent", FenceDir: "/nonexistent", InitDir: "/nonexistent"}}})
	})
}
