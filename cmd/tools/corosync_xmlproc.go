package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

func init() { programs["corosync-xmlproc"] = corosyncXMLProc }

// corosyncXMLProc turns a configuration in XML into a corosync.conf.
func corosyncXMLProc(_ context.Context, env *program.Env) int {
	if len(env.Args) < 2 || env.Args[1] == "" {
		say(env.Stdout, "%s input_config [output]\n\twhere input_config is valid XML configuration file\n", env.Args[0])
		return 1
	}
	const unreadable = 6 // of xsltproc
	data, err := os.ReadFile(env.Args[1])
	if err != nil {
		say(env.Stderr, "%s: %s: %s\n", env.Name(), env.Args[1], tool.Reason(err))
		return unreadable
	}
	doc, err := xml.Parse(data)
	if err != nil {
		say(env.Stderr, "%s: %s: %v\n", env.Name(), env.Args[1], err)
		return unreadable
	}
	text := ""
	if doc.Root.Tag == "corosync" {
		text = "# Corosync configuration file generated from " + env.Args[1] + " at " + tool.Now(env).Format("2006-01-02T15:04:05Z07:00") + settingsOf(doc.Root, 0) + "\n"
	}
	if len(env.Args) < 3 || env.Args[2] == "" {
		say(env.Stdout, "%s", text)
		return 0
	}
	if err := os.WriteFile(env.Args[2], []byte(text), 0o666); err != nil { //nolint:gosec // as any program makes files: the user's mask decides
		say(env.Stderr, "%s: %s: %s\n", env.Name(), env.Args[2], tool.Reason(err))
		return 11 // of xsltproc
	}
	return 0
}

// settingsOf are the settings of an element, and then its sections, each line with its end before it.
func settingsOf(el *etree.Element, depth int) string {
	indent := strings.Repeat("    ", depth)
	var b strings.Builder
	for _, a := range el.Attr {
		if a.Space != "xmlns" && a.Key != "xmlns" {
			fmt.Fprintf(&b, "\n%s%s: %s", indent, a.FullKey(), a.Value)
		}
	}
	for _, s := range el.ChildElements() {
		fmt.Fprintf(&b, "\n\n%s%s {%s\n%s}", indent, s.FullTag(), settingsOf(s, depth+1), indent)
	}
	return b.String()
}
