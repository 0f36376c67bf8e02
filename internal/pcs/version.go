package pcs

import (
	_ "embed"
	"strings"

	"hacluster/internal/dialect"
	"hacluster/internal/pcs/session"
)

// capabilityTable has a capability a line, by its code: the generations whose pcs has it, as gens names them,
// and the code. It is what the last release of each generation tells.
//
//go:embed capabilities.txt
var capabilityTable string

// firstWithCapabilities is the first release that tells them.
var firstWithCapabilities = dialect.Version{0, 9, 161}

// capabilities are the codes of what pcs of a generation can do, sorted.
func capabilities(v dialect.Version) []string {
	if !v.AtLeast(firstWithCapabilities) {
		return nil
	}
	var codes []string
	for line := range strings.Lines(capabilityTable) {
		gens, code, _ := strings.Cut(strings.TrimSpace(line), " ")
		if (&Node{Gens: gens}).in(v[1]) {
			codes = append(codes, code)
		}
	}
	return codes
}

// tellVersion is `pcs --version`; --full adds what this pcs can do.
func tellVersion(s *session.Session) {
	s.Out.Print(s.Version.Release())
	if codes := capabilities(s.Version); s.Opts.Full() && codes != nil {
		s.Out.Print(strings.Join(codes, " "))
	}
}
