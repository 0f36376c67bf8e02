package pcs_test

import (
	"context"
	"os"
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

// TestTicketLeftovers cleans up after tickets that the instance's configuration has no more, a form of 0.12.
func TestTicketLeftovers(t *testing.T) {
	const usage = "Usage: pcs booth"
	unread := "Error: Unable to read Booth configuration 'DIR/none.conf': No such file or directory: 'DIR/none.conf'\nError: Errors have occurred, therefore pcs is unable to continue\n"
	both := func(ticket string) string {
		return "crm_ticket --standby --ticket " + ticket + "|crm_ticket --cleanup --force --ticket " + ticket
	}
	said := func(ticket string) string {
		return "Changing state of ticket '" + ticket + "' to standby\nCleaning up ticket '" + ticket + "' from CIB\n"
	}
	for _, c := range []struct{ version, options, fails, ran, says string }{
		{"0.12", "", "", both("A") + "|" + both("Z"), said("A") + said("Z")},
		{"0.12", " --name other", "", both("O"), said("O")},
		{"0.12", " --name none", "", "", unread},
		{
			"0.12", "", "--cleanup", both("A"),
			said("A") + "Error: unable to cleanup booth ticket 'A', reason: why\nwhat\nError: Errors have occurred, therefore pcs is unable to continue\n",
		},
		{"0.12", " A --name booth", "", "", "Error: Specified option '--name' is not supported in this command\n"},
		{"0.11", "", "", "", usage},
	} {
		p, s := settled(t), &script{fails: c.fails}
		p.programs = s
		p.paths.BoothDir = t.TempDir()
		for name, text := range map[string]string{"booth": "ticket = \"kept\"\n", "other": "ticket = \"A\"\n"} {
			if err := os.WriteFile(p.paths.BoothDir+"/"+name+".conf", []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		p.text = []byte(strings.Replace(string(p.text), "<status>", `<status><tickets>
			<ticket_state id="Z" booth-cfg-name="booth"/><ticket_state id="kept" booth-cfg-name="booth"/><ticket_state id="A" booth-cfg-name="booth"/>
			<ticket_state id="O" booth-cfg-name="other"/><ticket_state id="M"/></tickets>`, 1))
		out, code := p.run(t, c.version, "booth ticket cleanup"+c.options)
		out = strings.ReplaceAll(out, p.paths.BoothDir, "DIR")
		right := out == c.says || c.says == usage && strings.Contains(out, usage)
		if ran := strings.Join(s.ran, "|"); !right || ran != c.ran || (code == 0) == (c.says == usage || strings.Contains(c.says, "Error")) {
			t.Errorf("%s%s: exit code %d, ran %s\n%s", c.version, c.options, code, ran, out)
		}
	}
}
