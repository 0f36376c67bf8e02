package pcsd

import (
	"context"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"hacluster/internal/pcs/live"
)

// reporter is crm_report: it writes its words into the report.
type reporter struct{ ran []string }

func (p *reporter) Run(_ context.Context, _ []string, _, _ string, args ...string) (live.Result, error) {
	p.ran = args
	return live.Result{}, os.WriteFile(args[len(args)-1]+".tar.bz2", []byte("packed"), 0o600)
}

// TestReport: of what a call asks for nothing reaches crm_report that could run a program, write elsewhere or read any file.
func TestReport(t *testing.T) {
	p := &reporter{}
	base, _, token := serveWith(t, p)
	good := []string{"--single-node", "--from", "2026-11-30 08:00:00 +0000", "-p", "--rsh", "--logfile", "/var/log/x.log"}
	if code, got := ask(t, base+"/remote/crm_report", token, url.Values{"option": good}); code != 200 || got != "packed" {
		t.Errorf("%d %s", code, got)
	}
	if len(p.ran) < 3 || !slices.Equal(p.ran[:len(p.ran)-2], append([]string{"--single-node"}, good...)) || p.ran[len(p.ran)-2] != "--dest" {
		t.Errorf("ran %q", p.ran)
	}
	for _, words := range [][]string{{"--rsh", "sh"}, {"--dest", "/etc/x"}, {"--from"}, {"-n", "a"}, {"--logfile", "/etc/shadow"}, {"--logfile", "/var/log/../../etc/shadow"}, {"--logfile", "/var/log/a /etc/shadow"}} {
		p.ran = nil
		if code, got := ask(t, base+"/remote/crm_report", token, url.Values{"option": words}); code != 400 || !strings.HasPrefix(got, "crm_report: ") || p.ran != nil {
			t.Errorf("%q: %d %s, ran %q", words, code, got, p.ran)
		}
	}
}
