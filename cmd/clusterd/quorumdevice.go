package main

import (
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"hacluster/corosync/qnet"
	"hacluster/internal/program"
	"hacluster/internal/quorumdevice"
	"hacluster/internal/supervise"
)

// exitReconfigured is the code of a quorum device that is to be started anew with new settings.
const exitReconfigured = exit(75)

// qdeviceCommand is the role corosync-qdevice. It takes the original's switches for
// the foreground and debug messages, so that units written for it go on working.
func qdeviceCommand(env *program.Env) *cobra.Command {
	var certs, socket string
	c := &cobra.Command{Use: "corosync-qdevice", Short: "Cast the vote of a quorum device on this node", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		env := settled(env, "corosync-qdevice")
		log := newCorosyncLog(env, "corosync-qdevice").Logger()
		defer tellEnd(c.Context(), env, log)()
		err := quorumdevice.RunDevice(c.Context(), quorumdevice.DeviceOptions{Certs: certs, Socket: socket, Log: log, Ready: func() { tell(env, log, supervise.ReadyState) }})
		switch {
		case errors.Is(err, quorumdevice.ErrReconfigured):
			log.Info("ending, to be started with the new settings")
			return exitReconfigured
		case err != nil:
			fmt.Fprintf(env.Stderr, "clusterd: corosync-qdevice: %v\n", err)
			return exit(1)
		}
		return nil
	}}
	c.Flags().StringVar(&certs, "certs", quorumdevice.DeviceCerts, "the folder with this node's certificates")
	c.Flags().StringVar(&socket, "socket", quorumdevice.DeviceSocket, "where corosync-qdevice-tool asks")
	foreground(c)
	return c
}

func foreground(c *cobra.Command) {
	c.Flags().BoolP("foreground", "f", true, "stay in the foreground, as it always does")
	c.Flags().CountP("debug", "d", "say more")
}

// qnetdCommand is the role corosync-qnetd with the original's switches.
func qnetdCommand(env *program.Env) *cobra.Command {
	o := quorumdevice.ServerOptions{}
	var tls, cert string
	c := &cobra.Command{Use: "corosync-qnetd", Short: "Serve quorum devices of clusters on TCP 5403", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		env := settled(env, "corosync-qnetd")
		log := newCorosyncLog(env, "corosync-qnetd").Logger()
		defer tellEnd(c.Context(), env, log)()
		switch tls {
		case "on":
			o.TLS = qnet.TLSSupported
			if !quorumdevice.Initialized(o.Certs) {
				log.Warn("there are no certificates, so TLS is off", "folder", o.Certs)
				o.TLS = qnet.TLSUnsupported
			}
		case "off":
			o.TLS = qnet.TLSUnsupported
		case "req", "required":
			o.TLS = qnet.TLSRequired
		default:
			return fmt.Errorf("--tls: %q is not on, off or req", tls)
		}
		switch cert {
		case "on":
			o.CertRequired = true
		case "off":
		default:
			return fmt.Errorf("--client-cert: %q is not on or off", cert)
		}
		o.Log, o.Ready = log, func(net.Addr) { tell(env, log, supervise.ReadyState) }
		if err := quorumdevice.RunServer(c.Context(), o); err != nil {
			fmt.Fprintf(env.Stderr, "clusterd: corosync-qnetd: %v\n", err)
			return exit(1)
		}
		return nil
	}}
	f := c.Flags()
	f.StringVarP(&o.Address, "listen", "l", "", "the address to listen at (all)")
	f.IntVarP(&o.Port, "port", "p", quorumdevice.Port, "the TCP port")
	f.StringVarP(&tls, "tls", "s", "on", "TLS: on, off or req")
	f.StringVarP(&cert, "client-cert", "c", "on", "clients must have a certificate for their cluster: on or off")
	f.IntVarP(&o.MaxClients, "max-clients", "m", 0, "how many clients may connect; 0 is no limit")
	f.StringVar(&o.Certs, "certs", quorumdevice.ServerCerts, "the folder with the server's certificates")
	f.StringVar(&o.Socket, "socket", quorumdevice.ServerSocket, "where corosync-qnetd-tool asks")
	foreground(c)
	return c
}
