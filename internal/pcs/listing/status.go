package listing

import (
	"strings"

	"hacluster/internal/output/screen"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// Status is `resource status` and `status resources`: where resources run.
func Status(s *session.Session, args []string) error { return state(s, args, false) }

// StatusStonith is Status of fence devices, without the fencing levels.
func StatusStonith(s *session.Session, args []string) error { return state(s, args, true) }

// state shows the lines about resources of crm_mon's page: those of fence devices or the others.
// A resource that is asked for by name is shown whatever it is.
func state(s *session.Session, args []string, fence bool) error {
	if err := s.Opts.Only("-f", "--hide-inactive"); err != nil {
		return err
	}
	if len(args) > 2 {
		return argv.Usage()
	}
	page := screen.Page{Sections: screen.DefaultText, Inactive: !s.Opts.Has("--hide-inactive")}
	what := "cluster status"
	var options []string
	named := false
	for _, a := range args {
		if !named && !strings.Contains(a, "=") {
			named, page.Resource, page.Sections = true, a, screen.Resources
			what = "status of '" + a + "'"
			continue
		}
		options = append(options, a)
	}
	if err := argv.AllowedKeys(options, "node"); err != nil {
		return err
	}
	pairs, err := argv.KeyValues(options)
	if err != nil {
		return err
	}
	if v, ok := pairs.Get("node"); ok && v == "" {
		return report.Fatal("missing value of 'node' option")
	}
	page.Node = pairs.Value("node")
	st, err := s.State()
	if err != nil {
		return report.Fatalf("unable to get %s from crm_mon\ncrm_mon: Connection to cluster failed: Connection refused", what)
	}
	if st.Refused {
		return nil
	}
	nothing := "NO resources configured"
	if fence {
		nothing = "NO stonith devices configured"
	}
	if named && page.Resource == "" { // the empty name is nobody's
		if page.Node != "" {
			nothing = "No active resources"
		}
		s.Out.Print(nothing)
		return nil
	}
	listing, shown := false, false
	for line := range strings.Lines(screen.Text(st.Model(), page)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "  * No active resources":
			s.Out.Print("No active resources")
			return nil
		case line == "  * No resources":
			switch {
			case page.Node != "":
				s.Out.Print("No active resources")
			case page.Resource != "":
				return report.Fatalf("resource or tag id '%s' not found", page.Resource)
			default:
				s.Out.Print(nothing)
			}
			return nil
		case line == "Full List of Resources:" || line == "Active Resources:":
			listing = true
		case line == "" && listing:
			if !shown {
				s.Out.Print(nothing)
			}
			return nil
		case listing && (page.Resource != "" || strings.Contains(line, "stonith:") == fence):
			s.Out.Print(line)
			shown = true
		}
	}
	if listing && !shown {
		s.Out.Print(nothing)
	}
	return nil
}
