package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"hacluster/internal/program"
)

func TestVariables(t *testing.T) {
	set := map[string]string{"PCMK_blackbox": "yes", "PCMK_ipc_type": "socket", "HA_debug": "yes", "PCMK_cluster_type": "heartbeat"}
	env := &program.Env{Getenv: legacyPrefix(func(n string) string { return set[n] })}
	var b bytes.Buffer
	tellIneffective(env, slog.New(slog.NewTextHandler(&b, nil)))
	if got := b.String(); !strings.Contains(got, "PCMK_blackbox") || strings.Contains(got, "PCMK_ipc_type") {
		t.Errorf("told: %s", got)
	}
	if env.Getenv("PCMK_debug") != "yes" {
		t.Error("an older name is not read")
	}
	if checkClusterType(env) == nil {
		t.Error("heartbeat is no cluster layer")
	}
	// Whoever looks for a variable finds it in the manual.
	manual, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range append(ineffectiveNames(), "PCMK_fail_fast", "PCMK_node_start_state", "PCMK_node_action_limit", "PCMK_cluster_type", "PCMK_crl_file") {
		if !bytes.Contains(manual, []byte(strings.TrimPrefix(n, "PCMK_"))) {
			t.Errorf("docs/operating.md does not tell of %s", n)
		}
	}
}

// Where other rules are asked for than there are, nobody is let in.
func TestPAMService(t *testing.T) {
	for _, c := range []struct {
		service string
		refused bool
	}{{"", false}, {"login", false}, {"other", true}, {"Login", true}} {
		var b bytes.Buffer
		env := &program.Env{Getenv: func(n string) string {
			if n == "CIB_pam_service" {
				return c.service
			}
			return ""
		}}
		err := mayLogIn(env, slog.New(slog.NewTextHandler(&b, nil)))(t.Context(), "nobody-of-that-name", "x")
		if refused := strings.Contains(fmt.Sprint(err), "not supported yet: CIB_pam_service="+c.service); err == nil || refused != c.refused || strings.Contains(b.String(), "nobody can log in") != c.refused {
			t.Errorf("%q: %v, told %q", c.service, err, b.String())
		}
	}
	manual, err := os.ReadFile("../../docs/operating.md")
	if err != nil || !bytes.Contains(manual, []byte("CIB_pam_service")) {
		t.Errorf("docs/operating.md does not tell of CIB_pam_service: %v", err)
	}
}

// ineffectiveNames are the variables' names.
func ineffectiveNames() []string {
	var out []string
	for _, v := range ineffective {
		out = append(out, v.name)
	}
	return slices.Compact(out)
}
