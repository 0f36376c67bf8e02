// Package live is what pcs asks of the world that it does not edit itself: the
// cluster that runs on this host, its services, and the programs that show its
// state. pcs holds interfaces only; the process that starts pcs hands the real
// ones in, tests hand in their own.
//
// A nil Cluster means that nothing can reach a cluster from here. Every error that
// says "no cluster runs on this host" must match ErrNotRunning with errors.Is.
package live

import (
	"context"
	"errors"
	"strings"
	"time"
)

// ErrNotRunning is the answer of every call when Pacemaker does not run on this host.
var ErrNotRunning = errors.New("cluster is not currently running on this node")

// ErrTimeout is the answer of Wait and Restart when the time was over.
var ErrTimeout = errors.New("timeout")

// Cluster is the running cluster, as its local daemon shows it.
// Texts of errors are shown to the user behind a heading, as Pacemaker's tools' own
// output is ("Could not connect to the CIB: Transport endpoint is not connected").
type Cluster interface {
	// Query gives the whole CIB as text, with <status>.
	Query(ctx context.Context) ([]byte, error)
	// Replace puts section (the element's text) in place of the section of its own
	// name: "configuration", or "cib" for everything (`cibadmin --replace`).
	Replace(ctx context.Context, section []byte) error
	// Patch applies a patchset of format 2 (`cibadmin --patch`).
	Patch(ctx context.Context, patchset []byte) error
	// Upgrade raises the schema to the newest (`cibadmin --upgrade --force`).
	Upgrade(ctx context.Context) error

	// LocalNode is this host's node name (`crm_node --name`).
	LocalNode(ctx context.Context) (string, error)
	// Nodes lists the nodes that the cluster knows, remote ones too.
	Nodes(ctx context.Context) ([]Node, error)
	// RemoveNode forgets a node in all caches (`crm_node --force --remove`).
	RemoveNode(ctx context.Context, name string) error

	// Cleanup forgets failed operations, Refresh all operations; both give the lines
	// that crm_resource prints ("Cleaned up WebService on node1").
	Cleanup(ctx context.Context, r CleanupRequest) (lines []string, err error)
	Refresh(ctx context.Context, r CleanupRequest) (lines []string, err error)
	// Restart stops and starts a resource, on node only if that is not "".
	// timeout 0 is none given.
	Restart(ctx context.Context, resource, node string, timeout time.Duration) (lines []string, err error)
	// Wait returns when the cluster has nothing left to do. timeout 0 is the default.
	Wait(ctx context.Context, timeout time.Duration) error

	// Fence asks for a node to be fenced: "off" or "reboot".
	Fence(ctx context.Context, node, action string) error
	// Confirm declares a node as fenced by hand.
	Confirm(ctx context.Context, node string) error
	// FenceHistory lists fencing of a node ("*": all), newest first; former is in the words of Pacemaker 1.1.
	// FenceHistoryCleanup forgets it, FenceHistoryUpdate collects it from all nodes;
	// all three give the lines that stonith_admin prints.
	FenceHistory(ctx context.Context, node string, former bool) (lines []string, err error)
	FenceHistoryCleanup(ctx context.Context, node string) (lines []string, err error)
	FenceHistoryUpdate(ctx context.Context) (lines []string, err error)
}

// Node is a node that the cluster knows.
type Node struct {
	ID, Name string
	// Type is "member" or "remote".
	Type string
	// State is "member", "lost" or "".
	State string
}

// CleanupRequest says whose history is to be forgotten; empty fields mean all.
type CleanupRequest struct {
	Resource, Node, Operation string
	// Interval is as the user wrote it, "10s".
	Interval string
	// Force is crm_resource's --force: not the whole clone or group that Resource belongs to.
	Force bool
}

// Result is what a program that was run has left.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// Output is stdout, and stderr behind it, as pcs shows a tool's complaint.
func (r Result) Output() string { return r.Stdout + r.Stderr }

// Complaint is what a program that failed had to say: standard error, then standard output, without blank ends.
func (r Result) Complaint() string {
	var parts []string
	for _, p := range []string{r.Stderr, r.Stdout} {
		if p = strings.TrimSpace(p); p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, "\n")
}

// Programs runs the status programs of Pacemaker and Corosync in this project's own
// versions, as functions or as processes. env holds additional variables ("CIB_file=cib.xml").
type Programs interface {
	// Run runs a program with arguments ("crm_mon", "--one-shot") and standard input.
	// err is only that it could not be started.
	Run(ctx context.Context, env []string, stdin string, name string, args ...string) (Result, error)
}

// Services are the host's services by unit name without ".service".
type Services interface {
	Start(ctx context.Context, unit string) error
	Stop(ctx context.Context, unit string) error
	Enable(ctx context.Context, unit string) error
	Disable(ctx context.Context, unit string) error
	Kill(ctx context.Context, processes []string) error
	IsActive(ctx context.Context, unit string) bool
	IsEnabled(ctx context.Context, unit string) bool
	IsInstalled(ctx context.Context, unit string) bool
}

// ServiceError is a service that did not do as told, with what systemctl said.
type ServiceError struct {
	Action, Unit, Output string
}

func (e *ServiceError) Error() string {
	return "unable to " + e.Action + " " + e.Unit + ": " + e.Output
}

// AgentAction is one thing that an agent of this host is asked to do by hand.
type AgentAction struct {
	Class, Provider, Type string
	// Resource is the resource's id, Action start, stop, monitor, promote, demote or validate-all.
	Resource, Action string
	// Params are names with values, meta attributes of the operation among them (CRM_meta_…).
	Params  [][2]string
	Timeout time.Duration
}

// AgentResult is what came of it: the agent's code, and what it said.
type AgentResult struct {
	Code                   int
	Reason, Stdout, Stderr string
}

// Agents runs agents of this host.
type Agents interface {
	RunAgent(ctx context.Context, a AgentAction) AgentResult
}
