package quorumdevice

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hacluster/corosync/local"
	"hacluster/corosync/qdevice"
	"hacluster/corosync/qnet"
)

func (d *device) command(c command, stop context.CancelFunc) (text string, err error) {
	done := make(chan struct{})
	ok := d.call(func(time.Time) {
		defer close(done)
		switch c.verb {
		case "status":
			text = d.status(c.verbose)
		case "shutdown":
			stop()
		default:
			err = fmt.Errorf("Unknown command '%s'", c.verb)
		}
	})
	if !ok {
		return "", errors.New("qdevice ends")
	}
	<-done
	return text, err
}

const stamp = "2006-01-02T15:04:05"

// status is what corosync-qdevice-tool -s shows.
func (d *device) status(verbose bool) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	st := d.core.Status()
	cfg := d.set.Device
	line("Qdevice information\n-------------------")
	line("Model:\t\t\tNet\nNode ID:\t\t%d", cfg.Node)
	if verbose {
		line("HB interval:\t\t%dms\nSync HB interval:\t%dms", d.set.Timeout.Milliseconds(), d.set.SyncTimeout.Milliseconds())
	}
	if d.set.HasVersion {
		line("Configuration version:\t%d", d.set.Version)
	}
	line("Configured node list:")
	for i, n := range st.Config {
		line("    %d\tNode ID = %d", i, n)
	}
	if verbose {
		line("Heuristics:\t\t%s", map[string]string{"off": "Disabled", "on": "Enabled", "sync": "Sync"}[d.set.Mode])
		line("Ring ID:\t\t%s", st.Ring)
	}
	line("Membership node list:\t%s", numbers(st.Members))
	if verbose {
		line("Quorate:\t\t%s\nQuorum node list:", yes(d.quorate))
		for i, n := range d.states {
			if n.Node != local.DeviceNode {
				line("    %d\tNode ID = %d, State = %s", i, n.Node, map[uint32]string{local.NodeMember: "member", local.NodeDead: "dead", local.NodeLeaving: "leaving"}[n.State])
			}
		}
		line("Expected votes:\t\t%d", d.expected)
		poll := "Never"
		if !d.lastPoll.IsZero() {
			poll = d.lastPoll.Format(stamp)
			if d.lastCast {
				poll += " (cast vote)"
			}
		}
		line("Last poll call:\t\t%s", poll)
	}
	line("\nQdevice-net information\n----------------------")
	line("Cluster name:\t\t%s\nQNetd host:\t\t%s:%d", cfg.Cluster, d.set.Host, d.set.Port)
	if verbose {
		if v := d.set.Network; v != "tcp" {
			line("Force IP version:\t%s", strings.TrimPrefix(v, "tcp"))
		}
		line("Connect timeout:\t%dms\nHB interval:\t\t%dms\nVQ vote timer interval:\t%dms", d.set.ConnectTimeout.Milliseconds(), cfg.Heartbeat.Milliseconds(), cfg.Poll.Milliseconds())
		line("TLS:\t\t\t%s", map[qdevice.TLS]string{qdevice.TLSOn: "Supported", qdevice.TLSOff: "Unsupported", qdevice.TLSRequired: "Required"}[cfg.TLS])
	}
	line("Algorithm:\t\t%s\nTie-breaker:\t\t%s", cfg.Algorithm, cfg.Tie)
	if verbose {
		keep := "Algorithm hard-coded"
		if cfg.Algorithm == qnet.FFSplit {
			keep = map[bool]string{true: "Enabled", false: "Disabled"}[cfg.KeepActive]
		}
		line("KAP Tie-breaker:\t%s", keep)
		running := st.Vote == qnet.ACK || st.Vote == qnet.NACK
		cast := ""
		if st.Vote == qnet.ACK {
			cast = " (cast vote)"
		}
		line("Poll timer running:\t%s%s", yes(running), cast)
	}
	state := "Connect failed"
	switch {
	case st.Connected:
		state = "Connected"
	case d.link != nil || d.dialing:
		state = "Connecting"
	}
	line("State:\t\t\t%s", state)
	if cfg.Heuristics {
		line("Heuristics result:\t%s", st.Heuristics)
	}
	if verbose && st.Connected {
		line("TLS active:\t\t%s", yes(st.TLS))
		line("Connected since:\t%s", st.Since.Format(stamp))
		if !d.lastEcho.IsZero() {
			line("Echo reply received:\t%s", d.lastEcho.Format(stamp))
		}
	}
	return b.String()
}
