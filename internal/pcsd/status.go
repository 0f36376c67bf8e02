package pcsd

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcsd/client"
	"hacluster/internal/pcsd/webstatus"
)

// nodeState is the part of an answer to `status` that is of this host alone.
type nodeState struct {
	ID               any                     `json:"id"`
	Errors           []webstatus.Message     `json:"error_list"`
	Warnings         []webstatus.Message     `json:"warning_list"`
	Status           string                  `json:"status"` // "online", "standby", "offline"
	Quorum           any                     `json:"quorum"` // null where it cannot be told
	Uptime           string                  `json:"uptime"`
	Name             any                     `json:"name"`
	Services         map[string]serviceState `json:"services"`
	Corosync         bool                    `json:"corosync"`
	Pacemaker        bool                    `json:"pacemaker"`
	CorosyncEnabled  bool                    `json:"corosync_enabled"`
	PacemakerEnabled bool                    `json:"pacemaker_enabled"`
	PcsdEnabled      bool                    `json:"pcsd_enabled"`
	SBD              json.RawMessage         `json:"sbd_config"`
}

// fullStatus is an answer to version 2 of `status`.
type fullStatus struct {
	ClusterName  string                       `json:"cluster_name"`
	ClusterUUID  string                       `json:"cluster_uuid"`
	Groups       []string                     `json:"groups"`
	Constraints  map[string][]map[string]any  `json:"constraints"`
	Settings     map[string]any               `json:"cluster_settings"`
	ACLs         any                          `json:"acls"`
	User         string                       `json:"username"`
	FenceLevels  map[string][]webstatus.Level `json:"fence_levels"`
	NodeAttrs    map[string][]webstatus.Pair  `json:"node_attr"`
	Utilization  map[string][]webstatus.Pair  `json:"nodes_utilization"`
	Alerts       json.RawMessage              `json:"alerts"`
	KnownNodes   []string                     `json:"known_nodes"`
	Capabilities []string                     `json:"pcsd_capabilities"`
	webstatus.Nodes
	Node      nodeState             `json:"node"`
	Resources []*webstatus.Resource `json:"resource_list"`
}

// status tells the state of this host's daemons, or has another host tell. Version 2 is of newer clients, and tells of the cluster, too;
// none is 0.9's.
func (s *Server) status(r *request) answer {
	if n := r.value("node"); n != "" && !r.has("redirected") && n != s.conf.Hostname && n != s.ownName() {
		return s.statusOf(r, n)
	}
	switch v := r.value("version"); v {
	case "2":
		return s.clusterAndNode(r)
	case "", "1":
		return s.status09(r)
	default:
		return bad("Unsupported version '%s' of status requested", v)
	}
}

// asUser is a client that calls other hosts for the user of a request.
func (s *Server) asUser(r *request) *client.Client {
	env := map[string]string{"CIB_user": r.user, "CIB_user_groups": strings.Join(r.groups, " ")}
	return client.New(client.Config{StateDir: s.conf.Paths.PcsdDir, Root: true, Getenv: func(name string) string { return env[name] }})
}

// What stands for the answer of a host that cannot be asked, and of one that does not answer.
const (
	noToken    = `{"notoken":true}`
	noResponse = `{"noresponse":true}`
)

// statusOf asks another host that this one knows.
func (s *Server) statusOf(r *request, node string) answer {
	c := s.asUser(r)
	if h, known := c.Lookup(node); !known || h.Token == "" {
		return plainBad(noToken)
	}
	form := url.Values{"redirected": {"1"}}
	for _, k := range []string{"version", "operations", "skip_auth_check"} {
		if r.has(k) {
			form.Set(k, r.value(k))
		}
	}
	a := c.Call(r.Context(), node, client.Request{Path: "remote/status", Form: form})
	if a.Code == 0 {
		return plainBad(noResponse)
	}
	return answer{a.Code, a.Body}
}

func (s *Server) ownName() string {
	_, nodes := s.cluster()
	return s.localName(nodes)
}

