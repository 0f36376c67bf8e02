package pcs

import (
	"hacluster/internal/pcs/constraint"
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
	"resource":   resourceTree,
	"stonith":    stonithTree,
	"cluster":    clusterTree,
	"node":       nodeTree,
	"status":     statusTree,
	"config":     configTree,
	"alert":      alertTree,
}

func only09(run session.Verb) *Node { return gens("9---", run) }

var constraintTree = &Node{
	Default: "config", Default09: "list",
	Sub: map[string]*Node{
		"list": only09(constraint.List09),
		"show": only09(constraint.List09),
		"location": {
			Run: constraint.Location09,
			Sub: map[string]*Node{
				"show":   only09(constraint.LocationShow09),
				"add":    only09(constraint.LocationAdd09),
				"remove": only09(constraint.LocationRemove09),
				"delete": only09(constraint.LocationRemove09),
			},
		},
		"order": {
			Default: "config", Default09: "show", Run: constraint.OrderAdd09,
			Sub: map[string]*Node{
				"show":   only09(constraint.Show09("rsc_order")),
				"set":    only09(constraint.CreateSet09("rsc_order")),
				"remove": only09(constraint.OrderRemove09),
				"delete": only09(constraint.OrderRemove09),
			},
		},
		"colocation": {
			Default: "config", Default09: "show",
			Sub: map[string]*Node{
				"show":   only09(constraint.Show09("rsc_colocation")),
				"add":    only09(constraint.ColocationAdd09),
				"set":    only09(constraint.CreateSet09("rsc_colocation")),
				"remove": only09(constraint.ColocationRemove09),
				"delete": only09(constraint.ColocationRemove09),
			},
		},
		"ticket": {
			Default: "config", Default09: "show",
			Sub: map[string]*Node{
				"show":   only09(constraint.Show09("rsc_ticket")),
				"add":    only09(constraint.TicketAdd09),
				"set":    only09(constraint.CreateSet09("rsc_ticket")),
				"remove": verb(constraint.TicketRemove),
				"delete": gens("-ABC", constraint.TicketRemove),
			},
		},
		"remove": only09(constraint.Remove09),
		"delete": only09(constraint.Remove09),
		"ref":    only09(constraint.Ref09),
		"rule": {Sub: map[string]*Node{
			"add":    only09(constraint.RuleAdd09),
			"remove": only09(constraint.RuleRemove09),
			"delete": only09(constraint.RuleRemove09),
		}},
	},
}
