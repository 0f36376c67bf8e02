package lab_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// toldAgent is pacemaker's Dummy on hosts, with a record of what it was called for.
const toldAgent = `#!/bin/sh
case $1 in
meta-data) ;;
*)
	[ "${OCF_RESKEY_CRM_meta_interval:-0}" != 0 ] || echo "$1 $OCF_RESOURCE_INSTANCE" >> /root/told
	env | grep ^OCF_ | sort > /root/env-$OCF_RESOURCE_INSTANCE-$1-${OCF_RESKEY_CRM_meta_interval:-0}
	;;
esac
exec /usr/lib/ocf/resource.d/pacemaker/Dummy "$@"
`

// unfencingAgent is fence_lab as a device without which nobody has access: nodes are unfenced by it before they use what needs that.
const unfencingAgent = `#!/bin/sh
in=$(cat)
case "$1 $(echo "$in" | sed -n 's/^action=//p')" in
*metadata*) /usr/sbin/fence_lab -o metadata | sed 's/name="on" automatic="0"/name="on" automatic="1" required="1"/' ;;
" on") echo "$in" | sed -n 's/^\(plug\|port\|nodename\)=/on /p' | sort -u >> /root/unfenced; echo "$in" | /usr/sbin/fence_lab ;;
*) echo "$in" | /usr/sbin/fence_lab ;;
esac
`

// mixed is a cluster of two members and a remote host, each side of Pacemaker 3.0 or of ours.
type mixed struct {
	*bench
	theirs map[string]bool // by host
}

// own is a command line that runs the program of a host's own side.
func (m *mixed) own(host string, argv []string) []string {
	if m.theirs[host] {
		return append([]string{"/root/theirs"}, argv...)
	}
	return argv
}

// must runs a program of a host's own side; it must succeed.
func (m *mixed) must(host string, argv ...string) string {
	m.t.Helper()
	return m.do(host, m.own(host, argv)...)
}

// wait waits until a program of a host's own side says want.
func (m *mixed) wait(host, want string, argv ...string) {
	m.t.Helper()
	m.await(0, host, want, m.own(host, argv)...)
}

// begin starts what a host has of Pacemaker.
func (m *mixed) begin(host string) {
	m.t.Helper()
	start := "systemctl start "
	switch remote := host == "3"; {
	case remote && m.theirs[host]:
		start = "setsid /root/theirs " + pacemaker3 + "/daemons/execd/.libs/pacemaker-remoted >/dev/null 2>&1 </dev/null &"
	case remote:
		start += "pacemaker_remote"
	case m.theirs[host]:
		start += "corosync && { setsid /root/theirs pacemakerd >/dev/null 2>&1 </dev/null & }"
	default:
		start += "pacemaker"
	}
	m.do(host, "sh", "-c", start)
}