// nodeState tells what runs on this host.
func (s *Server) nodeState(ctx context.Context) nodeState {
	n := nodeState{Errors: []webstatus.Message{}, Warnings: []webstatus.Message{}, Status: "offline", Uptime: uptime(), Services: map[string]serviceState{}}
	for _, u := range []string{"pacemaker", "pacemaker_remote", "corosync", "pcsd", "sbd"} {
		n.Services[u] = s.service(ctx, u)
	}
	n.Corosync, n.CorosyncEnabled = n.Services["corosync"].Running, n.Services["corosync"].Enabled
	n.Pacemaker, n.PacemakerEnabled = n.Services["pacemaker"].Running, n.Services["pacemaker"].Enabled
	n.PcsdEnabled = n.Services["pcsd"].Enabled
	return n
}

// clusterAndNode is version 2 of `status`.
func (s *Server) clusterAndNode(r *request) answer {
	ctx, call := r.Context(), &webCall{r, s}
	node := s.nodeState(ctx)
	out := fullStatus{User: r.user, Capabilities: capabilityCodes()}
	if root, err := corosyncconf.Parse(s.confText()); err == nil {
		out.ClusterName, out.ClusterUUID = corosyncconf.ClusterName(root), corosyncconf.ClusterUUID(root)
	}
	both, _, _ := s.pcs11(ctx, "status", "nodes", "both")
	out.Nodes = webstatus.ReadNodes(both)
	out.KnownNodes = out.Nodes.All()

	var cib, monitor *etree.Element
	if node.Pacemaker { // else there is nobody to ask
		cib = call.tree("cibadmin", "-Q", "-l")
		monitor = call.tree("crm_mon", "--one-shot", "--inactive", "--output-as=xml")
		if res := call.pcs(nil, "alert", "get_all_alerts"); res.Code == 0 {
			out.Alerts = rawJSON(res.Stdout)
		}
	}
	c := webstatus.Configuration(cib)
	out.Groups, out.Constraints, out.Settings, out.ACLs = c.Groups, c.Constraints, c.Settings, c.ACLs
	out.FenceLevels, out.NodeAttrs, out.Utilization = c.FenceLevels, c.NodeAttrs, c.Utilization
	out.Resources = webstatus.Resources(cib, monitor, r.value("operations") == "1", time.Local)

	node.ID = s.ownID(ctx)
	if node.Corosync && node.Pacemaker && monitor != nil {
		node.Status, node.Quorum = webstatus.State(monitor, node.ID.(string))
	}
	if sbd, _, code := s.pcs11(ctx, "stonith", "sbd", "local_config_in_json"); code == 0 {
		node.SBD = rawJSON(sbd)
	}
	if r.value("skip_auth_check") != "1" {
		if names := s.unauthorized(r, out.KnownNodes); len(names) > 0 {
			node.Warnings = append(node.Warnings, webstatus.Message{
				Message: "Not authorized against node(s) " + strings.Join(names, ", "), Type: "nodes_not_authorized", Nodes: names,
			})
		}
	}
	out.Node = node
	return okJSON(out)
}

// pcs11 carries a command of 0.11 out for root.
func (s *Server) pcs11(ctx context.Context, words ...string) (stdout, stderr string, code int) {
	r, err := s.conf.Programs.Run(ctx, []string{"PCS_COMPAT=0.11", "LC_ALL=C"}, "", "pcs", append([]string{"--"}, words...)...)
	if err != nil {
		return "", err.Error(), 1
	}
	return r.Stdout, r.Stderr, r.Code
}

// tree is the XML that a program prints for the user of the call, nil where it fails.
func (c *webCall) tree(name string, args ...string) *etree.Element {
	res, err := c.s.conf.Programs.Run(c.Context(), c.environment(), "", name, args...)
	if err != nil || res.Code != 0 {
		return nil
	}
	root, err := doc.Parse([]byte(res.Stdout))
	if err != nil {
		c.s.conf.Log.Error("Failed to parse what a program printed", "program", name, "reason", err)
		return nil
	}
	return root
}

// rawJSON is a text that is JSON, else nil: null.
func rawJSON(text string) json.RawMessage {
	if !json.Valid([]byte(text)) {
		return nil
	}
	return json.RawMessage(strings.TrimSpace(text))
}

// ownID is this host's number in the cluster, "" where it is in none.
func (s *Server) ownID(ctx context.Context) string {
	r, err := s.conf.Programs.Run(ctx, nil, "", "corosync-cmapctl", "-g", "runtime.votequorum.this_node_id")
	if err != nil || r.Code != 0 {
		return ""
	}
	_, id, _ := strings.Cut(r.Stdout, " = ")
	return strings.TrimSpace(id)
}

