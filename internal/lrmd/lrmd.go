// Package lrmd is the protocol of the executor: what its clients ask for (lrmd_command), what they are answered
// (lrmd_reply) and what they are told of their own and others' operations (lrmd_notify).
//
// The same messages come over the local socket "lrmd" and, from cluster nodes, over the connection to a host that runs
// services only (package remote). Pacemaker's own daemons and programs can be at the other end.
package lrmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/alert"
	"hacluster/engine/executor"
	"hacluster/ocf"
)

// Protocol is the version of the messages.
const Protocol = "1.2"

// Errors that replies carry, with the numbers of Linux.
const (
	errNoAccess     = -13
	errNoDevice     = -19
	errInvalid      = -22
	errProtocol     = -71
	errNotSupported = -95
	errInProgress   = -115
)

// The options of a command (lrmd_callopt).
const (
	optDropRecurring = 1
	optNotifyCaller  = 2
	optNotifyChanges = 4
)

// Client is a connection to the executor.
type Client struct {
	ID         string
	Privileged bool // it may do more than ask whether somebody is there
	// Notify sends a message of our own accord.
	Notify func(msg *etree.Element)

	name string // it is told nothing before it said its name
}

// Name is what the client calls itself, "" before it did.
func (c *Client) Name() string { return c.name }

// Server answers clients. It is used by one goroutine at a time; what the executor tells comes through it, too.
type Server struct {
	Executor *executor.Executor
	// Complete adds to an operation that a client orders what this host knows of it; may be nil.
	Complete func(op *executor.Op)
	// Provider tells whether a client may answer this host's programs for the cluster; nil: none may.
	Provider func(c *Client) bool
	// Alert calls an alert agent; nil: there is nobody who would.
	Alert func(r alert.Run)
	// StartState is what the host wants to begin as (standby, online); "" for no wish.
	StartState string
	Started    time.Time
	Log        *slog.Logger

	clients []*Client
	joined  int // clients so far
	alerts  int
}

// NextClient is a number for a client, unlike those before.
func (s *Server) NextClient() int {
	s.joined++
	return s.joined
}

// Connected takes a client in, and tells the others.
func (s *Server) Connected(c *Client) {
	s.tell("", nil, Element("lrmd_notify", "lrmd_origin", "Connected", "lrmd_op", "lrmd_rsc_new_client"))
	s.clients = append(s.clients, c)
}

// Left forgets a client, and what recurs for it alone.
func (s *Server) Left(now time.Time, c *Client) {
	s.clients = slices.DeleteFunc(s.clients, func(o *Client) bool { return o == c })
	s.Executor.Left(now, c.ID)
}

// Clients are those that are connected.
func (s *Server) Clients() []*Client { return s.clients }

// Valid tells that a message is one for the executor.
func Valid(msg *etree.Element) bool { return msg.SelectAttrValue("t", "") == "lrmd" }

// Request does what a client asks for. reply is called with the answer, before anything is told of what comes of it.
func (s *Server) Request(now time.Time, c *Client, msg *etree.Element, reply func(*etree.Element)) {
	if c.name == "" {
		c.name = msg.SelectAttrValue("lrmd_clientname", "")
	}
	call := s.Executor.NextCall()
	op := msg.SelectAttrValue("lrmd_op", "")
	answer := Element("lrmd_reply", "lrmd_origin", "Request")
	rc := 0
	rsc := msg.FindElement("lrmd_calldata/lrmd_rsc")
	id := ""
	if rsc != nil {
		id = rsc.SelectAttrValue("lrmd_rsc_id", "")
	}
	switch needs := op != "register" && op != "lrmd_rsc_poke"; {
	case needs && !c.Privileged:
		s.Log.Warn("a client asks the executor for what it may not", "client", c.name, "what", op)
		rc = errNoAccess
	case op == "register":
		rc = s.register(now, c, msg, answer)
	case op == "lrmd_rsc_poke", op == "lrmd_check":
	case op == "lrmd_rsc_register":
		rc = s.know(id, msg, rsc)
	case op == "lrmd_rsc_unregister":
		switch {
		case id == "":
			rc = errNoDevice
		case s.Executor.Unregister(now, id):
			rc = errInProgress // its end is still told
		}
	case op == "lrmd_rsc_info":
		rc = s.info(id, answer)
	case op == "lrmd_rsc_exec":
		rc = s.exec(now, c, call, msg, rsc)
	case op == "lrmd_rsc_cancel":
		rc = s.cancel(now, id, rsc)
	case op == "lrmd_get_recurring":
		rc = s.recurring(id, answer)
	case op == "lrmd_alert_exec":
		rc = s.alert(msg)
	default:
		s.Log.Warn("a client asks the executor for what is not supported yet", "client", c.name, "what", op)
		rc = errNotSupported
	}
	answer.CreateAttr("lrmd_rc", strconv.Itoa(rc))
	answer.CreateAttr("lrmd_callid", strconv.Itoa(call))
	reply(answer)
	if op == "lrmd_rsc_poke" || op == "lrmd_rsc_register" || op == "lrmd_rsc_unregister" && (rc == 0 || rc == errInProgress) {
		s.tell("", nil, Element("lrmd_notify", "lrmd_origin", "Request", "lrmd_rc", strconv.Itoa(rc), "lrmd_callid", strconv.Itoa(call), "lrmd_op", op, "lrmd_rsc_id", id))
	}
}

