package pcs

import "hacluster/internal/pcs/quorum"

var quorumTree = &Node{
	Default: "config",
	Sub: map[string]*Node{
		"config":         verb(quorum.Config),
		"expected-votes": verb(quorum.ExpectedVotes),
		"status":         verb(quorum.Status),
		"unblock":        verb(quorum.Unblock),
		"update":         verb(quorum.Update),
		"device": {Sub: map[string]*Node{
			"add":                     verb(quorum.DeviceAdd),
			"remove":                  verb(quorum.DeviceRemove),
			"delete":                  gens("-ABC", quorum.DeviceRemove),
			"status":                  verb(quorum.DeviceStatus),
			"update":                  verb(quorum.DeviceUpdate),
			"check_local_qnetd_certs": gens("--BC", quorum.CheckLocalCerts),
			"setup_local_qnetd_certs": gens("--BC", quorum.SetUpLocalCerts),
			"heuristics": {Sub: map[string]*Node{
				"remove": verb(quorum.HeuristicsRemove),
				"delete": gens("-ABC", quorum.HeuristicsRemove),
			}},
		}},
	},
}