// checkTime is how long another host may take to tell whether it takes this one's token.
const checkTime = 3 * time.Second

// unauthorized are the nodes that do not take this host's tokens. Those that do not answer are not among them.
func (s *Server) unauthorized(r *request, nodes []string) []string {
	c := s.asUser(r)
	var out, ask []string
	for _, n := range nodes {
		if h, known := c.Lookup(n); !known || h.Token == "" {
			out = append(out, n)
		} else {
			ask = append(ask, n)
		}
	}
	for _, a := range c.All(r.Context(), ask, client.Request{Path: "remote/check_auth", Timeout: checkTime}, nil) {
		if a.Code == 0 || a.Code == http.StatusOK {
			continue
		}
		var said map[string]any
		if json.Unmarshal([]byte(a.Body), &said) != nil || said["notauthorized"] != nil || said["notoken"] != nil {
			out = append(out, a.Node)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return slices.Index(nodes, a) - slices.Index(nodes, b) })
	return out
}

// statusTime is how long a node may take to tell its status.
const statusTime = 15 * time.Second

// clusterStatus is `cluster_status`: what all of this cluster's nodes tell, as one.
func (s *Server) clusterStatus(r *request) answer {
	name, _ := s.cluster()
	if name == "" {
		return okJSON(webstatus.Nowhere())
	}
	both, _, _ := s.pcs11(r.Context(), "status", "nodes", "both")
	nodes := webstatus.ReadNodes(both).Reachable()
	answers := make([]webstatus.Answer, len(nodes))
	c := s.asUser(r)
	var ask []string
	for i, n := range nodes {
		answers[i] = webstatus.Answer{Node: n, Code: http.StatusBadRequest, Body: noToken}
		if h, known := c.Lookup(n); known && h.Token != "" {
			ask = append(ask, n)
		}
	}
	form := url.Values{"version": {"2"}, "operations": {"1"}}
	for _, a := range c.All(r.Context(), ask, client.Request{Path: "remote/status", Form: form, Timeout: statusTime}, nil) {
		code, body := a.Code, a.Body
		if code == 0 {
			code, body = http.StatusBadRequest, noResponse
		}
		answers[slices.Index(nodes, a.Node)] = webstatus.Answer{Node: a.Node, Code: code, Body: body}
	}
	status, told := webstatus.Overview(name, answers)
	if !told {
		return answer{http.StatusForbidden, "Permission denied"}
	}
	return okJSON(status)
}

// status09 is the answer to clients of 0.9.
func (s *Server) status09(r *request) answer {
	ctx := r.Context()
	node := s.nodeState(ctx)
	name, nodes := s.cluster()
	var state struct{ Standby bool }
	if node.Pacemaker {
		if out, _, code := s.pcs(ctx, "node", "pacemaker-status"); code == 0 {
			_ = json.Unmarshal([]byte(out), &state) // unknown then
		}
	}
	switch {
	case node.Corosync && node.Pacemaker && state.Standby:
		node.Status = "standby"
	case node.Corosync && node.Pacemaker:
		node.Status = "online"
	}
	node.ID, node.Quorum, node.Name = "", s.quorate(ctx, node.Corosync), textOrNil(s.localName(nodes))
	return okJSON(map[string]any{
		"cluster_name": name, "username": r.user, "uptime": node.Uptime, "corosync": node.Corosync, "pacemaker": node.Pacemaker, "cman": false,
		"pacemaker_remote": node.Services["pacemaker_remote"].Running, "corosync_enabled": node.CorosyncEnabled, "pacemaker_enabled": node.PacemakerEnabled,
		"pcsd_enabled": node.PcsdEnabled, "node": node, "available_features": []string{"sbd", "ticket_constraints"},
	})
}

// uptime is how long this host has been up: "1 day, 02:03:04". "" where it cannot be told.
func uptime() string {
	data, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return ""
	}
	whole, _, _ := strings.Cut(string(data), ".")
	seconds, err := strconv.Atoi(whole)
	if err != nil {
		return ""
	}
	return upSince(seconds)
}

func upSince(seconds int) string {
	days, s := seconds/86400, "s"
	if days == 1 {
		s = ""
	}
	return fmt.Sprintf("%d day%s, %02d:%02d:%02d", days, s, seconds/3600%24, seconds/60%60, seconds%60)
}
