package pcs_test

import (
	"context"
	"strings"
	"testing"

	"hacluster/internal/pcs/live"
)

// script is a host whose programs do nothing; fails is the one whose command line holds it.
type script struct {
	fails string
	ran   []string
}

func (s *script) Run(_ context.Context, _ []string, _, name string, args ...string) (live.Result, error) {
	line := strings.Join(append([]string{name}, args...), " ")
	s.ran = append(s.ran, line)
	if s.fails != "" && strings.Contains(line, s.fails) {
		return live.Result{Code: 1, Stdout: "what\n", Stderr: "why\n"}, nil
	}
	return live.Result{}, nil
}

// TestTicketState changes the state of a ticket, which crm_ticket does.
func TestTicketState(t *testing.T) {
	for _, c := range []struct{ words, fails, ran, says string }{
		{"standby T", "", "crm_ticket --standby --ticket T", "Changing state of ticket 'T' to standby\n"},
		{"unstandby T", "", "crm_ticket --activate --ticket T", "Changing state of ticket 'T' to active\n"},
		{
			"cleanup T", "", "crm_ticket --standby --ticket T|crm_ticket --cleanup --force --ticket T",
			"Changing state of ticket 'T' to standby\nCleaning up ticket 'T' from CIB\n",
		},
		{
			"cleanup T", "--standby", "crm_ticket --standby --ticket T",
			"Changing state of ticket 'T' to standby\nError: unable to standby booth ticket 'T', reason: why\nwhat\nError: Errors have occurred, therefore pcs is unable to continue\n",
		},
		{"standby X", "", "", "Error: Unable to find ticket 'X' in CIB\nError: Errors have occurred, therefore pcs is unable to continue\n"},
	} {
		p, s := settled(t), &script{fails: c.fails}
		p.programs = s
		p.text = []byte(strings.Replace(string(p.text), "<status>", `<status><tickets><ticket_state id="T" granted="true"/></tickets>`, 1))
		out, code := p.run(t, "0.11", "booth ticket "+c.words)
		if ran := strings.Join(s.ran, "|"); out != c.says || ran != c.ran || (code == 0) == strings.Contains(c.says, "Error") {
			t.Errorf("%s: exit code %d, ran %s\n%s", c.words, code, ran, out)
		}
	}
}
