package pcsd

import (
	"strings"
)

// configRestore puts the files of a backup in place. Whether it could is told in the body alone.
func (s *Server) configRestore(r *request) answer {
	if !r.has("tarball") || r.value("tarball") == "" {
		return ok("Error: Invalid tarball")
	}
	res, err := s.conf.Programs.Run(r.Context(), nil, r.value("tarball"), "pcs", "--local", "config", "restore")
	switch {
	case err != nil:
		return ok("Error: " + err.Error())
	case res.Code == 0:
		return ok("Succeeded")
	case strings.TrimSpace(res.Stderr) == "":
		return ok("Error")
	}
	return ok(strings.TrimSpace(res.Stderr))
}
