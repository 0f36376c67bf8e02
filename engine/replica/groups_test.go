package replica

import (
	"strconv"
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
)

// spacedUsers is a CIB in which a group whose name has a blank may write, one may not, and the groups that words of these are the names of may
// do the reverse.
const spacedUsers = `<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.9"><configuration><crm_config><cluster_property_set id="o"><nvpair id="o-e" name="enable-acl" value="true"/></cluster_property_set></crm_config><nodes/><resources/><constraints/>` +
	`<acls><acl_role id="may"><acl_permission id="may-w" kind="write" xpath="/cib"/></acl_role><acl_role id="not"><acl_permission id="not-d" kind="deny" xpath="//crm_config"/></acl_role>` +
	`<acl_group id="g1" name="domain users"><role id="may"/></acl_group><acl_group id="g2" name="domain"><role id="not"/></acl_group><acl_group id="users"><role id="may"/></acl_group></acls>` +
	`</configuration><status/></cib>`

// before is a group member of a release of the first level: what it does not know it takes for an operation that there is not.
func (g *group) before(name string, msg *etree.Element) {
	msg = msg.Copy()
	if msg.SelectAttrValue("cib_op", "") == spacedOp {
		msg.CreateAttr("cib_op", "unheard")
	}
	g.nodes[name].Deliver(g.now, "n1", msg)
}

// TestSpacedGroups: a group whose name has a blank counts in a change when all nodes know how to tell it, for all of them or for none, whatever changes
// between the question and the order; as long as nodes join, the change waits.
func TestSpacedGroups(t *testing.T) {
	all := func(level int) map[string]int { return map[string]int{"n1": level, "n2": level, "n3": level} }
	for _, c := range []struct {
		name     string
		groups   []string
		sent, by int // agreed on as it is asked for, and as it is delivered
		later    int // and after that; 0: nothing changes
		old      bool
		want     cib.Code
	}{
		{"all know", []string{"domain users"}, 2, 2, 0, false, cib.OK},
		{"a higher level", []string{"domain users"}, 3, 3, 0, false, cib.OK},
		{"none of its words", []string{"no users"}, 2, 2, 0, false, cib.Access},
		{"beside one that may not", []string{"domain users", "domain"}, 2, 2, 0, false, cib.Access},
		{"one of before is there", []string{"domain users"}, 1, 1, 0, true, cib.Access},
		{"one of before comes meanwhile", []string{"domain users"}, 2, 1, 0, true, cib.Access},
		{"one comes meanwhile, which knows", []string{"domain users"}, 2, 0, 2, false, cib.OK},
		{"one comes meanwhile, of before", []string{"domain users"}, 2, 0, 1, true, cib.Access},
		{"nodes join", []string{"domain users"}, 0, 0, 2, false, cib.OK},
		{"nodes join for ever", []string{"domain users"}, 0, 0, 0, false, cib.Timeout},
		{"one that no permission is for does not wait", []string{"users", "other users"}, 0, 0, 0, false, cib.OK},
		{"a group of one word does not wait", []string{"users"}, 0, 0, 0, false, cib.OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGroup("n1", "n2", "n3")
			for _, n := range g.in {
				doc, err := xml.Parse([]byte(spacedUsers))
				if err != nil {
					t.Fatal(err)
				}
				g.nodes[n] = New(n, doc.Root, cib.Term{}, member{g, n})
			}
			if c.old {
				g.old = "n3"
			}
			g.levels = all(c.sent)
			var got []cib.Code
			req := set("a")
			req.Now = g.now
			g.nodes["n1"].Request(Client{Name: "test", User: "joe", Groups: c.groups, Sure: true}, req, "", func(_ cib.Result, err error) { got = append(got, cib.CodeOf(err)) })
			g.levels = all(c.by)
			g.run()
			if c.later > 0 {
				if len(got) > 0 {
					t.Fatalf("answered before it was clear: %v", got)
				}
				g.levels = all(c.later)
				g.nodes["n1"].Agree()
				g.run()
			}
			if c.want == cib.Timeout {
				g.nodes["n1"].Tick(g.nodes["n1"].Deadline())
			}
			if len(got) != 1 || got[0] != c.want {
				t.Errorf("answered %v, want %v", got, c.want)
			}
			texts := map[string]bool{}
			for _, n := range g.in {
				texts[string(xml.Format(g.nodes[n].Root()))] = true
				if has := g.nodes[n].Root().FindElement("//nvpair[@id='s-a']") != nil; has != (c.want == cib.OK) {
					t.Errorf("%s has the change: %v", n, has)
				}
			}
			if len(texts) != 1 {
				t.Errorf("the documents differ: %v", texts)
			}
			if n := g.nodes["n1"]; len(n.asking) > 0 || len(n.waiting) > 0 {
				t.Errorf("something waits still")
			}
		})
	}
}

// Who falls out of the group while its change waits is told, once.
func TestSpacedGroupsReset(t *testing.T) {
	g := newGroup("n1", "n2")
	g.levels = map[string]int{}
	var got []cib.Code
	g.nodes["n1"].Request(Client{User: "joe", Groups: []string{"domain users"}}, set("a"), "", func(_ cib.Result, err error) { got = append(got, cib.CodeOf(err)) })
	g.nodes["n1"].Reset()
	g.levels = nil
	g.nodes["n1"].Agree()
	if g.run(); len(got) != 1 || got[0] != cib.NotConnected || !g.nodes["n1"].Deadline().IsZero() {
		t.Errorf("answered %v; due at %v", got, g.nodes["n1"].Deadline())
	}
}

// Changes that wait are made in the order in which they were asked for: the later one of two that write the same counts.
func TestSpacedGroupsInOrder(t *testing.T) {
	g := newGroup("n1")
	g.levels = map[string]int{}
	n1 := g.nodes["n1"]
	const changes = 12 // so that calls have one digit and two
	for i := range changes {
		req := set("a")
		req.Now = g.now
		req.Data.FindElement(".//nvpair").CreateAttr("value", strconv.Itoa(i))
		n1.Request(Client{User: "root", Groups: []string{"domain users"}}, req, "", nil)
	}
	g.levels = nil
	n1.Agree()
	g.run()
	if got := n1.Root().FindElement("//nvpair[@id='s-a']").SelectAttrValue("value", ""); got != strconv.Itoa(changes-1) {
		t.Errorf("the value is that of change %s of %d", got, changes)
	}
}
