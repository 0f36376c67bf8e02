package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"github.com/spf13/cobra"

	"hacluster/corosync/qdevice"
	"hacluster/corosync/qnet"
	"hacluster/internal/program"
	"hacluster/internal/quorumdevice"
	"hacluster/internal/supervise"
)

// exitReconfigured is the code of a quorum device that is to be started anew with new settings.
const exitReconfigured = exit(75)

// qnetdVersion is that of the original whose protocol and tools these are.
const qnetdVersion = "3.0.3"

// exitNoDevice is the code of one that corosync.conf does not have: it is of no use to start it again.
const exitNoDevice = exit(6)

// qdeviceCommand is the role corosync-qdevice. It takes the original's switches for
// the foreground and debug messages, so that units written for it go on working.
func qdeviceCommand(env *program.Env) *cobra.Command {
	var certs, socket string
	var advanced []string
	c := &cobra.Command{Use: "corosync-qdevice", Short: "Cast the vote of a quorum device on this node", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		env := settled(env, "corosync-qdevice")
		log := newCorosyncLog(env, "corosync-qdevice").Logger()
		defer tellEnd(c.Context(), env, log)()
		keepAlive(c.Context(), env, log)
		tellAdvanced(log, advanced)
		err := quorumdevice.RunDevice(c.Context(), quorumdevice.DeviceOptions{Certs: certs, Socket: socket, Log: log, Ready: func() { tell(env, log, supervise.ReadyState) }})
		switch {
		case errors.Is(err, quorumdevice.ErrReconfigured):
			log.Info("ending, to be started with the new settings")
			return exitReconfigured
		case errors.Is(err, qdevice.ErrNoDevice):
			tellFailure(log, err)
			return exitNoDevice
		case err != nil:
			tellFailure(log, err)
			return err
		}
		return nil
	}}
	c.Flags().StringVar(&certs, "certs", quorumdevice.DeviceCerts, "the folder with this node's certificates")
	c.Flags().StringVar(&socket, "socket", quorumdevice.DeviceSocket, "where corosync-qdevice-tool asks")
	daemonFlags(c, env, &advanced)
	return c
}

// daemonFlags are those that both daemons have; one that is wrong is told of in the log.
func daemonFlags(c *cobra.Command, env *program.Env, advanced *[]string) {
	c.Flags().BoolP("foreground", "f", true, "stay in the foreground, as it always does")
	c.Flags().CountP("debug", "d", "say more")
	c.Flags().StringSliceVarP(advanced, "set", "S", nil, "the original's advanced settings, NAME=VALUE: they do nothing here")
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		tellFailure(newCorosyncLog(env, c.Name()).Logger(), err)
		return err
	})
}

// tellAdvanced tells of settings of the original's inner workings that were made, and are none here.
func tellAdvanced(log *slog.Logger, settings []string) {
	if len(settings) > 0 {
		log.Warn("advanced settings (-S) do nothing here", "settings", strings.Join(settings, ","))
	}
}

// qnetdCommand is the role corosync-qnetd with the original's switches.
func qnetdCommand(env *program.Env) *cobra.Command {
	o := quorumdevice.ServerOptions{}
	var tls, cert string
	var advanced []string
	var four, six, version bool
	c := &cobra.Command{Use: "corosync-qnetd", Short: "Serve quorum devices of clusters on TCP 5403", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) (err error) {
		if version {
			fmt.Fprintf(env.Stdout, "Corosync Qdevice Network Daemon, version '%s'\n", qnetdVersion)
			return nil
		}
		env := settled(env, "corosync-qnetd")
		log := newCorosyncLog(env, "corosync-qnetd").Logger()
		defer tellEnd(c.Context(), env, log)()
		keepAlive(c.Context(), env, log)
		defer func() { tellFailure(log, err) }()
		tellAdvanced(log, advanced)
		switch {
		case four && !six:
			o.Network = "tcp4"
		case six && !four:
			o.Network = "tcp6"
		}
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
		return quorumdevice.RunServer(c.Context(), o)
	}}
	f := c.Flags()
	f.BoolVarP(&four, "ipv4", "4", false, "listen for IPv4 only")
	f.BoolVarP(&six, "ipv6", "6", false, "listen for IPv6 only")
	f.BoolVarP(&version, "version", "v", false, "show the version and end")
	f.StringVarP(&o.Address, "listen", "l", "", "the address to listen at (all)")
	f.IntVarP(&o.Port, "port", "p", quorumdevice.Port, "the TCP port")
	f.StringVarP(&tls, "tls", "s", "on", "TLS: on, off or req")
	f.StringVarP(&cert, "client-cert", "c", "on", "clients must have a certificate for their cluster: on or off")
	f.IntVarP(&o.MaxClients, "max-clients", "m", 0, "how many clients may connect; 0 is no limit")
	f.StringVar(&o.Certs, "certs", quorumdevice.ServerCerts, "the folder with the server's certificates")
	f.StringVar(&o.Socket, "socket", quorumdevice.ServerSocket, "where corosync-qnetd-tool asks")
	daemonFlags(c, env, &advanced)
	return c
}
