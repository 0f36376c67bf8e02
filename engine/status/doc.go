// Package status reads a CIB, configuration and status section, into a model:
// nodes and their states, resources and their instances, where each is active,
// operation histories and failures, constraints, tickets.
//
// It is the one reading of <status>: the scheduler, crm_mon and pcs all see
// what Read returns, and nobody else digs in that section.
//
//	c := status.Read(cib, status.Options…)
//	for _, n := range c.Nodes { … n.Online, n.Standby, n.Unclean … }
//	for _, r := range c.Resources { … r.Role, r.Active, r.Flags … }
//
// Reading a history already raises some needs for action (a failed resource
// must be stopped, a lost node fenced); they are kept as Actions, which the
// scheduler goes on with and screens ignore.
package status
