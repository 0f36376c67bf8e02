package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	"golang.org/x/term"

	"hacluster/cib"
	"hacluster/cib/acl"
	"hacluster/cib/schema"
	"hacluster/cib/upgrade"
	"hacluster/internal/account"
	"hacluster/internal/program"
	"hacluster/internal/tool"
	"hacluster/internal/tool/access"
)

func init() { programs["cibadmin"] = cibadmin }

// adminCommand is one command of cibadmin.
type adminCommand struct {
	op     cib.Op // "" for what needs no CIB
	input  bool   // it works on XML
	xpath  bool   // an expression will do instead
	unsafe bool   // it wants --force
}

var adminCommands = map[string]adminCommand{
	"query":             {op: cib.Query},
	"erase":             {op: cib.Erase, unsafe: true},
	"bump":              {op: cib.Bump},
	"upgrade":           {op: cib.Upgrade, unsafe: true},
	"create":            {op: cib.Create, input: true},
	"modify":            {op: cib.Modify, input: true},
	"replace":           {op: cib.Replace, input: true},
	"patch":             {op: cib.Patch, input: true},
	"delete":            {op: cib.Delete, input: true, xpath: true},
	"delete-all":        {op: cib.Delete, input: true, xpath: true, unsafe: true},
	"empty":             {},
	"md5-sum":           {input: true},
	"md5-sum-versioned": {input: true},
}

// adminScopes are the sections that --scope knows.
var adminScopes = []string{
	"configuration", "nodes", "resources", "constraints", "crm_config", "rsc_defaults", "op_defaults",
	"acls", "fencing-topology", "tags", "alerts", "status",
}

// admin is a run of cibadmin.
type admin struct {
	env *program.Env
	out *tool.Output

	command            string
	schema             string
	section            string
	scoped, byXPath    bool // which of --scope and --xpath section is
	file, text         string
	hasFile, hasText   bool
	pipe               bool
	user, access, node string
	hasUser            bool
	timeout            int
	create, noChildren bool
	paths, force       bool
}

