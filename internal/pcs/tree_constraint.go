package pcs

import "hacluster/internal/pcs/constraint"

var constraintTree = &Node{
	Default: "config", Default09: "list",
	Sub: map[string]*Node{
		"config": gens("-ABC", constraint.Config()),
		"list":   byAge(constraint.List09, constraint.Show("pcs constraint config", constraint.Config())),
		"show":   byAge(constraint.List09, constraint.Show("pcs constraint config", constraint.Config())),
		"location": {
			Default: "config", Default09: "show", Run: byAge(constraint.Location09, constraint.Location).Run,
			Sub: map[string]*Node{
				"config": gens("-ABC", constraint.LocationConfig),
				"show":   byAge(constraint.LocationShow09, constraint.Show("pcs constraint location config", constraint.LocationConfig)),
				"add":    byAge(constraint.LocationAdd09, constraint.LocationAdd),
				"remove": byAge(constraint.LocationRemove09, constraint.LocationRemove),
				"delete": byAge(constraint.LocationRemove09, constraint.LocationRemove),
			},
		},
		"order": {
			Default: "config", Default09: "show", Run: byAge(constraint.OrderAdd09, constraint.OrderAdd).Run,
			Sub: map[string]*Node{
				"config": gens("-ABC", constraint.Config("rsc_order")),
				"show":   byAge(constraint.Show09("rsc_order"), constraint.Show("pcs constraint order config", constraint.Config("rsc_order"))),
				"set":    byAge(constraint.CreateSet09("rsc_order"), constraint.CreateSet("rsc_order")),
				"remove": byAge(constraint.OrderRemove09, constraint.OrderRemove),
				"delete": byAge(constraint.OrderRemove09, constraint.OrderRemove),
			},
		},
		"colocation": {
			Default: "config", Default09: "show",
			Sub: map[string]*Node{
				"config": gens("-ABC", constraint.Config("rsc_colocation")),
				"show":   byAge(constraint.Show09("rsc_colocation"), constraint.Show("pcs constraint colocation config", constraint.Config("rsc_colocation"))),
				"add":    byAge(constraint.ColocationAdd09, constraint.ColocationAdd),
				"set":    byAge(constraint.CreateSet09("rsc_colocation"), constraint.CreateSet("rsc_colocation")),
				"remove": byAge(constraint.ColocationRemove09, constraint.ColocationRemove),
				"delete": byAge(constraint.ColocationRemove09, constraint.ColocationRemove),
			},
		},
		"ticket": {
			Default: "config", Default09: "show",
			Sub: map[string]*Node{
				"config": gens("-ABC", constraint.Config("rsc_ticket")),
				"show":   byAge(constraint.Show09("rsc_ticket"), constraint.Show("pcs constraint ticket config", constraint.Config("rsc_ticket"))),
				"add":    byAge(constraint.TicketAdd09, constraint.TicketAdd),
				"set":    byAge(constraint.CreateSet09("rsc_ticket"), constraint.CreateSet("rsc_ticket")),
				"remove": verb(constraint.TicketRemove),
				"delete": gens("-ABC", constraint.TicketRemove),
			},
		},
		"remove": byAge(constraint.Remove09, constraint.Remove),
		"delete": byAge(constraint.Remove09, constraint.Remove),
		"ref":    byAge(constraint.Ref09, constraint.Ref),
		"rule": {Sub: map[string]*Node{
			"add":    byAge(constraint.RuleAdd09, constraint.RuleAdd),
			"remove": byAge(constraint.RuleRemove09, constraint.RuleRemove),
			"delete": byAge(constraint.RuleRemove09, constraint.RuleRemove),
		}},
	},
}
