package pcsd

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/diskcib"
	"hacluster/internal/pcs/property"
	"hacluster/internal/pcs/sbd"
	"hacluster/internal/pcs/session"
)

// checkSBD tells whether SBD can be enabled here: its service, a watchdog and shared devices. Without the name
// of a watchdog none is looked for: that may restart the host.
func (s *Server) checkSBD(r *request) answer {
	type watchdog struct {
		Path      string `json:"path"`
		Exist     bool   `json:"exist"`
		Supported bool   `json:"is_supported"`
	}
	type device struct {
		Path  string `json:"path"`
		Exist bool   `json:"exist"`
		Block bool   `json:"block_device"`
	}
	var out struct {
		SBD      serviceState `json:"sbd"`
		Watchdog *watchdog    `json:"watchdog,omitempty"`
		Devices  []device     `json:"device_list,omitzero"`
	}
	var devices []string
	if json.Unmarshal([]byte(r.value("device_list")), &devices) != nil {
		return plainBad("Invalid input data format")
	}
	out.SBD = s.service(r.Context(), "sbd")
	if path := r.value("watchdog"); path != "" {
		list, err := sbd.Watchdogs(r.Context(), s.conf.Programs)
		if err != nil {
			return bad("Unable to get list of watchdogs: Error: %s\n", err)
		}
		// As pcsd, without regard to what sbd says against a watchdog: it warns of good ones too.
		found := slices.ContainsFunc(list, func(w sbd.Watchdog) bool { return w.Path == path })
		out.Watchdog = &watchdog{path, found, found}
	}
	if devices != nil {
		out.Devices = []device{}
	}
	for _, path := range devices {
		info, err := os.Stat(path)
		block := err == nil && info.Mode()&(os.ModeDevice|os.ModeCharDevice) == os.ModeDevice
		out.Devices = append(out.Devices, device{path, err == nil, block})
	}
	return okJSON(out)
}

func (s *Server) getSBDConfig(*request) answer {
	data, err := os.ReadFile(s.conf.Paths.SBDFile())
	if err != nil {
		return bad("Unable to get SBD configuration: %s", fileFault(err))
	}
	return ok(string(data))
}

func (s *Server) setSBDConfig(r *request) answer {
	if !r.has("config") {
		return plainBad(`Parameter "config" required`)
	}
	if err := writeInPlace(s.conf.Paths.SBDFile(), []byte(r.value("config")), 0o644); err != nil {
		return bad("Unable to save SBD configuration: %s", fileFault(err))
	}
	return ok("SBD configuration saved.")
}

// fileFault words a failure with the file that it is about.
func fileFault(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return session.Reason(err) + " - " + path.Path
	}
	return session.Reason(err)
}

// watchdogTimeout is a call that gives the property stonith-watchdog-timeout a value, "" removes it: in the
// cluster that runs, else in the CIB on disk. Where there is none, the property is not set either.
func watchdogTimeout(value string) func(*Server, *request) answer {
	const name = "stonith-watchdog-timeout"
	return func(s *Server, r *request) answer {
		fail := func(why string) answer {
			s.conf.Log.Error("Unable to change a cluster property", "name", name, "value", value, "reason", why)
			return plainBad("ERROR")
		}
		if s.conf.Services.IsActive(r.Context(), "pacemaker") {
			res, err := s.conf.Programs.Run(r.Context(), r.environment(), "", "pcs", "property", "set", name+"="+value, "--force")
			switch {
			case err != nil:
				return fail(err.Error())
			case res.Code != 0:
				return fail(res.Stderr)
			}
			return ok("OK")
		}
		note, err := diskcib.Edit(s.conf.Paths.CIBDir, "crm_config", func(root *etree.Element) error { return property.Write(root, name, value) })
		s.brokenCIB(note)
		if err != nil && !errors.Is(err, diskcib.ErrMissing) {
			return fail(err.Error())
		}
		return ok("OK")
	}
}
