package simulation

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/attribute"
	"hacluster/engine/controller"
)

// TestForeignStatus: what somebody puts into the status section in the place of what is true there starts nothing, stops
// nothing and has nobody fenced. The nodes write it again.
func TestForeignStatus(t *testing.T) {
	change := map[string]func(old, now *etree.Element) cib.Request{
		"yesterday's status": func(old, _ *etree.Element) cib.Request {
			return cib.Request{Op: cib.Replace, Section: "status", Data: xml.Copy(old.SelectElement("status"))}
		},
		"yesterday's document": func(old, now *etree.Element) cib.Request {
			doc := xml.Copy(now)
			doc.RemoveChild(doc.SelectElement("status"))
			doc.AddChild(xml.Copy(old.SelectElement("status")))
			doc.CreateAttr("epoch", strconv.FormatInt(cib.VersionOf(now).Epoch+1, 10))
			return cib.Request{Op: cib.Replace, Data: doc}
		},
		"no status": func(_, now *etree.Element) cib.Request {
			return cib.Request{Op: cib.Replace, Section: "status", Data: etree.NewElement("status")}
		},
		"no histories": func(_, _ *etree.Element) cib.Request {
			return cib.Request{Op: cib.Delete, XPath: true, Multiple: true, Section: "//node_state/lrm"}
		},
		"no states": func(_, _ *etree.Element) cib.Request {
			return cib.Request{Op: cib.Delete, XPath: true, Multiple: true, Section: "//node_state"}
		},
	}
	for name, request := range change {
		for seed := uint64(1); seed <= seeds; seed++ {
			d := up(t, seed, 3, true)
			from := one(t, d)
			old := xml.Copy(from.pcmk.core.Replica.Root())
			to := d.Hosts[int(seed)%3]
			for i := 1; to == from; i++ {
				to = d.Hosts[(int(seed)+i)%3]
			}
			if err := d.user(from, Step{Do: "move", Arg: "P1 " + to.Name}); err != nil {
				t.Fatal(err)
			}
			mood := "good"
			d.Hosts[0].pcmk.call(func(time.Time) {
				d.Hosts[0].pcmk.core.Attributes.Set(attribute.Update{Name: "mood", Host: to.Name, Value: &mood})
			})
			d.Run(15 * time.Second)
			calm(t, d)
			if h := one(t, d); h != to {
				t.Fatalf("seed %d: P1 was not moved to %s", seed, to.Name)
			}
			before := len(d.Log)
			answer := errors.New("no answer")
			at := d.Hosts[int(seed+1)%3]
			d.Change(at.Name, request(old, at.pcmk.core.Replica.Root()), func(err error) { answer = err })
			d.Run(20 * time.Second)
			if answer != nil {
				t.Fatalf("%s: %v", name, answer)
			}
			calm(t, d)
			if h := one(t, d); h != to || len(d.Fences) > 0 {
				t.Fatalf("%s, seed %d: P1 is on %s, was on %s; fenced %v\n%s", name, seed, h.Name, to.Name, d.Fences, d.Dump())
			}
			for _, h := range d.Hosts {
				if nv := h.pcmk.core.Replica.Root().FindElement("./status/node_state[@uname='" + to.Name + "']/transient_attributes//nvpair[@name='mood']"); nv == nil {
					t.Fatalf("%s, seed %d: the attribute of %s is not in the CIB of %s", name, seed, to.Name, h.Name)
				}
			}
			for _, l := range d.Log[before:] {
				if strings.Contains(l, "agent: start P1") || strings.Contains(l, "agent: stop P1") {
					t.Fatalf("%s, seed %d: the service was touched: %s\n%s", name, seed, l, d.Dump())
				}
			}
		}
	}
}

// TestStatesDeletedAsTheDCIsLost: who deletes all states deletes, too, that the DC is a member. Where it stands still before the join that follows, the others have it
// fenced before they start what it runs, though their document has nothing of it, and though whom nobody has seen would not be fenced.
func TestStatesDeletedAsTheDCIsLost(t *testing.T) {
	for seed := uint64(1); seed <= 2*seeds; seed++ {
		for _, sparing := range []string{"true", "false"} {
			d := up(t, seed, 2+int(seed)%2, true)
			d.option(t, "startup-fencing", sparing)
			from := one(t, d)
			dc := d.Host(from.pcmk.core.Controller.DC())
			if from != dc {
				if err := d.user(from, Step{Do: "move", Arg: "P1 " + dc.Name}); err != nil {
					t.Fatal(err)
				}
			}
			d.Run(15 * time.Second)
			calm(t, d)
			if h := one(t, d); h != dc {
				t.Fatalf("seed %d: P1 was not moved to %s", seed, dc.Name)
			}
			if err := d.wreck(d.Hosts[0], "all"); err != nil {
				t.Fatal(err)
			}
			for i := 0; dc.pcmk.core.Controller.State() != controller.Integration; i++ {
				if d.Run(20 * time.Microsecond); i > 1000 {
					t.Fatalf("seed %d: no join\n%s", seed, d.Dump())
				}
			}
			dc.Pause(true)
			if seed%4 < 2 {
				d.Run(3*time.Second + time.Duration(seed)*137*time.Millisecond)
				dc.Pause(false)
			}
			d.Run(2 * time.Minute)
			if one(t, d); len(d.Fences) == 0 {
				t.Fatalf("seed %d, startup-fencing=%s: nobody was fenced\n%s", seed, sparing, d.Dump())
			}
			calm(t, d)
		}
	}
}
