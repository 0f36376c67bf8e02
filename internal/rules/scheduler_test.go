package rules_test

import (
	"bytes"
	"testing"
	"time"

	"hacluster/cib/xml"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/internal/output/simulate"
	"hacluster/internal/rules/corpus"
)

var noon = time.Unix(1700000000, 0).UTC()

// TestTraceSums: the origins of every score that is shown add up to it, every
// action of a plan's graph can say where it comes from, and a plan with a
// trace is the plan without.
func TestTraceSums(t *testing.T) {
	docs := corpus.CIBs(t, "crm_simulate", "sim_mutated")
	for i, d := range corpus.CIBs(t, "cli", "crm_mon", "crm_verify", "pcs", "pcs09", "upgrade") { // many are alike
		if i%5 == 0 {
			docs = append(docs, d)
		}
	}
	scores, unexplained := 0, 0
	for _, d := range docs {
		doc, err := xml.ParseString(d.Text)
		if err != nil {
			continue
		}
		trace := &scheduler.Trace{}
		in := scheduler.Input{CIB: doc.Root, Now: noon, UseOriginalDate: true, Simulation: true}
		plain, err := scheduler.Plan(in)
		if err != nil {
			continue
		}
		in.Trace = trace
		res, err := scheduler.Plan(in)
		if err != nil {
			t.Fatalf("%s: %v", d.Name, err)
		}
		if !bytes.Equal(plain.Graph.XML(), res.Graph.XML()) || !bytes.Equal(plain.Dot(true, true), res.Dot(true, true)) || len(plain.Scores) != len(res.Scores) {
			t.Fatalf("%s: the plan differs with a trace", d.Name)
		}
		for i, line := range res.Scores {
			scores++
			if line.Score != plain.Scores[i].Score {
				t.Fatalf("%s: score %d differs with a trace", d.Name, i)
			}
			list := trace.Origins(line.Why)
			if sum := status.Sum(list); sum != line.Score || len(list) == 0 {
				t.Fatalf("%s: %s %s on %s is %d, its origins sum up to %d: %+v", d.Name, line.Function, line.Resource, line.Node, line.Score, sum, list)
			}
			for _, o := range list {
				if o.Code == "" {
					t.Fatalf("%s: an origin without code: %+v", d.Name, list)
				}
			}
		}
		if n := len(res.Cluster.Resources); n > 0 { // crm_simulate --explain tells the same
			r := res.Cluster.Resources[n/2]
			for _, e := range simulate.Explain(res, trace, r) {
				for _, s := range e.Scores {
					if status.Sum(s.Origins) != s.Score {
						t.Fatalf("%s: %s on %s is explained with %+v", d.Name, e.Resource, s.Node, s)
					}
				}
			}
		}
		for _, a := range res.Actions {
			if !a.Has(status.InGraph) || a.Has(status.Optional) || a.Has(status.Pseudo) && a.Task != "stonith" {
				continue
			}
			named := false
			for _, o := range trace.Of(a) {
				named = named || o.Change == status.ActionRequired && o.Origin.Code != ""
			}
			if !named {
				unexplained++
				if unexplained < 20 {
					t.Errorf("%s: %s says nothing about why it is required", d.Name, a.KeyText())
				}
			}
		}
	}
	t.Logf("%d documents, %d scores", len(docs), scores)
}
