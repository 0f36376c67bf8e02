package lrmd

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/corosync/ipc"
	"hacluster/engine/alert"
	"hacluster/engine/executor"
	frame "hacluster/internal/ipc"
)

// agents runs nothing: what it is told to run ends when the test says so.
type agents struct{ runs []executor.Op }

func (a *agents) Kill(uint64)                           {}
func (a *agents) Traits(executor.Op) executor.Traits    { return executor.Traits{} }
func (a *agents) Run(_ uint64, op executor.Op)          { a.runs = append(a.runs, op) }
func (a *agents) Record(string, *etree.Element)         {}
func (a *agents) Forget(string, string, string)         {}
func (a *agents) Answer(executor.Op, executor.Result)   {}
func (a *agents) Recorded(executor.Op, executor.Result) {}
func (a *agents) Logf(string, ...any)                   {}

func server(a *agents) *Server {
	s := &Server{Executor: executor.New(a), Log: slog.New(slog.DiscardHandler), Complete: func(op *executor.Op) { op.Node = "n1" }}
	s.Executor.Watch(s)
	return s
}

// parse reads a message that is written without the attributes that all have.
func parse(t testing.TB, text string) *etree.Element {
	doc, err := xml.ParseString(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return doc.Root
}

func TestRequests(t *testing.T) {
	a := &agents{}
	s := server(a)
	var called []alert.Run
	s.Alert = func(r alert.Run) { called = append(called, r) }
	var heard []string
	client := func(id string, privileged bool) *Client {
		c := &Client{ID: id, Privileged: privileged}
		c.Notify = func(m *etree.Element) {
			secret := m.FindElement("attributes[@passwd]") != nil
			heard = append(heard, fmt.Sprintf("%s: %s %s %s %s:%s%s", id, m.SelectAttrValue("lrmd_op", ""), m.SelectAttrValue("lrmd_rsc_id", ""), m.SelectAttrValue("lrmd_rsc_action", ""),
				m.SelectAttrValue("lrmd_exec_op_status", ""), m.SelectAttrValue("lrmd_exec_rc", m.SelectAttrValue("lrmd_rc", "")), map[bool]string{true: " with parameters"}[secret]))
		}
		s.Connected(c)
		return c
	}
	root, other := client("root", true), client("other", false)
	now := time.Unix(1000, 0)
	command := func(op, data string) string {
		return fmt.Sprintf(`<lrmd_command t="lrmd" lrmd_op="%s" lrmd_callopt="0" lrmd_clientname="x">%s</lrmd_command>`, op, data)
	}
	rsc := func(op, attrs string) string {
		return command(op, `<lrmd_calldata><lrmd_rsc lrmd_rsc_id="R" `+attrs+`><attributes passwd="p" crm_feature_set="3"/></lrmd_rsc></lrmd_calldata>`)
	}
	hello := func(version, more string) string {
		return fmt.Sprintf(`<lrmd_command t="lrmd" lrmd_op="register" lrmd_clientname="x" lrmd_protocol_version="%s" %s/>`, version, more)
	}
	for i, c := range []struct {
		who       *Client
		msg       string
		rc, heard string
	}{
		{root, hello("1.0", ""), "-71", ""},
		{root, hello("1.1", ""), "0", ""},
		{root, hello("1.2", `lrmd_is_ipc_provider="true"`), "-13", ""},
		{other, hello("1.2", ""), "0", ""},
		{other, rsc("lrmd_rsc_poke", ""), "0", "root: lrmd_rsc_poke R  :0, other: lrmd_rsc_poke R  :0"},
		// Who may only ask whether somebody is there.
		{other, rsc("lrmd_rsc_register", `lrmd_class="ocf" lrmd_type="t"`), "-13", "root: lrmd_rsc_register R  :-13, other: lrmd_rsc_register R  :-13"},
		{other, rsc("lrmd_rsc_info", ""), "-13", ""},
		{other, rsc("lrmd_rsc_exec", `lrmd_rsc_action="start"`), "-13", ""},
		{other, rsc("lrmd_rsc_cancel", ""), "-13", ""},
		{other, command("lrmd_get_recurring", ""), "-13", ""},
		{other, command("lrmd_alert_exec", ""), "-13", ""},
		{root, command("lrmd_rsc_register", ""), "-22", "root: lrmd_rsc_register   :-22, other: lrmd_rsc_register   :-22"},
		{root, strings.Replace(rsc("lrmd_rsc_register", `lrmd_class="ocf" lrmd_type="t"`), `"R"`, `"R']|//*"`, 1), "-22", "root: lrmd_rsc_register R']|//*  :-22, other: lrmd_rsc_register R']|//*  :-22"},
		{root, rsc("lrmd_rsc_exec", `lrmd_rsc_action="start"`), "-19", ""},
		{root, rsc("lrmd_rsc_info", ""), "-19", ""},
		{root, rsc("lrmd_rsc_register", `lrmd_class="ocf" lrmd_provider="p" lrmd_type="t"`), "0", "root: lrmd_rsc_register R  :0, other: lrmd_rsc_register R  :0"},
		{root, rsc("lrmd_rsc_info", ""), "0", ""},
		{root, rsc("lrmd_rsc_exec", ""), "-22", ""},
		{root, rsc("lrmd_rsc_exec", `lrmd_rsc_action="monitor" lrmd_rsc_interval="10000"`), "19", ""},
		{root, rsc("lrmd_rsc_cancel", `lrmd_rsc_action="monitor" lrmd_rsc_interval="9000"`), "-95", ""},
		{root, rsc("lrmd_rsc_cancel", ""), "-22", ""},
		{root, command("lrmd_get_recurring", ""), "0", ""},
		{root, rsc("lrmd_rsc_unregister", ""), "-115", "root: lrmd_rsc_unregister R  :-115, other: lrmd_rsc_unregister R  :-115"},
		{root, rsc("lrmd_rsc_unregister", ""), "0", "root: lrmd_rsc_unregister R  :0, other: lrmd_rsc_unregister R  :0"},
		{root, command("lrmd_alert_exec", `<lrmd_calldata><lrmd_alert lrmd_alert_id="a" lrmd_alert_path="etc"/></lrmd_calldata>`), "-22", ""},
		{root, command("lrmd_alert_exec", `<lrmd_calldata><lrmd_alert lrmd_alert_id="a" lrmd_alert_path="/a" lrmd_timeout="5"><attributes CRM_alert_kind="node"/></lrmd_alert></lrmd_calldata>`), "0", ""},
		{root, command("no_such", ""), "-95", ""},
	} {
		heard = nil
		rc := ""
		s.Request(now, c.who, parse(t, c.msg), func(el *etree.Element) {
			if heard != nil {
				t.Errorf("%d: told before it was answered", i)
			}
			rc = el.SelectAttrValue("lrmd_rc", "")
		})
		if got := strings.Join(heard, ", "); rc != c.rc || got != c.heard {
			t.Errorf("%d: %s: %s, want %s; told %q, want %q", i, c.msg, rc, c.rc, got, c.heard)
		}
	}
	heard = nil
	s.Executor.Finished(now, 1, executor.Result{Code: 0})
	if got, want := strings.Join(heard, ", "), "root: lrmd_rsc_exec R monitor 1:0 with parameters, other: lrmd_rsc_exec R monitor 1:0"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if len(called) != 1 || called[0].Path != "/a" || called[0].Timeout != 5*time.Millisecond || strings.Join(called[0].Env, " ") != "CRM_alert_kind=node CRM_alert_node_sequence=2" {
		t.Errorf("alerts: %+v", called)
	}
}

// TestDoor: a program of this host orders an operation and hears how it ended, in either layout of messages; what is no message
// of the executor's ends at most the connection.
func TestDoor(t *testing.T) {
	a := &agents{}
	s := server(a)
	var mu sync.Mutex
	door := &Door{
		Server: s, Log: slog.New(slog.DiscardHandler), Name: fmt.Sprintf("lrmd-test-%d", os.Getpid()), Backlog: func(bool) int { return frame.Backlog },
		Do: func(f func()) { mu.Lock(); defer mu.Unlock(); f() },
	}
	srv, err := door.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, layout := range []frame.Layout{frame.Packed, frame.Parts} {
		c, err := ipc.Dial(ctx, door.Name, frame.MessageSize)
		if err != nil {
			t.Fatal(err)
		}
		ask := func(text string) *etree.Element {
			t.Helper()
			parts, err := frame.Frame{Layout: layout, ID: 7, Flags: frame.WaitsForReply, Body: parse(t, text)}.Marshal(c.MaxMessage())
			if err != nil {
				t.Fatal(err)
			}
			data, err := c.Call(ctx, parts[0])
			if err != nil {
				t.Fatal(err)
			}
			var r frame.Reader
			f, _, err := r.Take(data)
			if err != nil || f.Layout != layout {
				t.Fatal(f.Layout, err)
			}
			return f.Body
		}
		hear := func() *etree.Element {
			t.Helper()
			select {
			case data := <-c.Events():
				var r frame.Reader
				f, _, err := r.Take(data)
				if err != nil || f.Layout != layout {
					t.Fatal(f.Layout, err)
				}
				return f.Body
			case <-ctx.Done():
				t.Fatal("nothing was told")
				return nil
			}
		}
		id := fmt.Sprintf("R%d", layout)
		ask(`<lrmd_command t="lrmd" lrmd_op="register" lrmd_clientname="x" lrmd_protocol_version="1.1"/>`)
		ask(`<lrmd_command t="lrmd" lrmd_op="lrmd_rsc_register"><lrmd_calldata><lrmd_rsc lrmd_rsc_id="` + id + `" lrmd_class="ocf" lrmd_provider="p" lrmd_type="t"/></lrmd_calldata></lrmd_command>`)
		if got := hear().SelectAttrValue("lrmd_op", ""); got != "lrmd_rsc_register" {
			t.Errorf("heard of %s", got)
		}
		call := ask(`<lrmd_command t="lrmd" lrmd_op="lrmd_rsc_exec"><lrmd_calldata><lrmd_rsc lrmd_rsc_id="`+id+`" lrmd_rsc_action="start"/></lrmd_calldata></lrmd_command>`).SelectAttrValue("lrmd_rc", "")
		door.Do(func() { s.Executor.Finished(time.Now(), uint64(len(a.runs)), executor.Result{Code: 7, Output: "out"}) })
		if n := hear(); n.SelectAttrValue("lrmd_callid", "") != call || n.SelectAttrValue("lrmd_exec_rc", "") != "7" || n.SelectAttrValue("lrmd_rsc_output", "") != "out" {
			t.Errorf("heard %s", xml.Compact(n))
		}
		if got := ask(`<message t="crmd"/>`); got.Tag != "ack" || got.SelectAttrValue("status", "") != "76" {
			t.Errorf("answered %s", xml.Compact(got))
		}
		rubbish, err := frame.Frame{Body: parse(t, "<x/>")}.Marshal(c.MaxMessage())
		if err != nil {
			t.Fatal(err)
		}
		rubbish[0][32], rubbish[0][36] = 9, 9 // no version that there is
		if err := c.Send(rubbish[0]); err != nil {
			t.Fatal(err)
		}
		select {
		case <-c.Done():
		case <-ctx.Done():
			t.Error("the connection of one who sends rubbish stays")
		}
		c.Close()
	}
}

func FuzzRequest(f *testing.F) {
	f.Add(`<lrmd_command t="lrmd" lrmd_op="lrmd_rsc_register" lrmd_callopt="1"><lrmd_calldata><lrmd_rsc lrmd_rsc_id="R" lrmd_class="ocf" lrmd_type="t"/></lrmd_calldata></lrmd_command>`,
		`<lrmd_command t="lrmd" lrmd_op="lrmd_rsc_exec"><lrmd_calldata><lrmd_rsc lrmd_rsc_id="R" lrmd_rsc_action="monitor" lrmd_rsc_interval="1000"><attributes a="b"/></lrmd_rsc></lrmd_calldata></lrmd_command>`)
	f.Add(`<lrmd_command lrmd_op="lrmd_rsc_cancel"/>`, `<lrmd_command lrmd_op="lrmd_alert_exec"><lrmd_calldata><lrmd_alert/></lrmd_calldata></lrmd_command>`)
	f.Add(`<lrmd_command lrmd_op="lrmd_get_recurring"/>`, `<lrmd_command lrmd_op="lrmd_rsc_unregister"><lrmd_calldata><lrmd_rsc lrmd_rsc_id="R"/></lrmd_calldata></lrmd_command>`)
	f.Fuzz(func(t *testing.T, first, second string) {
		s := server(&agents{})
		c := &Client{ID: "c", Privileged: true, Notify: func(el *etree.Element) { xml.Compact(el) }}
		s.Connected(c)
		for _, text := range []string{first, second, first} {
			doc, err := xml.ParseString(text)
			if err != nil {
				continue
			}
			answers := 0
			s.Request(time.Unix(1, 0), c, doc.Root, func(el *etree.Element) { xml.Compact(el); answers++ })
			if answers != 1 {
				t.Errorf("%d answers", answers)
			}
		}
		s.Executor.Finished(time.Unix(2, 0), 1, executor.Result{})
		s.Executor.Tick(time.Unix(1e6, 0))
		s.Left(time.Unix(3, 0), c)
	})
}
