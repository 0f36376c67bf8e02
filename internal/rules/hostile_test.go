package rules_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/engine/scheduler"
	"hacluster/engine/transition/dryrun"
	"hacluster/internal/rules/corpus"
)

// damage takes elements, attributes and references of a document away, doubles
// them, or puts them where others are.
func damage(r *rand.Rand, root *etree.Element) {
	var all []*etree.Element
	var ids []string
	var walk func(e *etree.Element)
	walk = func(e *etree.Element) {
		all = append(all, e)
		if a := e.SelectAttr("id"); a != nil {
			ids = append(ids, a.Value)
		}
		for _, k := range e.ChildElements() {
			walk(k)
		}
	}
	walk(root)
	values := []string{"", "0", "-1", "1000000", "INFINITY", "-INFINITY", "true", "false", "99999999999999999999", "Promoted", "#uname", "%1", "P1D", "host", "unfencing"}
	for range 1 + r.IntN(4) {
		e := all[1+r.IntN(len(all)-1)]
		parent := e.Parent()
		if parent == nil {
			continue
		}
		switch r.IntN(8) {
		case 0:
			parent.RemoveChild(e)
		case 1:
			parent.AddChild(e.Copy())
		case 2: // into another element
			to := all[r.IntN(len(all))]
			to.AddChild(e.Copy())
		case 3:
			if len(e.Attr) > 0 {
				e.RemoveAttr(e.Attr[r.IntN(len(e.Attr))].Key)
			}
		case 4:
			if len(e.Attr) > 0 {
				e.Attr[r.IntN(len(e.Attr))].Value = values[r.IntN(len(values))]
			}
		case 5: // another reference
			if len(e.Attr) > 0 && len(ids) > 0 {
				e.Attr[r.IntN(len(e.Attr))].Value = ids[r.IntN(len(ids))]
			}
		case 6:
			if len(ids) > 0 {
				e.CreateAttr("id-ref", ids[r.IntN(len(ids))])
			}
		case 7:
			if o := all[r.IntN(len(all))]; len(o.Attr) > 0 {
				a := o.Attr[r.IntN(len(o.Attr))]
				e.CreateAttr(a.Key, a.Value)
			}
		}
	}
}

// survive plans for a document and carries the plan out; the time it may take
// is generous for what the corpus holds.
func survive(root *etree.Element) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("panic: %v", p)
			}
		}()
		in := scheduler.Input{CIB: root, Now: noon, UseOriginalDate: true, Simulation: true, Utilization: true, Trace: &scheduler.Trace{}}
		res, err := scheduler.Plan(in)
		if err != nil {
			done <- nil
			return
		}
		res.Dot(true, true)
		sim := &dryrun.Simulation{CIB: root, Now: noon, Known: func(id string) bool { return res.Cluster.Find(id) != nil }}
		sim.Execute(res.Graph)
		done <- nil
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(2 * time.Minute):
		return fmt.Errorf("no plan after two minutes")
	}
}

// TestDamagedDocuments: whatever is broken in a CIB, there is a plan or an
// error, never a panic and never a hang. DAMAGE_ROUNDS asks for more than one
// go at every document.
func TestDamagedDocuments(t *testing.T) {
	docs := corpus.CIBs(t, "crm_simulate", "sim_mutated")
	rounds := 1
	if s := os.Getenv("DAMAGE_ROUNDS"); s != "" {
		rounds, _ = strconv.Atoi(s)
	}
	first := uint64(0)
	if s := os.Getenv("DAMAGE_FIRST"); s != "" {
		first, _ = strconv.ParseUint(s, 10, 64)
	}
	for round := range rounds {
		for i, d := range docs {
			if testing.Short() && i%10 != 0 {
				continue
			}
			doc, err := xml.ParseString(d.Text)
			if err != nil {
				continue
			}
			seed := first + uint64(round)
			damage(rand.New(rand.NewPCG(seed, uint64(i))), doc.Root) //nolint:gosec // damage that can be done again
			text := xml.Compact(doc.Root)
			again, err := xml.Parse(text)
			if err != nil {
				continue
			}
			keep := fmt.Sprintf("%s/damaged-%d-%d.xml", os.TempDir(), seed, i)
			if rounds > 1 { // a stack overflow leaves no chance to write it later
				_ = os.WriteFile(keep, text, 0o600)
			}
			err = survive(again.Root)
			if err == nil && rounds > 1 {
				_ = os.Remove(keep)
			}
			if err != nil {
				_ = os.WriteFile(keep, text, 0o600)
				t.Fatalf("%s, damaged with seed %d: %v; kept as %s", d.Name, seed, err, keep)
			}
		}
	}
}

// FuzzDamage plans for damaged documents of the corpus.
func FuzzDamage(f *testing.F) {
	docs := corpus.CIBs(f, "sim_mutated")
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, which, seed uint64) {
		doc, err := xml.ParseString(docs[which%uint64(len(docs))].Text)
		if err != nil {
			return
		}
		damage(rand.New(rand.NewPCG(seed, which)), doc.Root) //nolint:gosec // damage that can be done again
		if again, err := xml.Parse(bytes.Clone(xml.Compact(doc.Root))); err == nil {
			if err := survive(again.Root); err != nil {
				t.Fatal(err)
			}
		}
	})
}
