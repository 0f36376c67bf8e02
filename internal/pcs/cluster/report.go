package cluster

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// Report is `cluster report`: an archive of logs and configuration, which crm_report makes.
func Report(s *session.Session, args []string) error {
	known := []string{"--force", "--from", "--to"}
	overwrite, word := s.Opts.Force(), "--force"
	if s.Minor() >= 12 {
		known = append(known, "--overwrite")
		overwrite, word = overwrite || s.Opts.Has("--overwrite"), "--overwrite"
	}
	if err := s.Only(known...); err != nil {
		return err
	}
	if len(args) != 1 {
		return argv.Usage()
	}
	archive := args[0] + ".tar.bz2"
	if _, err := os.Stat(archive); err == nil && !overwrite {
		return report.Fatalf("%s already exists, use %s to overwrite", archive, word)
	}
	if s.Minor() >= 12 && s.Opts.Force() {
		s.Deprecated("Using --force to confirm this action is deprecated and might be removed in a future release, use --overwrite instead")
	}
	if err := os.Remove(archive); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return report.Fatalf("Unable to remove %s: %s", archive, session.Reason(err))
	}
	words := []string{"-f", time.Now().AddDate(0, 0, -1).Format("2006-01-02 15:04")}
	if s.Opts.Has("--from") {
		words[1] = s.Opts.Value("--from")
		if s.Opts.Has("--to") {
			words = append(words, "-t", s.Opts.Value("--to"))
		}
	}
	r, err := s.Run("crm_report", append(words, args[0])...)
	if err != nil {
		return report.Fatal(err.Error())
	}
	out := r.Output()
	if r.Code != 0 && strings.Contains(out, "ERROR: Cannot determine nodes; specify --nodes or --single-node") {
		return report.Fatal("cluster is not configured on this node")
	}
	text := tidyReport(out)
	switch {
	case r.Code != 0:
		return report.Fatal(text)
	case s.Legacy():
		s.Out.Print(text)
	default:
		s.Out.Info(text)
	}
	return nil
}

// tidyReport leaves out what crm_report says of its own working.
func tidyReport(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		skip := false
		for _, p := range []string{"cat:", "grep", "tail"} {
			skip = skip || strings.HasPrefix(line, p)
		}
		for _, p := range []string{"We will attempt to remove", "-p option", "However, doing", "to diagnose"} {
			skip = skip || strings.Contains(line, p)
		}
		if !skip {
			b.WriteString(strings.ReplaceAll(line, "--dest", "<dest>") + "\n")
		}
	}
	return b.String()
}