func cibadmin(ctx context.Context, env *program.Env) int {
	a := &admin{env: env, command: "query", timeout: 30}
	ignored := func(string) error { return nil }
	command := func(short byte, name, help string) tool.Option {
		return tool.Option{
			Short: short, Long: name, Group: "command", Help: help,
			Do: func(string) error { a.command = name; return nil },
		}
	}
	out, words, code := tool.Start(env, &tool.Program{
		Summary: "query and edit the cluster's configuration",
		Usage:   "[COMMAND]",
		Glued:   "ANSUXhotx",
		Options: []tool.Option{
			command('Q', "query", "show the configuration, or a part of it (the default)"),
			command('C', "create", "add an object; it must not be there yet"),
			command('M', "modify", "merge into an object that is there"),
			command('R', "replace", "put an object, or the whole document, in place of what is there"),
			command('D', "delete", "delete the first object with this name and these attributes"),
			command('d', "delete-all", "with --xpath: delete everything that matches"),
			command('P', "patch", "apply a difference that crm_diff made"),
			command('B', "bump", "count the epoch up"),
			command('u', "upgrade", "bring the configuration to the newest schema"),
			command('E', "erase", "empty the whole configuration"),
			{
				Short: 'a', Long: "empty", Arg: tool.Optional, Group: "command", Value: "SCHEMA", Help: "print an empty document of this schema",
				Do:   func(v string) error { a.command, a.schema = "empty", v; return nil },
				Bare: func() { a.command, a.schema = "empty", schema.Latest },
			},
			command('5', "md5-sum", "print the digest of a file as it lies on disk"),
			command('6', "md5-sum-versioned", "print the digest that goes with messages"),

			{Short: 'x', Long: "xml-file", Arg: tool.Required, Do: tool.Text(&a.file, &a.hasFile), Group: "data", Value: "FILE", Help: "read the XML from a file"},
			{Short: 'X', Long: "xml-text", Arg: tool.Required, Do: tool.Text(&a.text, &a.hasText), Group: "data", Value: "XML", Help: "the XML itself"},
			{Short: 'p', Long: "xml-pipe", Do: tool.Flag(&a.pipe), Group: "data", Help: "read the XML from standard input"},

			{
				Short: 'o', Long: "scope", Arg: tool.Required, Group: "other", Value: "SECTION", Help: "work on a section: " + strings.Join(adminScopes, ", "),
				Do: func(v string) error { a.section, a.scoped, a.byXPath = v, true, false; return nil },
			},
			{
				Short: 'A', Long: "xpath", Arg: tool.Required, Group: "other", Value: "XPATH", Help: "work on what an XPath expression selects; of this and --scope the last counts",
				Do: func(v string) error { a.section, a.scoped, a.byXPath = v, false, true; return nil },
			},
			{Short: 'U', Long: "user", Arg: tool.Required, Do: tool.Text(&a.user, &a.hasUser), Group: "other", Value: "NAME", Help: "work with the permissions of this user (root and hacluster only)"},
			{Short: 'S', Long: "show-access", Arg: tool.Optional, Given: a.showAccess, Bare: func() { a.access = "auto" }, Group: "other", Value: "HOW", Help: "with --query and --user: mark what the user may read and write, as color, text or namespace"},
			{Short: 't', Long: "timeout", Arg: tool.Required, Given: tool.Int(&a.timeout), Group: "other", Value: "SECONDS", Help: "how long to wait for the cluster"},
			{Long: "score", Do: ignored, Group: "other", Help: "with --modify: count NAME++ and NAME+=N (this is always so)"},
			{Short: 'c', Long: "allow-create", Do: tool.Flag(&a.create), Group: "other", Help: "with --modify: add what is not there"},
			{Short: 'n', Long: "no-children", Do: tool.Flag(&a.noChildren), Group: "other", Help: "with --query: leave out what is inside"},
			{Short: 'f', Long: "force", Do: tool.Flag(&a.force), Group: "other", Help: "do it even if it is dangerous"},

			{Short: 'l', Long: "local", Do: ignored},
			{Short: 's', Long: "sync-call", Do: ignored},
			{Short: 'e', Long: "node-path", Do: tool.Flag(&a.paths)},
			{Short: 'N', Long: "node", Arg: tool.Required, Do: tool.Text(&a.node)},
		},
		Words: tool.RefuseWords,
	})
	if out == nil {
		return code
	}
	_ = words
	a.out = out
	c, err := a.run(ctx)
	return out.Finish(c, err)
}

func (a *admin) showAccess(option, value string) error {
	switch value {
	case "auto", "color", "text", "namespace":
		a.access = value
	default:
		return fmt.Errorf("Invalid value '%s' for option '%s'", value, option)
	}
	return nil
}

func (a *admin) run(ctx context.Context) (tool.Exit, error) {
	command := adminCommands[a.command]
	if command.unsafe && !a.force {
		return tool.Unsafe, errors.New("The supplied command is considered dangerous. To prevent accidental destruction of the cluster, the --force flag is required in order to proceed.")
	}
	if a.command != "query" {
		a.access = ""
	} else if a.access != "" && !a.hasUser {
		return tool.Usage, errors.New("-U/--user is required with -S/--show-access")
	}
	var data *etree.Element
	if command.input && (!command.xpath || !a.byXPath) {
		var source string
		var err error
		switch {
		case a.hasFile:
			source = a.file
			data, err = tool.ReadXML(a.env, a.file)
		case a.hasText:
			source = "input string"
			data, err = tool.ParseXML(a.text)
		case a.pipe:
			source = "stdin"
			data, err = tool.ReadXML(a.env, "")
		default:
			either := ""
			if command.xpath {
				either = "either --xpath or "
			}
			return tool.Usage, fmt.Errorf("The supplied command requires %sinput via --xml-file, --xml-text, or --xml-pipe", either)
		}
		if err != nil {
			return tool.DataErr, fmt.Errorf("Couldn't parse input from %s", source)
		}
	}
	switch a.command {
	case "empty":
		root := cib.Empty(schema.Latest, 1)
		root.CreateAttr("validate-with", a.schema)
		a.show(root)
		return tool.OK, nil
	case "md5-sum":
		a.digest(cib.DiskDigest(data))
		return tool.OK, nil
	case "md5-sum-versioned":
		a.digest(cib.Digest(data))
		return tool.OK, nil
	}
	return a.change(ctx, command, data)
}

