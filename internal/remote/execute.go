package remote

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/beevik/etree"

	"hacluster/ocf"
)

// The options of a command (lrmd_callopt).
const (
	notifyCaller  = 2
	notifyChanges = 4
)

// resource is what a node has registered to be run here: its actions run one after another.
type resource struct {
	id        string
	agent     ocf.Agent
	queue     []*command
	running   *command
	recurring []*command
}

type command struct {
	client            *client
	call, options     int
	action, key       string
	interval, timeout time.Duration
	delay             time.Duration
	params            []Param
	queued, first     time.Time
	told              bool
	code, status      int
	timer             *time.Timer // until it is due
	gone              bool
}

// drop takes a recurring command away; it may be running still.
func (r *resource) drop(c *command) {
	c.gone = true
	if c.timer != nil {
		c.timer.Stop()
	}
	same := func(o *command) bool { return o == c }
	r.recurring = slices.DeleteFunc(r.recurring, same)
	r.queue = slices.DeleteFunc(r.queue, same)
}

func (s *Server) registerResource(el *etree.Element) int {
	if el == nil {
		return errInvalid
	}
	get := func(name string) string { return el.SelectAttrValue(name, "") }
	id := get("lrmd_rsc_id")
	agent := ocf.Agent{Class: get("lrmd_class"), Provider: get("lrmd_provider"), Type: get("lrmd_type")}
	if id == "" || agent.Class == "" || agent.Type == "" {
		return errInvalid
	}
	r := s.resources[id]
	if r == nil || r.agent != agent && r.running == nil && len(r.queue) == 0 {
		if r != nil {
			for _, c := range slices.Clone(r.recurring) {
				r.drop(c)
			}
		}
		s.resources[id] = &resource{id: id, agent: agent}
	}
	return 0
}

func (s *Server) find(el *etree.Element) *resource {
	if el == nil {
		return nil
	}
	return s.resources[el.SelectAttrValue("lrmd_rsc_id", "")]
}

func (s *Server) unregister(el *etree.Element) int {
	r := s.find(el)
	if r == nil {
		return 0
	}
	for _, c := range slices.Clone(r.recurring) {
		r.drop(c)
	}
	delete(s.resources, r.id)
	if r.running != nil {
		return errInProgress // its result is still told
	}
	return 0
}

func (s *Server) info(el, reply *etree.Element) int {
	r := s.find(el)
	if r == nil {
		return errNoDevice
	}
	for _, a := range [][2]string{{"lrmd_rsc_id", r.id}, {"lrmd_class", r.agent.Class}, {"lrmd_provider", r.agent.Provider}, {"lrmd_type", r.agent.Type}} {
		if a[1] != "" {
			reply.CreateAttr(a[0], a[1])
		}
	}
	return 0
}

func (s *Server) recurringOf(el, reply *etree.Element) {
	for id, r := range s.resources {
		if el != nil && el.SelectAttrValue("lrmd_rsc_id", id) != id {
			continue
		}
		rsc := reply.CreateElement("lrmd_rsc")
		rsc.CreateAttr("lrmd_rsc_id", id)
		for _, c := range r.recurring {
			rsc.AddChild(element("lrmd_rsc_op", "lrmd_rsc_action", c.action, "lrmd_rsc_interval", ms(c.interval), "lrmd_timeout", ms(c.timeout)))
		}
	}
}

func ms(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

func (s *Server) cancel(el *etree.Element) int {
	r := s.find(el)
	if r == nil {
		return errNoDevice
	}
	for _, c := range r.recurring {
		if c.action == el.SelectAttrValue("lrmd_rsc_action", "") && c.interval.Milliseconds() == int64(number(el, "lrmd_rsc_interval")) {
			r.drop(c)
			if r.running != c {
				s.result(r, c, ocf.Result{Status: ocf.Cancelled}, time.Now())
			}
			return 0
		}
	}
	return errNotSupported
}

// execute queues a command and gives its number.
func (s *Server) execute(c *client, call int, msg, el *etree.Element) int {
	r := s.find(el)
	if r == nil {
		return errNoDevice
	}
	get := func(name string) time.Duration { return time.Duration(max(0, number(el, name))) * time.Millisecond }
	cmd := &command{
		client: c, call: call, options: number(msg, "lrmd_callopt"), action: el.SelectAttrValue("lrmd_rsc_action", ""),
		key: el.SelectAttrValue("lrmd_rsc_userdata_str", ""), interval: get("lrmd_rsc_interval"), timeout: get("lrmd_timeout"),
		delay: get("lrmd_rsc_start_delay"), params: paramsOf(el), queued: time.Now(),
	}
	if cmd.action == "" {
		return errInvalid
	}
	if cmd.interval > 0 {
		// The same again takes the place of the old one, and runs at once.
		for _, o := range slices.Clone(r.recurring) {
			if o.action == cmd.action && o.interval == cmd.interval {
				r.drop(o)
			}
		}
		r.recurring = append(r.recurring, cmd)
	} else if cmd.action == "stop" {
		for _, o := range slices.Clone(r.recurring) {
			r.drop(o)
		}
	}
	if cmd.delay > 0 {
		s.after(cmd.delay, r, cmd)
		return call
	}
	r.queue = append(r.queue, cmd)
	s.next(r)
	return call
}

// after queues a command again later.
func (s *Server) after(d time.Duration, r *resource, cmd *command) {
	cmd.timer = time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !cmd.gone {
			cmd.queued = time.Now()
			r.queue = append(r.queue, cmd)
			s.next(r)
		}
	})
}

