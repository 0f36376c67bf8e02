package rules_test

import (
	"bytes"
	"flag"
	"fmt"
	"strings"
	"testing"

	"hacluster/cib/xml"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/internal/output/simulate"
	"hacluster/internal/rules/corpus"
)

var (
	planRuns  = flag.Int("plan-runs", 3, "how often TestSamePlan plans for each input")
	planEvery = flag.Int("plan-every", 25, "TestSamePlan takes every so-manieth input; 1 takes all")
	planFrom  = flag.Int("plan-from", 0, "the first input that TestSamePlan takes, for runs in pieces")
	planUpTo  = flag.Int("plan-upto", 1<<30, "the input that TestSamePlan ends before")
)

// everything is all that is told of a plan: status, scores, summary, graph, drawing, messages.
func everything(in scheduler.Input) ([]byte, error) {
	var b bytes.Buffer
	c := status.Read(status.Input{CIB: in.CIB, Now: in.EffectiveTime(), NoConstraints: true, Simulation: true})
	text := &simulate.Text{W: &b}
	text.Warnings(c)
	text.Status("Current cluster status", c, true)
	res, err := scheduler.Plan(in)
	if err != nil {
		return nil, err
	}
	text.Scores(res.Scores, res.Cluster.Notices[:res.Told], res.Cluster.Notices[res.Told:], true, true)
	text.Summary(res.Summary)
	for _, m := range res.Messages {
		fmt.Fprintln(&b, m.Severity, m.Text)
	}
	b.Write(res.Graph.XML())
	b.Write(res.Dot(true, true))
	return b.Bytes(), nil
}

// TestSamePlan: the same input gives the same bytes, however often. Each plan is made by a
// goroutine of its own while others are made, so that the race detector sees what they share.
//
//	go test -race ./internal/rules -run TestSamePlan -args -plan-runs 100 -plan-every 1
func TestSamePlan(t *testing.T) {
	docs := corpus.CIBs(t, "crm_simulate", "sim_mutated")
	plans := 0
	for i, d := range docs {
		if i%*planEvery != 0 || i < *planFrom || i >= *planUpTo {
			continue
		}
		doc, err := xml.ParseString(d.Text)
		if err != nil {
			continue
		}
		in := scheduler.Input{CIB: doc.Root, Now: noon, UseOriginalDate: true, Simulation: true, Utilization: true}
		want, err := everything(in)
		if err != nil {
			continue
		}
		const together = 2
		results := make(chan []byte, together)
		for left := *planRuns; left > 0; left -= together {
			n := min(left, together)
			for range n {
				go func() {
					got, err := everything(in)
					if err != nil {
						got = []byte(err.Error())
					}
					results <- got
				}()
			}
			for range n {
				plans++
				if got := <-results; !bytes.Equal(want, got) {
					t.Fatalf("%s: plans differ: %s", d.Name, firstDifference(want, got))
				}
			}
		}
	}
	t.Logf("%d plans for %d documents", plans, len(docs))
}

func firstDifference(a, b []byte) string {
	one, two := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range min(len(one), len(two)) {
		if one[i] != two[i] {
			return fmt.Sprintf("line %d is %q, then %q", i+1, one[i], two[i])
		}
	}
	return fmt.Sprintf("%d lines, then %d", len(one), len(two))
}
