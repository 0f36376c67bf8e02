// Package metrics tells a node's state to Prometheus, under the names that users
// of ha_cluster_exporter know, so that their dashboards and alerts go on working.
//
// What is told comes from the node's own daemons at each request: nothing is kept,
// and nothing runs in between. A daemon that does not answer has no metrics, and
// ha_cluster_scrape_success says so; one that has no quorum tells what it knows.
package metrics

import (
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// ContentType is of the text that Write writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Label is a label's name and value.
type Label struct{ Name, Value string }

// Sample is one value.
type Sample struct {
	Labels []Label
	Value  float64
}

// Family is a metric: all its values.
type Family struct {
	Name, Help string
	Counter    bool // else a gauge
	Samples    []Sample
}

// add adds a value; labels are names and values in turns.
func (f *Family) add(value float64, labels ...string) {
	s := Sample{Value: value}
	for i := 0; i+1 < len(labels); i += 2 {
		s.Labels = append(s.Labels, Label{labels[i], labels[i+1]})
	}
	slices.SortFunc(s.Labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	f.Samples = append(f.Samples, s)
}

var (
	escapeHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	escapeValue = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func (s Sample) labels() string {
	if len(s.Labels) == 0 {
		return ""
	}
	var b strings.Builder
	for i, l := range s.Labels {
		b.WriteByte("{,"[min(i, 1)])
		// Only UTF-8 may stand there.
		b.WriteString(l.Name + `="` + escapeValue.Replace(strings.ToValidUTF8(l.Value, "\uFFFD")) + `"`)
	}
	return b.String() + "}"
}

func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	case math.IsNaN(v):
		return "NaN"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// Write writes families in Prometheus's text format, sorted by name and labels.
// Of values with the same labels the first counts: twice would be no valid text.
func Write(w io.Writer, families []Family) error {
	families = slices.Clone(families)
	slices.SortFunc(families, func(a, b Family) int { return strings.Compare(a.Name, b.Name) })
	var b strings.Builder
	for _, f := range families {
		if len(f.Samples) == 0 {
			continue
		}
		kind := "gauge"
		if f.Counter {
			kind = "counter"
		}
		b.WriteString("# HELP " + f.Name + " " + escapeHelp.Replace(f.Help) + "\n# TYPE " + f.Name + " " + kind + "\n")
		type line struct{ labels, value string }
		lines := make([]line, 0, len(f.Samples))
		for _, s := range f.Samples {
			lines = append(lines, line{s.labels(), number(s.Value)})
		}
		slices.SortStableFunc(lines, func(a, b line) int { return strings.Compare(a.labels, b.labels) })
		for i, l := range lines {
			if i > 0 && l.labels == lines[i-1].labels {
				continue
			}
			b.WriteString(f.Name + l.labels + " " + l.value + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
