package client

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// LauncherState is how Pacemaker as a whole is on this node.
type LauncherState struct {
	Subsystem string
	State     string    // init, starting_daemons, running, shutting_down, remote …
	At        time.Time // when this was found
}

// LauncherRemote is the state of a host with pacemaker-remoted.
const LauncherRemote = "remote"

// Launcher asks the daemon that starts all others; name tells who asks. On a remote host, which has none, pacemaker-remoted is in the state "remote".
func Launcher(ctx context.Context, name string) (LauncherState, error) {
	n, err := dial(ctx, "pacemakerd")
	if errors.Is(err, syscall.EREMOTEIO) {
		return LauncherState{"pacemaker-remoted", LauncherRemote, time.Now()}, nil
	}
	if err != nil {
		return LauncherState{}, err
	}
	defer n.close()
	ref := "ping-" + name + "-1"
	el := element("create_request_adv", "origin", "client", "t", "pacemakerd", "subt", "request", "reference", ref,
		"crm_task", "ping", "crm_sys_to", "pacemakerd", "crm_sys_from", name)
	if _, err := n.send(ctx, el, false); err != nil {
		return LauncherState{}, err
	}
	out, err := n.next(ctx, hasReference(ref))
	if err != nil {
		return LauncherState{}, err
	}
	pong := out.FindElement("./crm_xml/ping_response")
	if pong == nil {
		return LauncherState{}, fmt.Errorf("the answer of pacemakerd is empty")
	}
	seconds, err := strconv.ParseInt(pong.SelectAttrValue("crm-timestamp", ""), 10, 64)
	if err != nil {
		return LauncherState{}, fmt.Errorf("the answer of pacemakerd is malformed: crm-timestamp %q", pong.SelectAttrValue("crm-timestamp", ""))
	}
	return LauncherState{pong.SelectAttrValue("crm_subsystem", ""), pong.SelectAttrValue("pacemakerd_state", ""), time.Unix(seconds, 0)}, nil
}

// StopLauncher has Pacemaker end on this node, and returns when it has ended.
func StopLauncher(ctx context.Context, name string) error {
	n, err := dial(ctx, "pacemakerd")
	if err != nil {
		return err
	}
	defer n.close()
	ref := "quit-" + name + "-1"
	el := element("create_request_adv", "origin", "client", "t", "pacemakerd", "subt", "request", "reference", ref,
		"crm_task", "quit", "crm_sys_to", "pacemakerd", "crm_sys_from", name)
	if _, err := n.send(ctx, el, false); err != nil {
		return err
	}
	out, err := n.next(ctx, hasReference(ref))
	if err != nil {
		return err
	}
	if s := out.FindElement("./crm_xml/shutdown"); s != nil && s.SelectAttrValue("op-status", "0") != "0" {
		return &cib.Error{Code: cib.Access}
	}
	// The connection lasts as long as the daemon.
	_, err = n.next(ctx, func(*etree.Element) bool { return false })
	if errors.Is(err, ErrNotRunning) {
		return nil
	}
	return err
}