func (a *admin) show(el *etree.Element) { showXML(a.out, "output", el) }

func (a *admin) digest(sum string) {
	a.out.Info("%s", sum)
	a.out.Element("md5-sum", "digest", sum)
}

// change carries out a command that works on the configuration.
func (a *admin) change(ctx context.Context, command adminCommand, data *etree.Element) (code tool.Exit, err error) {
	req := cib.Request{
		Op: command.op, Section: a.section, Data: data, XPath: a.byXPath, Verbose: a.out.Verbose > 0,
		Multiple: a.command == "delete-all", CanCreate: a.create && a.command == "modify",
	}
	if a.command == "query" {
		req.NoChildren, req.PathsOnly = a.noChildren, a.paths
	}
	if data != nil && data.Tag == "cib" && a.command == "replace" && data.SelectElement("status") == nil {
		data.CreateElement("status")
	}
	if a.scoped && !slices.Contains(adminScopes, a.section) {
		a.out.Fault("Invalid value '%s' for '--scope'. Operation will apply to the entire CIB", a.section)
		req.Section = cmp.Or(a.section, "(none)") // that is what the message says; but a section that is not there is refused
	}
	c, err := tool.Open(ctx, a.env)
	if err != nil {
		return tool.ExitOf(err), fmt.Errorf("Could not connect to the CIB API: %s", tool.TextOf(err))
	}
	defer func() {
		if cerr := c.Close(); cerr != nil && code == tool.OK {
			code, err = tool.ExitOf(cerr), nil
		}
	}()
	if a.timeout < 1 {
		a.out.Fault("Timeout must be positive, defaulting to 30")
		a.timeout = 30
	}
	if c.Live() {
		c.At(a.node)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(a.timeout)*time.Second)
		defer cancel()
	}
	if a.access == "" {
		req.User.Name = a.user
	}
	answer, err := c.Do(ctx, req)
	a.tellUpgrade(c.Messages)
	if err != nil {
		if a.command == "upgrade" && cib.CodeOf(err) == cib.SchemaUnchanged {
			a.out.Info("Upgrade unnecessary: %s", cib.SchemaUnchanged)
			return tool.OK, nil
		}
		if cib.CodeOf(err) == cib.Unreached {
			a.out.Fault("%s", cib.DetailOf(err))
		}
		code, err = tool.ExitOf(err), fmt.Errorf("CIB API call failed: %s", tool.TextOf(err))
	}
	switch {
	case answer == nil:
	case a.access != "" && code == tool.OK && answer.Tag == "cib":
		return a.showPermissions(answer)
	case req.PathsOnly && req.XPath && answer.Tag == "xpath-query" && !a.out.XML():
		for _, p := range answer.SelectElements("xpath-query-path") {
			a.out.Info("%s", p.SelectAttrValue("id", ""))
		}
	case code == tool.OK || answer.Tag != "cib":
		a.show(answer)
	}
	return code, err
}

// showPermissions shows the configuration with what the user may do with it.
func (a *admin) showPermissions(root *etree.Element) (tool.Exit, error) {
	style := access.Text
	switch a.access {
	case "color":
		style = access.Color
	case "namespace":
		style = access.Namespace
	case "auto":
		if f, ok := a.env.Stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			style = access.Color
		}
	}
	user := acl.User{Name: a.user}
	user.Groups, _ = account.Groups(a.user) // a user that this host does not know is in no group
	text, err := access.Show(root, user, style)
	if err != nil {
		return tool.Config, fmt.Errorf("Could not evaluate ACLs for %s: %s", a.user, tool.TextOf(err))
	}
	a.out.Print("%s\n", text)
	a.out.CData("output", text)
	return tool.OK, nil
}

// tellUpgrade prints what an upgrade rewrote: nothing without -V, and with a single one
// an empty line for each of the messages that are for those who debug, as Pacemaker does. It is no part of the XML.
func (a *admin) tellUpgrade(messages []upgrade.Message) {
	if a.out.Verbose == 0 {
		return
	}
	for _, m := range messages {
		if m.Severity == upgrade.Debug && a.out.Verbose == 1 {
			a.out.Log("")
			continue
		}
		a.out.Log(m.Text)
	}
}