func (s *Server) register(now time.Time, c *Client, msg, answer *etree.Element) (rc int) {
	if v := msg.SelectAttrValue("lrmd_protocol_version", ""); !compatible(v) {
		s.Log.Warn("a client speaks another protocol", "client", c.name, "version", v)
		rc = errProtocol
	}
	if msg.SelectAttrValue("lrmd_is_ipc_provider", "") == "true" && rc == 0 && (s.Provider == nil || !s.Provider(c)) {
		rc = errNoAccess
	}
	for _, a := range [][2]string{
		{"lrmd_op", "register"},
		{"lrmd_clientid", c.ID},
		{"lrmd_protocol_version", Protocol},
		{"uptime", strconv.Itoa(int(now.Sub(s.Started).Seconds()))},
		{"node_start_state", s.StartState},
	} {
		if a[1] != "" {
			answer.CreateAttr(a[0], a[1])
		}
	}
	return rc
}

// compatible tells whether a client's protocol is one that is understood here: 1.1 or later.
func compatible(version string) bool {
	var major, minor int
	if n, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil || n != 2 {
		return false
	}
	return major > 1 || major == 1 && minor >= 1
}

// know makes a resource known.
func (s *Server) know(id string, msg, rsc *etree.Element) int {
	if rsc == nil {
		return errInvalid
	}
	op := executor.Op{
		Resource: id, Class: rsc.SelectAttrValue("lrmd_class", ""), Provider: rsc.SelectAttrValue("lrmd_provider", ""), Type: rsc.SelectAttrValue("lrmd_type", ""),
	}
	// An id becomes part of paths in the CIB and of files of agents.
	if id == "" || op.Class == "" || op.Type == "" || strings.ContainsAny(id, "'\"/<>&\n") {
		return errInvalid
	}
	if s.Complete != nil {
		s.Complete(&op)
	}
	s.Executor.Register(op, Number(msg, "lrmd_callopt")&optDropRecurring != 0)
	return 0
}

func (s *Server) info(id string, answer *etree.Element) int {
	class, provider, typ, ok := s.Executor.Known(id)
	if !ok {
		return errNoDevice
	}
	for _, a := range [][2]string{{"lrmd_rsc_id", id}, {"lrmd_class", class}, {"lrmd_provider", provider}, {"lrmd_type", typ}} {
		if a[1] != "" {
			answer.CreateAttr(a[0], a[1])
		}
	}
	return 0
}

// exec orders an operation, and gives its number.
func (s *Server) exec(now time.Time, c *Client, call int, msg, rsc *etree.Element) int {
	if rsc == nil || rsc.SelectAttrValue("lrmd_rsc_action", "") == "" {
		return errInvalid
	}
	options := Number(msg, "lrmd_callopt")
	op := executor.Op{
		Resource: rsc.SelectAttrValue("lrmd_rsc_id", ""), Action: rsc.SelectAttrValue("lrmd_rsc_action", ""), Key: rsc.SelectAttrValue("lrmd_rsc_userdata_str", ""),
		Interval: duration(rsc, "lrmd_rsc_interval"), Timeout: duration(rsc, "lrmd_timeout"), StartDelay: duration(rsc, "lrmd_rsc_start_delay"),
		By: executor.Asker{ID: c.ID, Alone: options&optNotifyCaller != 0, Always: options&optNotifyChanges == 0},
	}
	for _, p := range ParamsOf(rsc) {
		op.Params = append(op.Params, executor.Param(p))
	}
	if s.Complete != nil {
		s.Complete(&op)
	}
	if err := s.Executor.Order(now, call, op); err != nil {
		return code(err)
	}
	return call
}

