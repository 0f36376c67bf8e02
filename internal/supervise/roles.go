package supervise

import "time"

// Roles are the service faces of clusterd, under the names that users type.
// clusterd is the program's path. A role that died is started again only after
// the other nodes have surely noticed, so that all agree on what happened.
func Roles(clusterd string) []Unit {
	return []Unit{
		{Name: "pcsd", Argv: []string{clusterd, "pcsd"}, Notify: true, Restart: true, RestartDelay: time.Second, Log: "/var/log/pcsd/pcsd.log"},
		{Name: "corosync", Argv: []string{clusterd, "corosync"}, Notify: true, Restart: true, RestartDelay: time.Second, Log: "/var/log/cluster/corosync.log"},
		{
			Name: "pacemaker", Argv: []string{clusterd, "pacemaker"}, Notify: true, Restart: true, RestartDelay: time.Second,
			Requires: []string{"corosync"}, StopLimit: 30 * time.Minute, Log: "/var/log/pacemaker/pacemaker.log",
		},
		{
			Name: "pacemaker_remote", Argv: []string{clusterd, "pacemaker-remote"}, Notify: true, Restart: true, RestartDelay: time.Second,
			StopLimit: 30 * time.Minute, Log: "/var/log/pacemaker/pacemaker.log",
		},
		{
			Name: "corosync-qdevice", Argv: []string{clusterd, "corosync-qdevice"}, Notify: true, Restart: true, RestartDelay: time.Second,
			Requires: []string{"corosync"}, Log: "/var/log/cluster/corosync-qdevice.log",
		},
		{Name: "sbd", Argv: []string{clusterd, "sbd"}, Notify: true, StartLimit: 3 * time.Minute, Log: "/var/log/pacemaker/pacemaker.log"},
		{Name: "corosync-qnetd", Argv: []string{clusterd, "corosync-qnetd"}, Notify: true, Restart: true, RestartDelay: time.Second, Log: "/var/log/cluster/corosync-qnetd.log"},
	}
}
