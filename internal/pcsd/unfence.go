package pcsd

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/report"
)

// unfence has a fence agent give this host access to devices that were added. A host that is fenced from one of the
// devices it had stays fenced.
func (s *Server) unfence(ctx context.Context, agent string, plug json.RawMessage, params map[string]json.RawMessage) outcome {
	var who string
	var before, after []string
	if json.Unmarshal(plug, &who) != nil || who == "" || json.Unmarshal(params["original_devices"], &before) != nil || json.Unmarshal(params["updated_devices"], &after) != nil {
		return failure("COMMAND_INVALID_PAYLOAD", "Invalid command payload: a node or key, original_devices and updated_devices are needed")
	}
	for _, list := range [][]string{before, after} {
		slices.Sort(list)
	}
	before, after = slices.Compact(before), slices.Compact(after)
	var fresh, kept, fenced []string
	for _, d := range after {
		if slices.Contains(before, d) {
			kept = append(kept, d)
		} else {
			fresh = append(fresh, d)
		}
	}
	done := outcome{ok: true, reports: []libReport{}}
	if len(fresh) == 0 {
		return done
	}
	run := func(args ...string) (live.Result, string) {
		r, err := s.conf.Programs.Run(ctx, nil, "", agent, args...)
		if err != nil {
			return live.Result{Code: 1}, err.Error()
		}
		return r, r.Complaint()
	}
	for _, d := range kept {
		switch r, why := run("--action=status", "--devices="+d, "--plug="+who); r.Code {
		case 0:
		case 2:
			fenced = append(fenced, d)
		default:
			return failure("STONITH_UNFENCING_DEVICE_STATUS_FAILED", "Unfencing failed, unable to check status of device '"+d+"': "+why)
		}
	}
	if n := len(fenced); n > 0 {
		done.reports = append(done.reports, newReport("INFO", "STONITH_UNFENCING_SKIPPED_DEVICES_FENCED",
			"Unfencing skipped, "+report.Plural(n, "device", "devices")+" "+report.QuoteSorted(fenced)+" "+report.Plural(n, "is", "are")+" fenced"))
		return done
	}
	if r, why := run("--action=on", "--devices", strings.Join(fresh, ","), "--plug="+who); r.Code != 0 {
		return failure("STONITH_UNFENCING_FAILED", "Unfencing failed:\n"+why)
	}
	return done
}
