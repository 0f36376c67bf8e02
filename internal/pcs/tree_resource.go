package pcs

import (
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/describe"
	"hacluster/internal/pcs/element"
	"hacluster/internal/pcs/listing"
	"hacluster/internal/pcs/move"
	"hacluster/internal/pcs/operate"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/resource"
	"hacluster/internal/pcs/sbd"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
	"hacluster/internal/pcs/stonith"
)

var resourceTree = &Node{
	Default: "status", Default09: "show",
	Sub: map[string]*Node{
		"config":                  gens("-ABC", listing.Config),
		"description":             gens("---C", element.Description),
		"status":                  gens("-ABC", listing.Status),
		"create":                  verb(resource.Create),
		"show":                    only09(listing.Show09),
		"list":                    verb(describe.List),
		"describe":                verb(describe.Describe),
		"standards":               verb(describe.Standards),
		"providers":               verb(describe.Providers),
		"agents":                  verb(describe.Agents),
		"update":                  byAge(resource.Update09, resource.Update),
		"delete":                  byAge(resource.Delete09, resource.Delete),
		"remove":                  byAge(resource.Delete09, resource.Delete),
		"meta":                    byAge(resource.Meta09, resource.Meta),
		"utilization":             byAge(resource.Utilization09, resource.Utilization),
		"promotable":              gens("-ABC", resource.Promotable),
		"clone":                   byAge(resource.Clone09, resource.Clone),
		"unclone":                 byAge(resource.Unclone09, resource.Unclone),
		"master":                  only09(resource.Master09),
		"ungroup":                 byAge(resource.GroupRemove09, resource.GroupRemove),
		"enable":                  byAge(resource.Enable09, resource.Enable),
		"disable":                 byAge(resource.Disable09, resource.Disable),
		"safe-disable":            byAge(resource.SafeDisable09, resource.SafeDisable),
		"manage":                  byAge(resource.Manage09, resource.Manage),
		"unmanage":                byAge(resource.Unmanage09, resource.Unmanage),
		"cleanup":                 verb(operate.Cleanup),
		"refresh":                 verb(operate.Refresh),
		"restart":                 byAge(operate.Restart09, operate.Restart),
		"move":                    byAge(move.Move09("move"), move.Move),
		"move-with-constraint":    gens("--BC", move.MoveConstraint),
		"ban":                     byAge(move.Move09("ban"), move.Ban),
		"clear":                   byAge(move.Move09("clear"), move.Clear),
		"debug-start":             verb(operate.Debug("debug-start")),
		"debug-stop":              verb(operate.Debug("debug-stop")),
		"debug-monitor":           verb(operate.Debug("debug-monitor")),
		"debug-promote":           verb(operate.Debug("debug-promote")),
		"debug-demote":            verb(operate.Debug("debug-demote")),
		"defaults":                defaultsNode(resource.ResourceDefaults),
		"add_operation":           only09(gone09("add_operation has been deprecated, please use 'op add'")),
		"remove_operation":        only09(gone09("remove_operation has been deprecated, please use 'op remove'")),
		"history":                 only09(operate.History09),
		"get_resource_agent_info": gens("9AB-", describe.AgentInfo),
		"relocate": {Sub: map[string]*Node{
			"show":    verb(move.RelocateShow),
			"dry-run": verb(move.RelocateDryRun),
			"run":     verb(move.RelocateRun),
			"clear":   verb(move.RelocateClear),
		}},
		"relations": verb(listing.Relations),
		"failcount": {Default: "show", Default09: "-", Run: session.ByAge(operate.Failcount09, usageOf), Sub: map[string]*Node{
			"show": gens("-ABC", operate.FailcountShow),
			"reset": only09(func(s *session.Session, args []string) error {
				return operate.Failcount09(s, append([]string{"reset"}, args...))
			}),
		}},
		"op": {Run: session.ByAge(unheard09, usageOf), Sub: map[string]*Node{
			"defaults": defaultsNode(resource.OperationDefaults),
			"add":      byAge(resource.OpAdd09, resource.OpAdd),
			"remove":   byAge(resource.OpRemove09, resource.OpRemove),
			"delete":   byAge(resource.OpRemove09, resource.OpRemove),
		}},
		"bundle": {Sub: map[string]*Node{
			"create": verb(resource.BundleCreate),
			"reset":  verb(resource.BundleReset),
			"update": verb(resource.BundleUpdate),
		}},
		"group": {Sub: map[string]*Node{
			"add":    byAge(resource.GroupAdd09, resource.GroupAdd),
			"list":   verb(listing.GroupList09),
			"remove": byAge(resource.GroupRemove09, resource.GroupRemove),
			"delete": byAge(resource.GroupRemove09, resource.GroupRemove),
		}},
	},
}