// mix brings the three hosts up, with a device that unfences, a service that asks for that, and the third host as a remote node.
func mix(t *testing.T, tree string, members, remote bool) *mixed {
	t.Helper()
	m := &mixed{up(t, "--hosts", "3"), map[string]bool{"1": members, "2": members, "3": remote}}
	conf := pairConf(2, " transport: knet\n token: 1000\n")
	for _, h := range []string{"1", "2", "3"} {
		m.furnish(h, tree)
		m.do(h, "sh", "-c", "mkdir -p /etc/pacemaker && echo a key of this test > /etc/pacemaker/authkey && chgrp -R haclient /etc/pacemaker; mkdir -p /usr/lib/ocf/resource.d/lab")
		for file, text := range map[string]string{"/usr/lib/ocf/resource.d/lab/told": toldAgent, "/usr/sbin/fence_unfence": unfencingAgent, "/etc/corosync/corosync.conf": conf} {
			m.feed(h, strings.NewReader(text), "sh", "-c", "cat > "+file+"; case "+file+" in *.conf) ;; *) chmod 755 "+file+" ;; esac")
		}
	}
	for _, h := range []string{"1", "2", "3"} {
		m.begin(h)
	}
	m.wait("1", "Online: [ node1 node2 ]", "crm_mon", "-1")
	m.must("1", "cibadmin", "--modify", "--allow-create", "-o", "resources", "-X", `<resources>
		<primitive id="F" class="stonith" type="fence_unfence"><instance_attributes id="Fa"><nvpair id="Fl" name="pcmk_host_list" value="node1 node2 node3"/></instance_attributes>
			<meta_attributes id="Fm"><nvpair id="Fp" name="provides" value="unfencing"/></meta_attributes></primitive>
		<primitive id="node3" class="ocf" provider="pacemaker" type="remote"><operations><op id="node3m" name="monitor" interval="5s" timeout="10s"/></operations></primitive>
		<primitive id="D" class="ocf" provider="lab" type="told"><instance_attributes id="Da"><nvpair id="Df" name="fake" value="first"/></instance_attributes>
			<meta_attributes id="Dm"><nvpair id="Dr" name="requires" value="unfencing"/></meta_attributes><operations><op id="Do" name="monitor" interval="1s"/></operations></primitive>
		<primitive id="M" class="ocf" provider="lab" type="told"><meta_attributes id="Mm"><nvpair id="Ma" name="allow-migrate" value="true"/></meta_attributes>
			<operations><op id="Mo" name="monitor" interval="2s"/></operations></primitive></resources>`)
	m.must("1", "cibadmin", "--modify", "--allow-create", "-o", "constraints", "-X", `<constraints>
		<rsc_location id="lD" rsc="D" node="node3" score="1000"/><rsc_location id="lM" rsc="M" node="node3" score="1000"/><rsc_location id="l3" rsc="node3" node="node1" score="100"/></constraints>`)
	return m
}

// at awaits that a resource runs where it is to.
func (m *mixed) at(resource, node string) {
	m.t.Helper()
	m.wait("1", "resource "+resource+" is running on: "+node, "crm_resource", "--locate", "-r", resource)
}

// rest awaits that nothing is left to do.
func (m *mixed) rest() { m.t.Helper(); m.must("1", "crm_resource", "--wait", "-T", "90s") }

// lines takes what a file of a host has, which need not be there.
func (m *mixed) lines(host, file string) []string {
	_, out := m.try(host, "sh", "-c", "cat "+file+" 2>/dev/null; rm -f "+file)
	return strings.FieldsFunc(out, func(r rune) bool { return r == '\n' })
}

// TestRemote3 has nodes of Pacemaker 3.0 connected to a remote host with our executor, nodes of ours to one with Pacemaker's, and, so that what is asked for
// is what Pacemaker does, its nodes to its own. A device without which nobody has access unfences all of them.
func TestRemote3(t *testing.T) {
	tree := pacemaker3Tree(t)
	t.Parallel()
	for name, side := range map[string][2]bool{"theirs-theirs": {true, true}, "theirs-ours": {true, false}, "ours-theirs": {false, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mix(t, tree, side[0], side[1])
			m.at("D", "node3")
			m.at("M", "node3")
			m.rest()
			m.unfenced("node1", "node2", "node3")
			m.did("at the start", "monitor D", "start D", "monitor M", "start M")
			m.environment()
			m.programs()
			m.agents()
			m.moves()
			m.leaves()
			m.fences()
		})
	}
}

// did holds what agents were called for on the remote host since this was asked last, but for what recurs, whatever the order of different resources.
func (m *mixed) did(when string, want ...string) {
	m.t.Helper()
	got := m.lines("3", "/root/told")
	byResource := func(a, b string) int {
		return strings.Compare(a[strings.LastIndex(a, " "):], b[strings.LastIndex(b, " "):])
	}
	slices.SortStableFunc(got, byResource)
	slices.SortStableFunc(want, byResource)
	if !slices.Equal(got, want) {
		m.t.Errorf("%s: agents on node3 were called for %q, not %q", when, got, want)
	}
}