func (s *Server) cancel(now time.Time, id string, rsc *etree.Element) int {
	if id == "" || rsc.SelectAttrValue("lrmd_rsc_action", "") == "" {
		return errInvalid
	}
	return code(s.Executor.Cancel(now, id, rsc.SelectAttrValue("lrmd_rsc_action", ""), duration(rsc, "lrmd_rsc_interval")))
}

func code(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, executor.ErrNoResource):
		return errNoDevice
	}
	return errNotSupported
}

func (s *Server) recurring(id string, answer *etree.Element) int {
	all := s.Executor.Recurring(id)
	if _, known := all[id]; id != "" && !known {
		return errNoDevice
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		rsc := answer.CreateElement("lrmd_rsc")
		rsc.CreateAttr("lrmd_rsc_id", id)
		for _, op := range all[id] {
			rsc.AddChild(Element("lrmd_rsc_op", "lrmd_rsc_action", op.Action, "lrmd_rsc_interval", ms(op.Interval), "lrmd_timeout", ms(op.Timeout)))
		}
	}
	return 0
}

// alert has an alert agent called.
func (s *Server) alert(msg *etree.Element) int {
	el := msg.FindElement("lrmd_calldata/lrmd_alert")
	if el == nil || el.SelectAttrValue("lrmd_alert_id", "") == "" {
		return errInvalid
	}
	s.alerts++
	r := alert.Run{Alert: el.SelectAttrValue("lrmd_alert_id", ""), Path: el.SelectAttrValue("lrmd_alert_path", ""), Timeout: duration(el, "lrmd_timeout")}
	for _, p := range ParamsOf(el) {
		if p.Name != "CRM_alert_node_sequence" && !strings.ContainsAny(p.Name, "=\x00") && !strings.Contains(p.Value, "\x00") {
			r.Env = append(r.Env, p.Name+"="+p.Value)
		}
	}
	r.Env = append(r.Env, "CRM_alert_node_sequence="+strconv.Itoa(s.alerts))
	switch {
	case !r.Runnable():
		return errInvalid
	case s.Alert == nil:
		return errNotSupported
	}
	s.Alert(r)
	return 0
}

// Registered is for the executor: the cluster made a resource known.
func (s *Server) Registered(resource string) { s.changed("lrmd_rsc_register", resource) }

// Unregistered is for the executor: the cluster had a resource forgotten.
func (s *Server) Unregistered(resource string) { s.changed("lrmd_rsc_unregister", resource) }

func (s *Server) changed(op, resource string) {
	s.tell("", nil, Element("lrmd_notify", "lrmd_origin", "changed", "lrmd_rc", "0", "lrmd_callid", strconv.Itoa(s.Executor.NextCall()), "lrmd_op", op, "lrmd_rsc_id", resource))
}

