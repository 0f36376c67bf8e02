package node

import (
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/acl"
	"hacluster/cib/xml"
	"hacluster/engine/controller"
)

// sending is a quiet world that keeps what is sent.
type sending struct {
	quiet
	sent *[][]byte
}

func (s sending) Send(data []byte) { *s.sent = append(*s.sent, data) }

// pair are two nodes of a group, a and b, whose documents differ.
type pair struct {
	cores map[uint32]*Core
	sent  map[uint32]*[][]byte
	now   time.Time
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{cores: map[uint32]*Core{}, sent: map[uint32]*[][]byte{}, now: time.Unix(1000, 0)}
	for id, name := range map[uint32]string{1: "a", 2: "b"} {
		doc, err := xml.Parse([]byte(`<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.9"><configuration><crm_config><cluster_property_set id="o"><nvpair id="o-e" name="enable-acl" value="true"/></cluster_property_set></crm_config><nodes/><resources>` +
			`<primitive id="of-` + name + `" class="ocf" provider="pacemaker" type="Dummy"/></resources><constraints/>` +
			`<acls><acl_role id="r"><acl_permission id="p" kind="deny" xpath="//resources"/></acl_role><acl_group id="outsiders"><role id="r"/></acl_group>` +
			`<acl_role id="s"><acl_permission id="q" kind="read" xpath="//resources"/></acl_role><acl_group id="insiders"><role id="s"/></acl_group><acl_group id="g" name="all insiders"><role id="s"/></acl_group></acls>` +
			`</configuration><status/></cib>`))
		if err != nil {
			t.Fatal(err)
		}
		p.sent[id] = &[][]byte{}
		p.cores[id] = NewCore(CoreConfig{Self: controller.Member{ID: id, Name: name}, Names: map[uint32]string{1: "a", 2: "b"}, CIB: doc.Root, Timing: controller.DefaultTiming}, sending{sent: p.sent[id]})
		p.cores[id].GroupChange(p.now, []uint32{1, 2}, []uint32{1, 2}, nil)
	}
	p.deliver(1, 2)
	return p
}

// deliver hands what nodes have sent to the nodes that are named, until nothing is left.
func (p *pair) deliver(to ...uint32) {
	for more := true; more; {
		more = false
		for from, sent := range p.sent {
			list := *sent
			*sent = nil
			for _, data := range list {
				more = true
				for _, id := range to {
					p.cores[id].Message(p.now, from, data)
				}
			}
		}
	}
}

func TestQueryAt(t *testing.T) {
	resources := cib.Request{Op: cib.Query, Section: "resources", User: acl.User{Name: "root"}}
	ids := func(el *etree.Element) string {
		if el == nil {
			return ""
		}
		var out []string
		for _, r := range el.FindElements("//primitive") {
			out = append(out, r.SelectAttrValue("id", ""))
		}
		return strings.Join(out, " ")
	}
	outsider := resources
	outsider.User = acl.User{Name: "joe", Groups: []string{"outsiders"}}
	worded := resources // the name of its group has the other's in it
	worded.User = acl.User{Name: "joe", Groups: []string{"not insiders"}}
	insider := resources
	insider.User = acl.User{Name: "joe", Groups: []string{"not insiders", "insiders"}}
	among := resources
	among.User = acl.User{Name: "joe", Groups: []string{"all insiders"}}
	nosuch := resources
	nosuch.Section, nosuch.XPath = "//template", true
	for name, c := range map[string]struct {
		node string
		req  cib.Request
		want string
		code cib.Code
	}{
		"here":                        {"", resources, "of-a", cib.OK},
		"here by name":                {"a", resources, "of-a", cib.OK},
		"there":                       {"b", resources, "of-b", cib.OK},
		"nobody of that name":         {"c", resources, "", cib.Unreached},
		"nothing of that kind":        {"b", nosuch, "", cib.NotFound},
		"a user of those there":       {"b", outsider, "", cib.Access},
		"one of a group of two words": {"b", worded, "", cib.Access},
		"one who may":                 {"b", insider, "of-b", cib.OK},
		"one of two words who may":    {"b", among, "of-b", cib.OK},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			told := 0
			p.cores[1].QueryAt(c.node, c.req, func(el *etree.Element, err error) {
				told++
				if got := ids(el); got != c.want || cib.CodeOf(err) != c.code {
					t.Errorf("%q, %v; want %q, code %v", got, err, c.want, c.code)
				}
			})
			p.deliver(1, 2)
			if told != 1 {
				t.Errorf("answered %d times", told)
			}
		})
	}
}

// A question ends, whatever becomes of the node that it is for.
func TestUnanswered(t *testing.T) {
	for name, happens := range map[string]func(p *pair){
		"the node leaves": func(p *pair) { p.cores[1].GroupChange(p.now, []uint32{1}, nil, []uint32{2}) },
		"the node says nothing": func(p *pair) {
			p.cores[1].Tick(p.now.Add(answerWithin - time.Second))
			if d := p.cores[1].questionsDue(); !d.Equal(p.now.Add(answerWithin)) {
				t.Errorf("due at %v", d)
			}
			p.cores[1].Tick(p.now.Add(answerWithin))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			var got []string
			p.now = p.now.Add(controller.SampleInterval - time.Second) // since when nothing has happened
			p.cores[1].QueryAt("b", cib.Request{Op: cib.Query, Now: p.now}, func(_ *etree.Element, err error) { got = append(got, err.Error()) })
			p.cores[1].Ping(p.now, "b", func(state string) { got = append(got, "state "+state) })
			if p.deliver(1); len(got) > 0 { // the other one hears nothing
				t.Errorf("answered by nobody: %q", got)
			}
			happens(p)
			if len(got) != 2 || !strings.Contains(strings.Join(got, ","), "Communication error on send: node b has not told") || len(p.cores[1].questions) > 0 {
				t.Errorf("told %q, %d wait on", got, len(p.cores[1].questions))
			}
			if d := p.cores[1].questionsDue(); !d.IsZero() {
				t.Errorf("due at %v", d)
			}
		})
	}
}

// An answer is taken from whom it was asked of, and once.
func TestAnswersOfOthers(t *testing.T) {
	p := newPair(t)
	for code, want := range map[string]cib.Code{"": cib.Protocol, "x": cib.Protocol, "5": cib.Protocol, "-13": cib.Access, "0": cib.OK} {
		el := etree.NewElement("message")
		el.CreateAttr("cib_rc", code)
		if _, err := readAnswer(el); cib.CodeOf(err) != want {
			t.Errorf("code %q: %v, want %v", code, err, want)
		}
	}
	told := 0
	p.cores[1].Ping(p.now, "b", func(string) { told++ })
	answer := func(task string) []byte {
		return []byte(`<message t="crmd" crm_task="` + task + `" src="x" crm_host_to="a" reference="1" crmd_state="S_IDLE" cib_rc="0"/>`)
	}
	p.cores[1].Message(p.now, 1, answer(taskPong))
	p.cores[1].Message(p.now, 2, answer(taskQueried))
	if told != 0 {
		t.Errorf("an answer of another node, or to another question, counts")
	}
	p.cores[1].Message(p.now, 2, answer(taskPong))
	p.cores[1].Message(p.now, 2, answer(taskPong))
	if told != 1 {
		t.Errorf("answered %d times", told)
	}
}
