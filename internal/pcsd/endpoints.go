package pcsd

import "maps"

// endpoints are the calls below /remote/, of all generations.
var endpoints map[string]endpoint

func init() {
	local := func(need string, run func(*Server, *request) answer) endpoint { return endpoint{need: need, run: run} }
	onNode := func(path, need string, run func(*Server, *request) answer) endpoint {
		return endpoint{need: need, run: forwarded(path, run)}
	}
	endpoints = map[string]endpoint{
		"check_auth":                           local("", (*Server).checkAuth),
		"check_host":                           local("read", (*Server).checkHost),
		"status":                               local("read", (*Server).status),
		"cluster_status":                       local("read", (*Server).clusterStatus),
		"get_quorum_info":                      local("read", (*Server).getQuorumInfo),
		"pacemaker_node_status":                {need: "read", pacemaker: true, run: (*Server).pacemakerNodeStatus},
		"get_corosync_conf":                    local("read", (*Server).getConf),
		"get_sw_versions":                      local("", (*Server).swVersions),
		"capabilities":                         local("", capabilities),
		"cluster_start":                        onNode("cluster_start", "write", (*Server).clusterStart),
		"cluster_stop":                         onNode("cluster_stop", "write", (*Server).clusterStop),
		"cluster_enable":                       onNode("cluster_enable", "write", clusterEnable),
		"cluster_disable":                      onNode("cluster_disable", "write", clusterDisable),
		"cluster_destroy":                      local("full", (*Server).clusterDestroy),
		"reload_corosync_conf":                 local("write", (*Server).reloadConf),
		"manage_services":                      local("write", (*Server).manageServices),
		"qdevice_client_start":                 local("write", unitSwitch("corosync-qdevice", "start", "corosync-qdevice started", "Starting corosync-qdevice failed")),
		"qdevice_client_stop":                  local("write", unitSwitch("corosync-qdevice", "stop", "corosync-qdevice stopped", "Stopping corosync-qdevice failed")),
		"qdevice_client_enable":                local("write", unitSwitch("corosync-qdevice", "enable", "corosync-qdevice enabled", "Enabling corosync-qdevice failed")),
		"qdevice_client_disable":               local("write", unitSwitch("corosync-qdevice", "disable", "corosync-qdevice disabled", "Disabling corosync-qdevice failed")),
		"sbd_enable":                           local("write", unitSwitch("sbd", "enable", "SBD enabled", "Enabling SBD failed")),
		"sbd_disable":                          local("write", unitSwitch("sbd", "disable", "SBD disabled", "Disabling SBD failed")),
		"check_sbd":                            local("read", (*Server).checkSBD),
		"get_sbd_config":                       local("read", (*Server).getSBDConfig),
		"set_sbd_config":                       local("write", (*Server).setSBDConfig),
		"remove_stonith_watchdog_timeout":      local("write", watchdogTimeout("")),
		"set_stonith_watchdog_timeout_to_zero": local("write", watchdogTimeout("0")),
		"put_file":                             local("write", (*Server).putFile),
		"remove_file":                          local("write", (*Server).removeFile),
		"set_corosync_conf":                    local("full", (*Server).setConf),
		"set_certs":                            local("full", (*Server).setCerts),
		"remove_nodes_from_cib":                local("write", (*Server).removeNodesFromCIB),
		"config_restore":                       local("full", (*Server).configRestore),
		"get_permissions":                      local("grant", (*Server).getPermissions),
		"set_permissions":                      local("grant", (*Server).setPermissions),
		"manage_resource":                      local("write", manage("resource.manage")),
		"unmanage_resource":                    local("write", manage("resource.unmanage")),
		"cluster_status_plaintext":             local("read", ownPath("status.full_cluster_status_plaintext")),
		"get_configs":                          local("full", (*Server).getConfigs),
		"set_configs":                          local("full", (*Server).setConfigs),
		"set_sync_options":                     local("full", (*Server).setSyncOptions),
		"get_sync_capabilities":                local("", syncCapabilities),
		"known_hosts_change":                   local("full", (*Server).knownHostsChange),
		"get_cluster_known_hosts":              local("full", (*Server).clusterKnownHosts),
		"booth_set_config":                     local("write", (*Server).boothSetConfig),
		"booth_get_config":                     local("read", (*Server).boothGetConfig),
		"booth_save_files":                     local("write", (*Server).boothSaveFiles),
		"qdevice_net_get_ca_certificate":       local("read", (*Server).deviceAuthority),
		"qdevice_net_sign_node_certificate":    local("read", (*Server).deviceSign),
		"qdevice_net_client_init_certificate_storage": local("full", (*Server).deviceSetUp),
		"qdevice_net_client_import_certificate":       local("full", (*Server).deviceImport),
		"qdevice_net_client_destroy":                  local("full", (*Server).deviceDestroy),
		"cluster_add_nodes":                           local("full", ownPath("cluster.add_nodes")),
		// Of this project alone:
		"crm_report": local("full", (*Server).crmReport),
		// Of 0.9 alone:
		"node_available":          local("", (*Server).nodeAvailable),
		"add_node":                local("full", (*Server).addNode),
		"remove_node":             local("full", (*Server).removeNode),
		"pcsd_restart":            local("full", (*Server).pcsdRestart),
		"pcsd_instance_signature": local("", (*Server).instanceSignature),
	}
	maps.Copy(endpoints, webCalls())
}

func syncCapabilities(*Server, *request) answer {
	return okJSON(map[string]any{"syncable_configs": syncable})
}
