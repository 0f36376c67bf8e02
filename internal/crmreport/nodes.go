package crmreport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// members are the nodes of the cluster: of the running one, else of the CIB on the disk.
func (k *maker) members(ctx context.Context) []string {
	if r, there := k.try(ctx, "cibadmin", "-Q", "-o", "nodes"); there && r.Code == 0 {
		k.debug("Querying CIB for nodes")
		return nodesOf(r.Stdout)
	}
	data, err := os.ReadFile(k.path(cibDir + "/" + cibFile))
	if err != nil {
		return nil
	}
	k.debug("Querying on-disk CIB for nodes")
	return nodesOf(data)
}

// nodesOf are the names of the nodes in a section or a CIB.
func nodesOf(data []byte) []string {
	doc, err := xml.Parse(data)
	if err != nil {
		return nil
	}
	var names []string
	add := func(el *etree.Element) {
		for _, n := range el.SelectElements("node") {
			if name := n.SelectAttrValue("uname", ""); name != "" {
				names = append(names, name)
			}
		}
	}
	add(doc.Root)
	for _, el := range doc.Root.FindElements("./configuration/nodes") {
		add(el)
	}
	return names
}

// words are those that ask another node's crm_report for its part, of any release: all but where it goes.
func (k *maker) words(to time.Time) []string {
	const stamp = "2006-01-02 15:04:05 -0700"
	words := []string{"--single-node", "--from", k.o.From.Format(stamp), "--to", to.Format(stamp)}
	if !k.o.SearchLogs {
		words = append(words, "-M")
	}
	for _, l := range k.o.Logs {
		words = append(words, "--logfile", l)
	}
	for _, p := range k.o.Mask[min(len(DefaultMask), len(k.o.Mask)):] {
		words = append(words, "-p", p)
	}
	for _, p := range k.o.Patterns[min(len(DefaultPatterns), len(k.o.Patterns)):] {
		words = append(words, "-L", p)
	}
	if k.o.Cluster == "corosync" {
		words = append(words, "--corosync")
	}
	return words
}

// fetch has another node make its part, and puts it into dir.
func (k *maker) fetch(ctx context.Context, node, dir string, to time.Time) error {
	words := k.words(to)
	var asked error
	if k.Ask != nil && k.o.Shell == nil && k.o.User == "" {
		data, err := k.Ask(ctx, node, words)
		if err == nil {
			return unpack(data, dir)
		}
		k.debug("pcsd on %s: %v", node, err)
		asked = err
	}
	shell, user := k.o.Shell, k.o.User
	if shell == nil {
		shell = []string{"ssh", "-T"}
	}
	if user == "" {
		user = "root"
	}
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	command := "d=$(mktemp -d) && crm_report " + strings.Join(quoted, " ") + ` --dest "$d/report" >&2 && cat "$d"/report.tar*; rm -rf "$d"`
	r, err := k.Run(ctx, "", append(append([]string{}, shell...), "-l", user, node, "--", command)...)
	if err != nil {
		return errors.Join(asked, fmt.Errorf("%s: %w", shell[0], err))
	}
	_, _ = k.Stderr.Write(r.Stderr)
	if err := unpack(r.Stdout, dir); err != nil {
		if len(r.Stdout) == 0 {
			err = fmt.Errorf("%s ended with code %d", strings.Join(shell, " "), r.Code)
		}
		return errors.Join(asked, err)
	}
	return nil
}
