package screen

import (
	"fmt"
	"strconv"

	"hacluster/engine/status"
	"hacluster/internal/output/html"
)

// Head is what stands at the head of a page of HTML.
type Head struct {
	Title, Stylesheet string
	CGI               bool
	// Refresh is after how many seconds a reader looks again; 0 is never.
	Refresh int
}

const style = `.bold { font-weight: bold }
.online { color: green }
.offline { color: red }
.maint { color: blue }
.standby { color: blue }
.health_red { color: red }
.health_yellow { color: GoldenRod }
.rsc-failed { color: red }
.rsc-failure-ignored { color: DarkGreen }
.rsc-managed { color: blue }
.rsc-multiple { color: orange }
.rsc-ok { color: green }
.warning { color: red; font-weight: bold }`

// HTML writes a page as HTML; without a cluster (nil) only the frame and what went wrong.
func HTML(c *status.Cluster, p Page, h Head, errors []string) string {
	root, body := frame(h)
	if c != nil {
		(&htmlPage{textPage: textPage{view: newView(c, p), list: &htmlList{at: []*html.Node{body}}}}).write()
	}
	if len(errors) > 0 {
		ul := body.Add("ul")
		for _, e := range errors {
			ul.Add("li").Text(e)
		}
	}
	return h.before() + html.Document(root)
}

// HTMLVersion tells the version as HTML.
func HTMLVersion(h Head, v Version) string {
	root, body := frame(h)
	body.Add("h2").Text("Version Information")
	for _, f := range v.fields() {
		body.Add("div").Text(f[0] + ": " + f[1])
	}
	return h.before() + html.Document(root)
}

func (h Head) before() string {
	if h.CGI {
		return "Content-Type: text/html\n\n"
	}
	return ""
}

func frame(h Head) (root, body *html.Node) {
	root = html.Element("html").Attr("lang", "en")
	head := root.Add("head")
	title := h.Title
	if title == "" {
		title = "Cluster Status"
	}
	head.Add("title").Text(Inert(title))
	head.Add("meta").Attr("charset", "utf-8")
	if h.Refresh > 0 {
		head.Add("meta").Attr("http-equiv", "refresh").Attr("content", strconv.Itoa(h.Refresh))
	}
	head.Add("style").Raw(style)
	if h.Stylesheet != "" {
		head.Add("link").Attr("rel", "stylesheet").Attr("href", h.Stylesheet)
	}
	return root, root.Add("body")
}

// htmlList writes lists as HTML; at are the elements that are not ended yet.
type htmlList struct{ at []*html.Node }

func (l *htmlList) top() *html.Node { return l.at[len(l.at)-1] }

func (l *htmlList) push(n *html.Node) { l.at = append(l.at, n) }

// section begins a part of the page; inside of a list that was not ended it is one of its items.
func (l *htmlList) section(heading string) {
	if len(l.at) > 1 {
		l.head(heading)
		return
	}
	l.top().Add("h2").Text(Inert(heading))
	l.push(l.top().Add("ul"))
}

func (l *htmlList) head(heading string) {
	li := l.top().Add("li")
	li.Add("h3").Text(Inert(heading))
	l.push(li.Add("ul"))
}

func (l *htmlList) end() { l.at = l.at[:len(l.at)-1] }

func (l *htmlList) ofNode(name string) { l.head(name + ":") }

func (l *htmlList) replica(offset int, several bool) {
	if several {
		l.head(fmt.Sprintf("Replica[%d]", offset))
		return
	}
	l.push(l.top())
}

func (l *htmlList) item(text string) { l.top().Add("li").Text(Inert(text)) }

func (l *htmlList) marked(class, text string) {
	li := l.top().Add("li")
	if class == fencingClass["failed"] || class == fencingClass["pending"] || class == fencingClass["success"] {
		li.Attr("class", class).Text(Inert(text))
		return
	}
	span(li, class, text)
}

func (l *htmlList) forget() {}

func span(to *html.Node, class, text string) {
	n := to.Add("span")
	if class != "" {
		n.Attr("class", class)
	}
	n.Text(Inert(text))
}

// htmlPage writes a page as HTML: the lists of the text, and its own words for the
// cluster and its nodes.
type htmlPage struct {
	textPage
}

func (t *htmlPage) html() *htmlList { return t.list.(*htmlList) }

func (t *htmlPage) write() {
	s := t.Sections
	if t.c.DC == nil {
		s |= DC
	}
	t.summary(s)
	for _, part := range []struct {
		of    Sections
		write func()
	}{
		{NodeList, t.nodeList},
		{Resources, func() { t.resourceList() }},
		{Attributes, t.attributes},
		{Operations | FailCounts, t.history},
		{Failures, t.failed},
		{FencingFailed, func() { t.fencing("Failed Fencing Actions", "failed") }},
		{FencingSucceeded, func() { t.fencing("Fencing History", "success", "pending") }},
	} {
		if s.has(part.of) {
			part.write()
		}
	}
	if s.has(FencingPending) && !s.has(FencingSucceeded) {
		t.fencing("Pending Fencing Actions", "pending")
	}
	if s.has(Tickets) {
		t.ticketList()
	}
	if s.has(Bans) {
		t.banList()
	}
}

