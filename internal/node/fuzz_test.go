package node

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/controller"
	"hacluster/engine/executor"
	"hacluster/engine/fencer"
)

// refusing is a world in which what is asked for fails, or is never answered.
type refusing struct{ quiet }

func (refusing) Plan(*etree.Element, time.Time) (controller.Plan, error) {
	return controller.Plan{}, errors.New("no plan")
}

func (refusing) RunAgent(executor.Op, func(time.Time, executor.Result)) (kill func()) {
	return func() {}
}
func (refusing) Traits(executor.Op) executor.Traits { return executor.Traits{} }
func (refusing) RunFence(string, string, func(string) []fencer.Param, time.Duration, func(time.Time, fencer.AgentResult)) {
}
func (refusing) FenceTraits(string, func(time.Time, fencer.Traits)) {}
func (refusing) FencingEnded(fencer.Record)                         {}
func (refusing) Exit(string)                                        {}
func (refusing) Panic(string)                                       {}

// FuzzMessage: whatever another node sends, one after the other, ends in nothing worse than a line in the log: a node serves on, and holds a CIB.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{
		`<message t="crmd" crm_task="join_offer" src="b" join_id="1" crm_feature_set="3.16.1" hacluster-level="2"/>`,
		`<message t="crmd" crm_task="join_request" src="b" crm_host_to="a" join_id="1" crm_feature_set="3.16.1"><crm_xml><generation_tuple admin_epoch="0" epoch="1" num_updates="0"/></crm_xml></message>`,
		`<message t="crmd" crm_task="join_ack_nack" src="b" crm_host_to="a" join_id="1" join_ack_nack="true"/>`,
		`<message t="crmd" crm_task="join_confirm" src="b" crm_host_to="a" join_id="1"><crm_xml><lrm id="2"><lrm_resources/></lrm></crm_xml></message>`,
		`<message t="crmd" crm_task="vote" src="b" election-owner="2" election-id="1" election-age-sec="5" election-version="3.16.1"/>`,
		`<message t="crmd" crm_task="lrm_invoke" src="b" crm_host_to="a"><crm_xml><rsc_op operation="start" on_node="a" transition-key="1:1:0:x"><primitive id="p" class="ocf" provider="pacemaker" type="Dummy"/><attributes CRM_meta_timeout="20000"/></rsc_op></crm_xml></message>`,
		`<message t="crmd" crm_task="lrm_result" src="b" transition-magic="0:0;1:1:0:x"/>`,
		`<message t="crmd" crm_task="req_shutdown" src="b"/>`,
		`<message t="crmd" crm_task="cib_query" src="b" crm_host_to="a" reference="1" cib_section="//primitive" cib_callopt="4096" cib_user="joe" hacluster-spaced-groups="a%20b"/>`,
		`<cib_command t="cib" cib_op="cib_modify" cib_section="crm_config" cib_callopt="0" cib_callid="1" cib_user="root" src="b"><cib_calldata><cluster_property_set id="s"/></cib_calldata></cib_command>`,
		`<cib_command t="cib" cib_op="hacluster_change" hacluster-op="cib_delete" cib_section="//nvpair" cib_callopt="4096" cib_callid="1" cib_user="joe" hacluster-spaced-groups="%zz a%20b" src="b"/>`,
		`<cib_command t="cib" cib_op="cib_sync" cib_host="b" sync_id="b-1" src="b"/>`,
		`<cib_command t="cib" cib_op="cib_replace" cib_update="true" sync_id="b-1" hacluster-term="3.1.0.2" src="b"><cib_calldata><cib admin_epoch="0" epoch="9" num_updates="0" validate-with="pacemaker-3.9"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/></cib></cib_calldata></cib_command>`,
		`<cib_command t="cib" cib_op="hacluster_term" hacluster-term="4" src="b"/>`,
		`<cib_command t="cib" cib_op="hacluster_confirm" cib_host="a" cib_callid="1" src="b"/>`,
		`<cib_command t="cib" cib_op="hacluster_fingerprint" src="b"/>`,
		`<attrd t="attrd" task="update" attr_name="x" attr_value="1" attr_host="b" attr_host_id="2" src="b"/>`,
		`<attrd t="attrd" task="sync-response" src="b"><attrd attr_name="x" attr_value="1" attr_host="b"/></attrd>`,
		`<stonith-ng t="stonith-ng" st_op="st_query" st_target="a" st_device_action="reboot" st_remote_op="1" src="b"/>`,
		`<stonith-ng t="stonith-ng" st_op="st_notify" src="b"><st_notify_fence state="4" st_target="a"/></stonith-ng>`,
	} {
		f.Add([]byte(s), []byte(s))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		now := time.Unix(1000, 0)
		c := NewCore(CoreConfig{Self: controller.Member{ID: 1, Name: "a"}, Names: map[uint32]string{1: "a", 2: "b"}, CIB: cib.New(), Timing: controller.DefaultTiming}, refusing{})
		c.Ring(now, []uint32{1, 2}, true)
		c.GroupChange(now, []uint32{1, 2}, []uint32{1, 2}, nil)
		for _, data := range [][]byte{first, second} {
			c.Message(now, 2, data)
			if d := c.Deadline(); !d.IsZero() && d.Before(now.Add(time.Hour)) {
				now = d
			}
			c.Tick(now)
		}
		c.GroupChange(now, []uint32{1}, nil, []uint32{2})
		if root := c.Replica.Root(); root == nil || root.Tag != "cib" {
			t.Errorf("the CIB is %v", root)
		}
	})
}

