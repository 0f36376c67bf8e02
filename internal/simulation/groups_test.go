package simulation

import (
	"fmt"
	"testing"
	"time"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/replica"
)

// TestSpacedGroups: while a node of the first level is there, a group whose name has a blank counts for nobody's changes; when all have this release, it
// does, and goes on to while a node joins. All that is asked for is answered, and made by all nodes or by none.
func TestSpacedGroups(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		c, err := New(seed, 3, true)
		if err != nil {
			t.Fatal(err)
		}
		c.Verbose = true
		for _, h := range c.Hosts {
			h.release = release{level: 1}
			h.Boot()
		}
		c.Run(30 * time.Second)
		acls, err := xml.Parse([]byte(`<configuration><crm_config><cluster_property_set id="acl-options"><nvpair id="acl-on" name="enable-acl" value="true"/><nvpair id="acl-asked" name="asked" value="0"/></cluster_property_set></crm_config>` +
			`<acls><acl_role id="may"><acl_permission id="may-w" kind="write" xpath="/cib"/></acl_role><acl_group id="g" name="domain users"><role id="may"/></acl_group></acls></configuration>`))
		if err != nil {
			t.Fatal(err)
		}
		c.Change("node1", cib.Request{Op: cib.Modify, CanCreate: true, Data: acls.Root}, func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		})
		c.Run(5 * time.Second)
		asked, answers := 0, map[cib.Code]int{}
		ask := func(h *Host) {
			asked++
			data, err := xml.Parse(fmt.Appendf(nil, `<nvpair id="acl-asked" name="asked" value="%d"/>`, asked))
			if err != nil {
				t.Fatal(err)
			}
			c.changeOf(h.Name, replica.Client{Name: "test", User: "joe", Groups: []string{"domain users"}}, cib.Request{Op: cib.Modify, Section: "crm_config", Data: data.Root},
				func(err error) { answers[cib.CodeOf(err)]++ })
		}
		expect := func(when string, want cib.Code) {
			t.Helper()
			c.Run(10 * time.Second)
			if answers[want] != asked || asked == 0 || c.Broken() != nil {
				t.Fatalf("seed %d, %s: %d asked, answered by code %v, not all %v; %v\n%s", seed, when, asked, answers, want, c.Broken(), c.Dump())
			}
			asked, answers = 0, map[cib.Code]int{}
		}
		for _, h := range c.Hosts {
			for _, o := range c.Hosts {
				ask(o)
			}
			expect("before "+h.Name+" has this release", cib.Access)
			h.StopCluster()
			c.Run(10 * time.Second)
			h.release = release{}
			h.StartCluster()
			c.Run(30 * time.Second)
		}
		last := c.Hosts[2]
		last.StopCluster()
		c.Run(10 * time.Second)
		last.StartCluster()
		for i := range 300 {
			ask(c.Hosts[i%2])
			c.Run(77 * time.Millisecond)
		}
		ask(last)
		expect("while a node joins", cib.OK)
	}
}
