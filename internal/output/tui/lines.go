package tui

import (
	"fmt"
	"strconv"
	"strings"
)

// Talk is the program as a conversation of lines, for screen readers and terminals that
// cannot move a cursor: what happens is said as it happens, and what is typed is answered.
type Talk struct {
	m       *Model
	actions []action
	asked   *Proposal
}

// NewTalk makes a conversation about what a model sees.
func NewTalk(m *Model) *Talk { return &Talk{m: m} }

// Greeting is said first, and to "status".
func (t *Talk) Greeting() []string {
	if t.m.now == nil {
		return texts(t.m.build(&shown{kind: mainScreen}))
	}
	return append([]string{t.m.header()}, texts(t.m.faultLines())...)
}

func texts(lines []Line) (out []string) {
	for _, l := range lines {
		out = append(out, l.Text)
	}
	return out
}

const talkHelp = `status             how the cluster stands, and what is wrong
page               the whole page
node NAME          what is known of a node
resource ID        what is known of a resource
depends ID         what a resource depends on, and what blocks it
dies NAME          what would happen if a node died
history            what happened since the start
do NAME            what can be done to a node or resource, by number
KEY                one of the letters that switch parts of the page
quit               the end`

// Answer answers what was typed. job is to be carried out, and its Outcome goes to
// Done.
func (t *Talk) Answer(line string) (say []string, job *Job, quit bool) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil, nil, false
	}
	if p := t.asked; p != nil {
		t.asked = nil
		if words[0] == "yes" || words[0] == "y" {
			return []string{"Being done: " + clean(p.Title)}, &Job{Proposal: p}, false
		}
		return []string{"Left alone."}, nil, false
	}
	rest := strings.Join(words[1:], " ")
	switch words[0] {
	case "quit", "q", "exit":
		return nil, nil, true
	case "help", "?":
		return strings.Split(talkHelp, "\n"), nil, false
	}
	if t.m.now == nil {
		return t.Greeting(), nil, false
	}
	v := t.m.now
	switch words[0] {
	case "status":
		return t.Greeting(), nil, false
	case "page":
		return t.m.pageText(), nil, false
	case "node":
		return texts(v.page(Subject{Kind: Node, ID: rest})), nil, false
	case "resource":
		return texts(v.page(Subject{Kind: Resource, ID: rest})), nil, false
	case "depends":
		if r := v.find(rest); r != nil {
			return texts(v.tree(r)), nil, false
		}
		return []string{clean("There is no resource " + rest)}, nil, false
	case "dies":
		return texts(v.ifDies(rest)), nil, false
	case "history":
		return texts(t.m.timeline()), nil, false
	case "do":
		return t.offer(rest), nil, false
	}
	if n, err := strconv.Atoi(words[0]); err == nil && n >= 1 && n <= len(t.actions) {
		return t.plan(t.actions[n-1]), nil, false
	}
	if len(words) == 1 && t.m.pager.Key(words[0]) {
		return t.m.pageText(), nil, false
	}
	return []string{"Not understood; help lists what is."}, nil, false
}

func (t *Talk) offer(name string) []string {
	if t.m.readOnly {
		return []string{"Changes are not possible here."}
	}
	t.actions = t.m.now.clusterActions()
	if s, ok := t.m.now.subject(name); ok {
		t.actions = t.m.now.actions(s)
	} else if name != "" {
		return []string{clean("There is no node or resource " + name)}
	}
	var out []string
	for i, a := range t.actions {
		out = append(out, clean(fmt.Sprintf("%d: %s", i+1, a.title)))
	}
	return append(out, "Type a number to hear the plan.")
}

func (t *Talk) plan(a action) []string {
	p, err := t.m.now.propose(a)
	if err != nil {
		return []string{clean("That is not possible: " + err.Error())}
	}
	return t.ask(p)
}

func (t *Talk) ask(p *Proposal) []string {
	t.asked = p
	return append(texts(p.lines()), "Type yes to do it, anything else to leave it.")
}

// Done says how a job ended.
func (t *Talk) Done(o Outcome) []string {
	switch {
	case o.Err != nil:
		return []string{clean("Not done: " + o.Err.Error())}
	case o.Again != nil:
		return t.ask(o.Again)
	}
	return []string{clean("Done: " + o.Done)}
}
