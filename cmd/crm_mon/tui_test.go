package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
)

const twoNodes = `<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" have-quorum="1" dc-uuid="1"><configuration><crm_config/>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"/></resources><constraints/></configuration>
<status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"/>
<node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/></status></cib>`

func snap(t *testing.T, text string) snapshot {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text); err != nil {
		t.Fatal(err)
	}
	return snapshot{moment: moment{Root: doc.Root(), At: time.Date(2026, 11, 23, 16, 17, 3, 0, time.UTC)}}
}

func start(t *testing.T, args ...string) tea.Model {
	t.Helper()
	r, err := parseRequest(args)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.choose(); err != nil {
		t.Fatal(err)
	}
	return newModel(&pageScreen{r}, lipgloss.NewRenderer(io.Discard))
}

func feed(m tea.Model, messages ...tea.Msg) tea.Model {
	for _, msg := range messages {
		m, _ = m.Update(msg)
	}
	return m
}

func press(keys string) (list []tea.Msg) {
	for _, k := range keys {
		list = append(list, tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{k}})
	}
	return list
}

func TestScreenShowsThePage(t *testing.T) {
	m := feed(start(t), tea.WindowSizeMsg{Width: 72, Height: 16}, snap(t, twoNodes))
	want := `Cluster Summary:
  * Stack: unknown (Pacemaker is running)
  * Current DC: n1 (version unknown) - partition with quorum
  * Last updated: Mon Nov 23 16:17:03 2026
  * Last change:  
  * 2 nodes configured
  * 1 resource instance configured

Node List:
  * Online: [ n1 n2 ]

Active Resources:
  * No active resources


q quit   ? options   arrows scroll`
	if got := m.View(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestKeysSwitchParts(t *testing.T) {
	m := feed(start(t), tea.WindowSizeMsg{Width: 72, Height: 30}, snap(t, twoNodes))
	if strings.Contains(m.View(), "vip") {
		t.Fatal("a stopped resource shows before r is pressed")
	}
	m = feed(m, press("r")...)
	if !strings.Contains(m.View(), "vip    (ocf:heartbeat:IPaddr2):     Stopped") {
		t.Errorf("after r:\n%s", m.View())
	}
	m = feed(m, press("D")...)
	if strings.Contains(m.View(), "Stack") {
		t.Errorf("after D:\n%s", m.View())
	}
	m = feed(m, press("?")...)
	if !strings.Contains(m.View(), "* r:") || !strings.Contains(m.View(), "1 m:") {
		t.Errorf("help:\n%s", m.View())
	}
}

func TestScrollAndResize(t *testing.T) {
	m := feed(start(t), tea.WindowSizeMsg{Width: 72, Height: 5}, snap(t, twoNodes), tea.KeyMsg{Type: tea.KeyEnd})
	if v := m.View(); !strings.Contains(v, "No active resources") || strings.Contains(v, "Stack") {
		t.Errorf("at the end:\n%s", v)
	}
	m = feed(m, tea.WindowSizeMsg{Width: 12, Height: 30})
	if v := m.View(); !strings.Contains(v, "Stack") || strings.Contains(v, "unknown") {
		t.Errorf("made narrow and high:\n%s", v)
	}
}

func TestLossIsToldAndEnds(t *testing.T) {
	m := feed(start(t), tea.WindowSizeMsg{Width: 90, Height: 20})
	if !strings.Contains(m.View(), "Connecting to cluster...") {
		t.Errorf("at first:\n%s", m.View())
	}
	m = feed(m, snap(t, twoNodes), snapshot{err: errors.New("connection refused")})
	if v := m.View(); !strings.Contains(v, "Connection to the cluster lost") || !strings.Contains(v, "Online: [ n1 n2 ]") {
		t.Errorf("after the loss:\n%s", v)
	}
	m = feed(m, snap(t, twoNodes))
	if strings.Contains(m.View(), "lost") {
		t.Errorf("after it came back:\n%s", m.View())
	}
	if _, cmd := m.Update(press("q")[0]); cmd == nil || cmd() != tea.Quit() {
		t.Error("q does not quit")
	}
}
