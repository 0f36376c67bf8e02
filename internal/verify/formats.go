package verify

import (
	"bytes"
	"encoding/json"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// The forms for programs. JSON is our own, SARIF that of the OASIS standard 2.1.0, which
// editors and code hosts show at the place.

type jsonReport struct {
	Source   string        `json:"source"`
	Schema   string        `json:"schema,omitempty"`
	Code     int           `json:"code"`
	Message  string        `json:"message"`
	Findings []jsonFinding `json:"findings"`
}

type jsonFinding struct {
	Severity  string `json:"severity"`
	Rule      string `json:"rule"`
	File      string `json:"file"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	Element   string `json:"element,omitempty"`
	ID        string `json:"id,omitempty"`
	Attribute string `json:"attribute,omitempty"`
	Message   string `json:"message"`
	Help      string `json:"help,omitempty"`
}

// JSON gives the report with code, the program's exit code, and its text.
func (r *Report) JSON(code int, message string) []byte {
	out := jsonReport{Source: r.Source, Schema: r.Schema, Code: code, Message: message, Findings: []jsonFinding{}}
	for _, f := range r.each() {
		out.Findings = append(out.Findings, jsonFinding{
			f.Severity.String(), f.Rule, r.Source, f.Pos.Line, f.Pos.Col, f.Element, f.ID, f.Attr, f.Text, f.Help,
		})
	}
	return marshal(out)
}

// each gives the findings without repetitions.
func (r *Report) each() []Finding {
	var out []Finding
	for _, f := range r.Findings {
		if !slices.ContainsFunc(out, func(o Finding) bool { return o.Text == f.Text && o.Pos == f.Pos }) {
			out = append(out, f)
		}
	}
	return out
}

func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // structs of strings and numbers
	return b.Bytes()
}

type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID string `json:"id"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region *sarifRegion `json:"region,omitempty"`
		} `json:"physicalLocation"`
		Logical []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifRegion struct {
		Line   int `json:"startLine"`
		Column int `json:"startColumn"`
	}
	sarifLogical struct {
		Name string `json:"name"`
		Kind string `json:"kind"`
	}
)

// SARIF gives the report in the Static Analysis Results Interchange Format 2.1.0.
func (r *Report) SARIF() []byte {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "crm_verify", Rules: []sarifRule{}}
	for _, f := range r.each() {
		if rule := (sarifRule{f.Rule}); !slices.Contains(run.Tool.Driver.Rules, rule) {
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule)
		}
		text := f.Text
		if f.Help != "" {
			text = strings.TrimSuffix(text, ".") + ". " + f.Help
		}
		res := sarifResult{RuleID: f.Rule, Level: f.Severity.String(), Message: sarifText{text}, Locations: make([]sarifLocation, 1)}
		l := &res.Locations[0]
		l.Physical.Artifact.URI = (&url.URL{Path: filepath.ToSlash(r.Source)}).EscapedPath()
		if f.Pos.Line > 0 {
			l.Physical.Region = &sarifRegion{f.Pos.Line, f.Pos.Col}
		}
		if f.ID != "" {
			l.Logical = []sarifLogical{{f.ID, "element"}}
		}
		run.Results = append(run.Results, res)
	}
	return marshal(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}
