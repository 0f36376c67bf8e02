package supervise

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// RingPath is the file that names the program which is this host's corosync, for those who keep the
// ring that they know: /usr/sbin/corosync, say. Where the file is not, corosync is a role of clusterd.
const RingPath = "/etc/hacluster/corosync"

// PacemakerAlive is how long the role pacemaker may stand still before it is killed and started again, as pacemakerd does with a daemon that
// does not answer: while it stands still its node counts as well, and where it leads, nothing happens in the cluster.
const PacemakerAlive = time.Minute

// Ring is the program that the file names; "" for clusterd's own.
func Ring(file string) (string, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	program := strings.TrimSpace(string(text))
	if program != "" && !filepath.IsAbs(program) {
		return "", fmt.Errorf("%s: %q is not the path of a program", file, program)
	}
	return program, nil
}

// Roles are the service faces of clusterd, under the names that users type.
// clusterd is the program's path, and ring the one of the original corosync where that is to be used.
// A role that died is started again only after
// the other nodes have surely noticed, so that all agree on what happened.
func Roles(clusterd, ring string) []Unit {
	corosync := []string{clusterd, "corosync"}
	if ring != "" {
		corosync = []string{ring, "-f"}
	}
	return []Unit{
		{Name: "pcsd", Argv: []string{clusterd, "pcsd"}, Notify: true, Restart: true, RestartDelay: time.Second, Log: "/var/log/pcsd/pcsd.log"},
		{Name: "corosync", Argv: corosync, Notify: true, Restart: true, RestartDelay: time.Second, Log: "/var/log/cluster/corosync.log"},
		{Name: "sbd", Argv: []string{clusterd, "sbd"}, Notify: true, StartLimit: 3 * time.Minute, Log: "/var/log/pacemaker/pacemaker.log"},
		{
			Name: "pacemaker", Argv: []string{clusterd, "pacemaker"}, Notify: true, Restart: true, RestartDelay: time.Second,
			Requires: []string{"corosync"}, StopLimit: 30 * time.Minute, AliveLimit: PacemakerAlive, Log: "/var/log/pacemaker/pacemaker.log",
		},
		{Name: "sbd_remote", Argv: []string{clusterd, "sbd"}, Notify: true, StartLimit: 3 * time.Minute, Log: "/var/log/pacemaker/pacemaker.log"},
		{
			Name: "pacemaker_remote", Argv: []string{clusterd, "pacemaker-remote"}, Notify: true, Restart: true, RestartDelay: time.Second,
			StopLimit: 30 * time.Minute, Log: "/var/log/pacemaker/pacemaker.log",
		},
		{
			Name: "corosync-qdevice", Argv: []string{clusterd, "corosync-qdevice"}, Notify: true, Restart: true, RestartDelay: time.Second,
			Requires: []string{"corosync"}, Log: "/var/log/cluster/corosync-qdevice.log",
			Final: []int{6}, // there is no quorum device in corosync.conf
		},
		{Name: "corosync-qnetd", Argv: []string{clusterd, "corosync-qnetd"}, Notify: true, Restart: true, RestartDelay: time.Second, Log: "/var/log/cluster/corosync-qnetd.log"},
		// The original's: tickets of several clusters.
		{Name: "booth@", Argv: []string{"/usr/sbin/boothd", "daemon", "-S", "-c", "%i"}, Log: "/var/log/booth.log"},
	}
}
