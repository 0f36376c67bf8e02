package report

import (
	"encoding/json"
	"fmt"
	"strings"
)

// RecordsVariable is the environment variable that has pcs tell its items as records, if it is set to anything.
const RecordsVariable = "HACLUSTER_REPORT_RECORDS"

// recordMark begins a record on the standard error stream; nothing else that pcs writes there begins so.
const recordMark = "\x1e"

// record is an item as it is handed to a program: a line of JSON behind the mark.
type record struct {
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
	Force    Force    `json:"force,omitempty"`
	Node     string   `json:"node,omitempty"`
	Code     string   `json:"code,omitempty"`
}

// record writes an item as a record, if the console does that.
func (c *Console) record(i Item) bool {
	if !c.Records {
		return false
	}
	data, err := json.Marshal(record{i.Severity, i.Text, i.Force, i.Node, i.Code})
	if err != nil {
		return false
	}
	fmt.Fprintln(c.Stderr, recordMark+string(data))
	return true
}

// ReadRecords gives the items that a command told as records, and whatever else it wrote.
func ReadRecords(text string) (items []Item, rest string) {
	for line := range strings.Lines(text) {
		data, marked := strings.CutPrefix(line, recordMark)
		var r record
		if !marked || json.Unmarshal([]byte(data), &r) != nil {
			rest += line
			continue
		}
		items = append(items, Item{Severity: r.Severity, Text: r.Text, Force: r.Force, Node: r.Node, Code: r.Code})
	}
	return items, rest
}
