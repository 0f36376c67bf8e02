package verify

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"hacluster/cib/xml"
)

var update = flag.Bool("update", false, "write testdata/mistakes.txt anew")

// mistakes are what people do to a configuration: what, the text that is there, and what
// they write instead of it.
var mistakes = [][3]string{
	// names that are written wrongly
	{"an attribute is misspelt", `timeout="20s" on-fail`, `timout="20s" on-fail`},
	{"an attribute in capitals", `interval="10s"`, `Interval="10s"`},
	{"underscores instead of dashes", `on-fail="restart"`, `on_fail="restart"`},
	{"an element is misspelt", `<primitive id="fence" class="stonith" type="fence_xvm"/>`, `<primtive id="fence" class="stonith" type="fence_xvm"/>`},
	{"an element of another tool", `<resources>`, `<resources><resource id="x"/>`},
	{"a section that does not exist", `<tags>`, `<settings/><tags>`},
	{"an attribute that pcs calls otherwise", `with-rsc="ip"`, `with="ip"`},
	{"a property as an attribute", `<crm_config>`, `<crm_config stonith-enabled="true">`},
	{"an operation's name in capitals", `<op id="ip-start" name`, `<op id="ip-start" Name`},
	{"scores for score", `score="100"`, `scores="100"`},
	// values
	{"a score with a fraction", `score="100"`, `score="1.5"`},
	{"infinity in small letters", `score="100"`, `score="infinity"`},
	{"minus inf", `score="100"`, `score="-inf"`},
	{"an empty score", `score="100"`, `score=""`},
	{"a class in capitals", `class="ocf" provider="heartbeat" type="IPaddr2"`, `class="OCF" provider="heartbeat" type="IPaddr2"`},
	{"a class that does not exist", `class="stonith"`, `class="fencing"`},
	{"a kind in small letters", `kind="Mandatory"`, `kind="mandatory"`},
	{"a role that does not exist", `<rsc_ticket id="tick" rsc="db"`, `<rsc_ticket id="tick" rsc="db" rsc-role="Primary"`},
	{"on-fail that does not exist", `on-fail="restart"`, `on-fail="reboot"`},
	{"yes for true", `sequential="true"`, `sequential="yes"`},
	{"an id with a blank", `id="ip-monitor"`, `id="ip monitor"`},
	{"an id that begins with a digit", `id="ip-monitor"`, `id="10s-monitor"`},
	{"an id with a colon", `id="ip-monitor"`, `id="ip:monitor"`},
	{"an empty id", `id="ip-monitor"`, `id=""`},
	{"devices with blanks", `devices="fence"`, `devices="fence, fence2"`},
	{"a level of zero", `index="1"`, `index="0"`},
	{"a level that is no number", `index="1"`, `index="first"`},
	{"replicas that are no number", `replicas="2"`, `replicas="two"`},
	{"a port that is no number", `port="80"`, `port="http"`},
	{"a loss policy that does not exist", `loss-policy="stop"`, `loss-policy="kill"`},
	{"an operation that does not exist", `operation="eq"`, `operation="=="`},
	{"a boolean-op of C", `boolean-op="and"`, `boolean-op="&amp;&amp;"`},
	{"a permission that does not exist", `kind="write"`, `kind="execute"`},
	{"a node of a strange type", `uname="alpha"`, `uname="alpha" type="guest"`},
	{"a negative epoch", `epoch="12"`, `epoch="-1"`},
	{"an epoch that is no number", `epoch="12"`, `epoch="twelve"`},
	{"have-quorum of yes", `have-quorum="1"`, `have-quorum="yes"`},
	// what is missing
	{"a primitive without an id", `<primitive id="fence" class`, `<primitive class`},
	{"an operation without an interval", `name="start" interval="0s"`, `name="start"`},
	{"an operation without a name", `name="start" interval="0s"`, `interval="0s"`},
	{"an agent without a provider", `class="ocf" provider="heartbeat" type="IPaddr2"`, `class="ocf" type="IPaddr2"`},
	{"an agent without a type", `class="stonith" type="fence_xvm"`, `class="stonith"`},
	{"a location without a node", `node="alpha" score="100"`, `score="100"`},
	{"a location without a score", `node="alpha" score="100"`, `node="alpha"`},
	{"a location without anything", ` node="alpha" score="100"`, ``},
	{"a colocation without a partner", ` with-rsc="ip"`, ``},
	{"an order without a second", ` then="web"`, ``},
	{"a ticket constraint without its ticket", ` ticket="T"`, ``},
	{"a level without a target", ` target="alpha"`, ``},
	{"a level without devices", ` devices="fence"`, ``},
	{"a permission without an object", ` xpath="//resources"`, ``},
	{"a set without references", "<resource_ref id=\"fs\"/>\n          <resource_ref id=\"web\"/>", ``},
	{"a rule without conditions", `<rule id="rule" score="-INFINITY" boolean-op="and">`, `<rule id="rule2" score="1"/><rule id="rule" score="-INFINITY" boolean-op="and">`},
	{"an expression without an operation", ` operation="eq"`, ``},
	{"an alert without a path", ` path="/usr/bin/alert"`, ``},
	{"a recipient without a value", ` value="ops@example.org"`, ``},
	{"a clone of nothing", `<primitive id="state" class="ocf" provider="pacemaker" type="Stateful"/>`, ``},
	{"a bundle without a container", `<podman image="example/box:1" replicas="2"/>`, ``},
	{"a container without an image", `image="example/box:1" `, ``},
	{"a mapping without a target", ` target-dir="/data"`, ``},
	{"a node without a name", ` uname="alpha"`, ``},
	{"no section for nodes", "<nodes>\n      <node id=\"1\" uname=\"alpha\"/>", `<!--`},
	{"no schema", ` validate-with="pacemaker-3.9"`, ``},
	// what stands in the wrong place
	{"a constraint among the resources", `<resources>`, `<resources><rsc_location id="l2" rsc="ip" node="alpha" score="1"/>`},
	{"a resource among the constraints", `<constraints>`, `<constraints><primitive id="p2" class="lsb" type="x"/>`},
	{"a group in a group", `<group id="grp">`, `<group id="grp"><group id="inner"><primitive id="p2" class="lsb" type="x"/></group>`},
	{"a clone in a group", `<group id="grp">`, `<group id="grp"><clone id="inner"><primitive id="p2" class="lsb" type="x"/></clone>`},
	{"two resources in a clone", `<primitive id="state" class`, `<primitive id="p2" class="lsb" type="x"/><primitive id="state" class`},
	{"an op outside of operations", `<primitive id="web" template="web-tmpl"/>`, `<primitive id="web" template="web-tmpl"><op id="o2" name="monitor" interval="5s"/></primitive>`},
	{"a pair outside of a set", `<primitive id="web" template="web-tmpl"/>`, `<primitive id="web" template="web-tmpl"><nvpair id="n2" name="a" value="b"/></primitive>`},
	{"operations twice", `<operations>`, `<operations/><operations>`},
	{"a class and a template", `template="web-tmpl"`, `template="web-tmpl" class="lsb" type="x"`},
	{"a score beside a rule", `<rsc_location id="loc-rule" rsc="web">`, `<rsc_location id="loc-rule" rsc="web" score="1" node="alpha">`},
	{"a resource beside sets", `<rsc_order id="ord-set">`, `<rsc_order id="ord-set" first="ip" then="web">`},
	{"score and kind", `kind="Mandatory"`, `kind="Mandatory" score="1"`},
	{"two targets of a level", `target="alpha"`, `target="alpha" target-pattern=".*"`},
	{"status before the configuration", `<configuration>`, `<status/><configuration>`},
	{"a node among the resources", `<resources>`, `<resources><node id="3" uname="gamma"/>`},
	{"tags outside of the configuration", `<status/>`, `<tags/><status/>`},
	{"text between elements", `<constraints>`, `<constraints>see the wiki`},
	{"master, which is gone in 4.0", `validate-with="pacemaker-3.9"`, `validate-with="pacemaker-4.0"><configuration><crm_config/><nodes/><resources><master id="m"><primitive id="p" class="lsb" type="x"/></master></resources><constraints/></configuration></cib><!--`},
	{"bundles before there were any", `validate-with="pacemaker-3.9"`, `validate-with="pacemaker-2.5"`},
	{"an id twice", `id="ip-start"`, `id="ip-monitor"`},
	{"a set with the id of a resource", `id="ip-meta"`, `id="web"`},
	// references
	{"a constraint on nothing", `rsc="ip" node="alpha"`, `rsc="ipp" node="alpha"`},
	{"a partner that is not there", `with-rsc="ip"`, `with-rsc="vip"`},
	{"an order with a misspelt resource", `first="ip"`, `first="pi"`},
	{"a set with a resource that is not there", `<resource_ref id="fs"/>`, `<resource_ref id="fss"/>`},
	{"a template that is not there", `template="web-tmpl"`, `template="web-tmp"`},
	{"a role that nobody defined", `<role id="operator"/>`, `<role id="operators"/>`},
	{"a reference to a set that is not there", `<primitive id="web" template="web-tmpl"/>`, `<primitive id="web" template="web-tmpl"><meta_attributes id-ref="ip-metas"/></primitive>`},
	// what the schema allows and the cluster does not
	{"two monitors with one interval", `<op id="ip-start" name="start" interval="0s" timeout="20s"/>`, `<op id="ip-m2" name="monitor" interval="10s"/>`},
	{"a start that recurs", `name="start" interval="0s"`, `name="start" interval="5s"`},
	{"a target-role that does not exist", `value="Started"`, `value="Running"`},
	{"a promoted primitive", `value="Started"`, `value="Promoted"`},
	{"a property with a wrong value", `value="stop"`, `value="halt"`},
	{"no fencing devices", `<primitive id="fence" class="stonith" type="fence_xvm"/>`, ``},
	{"a promotable service", `<primitive id="state" class="ocf" provider="pacemaker" type="Stateful"/>`, `<primitive id="state" class="systemd" type="x"/>`},
	{"a location rule without a score", `<rule id="rule" score="-INFINITY" boolean-op="and">`, `<rule id="rule" boolean-op="and">`},
	{"a constraint on something that is no resource", `rsc="ip" node="alpha"`, `rsc="ip-meta" node="alpha"`},
	{"an old name of a property", `name="fencing-enabled"`, `name="stonith-enabled"`},
	{"old names of roles", `<rsc_ticket id="tick" rsc="db"`, `<rsc_ticket id="tick" rsc="state-clone" rsc-role="Master"`},
	{"a priority that is no number", `name="target-role" value="Started"`, `name="priority" value="high"`},
	{"stickiness that is no number", `value="1"`, `value="sticky"`},
}