func (t *htmlPage) summary(s Sections) {
	c, l := t.c, t.html()
	started := false
	// line is a line of spans: classes and texts in turns.
	line := func(part Sections, spans ...string) {
		if !s.has(part) {
			return
		}
		if !started {
			started = true
			t.section("Cluster Summary")
		}
		li := l.top().Add("li")
		for i := 0; i+1 < len(spans); i += 2 {
			span(li, spans[i], spans[i+1])
		}
	}
	name, told := stackOf(t.c)
	if !told {
		name = ""
	}
	stack := []string{"bold", "Stack: ", "", name}
	if t.Live {
		_, words := t.launcher()
		stack = append(stack, "", " (", "", words, "", ")")
	}
	line(Stack, stack...)
	if c.DC == nil {
		line(DC, "bold", "Current DC: ", "warning", "NONE")
	} else {
		dc := []string{"bold", "Current DC: ", "", t.nodeName(c.DC) + " (version " + versionOf(t.c, "unknown") + ") -"}
		if t.mixedVersions() {
			dc = append(dc, "warning", " MIXED-VERSION")
		}
		dc = append(dc, "", " partition")
		if c.Quorate {
			dc = append(dc, "", " with")
		} else {
			dc = append(dc, "warning", " WITHOUT")
		}
		line(DC, append(dc, "", " quorum")...)
	}
	updated := []string{"bold", "Last updated: ", "", stamp(c.Now)}
	if t.LocalNode != "" {
		updated = append(updated, "", " on ", "", t.LocalNode)
	}
	line(Times, updated...)
	line(Times, "bold", "Last change: ", "", t.lastChange())
	line(Counts, "", plural(len(c.Nodes), "node")+" configured")
	instances := plural(c.Instances, "resource instance") + " configured"
	const why = " from further action due to failure)"
	switch {
	case c.Disabled > 0 && c.Blocked > 0:
		line(Counts, "", fmt.Sprintf("%s (%d ", instances, c.Disabled), "bold", "DISABLED", "", fmt.Sprintf(", %d ", c.Blocked), "bold", "BLOCKED", "", why)
	case c.Disabled > 0:
		line(Counts, "", fmt.Sprintf("%s (%d ", instances, c.Disabled), "bold", "DISABLED", "", ")")
	case c.Blocked > 0:
		line(Counts, "", fmt.Sprintf("%s (%d ", instances, c.Blocked), "bold", "BLOCKED", "", why)
	default:
		line(Counts, "", instances)
	}
	if started {
		t.end()
	}
	if s.has(ClusterOptions) {
		t.section("Config Options")
		for _, o := range t.optionLines() {
			t.item(o)
		}
		li := l.top().Add("li")
		switch {
		case c.Options.Maintenance:
			span(li, "", "Resource management: ")
			span(li, "bold", "DISABLED")
			span(li, "", " (the cluster will not attempt to start, stop, or recover services)")
		case c.Options.StopAll:
			span(li, "", "Resource management: ")
			span(li, "bold", "STOPPED")
			span(li, "", " (the cluster will keep all resources stopped)")
		default:
			li.Text("Resource management: enabled")
		}
		// As the original has it, the options' list ends where the summary had one before
		// it; else all that follows stands inside.
		if started {
			t.end()
		}
	}
}

// status adds what state a node is in.
func (t *htmlPage) status(to *html.Node, n *status.Node) {
	if n.Online {
		span(to, "online", " online")
	} else {
		span(to, "offline", " OFFLINE")
	}
	if n.Standby {
		why := " (in standby"
		if n.StandbyOnFail {
			why += " due to on-fail"
		}
		if len(n.Running) > 0 {
			why += ", with active resources"
		}
		span(to, "standby", why+")")
	}
	if n.Maintenance {
		span(to, "maint", " (in maintenance mode)")
	}
	switch h := t.c.Health(n); {
	case h < 0:
		span(to, "health_red", " (health is RED)")
	case h == 0:
		span(to, "health_yellow", " (health is YELLOW)")
	}
	if f := featureSet(n); t.Detail && f != "" {
		span(to, "", ", feature set "+f)
	}
}

func (t *htmlPage) nodeList() {
	l, started := t.html(), false
	for _, n := range t.c.Nodes {
		if !t.nodes.hasFold(n.Name) {
			continue
		}
		if !started {
			started = true
			t.section("Node List")
		}
		if !t.ByNode {
			li := l.top().Add("li")
			span(li, "bold", t.nodeName(n)+":")
			t.status(li, n)
			continue
		}
		t.ofNode(t.nodeName(n))
		li := l.top().Add("li")
		span(li, "", "Status:")
		t.status(li, n)
		l.push(li)
		t.running(n)
		t.end()
		t.end()
	}
	if started {
		t.end()
	}
}

// running lists what runs on a node, if anything does.
func (t *htmlPage) running(n *status.Node) {
	if t.Brief {
		if list := t.passing(n.Running, t.only); len(list) > 0 {
			t.head("Resources")
			t.brief(list, false, true)
			t.end()
		}
		return
	}
	if len(n.Running) == 0 {
		return
	}
	t.head("Resources")
	for _, r := range n.Running {
		t.resource(r, t.only, true)
	}
	t.end()
}

func (t *htmlPage) attributes() {
	l, started := t.html(), false
	for _, n := range t.c.Nodes {
		list := attributesOf(n)
		if !n.Online || len(list) == 0 || !t.nodes.hasFold(n.Name) {
			continue
		}
		if !started {
			started = true
			t.section("Node Attributes")
		}
		t.ofNode(t.nodeName(n))
		for _, a := range list {
			line := a.Name + ": " + a.Value
			expected, ok := t.connectivity(n, a.Name)
			if !ok {
				t.item(line)
				continue
			}
			li := l.top().Add("li")
			span(li, "", line)
			switch value, _ := status.ParseInt(a.Value); {
			case value <= 0:
				span(li, "bold", "(connectivity is lost)")
			case value < expected:
				span(li, "bold", fmt.Sprintf("(connectivity is degraded -- expected %d)", expected))
			}
		}
		t.end()
	}
	if started {
		t.end()
	}
}
