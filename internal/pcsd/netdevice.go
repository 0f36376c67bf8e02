package pcsd

import (
	"encoding/base64"
	"strings"

	"hacluster/internal/pcs/netdevice"
)

func (s *Server) quorumHost() netdevice.Host { return netdevice.Host{Programs: s.conf.Programs} }

// decoded reads a field that holds base64.
func decoded(r *request, field string) ([]byte, bool) {
	data, err := base64.StdEncoding.DecodeString(strings.Map(dropSpace, r.value(field)))
	return data, err == nil && len(data) > 0
}

func fault(err error) answer { return plainBad("Error: " + err.Error()) }

func notBase64(r *request, field, what string) answer {
	return bad("Error: '%s' is not a valid %s value, use base64 encoded certificate", r.value(field), what)
}

func encodedAnswer(data []byte, err error) answer {
	if err != nil {
		return fault(err)
	}
	return ok(base64.StdEncoding.EncodeToString(data))
}

func (s *Server) deviceAuthority(*request) answer {
	return encodedAnswer(s.quorumHost().Authority())
}

func (s *Server) deviceSign(r *request) answer {
	data, good := decoded(r, "certificate_request")
	if !good {
		return notBase64(r, "certificate_request", "qdevice certificate request")
	}
	return encodedAnswer(s.quorumHost().Sign(r.Context(), data, r.value("cluster_name")))
}

func (s *Server) deviceSetUp(r *request) answer {
	data, good := decoded(r, "ca_certificate")
	if !good {
		return notBase64(r, "ca_certificate", "qnetd CA certificate")
	}
	if err := s.quorumHost().SetUp(r.Context(), data); err != nil {
		return fault(err)
	}
	return ok("")
}

func (s *Server) deviceImport(r *request) answer {
	data, good := decoded(r, "certificate")
	if !good {
		return notBase64(r, "certificate", "qnetd client certificate")
	}
	if err := s.quorumHost().Import(r.Context(), data); err != nil {
		return fault(err)
	}
	return ok("")
}

func (s *Server) deviceDestroy(*request) answer {
	if err := s.quorumHost().Destroy(); err != nil {
		return fault(err)
	}
	return ok("")
}
