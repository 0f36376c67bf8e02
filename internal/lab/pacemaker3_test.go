package lab_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hacluster/internal/lab"
)

// pacemaker3 is a host's folder with Pacemaker 3.0, which speaks to its daemons in another way than 2.1 (package internal/ipc).
const pacemaker3 = "/opt/pacemaker3"

// pacemaker3Tree is the folder on this machine in which Pacemaker 3.0.1 or newer was built from its source.
func pacemaker3Tree(t *testing.T) string {
	t.Helper()
	tree := os.Getenv("HACLUSTER_PACEMAKER3")
	if tree == "" {
		t.Skip("HACLUSTER_PACEMAKER3 names no folder in which Pacemaker 3.0 was built")
	}
	for _, p := range []string{"daemons/pacemakerd/.libs/pacemakerd", "daemons/controld/.libs/pacemaker-controld", "tools/.libs/crm_mon"} {
		if _, err := os.Stat(filepath.Join(tree, p)); err != nil {
			t.Skipf("Pacemaker 3.0 is not built whole: %v", err)
		}
	}
	return tree
}

// furnish puts what was built of Pacemaker 3.0 into a host, and its daemons where it looks for them.
func (b *bench) furnish(host, tree string) {
	b.t.Helper()
	var what []string
	for _, p := range []string{"lib/*/.libs/*.so*", "tools/.libs/*", "daemons/*/.libs/pacemaker*", "daemons/execd/.libs/cts-exec-helper", "xml/*.rng", "xml/*.xsl"} {
		found, err := filepath.Glob(filepath.Join(tree, p))
		if err != nil {
			b.t.Fatal(err)
		}
		for _, f := range found {
			what = append(what, strings.TrimPrefix(f, tree+"/"))
		}
	}
	config, err := os.ReadFile(filepath.Join(tree, "include/config.h"))
	if err != nil {
		b.t.Fatal(err)
	}
	daemons := regexp.MustCompile(`#define CRM_DAEMON_DIR "(.*)"`).FindSubmatch(config)
	if daemons == nil {
		b.t.Fatal("the build says nothing of where its daemons are to be")
	}
	pack := exec.Command("tar", append([]string{"-C", tree, "-cf", "-"}, what...)...)
	archive, err := pack.StdoutPipe()
	if err == nil {
		err = pack.Start()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.feed(host, archive, "sh", "-c", fmt.Sprintf(`
		mkdir -p %[1]s %[2]s && tar -C %[1]s -x && ln -sf %[1]s/daemons/*/.libs/pacemaker* %[2]s/ &&
		mkdir -p /run/crm /var/log/pacemaker /var/lib/pacemaker/cib /var/lib/pacemaker/pengine /var/lib/pacemaker/cores /var/lib/pacemaker/blackbox &&
		chown hacluster:haclient /run/crm /var/log/pacemaker /var/lib/pacemaker /var/lib/pacemaker/*
		cat > /root/theirs <<-'EOF'
			#!/bin/sh
			export PCMK_schema_directory=%[1]s/xml PCMK_logfile=/var/log/pacemaker/pacemaker.log LD_LIBRARY_PATH=$(echo %[1]s/lib/*/.libs | tr ' ' ':')
			export PATH=%[1]s/tools/.libs:%[1]s/daemons/pacemakerd/.libs:$PATH
			exec "$@"
		EOF
		chmod 755 /root/theirs`, pacemaker3, daemons[1]))
	if err := pack.Wait(); err != nil {
		b.t.Fatal(err)
	}
}

// feed runs a command in a host that reads its input; it must succeed.
func (b *bench) feed(host string, input io.Reader, argv ...string) {
	b.t.Helper()
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if code, err := lab.Exec(ctx, b.name, host, argv, input, &out, &out); err != nil || code != 0 {
		b.t.Fatalf("%s: %s: exit code %d, %v\n%s", host, argv[0], code, err, out.String())
	}
}

// TestPacemaker3 has the programs of Pacemaker 3.0 ask our daemons, and ours its daemons, which run on our ring: every local
// service, with requests, answers and events that are larger than one message may be.
func TestPacemaker3(t *testing.T) {
	tree := pacemaker3Tree(t)
	t.Parallel()
	b := up(t, "--hosts", "2")
	begin := map[string]string{
		"1": "systemctl start pacemaker",
		"2": "systemctl start corosync && { setsid /root/theirs pacemakerd >/dev/null 2>&1 </dev/null & }",
	}
	conf := pairConf(1, " transport: knet\n token: 1000\n")
	for h, start := range begin {
		b.furnish(h, tree)
		own := strings.NewReplacer("211.183.3.104", map[string]string{"1": "211.183.3.104", "2": "211.183.3.105"}[h], "node1", "node"+h).Replace(conf)
		b.do(h, "sh", "-c", "cat > /etc/corosync/corosync.conf <<'EOF'\n"+own+"EOF\n"+start)
	}
	large := "<resources>"
	for i := range 60 {
		large += fmt.Sprintf(`<primitive id="r%d" class="ocf" provider="heartbeat" type="Dummy"><meta_attributes id="m%d"><nvpair id="t%d" name="target-role" value="Stopped"/>`+
			`<nvpair id="n%d" name="d" value="%s"/></meta_attributes></primitive>`, i, i, i, i, strings.Repeat(fmt.Sprintf("%08x", i*2654435761), 1000))
	}
	large += "</resources>"
	for h, prefix := range map[string][]string{"1": {"/root/theirs"}, "2": nil} {
		name := "node" + h
		run := func(words ...string) (int, string) {
			return b.try(h, append(append([]string(nil), prefix...), words...)...)
		}
		online := func() bool {
			code, out := run("crm_mon", "-1")
			return code == 0 && strings.Contains(out, "Online: [ "+name+" ]") && strings.Contains(out, "Current DC: "+name)
		}
		for begin := time.Now(); !online(); time.Sleep(50 * time.Millisecond) {
			if time.Since(begin) > patience {
				_, out := run("crm_mon", "-1")
				t.Fatalf("host %s: the cluster does not come up: %s", h, out)
			}
		}
		const reply = "... got reply" // and "(done)" if it comes once crm_resource waits for it, which it need not
		for _, c := range []struct {
			words string
			code  int
			want  string
		}{
			{"crm_attribute -n stonith-enabled -v false", 0, ""},
			{"crm_attribute -n stonith-enabled -G", 0, "value=false"},
			{`cibadmin --create -o resources --xml-text <primitive+id="d"+class="ocf"+provider="pacemaker"+type="Dummy"/>`, 0, ""},
			{"crm_resource --wait", 0, ""},
			{"crm_resource -r d --locate", 0, "resource d is running on: " + name},
			{"crm_resource -r d -F -N " + name, 0, reply},
			{"crm_resource --wait", 0, ""},
			{"crm_resource -r d -C", 0, "Cleaned up d on " + name},
			{"crm_resource --refresh -r d", 0, reply},
			{"crm_resource --refresh", 0, reply},
			{"crm_resource --refresh -N " + name, 0, reply},
			{"crm_resource --wait", 0, ""},
			{"crm_resource -r nosuch --locate", 105, ""},
			{"attrd_updater -n foo -Q", 78, "attribute does not exist"},
			{"attrd_updater -n foo -U 7 --wait=cluster", 0, ""},
			{"attrd_updater -n foo -Q", 0, `name="foo" host="` + name + `" value="7"`},
			{"attrd_updater -P ^f -U 8", 0, ""},
			{"attrd_updater -R", 0, ""},
			{"attrd_updater -n foo -Q", 0, `value="8"`},
			{"crm_attribute -t reboot -n bar -v 3", 0, ""},
			{"crm_attribute -t reboot -n bar -G", 0, "value=3"},
			{"stonith_admin -R f -a fence_lab", 0, ""},
			{"stonith_admin -L", 0, "1 fence device found"},
			{"stonith_admin -r " + name + " -i 1 -v f", 0, ""},
			{"stonith_admin -C node9", 0, ""},
			{"stonith_admin -H *", 0, "turning off of node9 successful"},
			{"stonith_admin -D f", 0, ""},
			{"crmadmin -D", 0, "Designated Controller is: " + name},
			{"crmadmin -S " + name, 0, "in state S_IDLE: ok"},
			{"crmadmin -P", 0, "Status of pacemakerd: 'Pacemaker is running'"},
			{"crm_node -l", 0, "1 " + name + " member"},
			{"crm_node -R node7 --force", 0, ""},
			{"cibadmin -Q --xpath //nosuch", 105, ""},
		} {
			words := strings.Fields(c.words)
			for i := range words {
				words[i] = strings.ReplaceAll(words[i], "+", " ")
			}
			if code, out := run(words...); code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("host %s: %s: exit code %d, want %d; want %q\n%s", h, c.words, code, c.code, c.want, out)
			}
		}
		// Large messages: the request, what a watcher is told, and the answer.
		b.do(h, "sh", "-c", strings.Join(prefix, " ")+" crm_mon --daemonize --output-as=html --output-to=/root/mon.html")
		b.feed(h, strings.NewReader(large), append(append([]string(nil), prefix...), "cibadmin", "--replace", "-o", "resources", "-p")...)
		b.await(0, h, "60 resource instances configured", "cat", "/root/mon.html")
		if _, out := run("cibadmin", "-Q", "-o", "resources"); strings.Count(out, "<primitive") != 60 || len(out) < len(large) {
			t.Errorf("host %s: of %d bytes there are %d", h, len(large), len(out))
		}
		if code, out := b.try(h, "sh", "-c", "pgrep crm_mon"); code != 0 {
			t.Errorf("host %s: the watcher is gone %s", h, out)
		}
	}
}
