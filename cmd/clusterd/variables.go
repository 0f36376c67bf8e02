package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"hacluster/internal/account"
	"hacluster/internal/program"
)

// ineffective are variables of Pacemaker's that have nothing to act on here; usual are values that change nothing there either.
var ineffective = []struct {
	name, usual, why string
}{
	{"PCMK_trace_functions", "", "PCMK_debug logs more"},
	{"PCMK_trace_files", "", "PCMK_debug logs more"},
	{"PCMK_trace_formats", "", "PCMK_debug logs more"},
	{"PCMK_trace_tags", "", "PCMK_debug logs more"},
	{"PCMK_blackbox", "no", "there is no blackbox; PCMK_debug logs more"},
	{"PCMK_trace_blackbox", "", "there is no blackbox; PCMK_debug logs more"},
	{"PCMK_tls_priorities", "NORMAL", "TLS is of version 1.3, whose ciphers are all good"},
	{"PCMK_dh_min_bits", "0", "TLS 1.3 makes its keys without such parameters"},
	{"PCMK_dh_max_bits", "0", "TLS 1.3 makes its keys without such parameters"},
	{"PCMK_ipc_type", "socket", "local services are served over sockets, and clients take what a server offers"},
	{"PCMK_ipc_buffer", "131072", "messages may be of 16 MiB at least, and large ones are compressed or sent in parts"},
	{"PCMK_schema_directory", "/usr/share/pacemaker", "the schemas are part of the programs"},
	{"PCMK_remote_schema_directory", "/var/lib/pacemaker/schemas", "the schemas are part of the programs"},
	{"PCMK_valgrind_enabled", "no", "these programs are not for valgrind"},
	{"PCMK_callgrind_enabled", "no", "these programs are not for valgrind"},
}

// tellIneffective logs which of them are set, so that nobody relies on them.
func tellIneffective(env *program.Env, log *slog.Logger) {
	for _, v := range ineffective {
		if set := env.Getenv(v.name); set != "" && !strings.EqualFold(set, v.usual) {
			log.Warn(v.name+" does nothing here: "+v.why, "value", set)
		}
	}
}

// checkClusterType reads PCMK_cluster_type.
func checkClusterType(env *program.Env) error {
	if t := env.Getenv("PCMK_cluster_type"); t != "" && !strings.EqualFold(t, "corosync") {
		return fmt.Errorf("PCMK_cluster_type is %q: the only cluster layer is corosync", t)
	}
	return nil
}

// mayLogIn decides who may log in to the CIB from another host. CIB_pam_service names other rules than those of a login: these cannot be asked for
// without PAM's library, and to go without them could let in whom they keep out, so that nobody is let in.
func mayLogIn(env *program.Env, log *slog.Logger) func(ctx context.Context, user, password string) error {
	service := env.Getenv("CIB_pam_service")
	if service == "" || service == "login" {
		return account.MayLogIn
	}
	why := fmt.Errorf("not supported yet: CIB_pam_service=%s, which asks for other rules than those of this host's accounts", service)
	log.Warn("nobody can log in to the CIB from another host", "err", why)
	return func(context.Context, string, string) error { return why }
}

// legacyPrefix lets variables have the names that they had before they began with PCMK_.
func legacyPrefix(getenv func(string) string) func(string) string {
	return func(name string) string {
		v := getenv(name)
		if rest, ok := strings.CutPrefix(name, "PCMK_"); ok && v == "" {
			v = getenv("HA_" + rest)
		}
		return v
	}
}

// blackboxSignals are those that turn Pacemaker's blackbox on and off, or write it.
var blackboxSignals = []os.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTRAP}

// ignoreBlackboxSignals has them end nothing, until ctx ends.
func ignoreBlackboxSignals(ctx context.Context, log *slog.Logger) {
	c := make(chan os.Signal, len(blackboxSignals))
	signal.Notify(c, blackboxSignals...)
	go func() {
		defer signal.Stop(c)
		for {
			select {
			case s := <-c:
				log.Warn("a signal does nothing here: there is no blackbox", "signal", s.String())
			case <-ctx.Done():
				return
			}
		}
	}()
}
