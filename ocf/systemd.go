package ocf

import (
	"bytes"
	"context"
	"os/exec"
	"slices"
	"strings"
)

// systemdUnits names the services that systemd could start.
func (h *Host) systemdUnits() ([]string, error) {
	if h.Systemctl == nil {
		return nil, nil
	}
	argv := append(slices.Clone(h.Systemctl), "list-unit-files", "--type=service", "--no-legend", "--full")
	out, err := exec.Command(argv[0], argv[1:]...).Output()
	if err != nil {
		return nil, err
	}
	var names []string
	for l := range strings.Lines(string(out)) {
		if f := strings.Fields(l); len(f) > 0 {
			if n, ok := strings.CutSuffix(f[0], ".service"); ok && n != "" && !strings.HasSuffix(n, "@") {
				names = append(names, n)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// runSystemd carries an action out on a unit.
func (h *Host) runSystemd(ctx context.Context, a Action) Result {
	if h.Systemctl == nil {
		return Result{Code: CodeNotInstalled, Status: NotInstalled, Reason: "no systemd on this host"}
	}
	unit := a.Type
	if !strings.Contains(unit, ".") {
		unit += ".service"
	}
	verb := a.Name
	switch verb {
	case "start", "stop":
	case "monitor", "status":
		verb = "is-active"
	default:
		return Result{Code: CodeUnimplemented, Status: Unsupported}
	}
	argv := append(slices.Clone(h.Systemctl), verb, unit)
	res := h.start(ctx, a, argv, h.environment(), nil)
	if res.Status != Done {
		return res
	}
	switch verb {
	case "is-active":
		switch state := strings.TrimSpace(res.Stdout); state {
		case "active", "reloading":
			res.Code = CodeOK
		default:
			res.Code, res.Reason = CodeNotRunning, state
		}
	case "start":
		if res.Code == 5 || bytes.Contains([]byte(res.Stderr), []byte("not found")) {
			res.Code, res.Status, res.Reason = CodeNotInstalled, NotInstalled, firstLine(res.Stderr)
		} else if res.Code != 0 {
			res.Code, res.Reason = CodeError, firstLine(res.Stderr)
		}
	case "stop":
		if res.Code == 5 {
			res.Code = CodeOK // a unit that does not exist does not run
		} else if res.Code != 0 {
			res.Code, res.Reason = CodeError, firstLine(res.Stderr)
		}
	}
	return res
}