// next begins what may run now; mu is held.
func (s *Server) next(r *resource) {
	if r.running != nil || len(r.queue) == 0 {
		return
	}
	cmd := r.queue[0]
	r.queue = r.queue[1:]
	r.running = cmd
	begin := time.Now()
	if cmd.first.IsZero() {
		cmd.first = begin
	}
	a := ocf.Action{Agent: r.agent, Resource: r.id, Name: cmd.action, Timeout: cmd.timeout, Recurring: cmd.interval > 0}
	for _, p := range cmd.params {
		a.Params = append(a.Params, ocf.Param{Name: p.Name, Value: p.Value})
		if p.Name == "CRM_meta_on_fail" && p.Value == "block" {
			a.KillProcessOnly = true
		}
	}
	s.Log.Debug("an action begins", "resource", r.id, "action", cmd.action, "call", cmd.call)
	go func() {
		var res ocf.Result
		if r.agent.Class == ocf.Stonith {
			res = ocf.Result{Code: ocf.CodeUnimplemented, Status: ocf.Unsupported, Reason: "Fence devices do not run on hosts that are no members"}
		} else {
			res = s.Agents.Run(context.Background(), a)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		r.running = nil
		if cmd.gone && cmd.interval > 0 {
			res.Status = ocf.Cancelled
		} else if cmd.interval > 0 {
			s.after(cmd.interval, r, cmd)
		}
		s.result(r, cmd, res, begin)
		s.next(r)
	}()
}

// result tells the nodes how a command ended; mu is held.
func (s *Server) result(r *resource, c *command, res ocf.Result, begin time.Time) {
	changed := !c.told || c.code != res.Code || c.status != int(res.Status)
	if !changed && c.options&notifyChanges != 0 {
		return
	}
	when := begin
	if c.told && changed {
		when = time.Now()
	}
	c.told, c.code, c.status = true, res.Code, int(res.Status)
	level := slog.LevelInfo
	if c.action == "monitor" && res.Code == 0 {
		level = slog.LevelDebug
	}
	s.Log.Log(context.Background(), level, fmt.Sprintf("%s of %s ended", c.action, r.id), "code", res.Code, "status", int(res.Status), "reason", res.Reason, "call", c.call)
	out := res.Stderr
	if out == "" {
		out = res.Stdout
	}
	deleted := "0"
	if s.resources[r.id] != r {
		deleted = "1"
	}
	n := element("lrmd_notify", "lrmd_origin", "result", "lrmd_timeout", ms(c.timeout), "lrmd_rsc_interval", ms(c.interval), "lrmd_rsc_start_delay", ms(c.delay),
		"lrmd_exec_rc", strconv.Itoa(res.Code), "lrmd_exec_op_status", strconv.Itoa(int(res.Status)), "lrmd_callid", strconv.Itoa(c.call), "lrmd_rsc_deleted", deleted,
		"lrmd_run_time", strconv.FormatInt(begin.Unix(), 10), "lrmd_rcchange_time", strconv.FormatInt(when.Unix(), 10),
		"lrmd_exec_time", ms(res.Duration), "lrmd_queue_time", ms(max(0, begin.Sub(c.queued))),
		"lrmd_op", "lrmd_rsc_exec", "lrmd_rsc_id", r.id, "lrmd_rsc_action", c.action, "lrmd_rsc_userdata_str", c.key,
		"lrmd_rsc_exit_reason", res.Reason, "lrmd_rsc_output", out)
	addParams(n, c.params)
	var only *client
	if c.options&notifyCaller != 0 {
		only = c.client
	}
	s.tell(only, n)
}
