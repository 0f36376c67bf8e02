package pcs_test

import (
	"slices"
	"strings"
	"testing"

	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/live"
)

const scsi = `<cib validate-with="pacemaker-3.9" crm_feature_set="3.19.0" epoch="1" num_updates="0" admin_epoch="0" have-quorum="1" dc-uuid="1">
<configuration><crm_config/><nodes><node id="1" uname="node1"/><node id="2" uname="node2"/></nodes>
<resources><primitive id="F" class="stonith" type="fence_scsi">
<instance_attributes id="F-i"><nvpair id="F-d" name="devices" value="/dev/a,/dev/b"/></instance_attributes>
<operations><op id="F-m" name="monitor" interval="60s" timeout="20s"/></operations></primitive></resources><constraints/></configuration>
<status><node_state id="1" uname="node1" in_ccm="true" crmd="online" join="member" expected="member">
<transient_attributes id="1"><instance_attributes id="status-1"><nvpair id="s1" name="#digests-all" value="G:fence_x:old,F:fence_scsi:old,"/></instance_attributes></transient_attributes>
<lrm id="1"><lrm_resources><lrm_resource id="F" class="stonith" type="fence_scsi">
<lrm_rsc_op id="F_start_0" operation_key="F_start_0" operation="start" interval="0" call-id="5" rc-code="0" op-status="0" transition-key="1:1:0:x" transition-magic="0:0;1:1:0:x" exec-time="1" op-digest="old" op-restart-digest="old"/>
<lrm_rsc_op id="F_monitor_60000" operation_key="F_monitor_60000" operation="monitor" interval="60000" call-id="6" rc-code="0" op-status="0" transition-key="2:1:0:x" transition-magic="0:0;2:1:0:x" exec-time="1" op-digest="old"/>
</lrm_resource></lrm_resources></lrm></node_state>
<node_state id="2" uname="node2" in_ccm="true" crmd="online" join="member" expected="member"/></status></cib>`

func scsiTown(t *testing.T) (*town, *paper) {
	w := inCluster(t, 2, true)
	p := &paper{text: []byte(scsi)}
	h := w.hosts[0]
	h.cluster = p
	digest := func(hash string) live.Result {
		return live.Result{Stdout: `<pacemaker-result><digests><digest type="all" hash="` + hash + `"/><digest type="nonreloadable" hash="` + hash + `r"/></digests><status code="0" message="OK"/></pacemaker-result>`}
	}
	h.script["crm_resource --digests --resource F --node node1 --output-as xml devices=/dev/a,/dev/c CRM_meta_interval=60000 CRM_meta_timeout=20000"] = digest("monitor")
	h.script["crm_resource --digests --resource F --node node1 --output-as xml devices=/dev/a,/dev/c"] = digest("start")
	return w, p
}

// TestUpdateScsiDevices swaps devices of a running fence device: nothing of it would restart, and all nodes are let in first.
func TestUpdateScsiDevices(t *testing.T) {
	for _, words := range []string{"set /dev/c /dev/a", "add /dev/c delete /dev/b"} {
		w, p := scsiTown(t)
		out := w.must("stonith update-scsi-devices F " + words)
		if out != "" {
			t.Errorf("%s: it says\n%s", words, out)
		}
		now := string(p.text)
		for _, want := range []string{
			`value="/dev/a,/dev/c"`, `value="G:fence_x:old,F:fence_scsi:start,"`, `op-digest="start" op-restart-digest="startr"`, `op-digest="monitor"`,
		} {
			if !strings.Contains(now, want) {
				t.Errorf("%s: no %s in\n%s", words, want, now)
			}
		}
		for _, h := range w.hosts {
			for _, want := range []string{"fence_scsi --action=status --devices=/dev/a --plug=" + h.name, "fence_scsi --action=on --devices /dev/c --plug=" + h.name} {
				if !slices.Contains(h.ran, want) {
					t.Errorf("%s: %s: %q was not run: %v", words, h.name, want, h.ran)
				}
			}
		}
	}
}