// idle is a connection to a remote node that tells nothing, and on which all that is begun goes on for ever.
type idle struct{ held }

func (idle) Run(executor.Op, func(time.Time, executor.Result)) (kill func()) { return func() {} }
func (idle) Forget(string)                                                   {}
func (idle) Poke(func(time.Time))                                            {}
func (idle) AnswerShutdown(bool)                                             {}
func (idle) StartState() string                                              { return "" }
func (idle) Uptime() time.Duration                                           { return -1 }
func (idle) Close()                                                          {}

// FuzzTakeOver: whatever the CIB has of a remote host whose connection is taken over, nothing else than entries of its history is changed for it.
func FuzzTakeOver(f *testing.F) {
	const op = `<lrm_rsc_op id="of-a_monitor_10000" operation_key="of-a_monitor_10000" operation="monitor" interval="10000" call-id="3" rc-code="0" op-status="0" transition-magic="0:0;1:1:0:x" transition-key="1:1:0:x"/>`
	for _, s := range []string{
		`<lrm id="r"><lrm_resources><lrm_resource id="of-a" class="ocf" provider="pacemaker" type="Dummy">` + op + `</lrm_resource></lrm_resources></lrm>`,
		`<lrm><lrm_resources><lrm_resource id="x']|//*|/x[@y='"><lrm_rsc_op id="a'&quot;b" interval="1" operation="monitor"/></lrm_resource></lrm_resources></lrm>`,
		`<lrm><lrm_resources><lrm_resource id="p"><lrm_rsc_op id="p_last_0" operation="start" call-id="-1" op-status="-1" rc-code="193" interval="0"/></lrm_resource></lrm_resources></lrm>`,
		`<lrm/>`, `<x/>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := xml.Parse(data)
		if err != nil {
			return
		}
		p := newPair(t)
		c := p.cores[1]
		before := string(xml.Compact(cib.Section(c.Replica.Root(), "configuration")))
		state := remoteNodeState("r", "in_ccm", "true")
		state.AddChild(doc.Root)
		cib.Section(c.Replica.Root(), "status").AddChild(state)
		r := c.remote("r")
		r.conn, r.adopting = idle{}, true
		r.here()
		p.deliver(1)
		if after := string(xml.Compact(cib.Section(c.Replica.Root(), "configuration"))); after != before {
			t.Errorf("the configuration is another:\n%s", after)
		}
		if slices.ContainsFunc(*p.sent[1], func(data []byte) bool { _, err := xml.Parse(data); return err != nil }) {
			t.Error("something was sent that is not XML")
		}
	})
}