// remedyWords are how a message says what to do.
var remedyWords = regexp.MustCompile(`did you mean|it is one of|it holds|there may be|belongs into|needs |remove|rename|use |set |give |name |raise|the order is|correct|configure|make |write |roles are|an option is|only |see `)

// TestMistakes holds the messages about common mistakes against testdata/mistakes.txt. Each
// has to name a place and say what may be done.
func TestMistakes(t *testing.T) {
	base, err := os.ReadFile("testdata/base.xml")
	if err != nil {
		t.Fatal(err)
	}
	check := func(text string) *Report {
		doc, err := xml.ParseString(text)
		if err != nil {
			return Broken("cib.xml", err)
		}
		return Check(Source{Name: "cib.xml", Doc: doc}, time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC))
	}
	if r := check(string(base)); len(r.Findings) > 0 {
		t.Fatalf("the configuration is not clean: %+v", r.Findings)
	}
	if len(mistakes) < 100 {
		t.Errorf("there are %d mistakes only", len(mistakes))
	}
	placed := regexp.MustCompile(`cib\.xml:\d+:\d+: `)
	var b strings.Builder
	for _, m := range mistakes {
		if strings.Count(string(base), m[1]) != 1 {
			t.Errorf("%s: %q stands %d times", m[0], m[1], strings.Count(string(base), m[1]))
		}
		text := strings.Replace(string(base), m[1], m[2], 1)
		if m[2] == "<!--" { // the rest of the section goes
			i := strings.Index(text, "<!--")
			text = text[:i] + text[strings.Index(text, "</nodes>")+len("</nodes>"):]
		} else if strings.HasSuffix(m[2], "<!--") {
			text = text[:strings.Index(text, "<!--")]
		}
		fmt.Fprintf(&b, "# %s\n", m[0])
		r := check(text)
		if len(r.Findings) == 0 {
			t.Errorf("%s: nothing was found", m[0])
		}
		var said strings.Builder
		for _, l := range r.Text(3, true) {
			fmt.Fprintf(&said, "%s\n", strings.TrimRight(l.Text, "\n"))
		}
		if !placed.MatchString(said.String()) || !remedyWords.MatchString(said.String()) {
			t.Errorf("%s: no place, or no remedy, in\n%s", m[0], said.String())
		}
		for _, f := range r.Findings {
			if f.Pos.Line == 0 {
				t.Errorf("%s: without a place: %s", m[0], f.Text)
			}
		}
		b.WriteString(said.String() + "\n")
	}
	if *update {
		if err := os.WriteFile("testdata/mistakes.txt", []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/mistakes.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
		for i := range g {
			if i >= len(w) || g[i] != w[i] {
				t.Fatalf("line %d: %s\nwant %s", i+1, g[i], append(w, "", "")[min(i, len(w))])
			}
		}
		t.Fatalf("%d lines, want %d", len(g), len(w))
	}
}
