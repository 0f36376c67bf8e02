package pcs

import "hacluster/internal/pcs/booth"

var boothTree = &Node{
	Sub: map[string]*Node{
		"config":                verb(booth.Config),
		"create":                verb(booth.Create),
		"remove":                verb(booth.Remove),
		"delete":                gens("-ABC", booth.Remove),
		"destroy":               verb(booth.Destroy),
		"enable":                verb(booth.Enable),
		"disable":               verb(booth.Disable),
		"start":                 verb(booth.Start),
		"stop":                  verb(booth.Stop),
		"restart":               verb(booth.Restart),
		"setup":                 verb(booth.Setup),
		"sync":                  verb(booth.Sync),
		"pull":                  verb(booth.Pull),
		"status":                verb(booth.Status),
		"enable-authfile":       gens("-ABC", booth.EnableAuthfile),
		"clean-enable-authfile": gens("-ABC", booth.CleanAuthfile),
		"ticket": {Help: "-ABC", Sub: map[string]*Node{
			"add":       verb(booth.TicketAdd),
			"remove":    verb(booth.TicketRemove),
			"delete":    gens("-ABC", booth.TicketRemove),
			"grant":     verb(booth.TicketGrant),
			"revoke":    verb(booth.TicketRevoke),
			"cleanup":   gens("--BC", booth.TicketCleanup),
			"standby":   gens("--BC", booth.TicketStandby),
			"unstandby": gens("--BC", booth.TicketUnstandby),
		}},
	},
}
