package pcs

import (
	"hacluster/internal/dialect"
	"hacluster/internal/pcs/alert"
	"hacluster/internal/pcs/booth"
	"hacluster/internal/pcs/cluster"
	"hacluster/internal/pcs/config"
	"hacluster/internal/pcs/host"
	"hacluster/internal/pcs/listing"
	"hacluster/internal/pcs/node"
	"hacluster/internal/pcs/qdevice"
	"hacluster/internal/pcs/query"
	"hacluster/internal/pcs/quorum"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/status"
)

var clusterTree = &Node{
	Sub: map[string]*Node{
		"auth":                  verb(clusterAuth),
		"setup":                 verb(cluster.Setup),
		"node":                  clusterNodeTree,
		"remote-node":           {Gens: "9---", Sub: map[string]*Node{"add": verb(cluster.RemoteNodeAdd09), "remove": verb(cluster.RemoteNodeRemove09), "delete": verb(cluster.RemoteNodeRemove09)}},
		"report":                verb(cluster.Report),
		"authkey":               {Gens: "-ABC", Sub: map[string]*Node{"corosync": verb(cluster.AuthkeyCorosync)}},
		"rename":                gens("--BC", cluster.Rename),
		"remove_nodes_from_cib": gens("-ABC", cluster.RemoveNodesFromCIB),
		"link": {
			Gens: "-ABC",
			Sub: map[string]*Node{
				"add":    verb(cluster.LinkAdd),
				"remove": verb(cluster.LinkRemove),
				"delete": verb(cluster.LinkRemove),
				"update": verb(cluster.LinkUpdate),
			},
		},
		"config": {
			Gens: "-ABC", Default: "show",
			Sub: map[string]*Node{
				"show":   verb(cluster.ConfigShow),
				"update": verb(cluster.ConfigUpdate),
				"uuid":   {Sub: map[string]*Node{"generate": verb(cluster.ConfigUUID)}},
			},
		},
		"token":       only09(cluster.Token09),
		"token-nodes": only09(cluster.TokenNodes09),
		"sync":        {Run: cluster.Sync, Sub: map[string]*Node{"corosync": gens("-ABC", cluster.Sync)}},
		"status":      verb(status.Cluster),
		"pcsd-status": moved("pcs pcsd status' or 'pcs status pcsd", status.PcsdStatus),
		"certkey":     moved("pcs pcsd certkey", host.CertKey),
		"start":       verb(cluster.Start),
		"stop":        verb(cluster.Stop),
		"kill":        verb(cluster.Kill),
		"enable":      verb(cluster.Enable),
		"disable":     verb(cluster.Disable),
		"standby":     only09(node.Standby),
		"unstandby":   only09(node.Unstandby),
		"cib":         verb(cluster.CIB),
		"cib-push":    verb(cluster.CIBPush),
		"cib-upgrade": verb(cluster.CIBUpgrade),
		"edit":        verb(cluster.Edit),
		"uidgid":      verb(cluster.UIDGID),
		"corosync":    verb(cluster.Corosync),
		"reload":      verb(cluster.Reload),
		"destroy":     verb(cluster.Destroy),
		"verify":      verb(cluster.Verify),
		"localnode":   only09(cluster.LocalNode09),
	},
}

// moved is a verb whose words changed after 0.9.
func moved(to string, run session.Verb) *Node {
	return gens("9AB-", func(s *session.Session, args []string) error {
		if !s.Legacy() {
			s.Deprecated("This command is deprecated and will be removed. Please use '" + to + "' instead.")
		}
		return run(s, args)
	})
}

// clusterAuth is `cluster auth`: words after it are only 0.9's.
func clusterAuth(s *session.Session, args []string) error {
	if !s.Fixed && len(args) > 0 {
		s.SetVersion(dialect.Seed)
	}
	return session.ByAge(cluster.Auth09, host.ClusterAuth)(s, args)
}

var clusterNodeTree = &Node{
	Sub: map[string]*Node{
		"add-remote":      verb(cluster.AddRemote),
		"add-guest":       verb(cluster.AddGuest),
		"remove-remote":   verb(cluster.RemoveRemote),
		"delete-remote":   gens("-ABC", cluster.RemoveRemote),
		"remove-guest":    verb(cluster.RemoveGuest),
		"delete-guest":    gens("-ABC", cluster.RemoveGuest),
		"clear":           verb(cluster.NodeClear),
		"add-outside":     gens("-ABC", cluster.NodeAddOutside),
		"add":             verb(cluster.NodeAdd),
		"remove":          verb(cluster.NodeRemove),
		"delete":          verb(cluster.NodeRemove),
		"rename-cib":      gens("--BC", cluster.RenameCIB),
		"rename-corosync": gens("--BC", cluster.RenameCorosync),
	},
}

var nodeTree = &Node{
	Sub: map[string]*Node{
		"attribute":        verb(node.Attribute),
		"utilization":      verb(node.Utilization),
		"standby":          verb(node.Standby),
		"unstandby":        verb(node.Unstandby),
		"maintenance":      verb(node.Maintenance),
		"unmaintenance":    verb(node.Unmaintenance),
		"pacemaker-status": verb(node.PacemakerStatus),
	},
}

var statusTree = &Node{
	Run: session.ByAge(status.Full09, status.Full),
	Sub: map[string]*Node{
		"status":    gens("-ABC", status.Full),
		"wait":      gens("--BC", status.Wait),
		"corosync":  verb(status.Corosync),
		"cluster":   verb(status.Cluster),
		"nodes":     verb(status.Nodes),
		"pcsd":      verb(status.PcsdStatus),
		"xml":       verb(status.XML),
		"booth":     verb(booth.Status),
		"quorum":    verb(quorum.Status),
		"qdevice":   verb(qdevice.Status),
		"resources": byAge(listing.Show09, listing.Status),
		"query": {Gens: "--BC", Sub: map[string]*Node{
			"resource": gens("--BC", query.Resource),
		}},
		"groups": only09(listing.GroupList09),
	},
}

var configTree = &Node{
	Default: "show",
	Sub: map[string]*Node{
		"show":        byAge(config.Show09, config.Show),
		"backup":      verb(config.Backup),
		"restore":     verb(config.Restore),
		"export":      only09(config.Export),
		"import-cman": only09(config.ImportCman09),
		"checkpoint": {
			Run: config.Checkpoints,
			Sub: map[string]*Node{
				"list":    gens("-ABC", config.Checkpoints),
				"view":    verb(config.CheckpointView),
				"diff":    verb(config.CheckpointDiff),
				"restore": verb(config.CheckpointRestore),
			},
		},
	},
}

var alertTree = &Node{
	Default: "config",
	Sub: map[string]*Node{
		"create":         verb(alert.Create),
		"update":         verb(alert.Update),
		"remove":         verb(alert.Remove),
		"delete":         gens("-ABC", alert.Remove),
		"config":         byAge(alert.Config09, alert.Config),
		"show":           byAge(alert.Config09, alert.Show),
		"get_all_alerts": verb(alert.AllJSON),
		"recipient": {Help: "9ABC", Sub: map[string]*Node{
			"add":    verb(alert.RecipientAdd),
			"update": verb(alert.RecipientUpdate),
			"remove": verb(alert.RecipientRemove),
			"delete": gens("-ABC", alert.RecipientRemove),
		}},
	},
}