var stonithTree = &Node{
	Default: "status", Default09: "show",
	Sub: map[string]*Node{
		"config":      gens("-ABC", stonith.Config),
		"description": gens("---C", element.Description),
		"status":      gens("-ABC", stonith.Status),
		"create":      verb(resource.CreateStonith),
		"show":        only09(showStonith09),
		"list":        verb(describe.ListStonith),
		"describe":    verb(describe.DescribeStonith),
		"update":      byAge(resource.Update09, resource.UpdateStonith),
		"delete":      byAge(resource.Delete09, resource.DeleteStonith),
		"remove":      byAge(resource.Delete09, resource.DeleteStonith),
		"failcount": {Gens: "--BC", Default: "show", Sub: map[string]*Node{
			"show": gens("--BC", operate.FailcountShow),
		}},
		"meta":     gens("--BC", resource.MetaStonith),
		"cleanup":  verb(operate.Cleanup),
		"refresh":  verb(operate.Refresh),
		"defaults": defaultsNode(resource.ResourceDefaults),
		"op": {Gens: "-ABC", Sub: map[string]*Node{
			"defaults": defaultsNode(resource.OperationDefaults),
			"add":      gens("--BC", resource.OpAddStonith),
			"remove":   gens("--BC", resource.OpRemoveStonith),
			"delete":   gens("--BC", resource.OpRemoveStonith),
		}},
		"enable":               byAge(resource.Enable09, resource.EnableStonith),
		"disable":              byAge(resource.Disable09, resource.DisableStonith),
		"fence":                verb(stonith.Fence),
		"confirm":              verb(stonith.Confirm),
		"get_fence_agent_info": gens("9AB-", describe.FenceAgentInfo),
		"update-scsi-devices":  gens("-ABC", stonith.UpdateScsiDevices),
		"sbd": {Sub: map[string]*Node{
			"enable":               verb(sbd.Enable),
			"disable":              verb(sbd.Disable),
			"status":               verb(sbd.Status),
			"config":               verb(sbd.Config),
			"local_config_in_json": verb(sbd.LocalConfig),
			"device": {Sub: map[string]*Node{
				"setup":   verb(sbd.DeviceSetup),
				"message": verb(sbd.DeviceMessage),
			}},
			"watchdog": {Sub: map[string]*Node{
				"list":      verb(sbd.WatchdogList),
				"list_json": gens("9AB-", sbd.WatchdogJSON),
				"test":      verb(sbd.WatchdogTest),
			}},
		}},
		"history": {Default: "show", Sub: map[string]*Node{
			"show":    verb(stonith.History),
			"cleanup": verb(stonith.HistoryCleanup),
			"update":  verb(stonith.HistoryUpdate),
		}},
		"level": {Default: "config", Sub: map[string]*Node{
			"add":    verb(stonith.LevelAdd),
			"clear":  verb(stonith.LevelClear),
			"config": verb(stonith.LevelConfig),
			"remove": verb(stonith.LevelRemove),
			"delete": verb(stonith.LevelRemove),
			"verify": verb(stonith.LevelVerify),
		}},
	},
}

// showStonith09 is `stonith show` of 0.9: the devices, and the fencing levels.
func showStonith09(s *session.Session, args []string) error {
	if err := listing.ShowStonith09(s, args); err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	s.Out.Print(show.IndentBy(stonith.Lines(s, root), 1)...)
	return nil
}

// unheard09 is what stands for a word that names no verb where 0.9 has no answer to that.
func unheard09(_ *session.Session, args []string) error {
	if len(args) == 0 {
		return argv.Usage()
	}
	return nil
}

// usageOf is what stands for no verb.
func usageOf(*session.Session, []string) error { return argv.Usage() }

// gone09 is a verb that only tells which other took its place.
func gone09(text string) session.Verb {
	return func(*session.Session, []string) error { return report.Fatal(text) }
}

// defaultsNode are the verbs for the defaults of resources or operations.
func defaultsNode(d resource.Defaults) *Node {
	return &Node{
		At:      append([]string(nil), strings.Fields(d.Command)...),
		Default: "config", Default09: "-", Run: session.ByAge(resource.Defaults09(d.Section), d.Run),
		Sub: map[string]*Node{
			"config": gens("-ABC", d.Config),
			"update": gens("-ABC", d.Update),
			"set": {Gens: "-ABC", Sub: map[string]*Node{
				"create": gens("-ABC", d.Create),
				"update": gens("-ABC", d.UpdateSet),
				"delete": gens("-ABC", d.Remove),
				"remove": gens("-ABC", d.Remove),
			}},
		},
	}
}
