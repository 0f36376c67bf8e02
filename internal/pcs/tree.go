package pcs

import (
	"hacluster/internal/pcs/element"
	"hacluster/internal/pcs/property"
	"hacluster/internal/pcs/session"
)

func verb(run session.Verb) *Node { return &Node{Run: run} }

func byAge(old, newer session.Verb) *Node { return verb(session.ByAge(old, newer)) }

func gens(g string, run session.Verb) *Node { return &Node{Run: run, Gens: g} }

// nouns is the tree of words, a noun each.
var nouns = map[string]*Node{
	"property": {
		Default: "config", Default09: "list",
		Sub: map[string]*Node{
			"set":                               verb(session.ByAge(property.Set09, property.Set)),
			"unset":                             verb(session.ByAge(property.Unset09, property.Unset)),
			"list":                              verb(session.ByAge(property.List09, property.ListDeprecated)),
			"show":                              verb(session.ByAge(property.List09, property.ListDeprecated)),
			"config":                            gens("-ABC", property.Config),
			"defaults":                          gens("-ABC", property.Defaults),
			"describe":                          gens("-ABC", property.Describe),
			"get_cluster_properties_definition": verb(property.Definition),
		},
	},
	"constraint": constraintTree,
	"cib": {Gens: "---C", Sub: map[string]*Node{
		"element": {Gens: "---C", Sub: map[string]*Node{"description": gens("---C", element.Description)}},
	}},
	"resource": resourceTree,
	"stonith":  stonithTree,
	"cluster":  clusterTree,
	"node":     nodeTree,
	"status":   statusTree,
	"config":   configTree,
	"alert":    alertTree,
	"acl":      aclTree,
	"tag":      tagTree,
	"quorum":   quorumTree,
	"booth":    boothTree,
	"host":     hostTree,
	"client":   clientTree,
	"pcsd":     pcsdTree,
	"dr":       drTree,
	"qdevice":  qdeviceTree,
}

func only09(run session.Verb) *Node { return gens("9---", run) }
