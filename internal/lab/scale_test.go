package lab_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"
)

var scale = flag.String("scale", "", "TestScale: hosts and resources, such as 8x250; it is skipped without")

// TestScale measures what a large cluster takes on this machine: to start everything, to go on without a node, without the DC, and to look at
// everything anew. Nobody else may be thrown out of the cluster meanwhile.
func TestScale(t *testing.T) {
	var hosts, resources int
	if _, err := fmt.Sscanf(*scale, "%dx%d", &hosts, &resources); err != nil || hosts < 3 {
		t.Skip("by -scale HOSTSxRESOURCES only")
	}
	const limit = 20 * time.Minute
	b := up(t, "--hosts", fmt.Sprint(hosts))
	conf := "totem {\n version: 2\n cluster_name: test\n transport: knet\n crypto_cipher: none\n crypto_hash: none\n}\nnodelist {\n"
	for i := 1; i <= hosts; i++ {
		conf += fmt.Sprintf(" node {\n  ring0_addr: node%d\n  name: node%d\n  nodeid: %d\n }\n", i, i, i)
	}
	conf += "}\nquorum {\n provider: corosync_votequorum\n}\n"
	begin := time.Now()
	for i := 1; i <= hosts; i++ {
		b.do(fmt.Sprint(i), "sh", "-c", "echo 0.11.12 > /etc/hacluster/dialect; cat > /etc/corosync/corosync.conf <<'EOF'\n"+conf+"EOF\n")
	}
	for i := 1; i <= hosts; i++ {
		b.do(fmt.Sprint(i), "systemctl", "start", "pacemaker")
	}
	count := func(host, what string, n int) {
		t.Helper()
		b.await(limit, host, fmt.Sprintf("<%d>", n), "sh", "-c", what)
	}
	// From here on nothing is asked of a host that is to be lost: what is asked for goes to the first that is not the DC.
	const online = `echo "<$(crm_mon -1 --output-as=xml | grep -c '<node .*online="true"')>"`
	const running = `echo "<$(crm_mon -1 --output-as=xml | grep -c 'resource_agent="ocf:pacemaker:Dummy" role="Started"')>"`
	count("1", online, hosts)
	t.Logf("%d hosts are online after %s", hosts, time.Since(begin).Round(time.Millisecond))
	var names, xml strings.Builder
	for i := 1; i <= hosts; i++ {
		fmt.Fprintf(&names, " node%d", i)
	}
	b.do("1", "sh", "-c", "pcs stonith create Fence fence_lab pcmk_host_list='"+strings.TrimSpace(names.String())+"'")
	for i := 1; i <= resources; i++ {
		fmt.Fprintf(&xml, `<primitive id="d%d" class="ocf" provider="pacemaker" type="Dummy"><operations><op id="d%d-m" name="monitor" interval="60s" timeout="120s"/><op id="d%d-s" name="start" interval="0s" timeout="120s"/><op id="d%d-p" name="stop" interval="0s" timeout="120s"/></operations></primitive>`, i, i, i, i)
	}
	file := "/root/resources.xml"
	b.feed("1", strings.NewReader("<resources>"+xml.String()+"</resources>"), "sh", "-c", "cat > "+file)
	took := func(what string, do func()) {
		t.Helper()
		begin := time.Now()
		do()
		t.Logf("%dx%d: %s after %s", hosts, resources, what, time.Since(begin).Round(time.Millisecond))
	}
	dc := func(host string) string {
		t.Helper()
		_, name, _ := strings.Cut(b.do(host, "crmadmin", "-D"), "node")
		number, _, _ := strings.Cut(strings.TrimSpace(name), " ")
		return number
	}
	witness := func() string {
		if dc("1") == "1" {
			return "2"
		}
		return "1"
	}
	took("all resources run", func() {
		b.do("1", "cibadmin", "-M", "-o", "resources", "-x", file)
		count("1", running, resources)
	})
	first, from := dc("1"), witness()
	lost := ""
	for i := hosts; lost == ""; i-- {
		if n := fmt.Sprint(i); n != first && n != from {
			lost = n
		}
	}
	b.do(from, "crm_resource", "--wait", "--timeout=600s")
	took("a node was lost, and all resources run again", func() {
		b.clusterd("lab", "kill", "--name", b.name, lost)
		b.await(limit, from, "gone", "sh", "-c", "crm_mon -1m | grep -q 'reboot of node"+lost+" by .* successful' && echo gone")
		count(from, running, resources)
	})
	b.do(from, "crm_resource", "--wait", "--timeout=600s")
	took("the DC was lost, and all resources run again", func() {
		b.clusterd("lab", "kill", "--name", b.name, first)
		b.await(limit, from, "gone", "sh", "-c", "crm_mon -1m | grep -q 'reboot of node"+first+" by .* successful' && echo gone")
		count(from, running, resources)
	})
	b.do(from, "crm_resource", "--wait", "--timeout=600s")
	took("everything was looked at anew", func() {
		b.do(from, "crm_resource", "--refresh")
		count(from, running, resources)
		b.do(from, "crm_resource", "--wait", "--timeout=600s")
	})
	page := b.do(from, "crm_mon", "-1m")
	if n := strings.Count(page, " successful"); n != 2 {
		t.Errorf("two nodes were to be fenced, not %d:\n%s", n, page)
	}
	if strings.Contains(page, "Failed Resource Actions") {
		t.Errorf("something failed:\n%s", page)
	}
}