// Ended is for the executor: it tells the clients how a run ended.
func (s *Server) Ended(e executor.Ended) {
	if e.Op.By.ID != "" {
		level := slog.LevelInfo
		if e.Op.Action == "monitor" && e.Code == 0 {
			level = slog.LevelDebug
		}
		s.Log.Log(context.Background(), level, fmt.Sprintf("%s of %s ended", e.Op.Action, e.Op.Resource), "code", e.Code, "status", e.Status, "reason", e.Reason, "call", e.Call)
	}
	if e.Same && !e.Op.By.Always || len(s.clients) == 0 {
		return
	}
	deleted, queued := "0", time.Duration(0)
	if e.Deleted {
		deleted = "1"
	}
	if !e.Started.IsZero() {
		queued = max(0, e.Started.Sub(e.Queued))
	}
	n := Element("lrmd_notify", "lrmd_origin", "Ended", "lrmd_timeout", ms(e.Op.Timeout), "lrmd_rsc_interval", ms(e.Op.Interval), "lrmd_rsc_start_delay", ms(e.Op.StartDelay),
		"lrmd_exec_rc", strconv.Itoa(e.Code), "lrmd_exec_op_status", strconv.Itoa(e.Status), "lrmd_callid", strconv.Itoa(e.Call), "lrmd_rsc_deleted", deleted,
		"lrmd_run_time", seconds(e.Started), "lrmd_rcchange_time", seconds(e.Changed), "lrmd_exec_time", ms(e.Duration), "lrmd_queue_time", ms(queued),
		"lrmd_op", "lrmd_rsc_exec", "lrmd_rsc_id", e.Op.Resource, "lrmd_rsc_action", e.Op.Action, "lrmd_rsc_userdata_str", e.Op.Key)
	only := ""
	if e.Op.By.Alone {
		only = e.Op.By.ID
	}
	s.tell(only, func(n *etree.Element) {
		// What agents are given, and say, may be secret.
		if e.Reason != "" {
			n.CreateAttr("lrmd_rsc_exit_reason", e.Reason)
		}
		if e.Output != "" {
			n.CreateAttr("lrmd_rsc_output", e.Output)
		}
		params := make([]Param, len(e.Op.Params))
		for i, p := range e.Op.Params {
			params[i] = Param(p)
		}
		AddParams(n, params)
	}, n)
}

// tell notifies a client, "" all that said their name; detail adds what privileged ones hear only.
func (s *Server) tell(only string, detail func(*etree.Element), msg *etree.Element) {
	for _, c := range s.clients {
		if c.name == "" || only != "" && c.ID != only {
			continue
		}
		m := msg.Copy()
		if detail != nil && c.Privileged {
			detail(m)
		}
		c.Notify(m)
	}
}

// Action is an operation as agents are called for it.
func Action(op executor.Op) ocf.Action {
	a := ocf.Action{
		Agent: ocf.Agent{Class: op.Class, Provider: op.Provider, Type: op.Type}, Resource: op.Resource, Name: op.Action, Timeout: op.Timeout,
		Recurring: op.Interval > 0, KillProcessOnly: op.Param("CRM_meta_on_fail") == "block",
	}
	for _, p := range op.Params {
		a.Params = append(a.Params, ocf.Param{Name: p.Name, Value: p.Value})
	}
	return a
}

// Result is what came of an agent's run, as the executor takes it.
func Result(res ocf.Result) executor.Result {
	out := res.Stderr
	if out == "" {
		out = res.Stdout
	}
	return executor.Result{Code: res.Code, Status: int(res.Status), Reason: res.Reason, Output: out, Duration: res.Duration}
}

func ms(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

func seconds(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return strconv.FormatInt(t.Unix(), 10)
}

func duration(el *etree.Element, name string) time.Duration {
	return time.Duration(min(max(0, Number(el, name)), math.MaxUint32)) * time.Millisecond
}

// Element makes an element with attributes, names and values in turn; those without a value are left out.
func Element(tag string, attrs ...string) *etree.Element {
	el := etree.NewElement(tag)
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			el.CreateAttr(attrs[i], attrs[i+1])
		}
	}
	return el
}

// Number gives an attribute that is a number, 0 where it is none.
func Number(el *etree.Element, name string) int {
	n, _ := strconv.Atoi(el.SelectAttrValue(name, ""))
	return n
}

// Param is a parameter of an agent, as it travels.
type Param struct{ Name, Value string }

// AddParams writes parameters into an element attributes below el. A name that cannot be
// one of XML stands in an element of its own.
func AddParams(el *etree.Element, params []Param) {
	at := el.CreateElement("attributes")
	for _, p := range params {
		if p.Name == "" || p.Name[0] >= '0' && p.Name[0] <= '9' {
			at.AddChild(Element("param", "name", p.Name, "value", p.Value))
			continue
		}
		at.CreateAttr(p.Name, p.Value)
	}
}

// ParamsOf reads what AddParams writes.
func ParamsOf(el *etree.Element) []Param {
	var out []Param
	at := el.SelectElement("attributes")
	if at == nil {
		return nil
	}
	for _, a := range at.Attr {
		out = append(out, Param{a.Key, a.Value})
	}
	for _, p := range at.SelectElements("param") {
		out = append(out, Param{p.SelectAttrValue("name", ""), p.SelectAttrValue("value", "")})
	}
	return out
}
