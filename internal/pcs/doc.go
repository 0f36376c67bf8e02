// Package pcs is the command line program pcs: every generation of its language
// (0.9, 0.10, 0.11, 0.12) over one set of verbs.
//
// A command takes this way:
//
//	argv      the words and options, as getopt reads them, with the quirks of each generation
//	verbs     a table per noun: which words lead to which function, and in which generations
//	session   what a verb is given: options, streams, dialect, the CIB, corosync.conf, agents, other nodes
//	doc       the CIB as a tree: finding, ids, nvsets, constraints that refer to something
//	report    what the user is told, in the words and on the streams of the dialect
//
// The nouns are packages of their own (resource, constraint, stonith, property, …). A verb
// reads the CIB through the session, edits the tree, and the session writes it: to the
// file of -f, or to the running cluster.
//
// # What is handed in
//
// pcs owns no daemon connection. Package live holds the interfaces: Cluster (the local
// daemon: CIB, controller, fencer), Programs (crm_mon and the others whose
// output pcs shows or reads), Services (systemctl). Package agents holds Source, where
// agents' meta-data come from. Run takes them in a World; a nil Cluster answers as a host
// on which no cluster runs.
package pcs
