// Package quorumdevice is the two roles of the quorum device: qnetd, the server that
// decides which part of a split cluster goes on, and qdevice, a cluster node's client of it.
//
// What they decide stands in corosync/qnetd and corosync/qdevice, without I/O. Here are
// sockets, TLS, certificates, the node's votequorum, heuristics, and the local sockets that
// corosync-qnetd-tool and corosync-qdevice-tool ask.
package quorumdevice

import "hacluster/corosync/qnet"

// Port is where qnetd listens.
const Port = qnet.Port

// Local sockets and folders, where the originals have them.
const (
	ServerSocket = "/var/run/corosync-qnetd/corosync-qnetd.sock"
	DeviceSocket = "/var/run/corosync-qdevice/corosync-qdevice.sock"
	ServerCerts  = "/etc/corosync/qnetd/nssdb"
	DeviceCerts  = "/etc/corosync/qdevice/net/nssdb"
)

// ServerName is the name in a server's certificate.
const ServerName = "Qnetd Server"

func tlsText(t qnet.TLS) string {
	switch t {
	case qnet.TLSUnsupported:
		return "Unsupported"
	case qnet.TLSSupported:
		return "Supported"
	}
	return "Required"
}
