// Package resource is crm_resource: what a cluster's resources are, where they run
// and why they do not, and what may be done with them: parameters, bans and moves,
// deletion, failures forgotten, agents run by hand.
//
// Each file holds one thing that is asked for; run.go holds the steps that all
// share: options and their combinations, the configuration, node and resource.
package resource