// unfenced holds who was given access since this was asked last, however often.
func (m *mixed) unfenced(nodes ...string) {
	m.t.Helper()
	got := append(m.lines("1", "/root/unfenced"), m.lines("2", "/root/unfenced")...)
	slices.Sort(got)
	for i := range nodes {
		nodes[i] = "on " + nodes[i]
	}
	if got = slices.Compact(got); !slices.Equal(got, nodes) {
		m.t.Errorf("unfenced were %q, not %q", got, nodes)
	}
}

// environment holds what agents have in their environment there.
func (m *mixed) environment() {
	const common = "OCF_EXIT_REASON_PREFIX=ocf-exit-reason: OCF_OUTPUT_FORMAT=text OCF_RA_VERSION_MAJOR=1 OCF_RA_VERSION_MINOR=1 %sOCF_RESKEY_CRM_meta_on_node=node3" +
		" OCF_RESKEY_CRM_meta_on_node_uuid=node3 OCF_RESKEY_CRM_meta_timeout=20000 OCF_RESKEY_crm_feature_set=3.20.5 OCF_RESKEY_fake=first" +
		" OCF_RESOURCE_INSTANCE=D OCF_RESOURCE_PROVIDER=lab OCF_RESOURCE_TYPE=told OCF_ROOT=/usr/lib/ocf"
	for call, more := range map[string]string{"start-0": "", "monitor-1000": "OCF_RESKEY_CRM_meta_interval=1000 OCF_RESKEY_CRM_meta_name=monitor "} {
		if got, want := strings.Join(m.lines("3", "/root/env-D-"+call), " "), fmt.Sprintf(common, more); got != want {
			m.t.Errorf("%s has the environment\n%s\nnot\n%s", call, got, want)
		}
	}
}

// programs holds what programs on the remote host, Pacemaker's and ours, hear of the cluster.
func (m *mixed) programs() {
	m.t.Helper()
	for _, how := range [][]string{nil, {"/root/theirs"}} {
		for _, c := range [][2]string{
			{"crm_node -n", "node3"},
			{"crm_node -i", "0"},
			{"crm_node -l", "1 node1 member\n2 node2 member"},
			{"crm_node -p", "node1 node2"},
			{"crm_node -q", "1"},
			{"crm_attribute -n mood -v good -l reboot", ""},
			{"crm_attribute -n mood -G -l reboot", "scope=status name=mood value=good"},
			{"crm_attribute -n store -v 5", ""},
			{"crm_attribute -n store -G", "scope=crm_config name=store value=5"},
			{"crm_attribute -N node3 -n kept -v 6", ""},
			{"crm_attribute -N node3 -n kept -G", "scope=nodes name=kept value=6"},
			{"attrd_updater -n quick -U 7 --wait=local", ""},
			{"attrd_updater -n quick -QA", `name="quick" host="node3" value="7"`},
			{"attrd_updater -n quick -D", ""},
			{"crm_attribute -p D -v 4", ""},
			{"crm_resource --locate -r D", "resource D is running on: node3"},
			{"crm_resource -r D -g fake", "first"},
			{"crm_resource -r D --force-check", "Operation force-check for D (ocf:lab:told) returned 0 (OK)"},
			{"cibadmin -Q --xpath //primitive[@id='D']/@id", `<xpath-query id="D"/>`},
			{"crm_standby -G", "scope=status name=standby value=off"},
			{"crmadmin -P", "Status of pacemaker-remoted: 'pacemaker-remoted is running (on a Pacemaker Remote node)'"},
			{"crmadmin -S node1", "ok"},
			{"stonith_admin -L", "1 fence device found"},
			{"crm_failcount -G -r D", "scope=status  name=fail-count-D value=0"},
			{"crm_verify -L", ""},
			{"crm_mon -1", "(pacemaker-remoted is running (on a Pacemaker Remote node))"},
			{"crm_mon -1", "RemoteOnline: [ node3 ]"},
			{"crm_mon -1 --output-as=xml", `pacemakerd-state="remote"`},
		} {
			if code, out := m.try("3", append(slices.Clone(how), strings.Fields(c[0])...)...); code != 0 || !strings.Contains(out, c[1]) {
				m.t.Errorf("%s %s there: exit code %d, no %q\n%s", how, c[0], code, c[1], out)
			}
		}
	}
	m.rest()
	m.did("while programs asked", "monitor D", "monitor D")
}

