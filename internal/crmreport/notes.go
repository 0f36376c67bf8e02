package crmreport

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// notes tell the user what is done, and keep that in a file of the report.
type notes struct {
	stderr  io.Writer
	host    string // its short name
	verbose bool
	file    string // "" for none yet
	marked  bool   // the system's log was sent a mark
}

// into has the notes kept in another file.
func (n *notes) into(file string) { n.file = file }

func (n *notes) line(text string) string { return fmt.Sprintf("%-10s  %s\n", n.host+":", text) }

func (n *notes) record(text string) {
	if n.file == "" {
		return
	}
	f, err := os.OpenFile(n.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return // the report itself will fail, with a reason
	}
	_, _ = io.WriteString(f, n.line(text))
	_ = f.Close()
}

func (n *notes) log(format string, a ...any) {
	text := fmt.Sprintf(format, a...)
	_, _ = io.WriteString(n.stderr, n.line(text))
	n.record(text)
}

func (n *notes) debug(format string, a ...any) {
	text := "Debug: " + fmt.Sprintf(format, a...)
	if n.verbose {
		_, _ = io.WriteString(n.stderr, n.line(text))
	}
	n.record(text)
}

func (n *notes) warn(text string) { n.log("WARN: %s", text) }

func short(host string) string {
	name, _, _ := strings.Cut(host, ".")
	return name
}
