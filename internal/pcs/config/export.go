package config

import (
	"bytes"
	"os"
	"strings"

	"hacluster/internal/dialect"
	"hacluster/internal/pcs/alert"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/cluster"
	"hacluster/internal/pcs/constraint"
	"hacluster/internal/pcs/listing"
	"hacluster/internal/pcs/node"
	"hacluster/internal/pcs/property"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/resource"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/stonith"
	"hacluster/internal/pcs/tag"
)

// exported are the verbs whose commands rebuild a cluster, in the order in which they have to be typed.
var exported = []struct {
	what string
	// conf tells that the verb reads corosync.conf and not the CIB.
	conf bool
	run  session.Verb
}{
	{"the cluster", true, cluster.ConfigShow},
	{"properties", false, property.Config},
	{"node attributes", false, node.Attribute},
	{"node utilization", false, node.Utilization},
	{"fence devices", false, stonith.Config},
	{"fencing levels", false, stonith.LevelConfig},
	{"resources", false, listing.Config},
	{"resource defaults", false, resource.ResourceDefaults.Config},
	{"operation defaults", false, resource.OperationDefaults.Config},
	{"constraints", false, constraint.Config()},
	{"tags", false, tag.Config},
	{"alerts", false, alert.Config},
}

// Export is `config export`: pcs commands that rebuild the cluster, as a script. It goes to the file of output=, or to
// standard output. The verbose form tells what it does as it runs.
func Export(s *session.Session, args []string) error {
	if len(args) == 0 || args[0] != "pcs-commands" && args[0] != "pcs-commands-verbose" {
		return argv.Usage()
	}
	options, err := s.KeyValues(args[1:])
	if err != nil {
		return err
	}
	for _, o := range options {
		switch o.Name {
		case "output", "dist": // commands are the same on every distribution
		default:
			return argv.Usage()
		}
	}
	text, err := commands(s, args[0] == "pcs-commands-verbose")
	if err != nil {
		return err
	}
	file := options.Value("output")
	if file == "" {
		s.Out.Raw(text)
		return nil
	}
	if _, err := os.Stat(file); err == nil && !s.Opts.Force() {
		return report.Fatalf("%s already exists, use --force to overwrite", file)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return report.Fatalf("Unable to write %s: %s", file, session.Reason(err))
	}
	return nil
}

// commands are the script. Commands have the form of the generation that can print them.
func commands(s *session.Session, verbose bool) (string, error) {
	var out strings.Builder
	out.WriteString("#!/bin/sh\n# Made by pcs config export: run it as root on a host that knows all nodes (pcs host auth).\nset -e\n")
	for _, e := range exported {
		given := map[string]string{"--output-format": "cmd"}
		if e.conf && s.Opts.Has("--corosync_conf") {
			given["--corosync_conf"] = s.Opts.Value("--corosync_conf")
		}
		if file, ok := s.File(); ok && !e.conf {
			given["-f"] = file
		}
		opts := argv.NewOptions(given)
		if e.conf && (!s.HasConf() || !s.Live() && s.ConfLive()) {
			continue
		}
		var b bytes.Buffer
		env := *s.Env
		env.Stdout = &b
		sub := session.New(s.Ctx, &env, s.World, dialect.Default, opts)
		sub.Fixed = true
		if err := e.run(sub, nil); err != nil {
			return "", err
		}
		if strings.TrimSpace(b.String()) == "" {
			continue
		}
		if verbose {
			out.WriteString("echo '" + e.what + "'\n")
		}
		out.WriteString(strings.TrimRight(b.String(), "\n") + "\n")
	}
	return out.String(), nil
}

// ImportCman09 is `config import-cman`: clusters of CMAN are read by clufter, which no host with this program has.
func ImportCman09(*session.Session, []string) error {
	return report.Fatal("Unable to perform a CMAN cluster conversion due to missing python-clufter package")
}
