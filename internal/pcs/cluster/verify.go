package cluster

import (
	"strings"

	"hacluster/internal/pcs/pattern"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/stonith"
)

func verify(s *session.Session) error {
	verbose := s.Opts.Full()
	var words []string
	if s.Legacy() {
		if verbose = s.Opts.Has("-V"); verbose {
			words = append(words, "-V")
		}
	} else if verbose {
		words = append(words, "-V", "-V")
	}
	if file, ok := s.File(); ok {
		words = append(words, "--xml-file", file)
	} else {
		words = append(words, "--live-check")
	}
	r, err := s.Run("crm_verify", words...)
	if err != nil {
		return report.Fatal(err.Error())
	}
	var items []report.Item
	if r.Code != 0 {
		text, more := complaints(r.Stderr, verbose)
		if s.Legacy() {
			items = append(items, report.Errorf("invalid cib: \n%s", r.Stderr))
		} else {
			if more {
				text += "\n\nUse --full for more details."
			}
			items = append(items, report.Errorf("invalid cib:\n%s", text))
		}
		if _, err := s.CIB(); err != nil {
			if cerr := s.Check(items...); cerr != nil {
				return cerr
			}
		}
	}
	return stonith.VerifyWith(s, items)
}

var advice = pattern.Late(`^.*-V( -V)* .*more detail`)

// complaints are crm_verify's, without the advice to say -V.
func complaints(stderr string, verbose bool) (text string, more bool) {
	var b strings.Builder
	for line := range strings.Lines(stderr) {
		if advice().MatchString(line) {
			more = !verbose
			continue
		}
		b.WriteString(line)
	}
	return b.String(), more
}