func TestUpdateScsiDevicesFails(t *testing.T) {
	for _, c := range []struct {
		change func(w *town, p *paper)
		words  string
		want   string
		stays  bool
	}{
		{func(w *town, _ *paper) { w.hosts[1].script["fence_scsi --action=status"] = live.Result{Code: 2} }, "set /dev/a /dev/c", "node2: Unfencing skipped, device '/dev/a' is fenced\n", false},
		{func(w *town, _ *paper) {
			w.hosts[1].script["fence_scsi --action=on"] = live.Result{Code: 1, Stderr: "no"}
		}, "set /dev/a /dev/c", "Error: node2: Unfencing failed:\nno\n", true},
		{func(w *town, _ *paper) { w.hosts[1].hung = true }, "set /dev/a /dev/c --request-timeout=1", "Error: node2: Connection timeout", true},
		{func(w *town, _ *paper) { w.hosts[1].hung = true }, "set /dev/a /dev/c --request-timeout=1 --skip-offline", "Warning: node2: Connection timeout", false},
		{func(_ *town, p *paper) { p.text = []byte(strings.ReplaceAll(scsi, "F_start_0", "X")) }, "set /dev/a /dev/b", "unable to get resource operation digests", true},
		{func(_ *town, p *paper) { p.text = []byte(strings.ReplaceAll(scsi, `rc-code="0"`, `rc-code="7"`)) }, "set /dev/a /dev/c", "Error: Unable to perform restartless update of scsi devices: resource 'F' is not running on any node, please use command 'pcs stonith update' instead\n", true},
		{func(_ *town, p *paper) { p.text = []byte(strings.ReplaceAll(scsi, `interval="60s"`, `interval="61s"`)) }, "set /dev/a /dev/c", "monitor lrm_rsc_op element for resource 'F', node 'node1' and interval '61000' not found", true},
		{func(_ *town, p *paper) { p.text = []byte(strings.ReplaceAll(scsi, "fence_scsi", "fence_mpath")) }, "set /dev/a /dev/c", "Error: Missing mpath reservation keys, 'pcmk_host_map' not set\n", true},
		{func(*town, *paper) {}, "add /dev/a", "Error: Cannot add device '/dev/a', it is already present in stonith resource 'F'\n", true},
	} {
		w, p := scsiTown(t)
		c.change(w, p)
		before := string(p.text)
		out, _ := w.pcs("stonith update-scsi-devices F " + c.words)
		if !strings.Contains(out, c.want) || (string(p.text) == before) != c.stays {
			t.Errorf("%s: changed: %v, want %q\n%s", c.words, string(p.text) != before, c.want, out)
		}
	}
}

// TestAgentValidation has agents look at their parameters.
func TestAgentValidation(t *testing.T) {
	bad := live.Result{Code: 6, Stdout: `<pacemaker-result><resource-agent-action><command code="6"><output source="stderr">  no such thing
</output></command></resource-agent-action><status code="6"/></pacemaker-result>`}
	good := live.Result{Stdout: `<pacemaker-result><resource-agent-action><command code="0"/></resource-agent-action><status code="0"/></pacemaker-result>`}
	for _, c := range []struct {
		answers []live.Result
		words   string
		want    string
		code    int
	}{
		{[]live.Result{bad}, "resource create C ocf:pacemaker:Dummy fake=x --agent-validation", "Error: Validation result from agent (use --force to override):\n  no such thing\n", 1},
		{[]live.Result{bad}, "resource create C ocf:pacemaker:Dummy fake=x --agent-validation --force", "Warning: Validation result from agent:\n  no such thing\n", 0},
		{[]live.Result{good}, "resource create C ocf:pacemaker:Dummy fake=x --agent-validation", "", 0},
		{nil, "resource create C ocf:pacemaker:Dummy fake=x", "", 0},
		{[]live.Result{{Stdout: "garbage"}}, "resource create C ocf:pacemaker:Dummy fake=x --agent-validation", "Error: Invalid validation data from agent: ", 1},
		{[]live.Result{bad}, "resource update A fake=y --agent-validation", "Warning: The resource was misconfigured before the update, therefore agent self-validation will not be run for the updated configuration. Validation output of the original configuration:\n  no such thing\n", 0},
		{[]live.Result{good, bad}, "resource update A fake=y --agent-validation", "Error: Validation result from agent (use --force to override):\n  no such thing\n", 1},
	} {
		w := inCluster(t, 1, true)
		h := w.hosts[0]
		h.cluster = &paper{text: []byte(strings.ReplaceAll(two, `provider="heartbeat"`, `provider="pacemaker"`))}
		h.agents = dummy{}
		h.answers = c.answers
		out, code := w.pcs(c.words)
		if code != c.code || !strings.Contains(out, c.want) || c.want == "" && out != "" {
			t.Errorf("%s: exit code %d, want %d, %q\n%s", c.words, code, c.code, c.want, out)
		}
		if len(h.answers) != 0 {
			t.Errorf("%s: %d answers are left", c.words, len(h.answers))
		}
	}
}

// dummy is a host whose only agent is ocf:pacemaker:Dummy.
type dummy struct{}

func (dummy) Standards() []string           { return []string{"ocf"} }
func (dummy) Providers() []string           { return []string{"pacemaker"} }
func (dummy) List(string, string) []string  { return []string{"Dummy"} }
func (dummy) Daemon(string) ([]byte, error) { return nil, nil }
func (dummy) Metadata(agents.Name) ([]byte, error) {
	return []byte(`<resource-agent name="Dummy"><version>1.0</version><parameters><parameter name="fake"><content type="string"/></parameter></parameters>
<actions><action name="start" timeout="20s"/><action name="monitor" timeout="20s" interval="10s"/><action name="validate-all" timeout="20s"/></actions></resource-agent>`), nil
}
