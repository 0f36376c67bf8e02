package netdevice

import (
	"encoding/base64"
	"net/url"
	"strings"

	"hacluster/internal/pcs/fleet"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// Local is this host.
func Local(s *session.Session) Host { return Host{Programs: s.World.Programs} }

// ask makes a call to a server whose answer is base64.
func ask(s *session.Session, server, path string, form url.Values) ([]byte, error) {
	r := s.Remote().Call(s.Ctx, server, client.Request{Path: path, Form: form, Timeout: s.RequestTimeout(0)})
	if i, failed := s.ResponseItem(r); failed {
		return nil, s.Out.Check(i)
	}
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(r.Body), ""))
	if err != nil {
		return nil, s.Out.Check(report.Errorf("%s: Invalid format of response", server))
	}
	return data, nil
}

func encoded(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// Distribute gives all nodes of a cluster a certificate for a server. This host makes the request for it.
func Distribute(s *session.Session, server, cluster string, targets []string, way fleet.Way) error {
	s.Out.Info("Setting up qdevice certificates on nodes...")
	authority, err := ask(s, server, "remote/qdevice_net_get_ca_certificate", nil)
	if err != nil {
		return err
	}
	if err := fleet.Do(s, targets, "remote/qdevice_net_client_init_certificate_storage", url.Values{"ca_certificate": {encoded(authority)}}, "", way); err != nil {
		return err
	}
	here := Local(s)
	request, err := here.Request(s.Ctx, cluster)
	if err != nil {
		return report.Items{report.Errorf("%s", err)}
	}
	signed, err := ask(s, server, "remote/qdevice_net_sign_node_certificate", url.Values{"certificate_request": {encoded(request)}, "cluster_name": {cluster}})
	if err != nil {
		return err
	}
	bundle, err := here.Bundle(s.Ctx, signed)
	if err != nil {
		return report.Items{report.Errorf("%s", err)}
	}
	return fleet.Do(s, targets, "remote/qdevice_net_client_import_certificate", url.Values{"certificate": {encoded(bundle)}}, "Succeeded", way)
}

// Remove removes the certificates from all nodes.
func Remove(s *session.Session, targets []string, way fleet.Way) error {
	s.Out.Info("Removing qdevice certificates from nodes...")
	return fleet.Do(s, targets, "remote/qdevice_net_client_destroy", nil, "Succeeded", way)
}
