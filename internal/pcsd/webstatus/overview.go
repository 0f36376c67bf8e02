package webstatus

import (
	"encoding/json"
	"slices"
	"strings"

	"hacluster/cib/number"
)

// Answer is what a node said when it was asked for version 2 of its status.
type Answer struct {
	Node string
	// Code is the HTTP code. Who cannot be asked, or does not answer, has 400 and the body {"notoken":true} or {"noresponse":true}.
	Code int
	Body string
}

// object is a value of JSON as it came: what is not looked at is handed on.
type object = map[string]any

// Nowhere is the answer of a host that is in no cluster.
func Nowhere() object {
	return object{"cluster_name": nil, "error_list": []any{}, "warning_list": []any{}, "quorate": nil, "status": "unknown", "node_list": []any{}, "resource_list": []any{}}
}

// Overview makes the status of a whole cluster of those of its nodes: `cluster_status`. What is told of the configuration is what a node with
// quorum tells, else one that is online, else the first. ok is false where a node of the cluster forbids it.
func Overview(cluster string, answers []Answer) (status object, ok bool) {
	status = Nowhere()
	status["cluster_name"], status["pcsd_capabilities"] = cluster, []any{}
	all, forbidden := make([]object, len(answers)), []string{}
	var own []object
	for i, a := range answers {
		all[i] = reading(cluster, a)
		if a.Code == 403 {
			forbidden = append(forbidden, a.Node)
		}
		if all[i]["cluster_name"] == cluster {
			own = append(own, all[i])
		}
	}
	if len(own) == 0 {
		return status, true
	}
	nodes, refusing := []any{}, []string{}
	source := own[0]
	better := func(a object) int {
		switch n := nodeOf(a); {
		case truth(n["quorum"]):
			return 2
		case n["status"] == "online":
			return 1
		}
		return 0
	}
	for _, a := range own {
		n := nodeOf(a)
		name, _ := n["name"].(string)
		if slices.Contains(forbidden, name) {
			return nil, false
		}
		nodes = append(nodes, n)
		if truth(n["notauthorized"]) {
			refusing = append(refusing, name)
		}
		if better(a) > better(source) {
			source = a
		}
	}
	for k, v := range source {
		status[k] = v
	}
	delete(status, "node")
	quorate := better(source) == 2
	status["quorate"], status["node_list"] = quorate, nodes
	warn := func(m object) { status["warning_list"] = append(list(status["warning_list"]), m) }

	var sbd sbdStates
	for _, a := range all {
		n := nodeOf(a)
		if c, is := a["pcsd_capabilities"].([]any); is && n["status"] != "unknown" {
			status["pcsd_capabilities"] = common(list(status["pcsd_capabilities"]), c)
		}
		sbd.add(n)
	}
	if quorate {
		for _, text := range fencingWarnings(status, sbd) {
			warn(text)
		}
	}
	if len(refusing) > 0 {
		warn(object{"message": "Not authorized against node(s) " + strings.Join(refusing, ", "), "type": "nodes_not_authorized", "node_list": refusing})
	}
	status["status"] = verdict(status, quorate)
	return status, true
}

// reading is what an answer tells; of a node that tells nothing, that its state is unknown.
func reading(cluster string, a Answer) object {
	unknown := object{"name": a.Node, "status": "unknown", "warning_list": []any{}, "error_list": []any{}}
	out := Nowhere()
	out["cluster_name"], out["pcsd_capabilities"], out["node"] = cluster, []any{}, unknown
	var said object
	d := json.NewDecoder(strings.NewReader(a.Body))
	d.UseNumber()
	if d.Decode(&said) != nil || said == nil {
		return out
	}
	switch n, is := said["node"].(object); {
	case truth(said["noresponse"]):
	case truth(said["notoken"]), truth(said["notauthorized"]):
		unknown["notauthorized"] = true
	case is:
		said["status_version"], n["status_version"], n["name"] = "2", "2", a.Node
		if !truth(said["pcsd_capabilities"]) {
			said["pcsd_capabilities"] = []any{}
		}
		return said
	}
	return out
}

func nodeOf(a object) object { n, _ := a["node"].(object); return n }

func list(v any) []any { l, _ := v.([]any); return l }

// common are the texts that two lists have, each once.
func common(a, b []any) []any {
	there := map[string]bool{}
	for _, v := range b {
		if t, is := v.(string); is {
			there[t] = true
		}
	}
	out := []any{}
	for _, v := range a {
		if t, is := v.(string); is && there[t] {
			out = append(out, t)
			there[t] = false
		}
	}
	return out
}

// truth is what is neither null nor false.
func truth(v any) bool { return v != nil && v != false }

// sbdStates are the nodes by what is known of their SBD.
type sbdStates struct{ enabled, disabled, running []string }

func (s *sbdStates) add(node object) {
	services, _ := node["services"].(object)
	sbd, is := services["sbd"].(object)
	if !is {
		return
	}
	name, _ := node["name"].(string)
	switch {
	case truth(sbd["enabled"]):
		s.enabled = append(s.enabled, name)
	case node["status"] != "unknown":
		s.disabled = append(s.disabled, name)
	}
	if truth(sbd["running"]) {
		s.running = append(s.running, name)
	}
}

func fencingWarnings(status object, sbd sbdStates) []object {
	var out []object
	devices := slices.ContainsFunc(list(status["resource_list"]), func(r any) bool { x, _ := r.(object); return truth(x["stonith"]) })
	if !devices && len(sbd.enabled) == 0 {
		out = append(out, object{"message": "No fencing configured in the cluster"})
	}
	settings, _ := status["cluster_settings"].(object)
	if v, set := settings["stonith-enabled"].(string); set && !number.IsTrue(v) {
		out = append(out, object{"message": "Stonith is not enabled"})
	}
	if len(sbd.enabled) > 0 && len(sbd.disabled) > 0 {
		out = append(out, object{"message": "SBD is not enabled on node(s) " + strings.Join(sbd.disabled, ", "), "type": "sbd_not_enabled_on_all_nodes", "node_list": sbd.disabled})
	}
	if len(sbd.enabled) > 0 && len(sbd.running) == 0 {
		out = append(out, object{"message": "SBD is enabled but not running. Restart of cluster is required."})
	}
	if len(sbd.enabled) == 0 && len(sbd.running) > 0 {
		out = append(out, object{"message": "SBD is disabled but still running. Restart of cluster is required."})
	}
	return out
}

// verdict is the cluster's state: "error", "warning" or "ok".
func verdict(status object, quorate bool) string {
	if !quorate || len(list(status["error_list"])) > 0 {
		return "error"
	}
	out := "ok"
	if len(list(status["warning_list"])) > 0 {
		out = "warning"
	}
	for _, v := range list(status["node_list"]) {
		n, _ := v.(object)
		if len(list(n["error_list"])) > 0 || n["status"] == "unknown" || n["status"] == "offline" {
			return "error"
		}
		if len(list(n["warning_list"])) > 0 {
			out = "warning"
		}
	}
	for _, v := range list(status["resource_list"]) {
		switch r, _ := v.(object); r["status"] {
		case failed, blocked:
			return "error"
		case partially:
			out = "warning"
		}
	}
	return out
}