// agents has services there fail, change and migrate.
func (m *mixed) agents() {
	m.t.Helper()
	m.do("3", "sh", "-c", "rm -f /run/Dummy-D.state /var/run/Dummy-D.state")
	m.wait("1", "value=1", "crm_failcount", "-G", "-r", "D", "-N", "node3")
	m.rest()
	m.at("D", "node3")
	m.did("after a failure", "stop D", "start D")
	m.must("1", "crm_resource", "-C", "-r", "D")
	m.rest()
	m.did("after a cleanup", "monitor D")
	m.must("1", "crm_resource", "-r", "D", "-p", "fake", "-v", "second")
	m.rest()
	m.did("after a change", "stop D", "start D") // a probe found it, so nobody knows what it was started with
	m.must("1", "crm_resource", "-r", "D", "-p", "op_sleep", "-v", "0")
	m.must("1", "crm_resource", "-M", "-r", "M", "-N", "node1")
	m.rest()
	m.at("M", "node1")
	m.must("1", "crm_resource", "-U", "-r", "M")
	m.rest()
	m.at("M", "node3")
	m.did("after migrations", "reload-agent D", "migrate_to M", "stop M", "migrate_from M")
}

// moves moves the connection; services there hear nothing of it.
func (m *mixed) moves() {
	m.t.Helper()
	m.must("1", "crm_resource", "-M", "-r", "node3", "-N", "node2")
	m.rest()
	m.at("node3", "node2")
	m.at("D", "node3")
	if code, out := m.try("3", "crm_attribute", "-n", "mood", "-G", "-l", "reboot"); code != 0 || !strings.Contains(out, "value=good") {
		m.t.Errorf("an attribute after the connection has moved: %d %s", code, out)
	}
	m.must("1", "crm_resource", "-U", "-r", "node3")
	m.rest()
	m.at("node3", "node1")
	m.did("while the connection moved")
	m.unfenced()
}

// leaves has the remote host's executor end in good order, and come back.
func (m *mixed) leaves() {
	m.t.Helper()
	before := m.fenced()
	// Pacemaker's plan for what migrates waits for a step that it does not have, and the connection stays.
	m.must("1", "crm_resource", "-r", "M", "--meta", "-p", "allow-migrate", "-v", "false")
	m.end("TERM")
	m.at("D", "node")
	m.wait("1", "RemoteOFFLINE: [ node3 ]", "crm_mon", "-1")
	m.did("when the executor ended", "stop D", "stop M")
	m.begin("3")
	m.must("1", "crm_resource", "--refresh", "-r", "node3") // it is connected to again when something has the cluster plan
	m.at("D", "node3")
	m.rest()
	if m.fenced() != before {
		m.t.Error("it was fenced for that")
	}
	m.unfenced("node3")
	m.did("when it was back", "monitor D", "start D", "monitor M", "start M")
}

// fences has the executor die, and the host be fenced, unfenced and used again.
func (m *mixed) fences() {
	m.t.Helper()
	before := m.fenced()
	m.end("KILL")
	for begin := time.Now(); m.fenced() == before; time.Sleep(50 * time.Millisecond) {
		if time.Since(begin) > patience {
			m.t.Fatal("it was not fenced")
		}
	}
	m.begin("3")
	m.at("D", "node3")
	m.rest()
	if n := m.fenced() - before; n != 1 {
		m.t.Errorf("it was fenced %d times", n)
	}
	m.unfenced("node3")
}

// end has the remote host's executor end by a signal.
func (m *mixed) end(signal string) {
	m.t.Helper()
	m.do("3", "sh", "-c", "pkill -"+signal+" -f 'pacemaker-remote[d]?$'")
}

// fenced counts how often the remote host was fenced.
func (m *mixed) fenced() int {
	m.t.Helper()
	return strings.Count(m.must("1", "crm_mon", "-1m3"), "reboot of node3")
}
