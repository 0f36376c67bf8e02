package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"golang.org/x/sys/unix"

	"hacluster/engine/status"
	"hacluster/internal/client"
	"hacluster/internal/program"
)

// page is what a terminal shows: a cluster in somebody's words.
type page interface {
	// render writes the cluster; it is a function of what it is given.
	render(c *status.Cluster, m moment) string
	// key switches what the page holds; false if the key means nothing to it.
	key(k string) bool
	// switches lists the keys: letter, whether it is on, what it is.
	switches() []toggle
}

type toggle struct {
	key, state, what string
}

// snapshot is what is known of the cluster at a moment; err tells that it is
// out of reach.
type snapshot struct {
	moment
	err error
}

// model is the terminal's state. It is changed by messages alone.
type model struct {
	page          page
	last          snapshot
	width, height int
	top           int // first line that is shown
	help          bool
	bar           lipgloss.Style
}

func newModel(p page, r *lipgloss.Renderer) model {
	return model{page: p, bar: r.NewStyle().Reverse(true)}
}

// Init waits for the first snapshot; watch sends it.
func (m model) Init() tea.Cmd { return nil }

// Update takes a key, a new size or a new snapshot in.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case snapshot:
		if msg.Root == nil { // what was known last stays in sight
			msg.moment = m.last.moment
		}
		m.last = msg
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyMsg:
		k := msg.String()
		switch k {
		case "q", "ctrl+c":
			return m, tea.Quit
		case "?":
			m.help = !m.help
		case "down":
			m.top++
		case "up":
			m.top--
		case "pgdown", " ":
			m.top += m.room()
		case "pgup":
			m.top -= m.room()
		case "home":
			m.top = 0
		case "end":
			m.top = len(m.lines())
		default:
			if !m.page.key(k) {
				m.help = false
			}
		}
	}
	m.top = max(0, min(m.top, len(m.lines())-m.room()))
	return m, nil
}

// room is how many lines of the page fit above the bar.
func (m model) room() int { return max(1, m.height-1) }

func (m model) lines() []string {
	var text string
	switch {
	case m.help:
		var b strings.Builder
		b.WriteString("Display option change mode\n\n")
		for _, t := range m.page.switches() {
			fmt.Fprintf(&b, "%s %s: \t%s\n", t.state, t.key, t.what)
		}
		b.WriteString("\nToggle fields via field letter, type any other key to return")
		text = b.String()
	case m.last.Root == nil && m.last.err == nil:
		text = "Connecting to cluster..."
	case m.last.Root == nil:
		text = "Not connected to the cluster: " + m.last.err.Error()
	default:
		text = m.page.render(status.Read(status.Input{CIB: m.last.Root, Now: m.last.At}), m.last.moment)
	}
	return strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\t", "    "), "\n"), "\n")
}

// View writes the lines that fit, and the bar below them.
func (m model) View() string {
	lines := m.lines()
	end := len(lines)
	if m.height > 0 {
		end = min(end, m.top+m.room())
	}
	shown := lines[min(m.top, end):end]
	var b strings.Builder
	for _, l := range shown {
		b.WriteString(cut(l, m.width) + "\n")
	}
	for i := len(shown); i < m.height-1; i++ {
		b.WriteByte('\n')
	}
	bar := "q quit   ? options   arrows scroll"
	if m.last.err != nil {
		bar = "Connection to the cluster lost, trying again: " + m.last.err.Error()
	}
	if end < len(lines) {
		bar += fmt.Sprintf("   (%d more lines)", len(lines)-end)
	}
	return b.String() + m.bar.Render(cut(bar, m.width))
}

// cut shortens a line to a width; 0 is without limit.
func cut(line string, width int) string {
	if r := []rune(line); width > 0 && len(r) > width {
		return string(r[:width])
	}
	return line
}

// onTerminal tells whether w is a terminal.
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// watch shows the cluster on the terminal until q is pressed.
func watch(ctx context.Context, env *program.Env, p page, interval time.Duration) int {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	prog := tea.NewProgram(newModel(p, lipgloss.NewRenderer(env.Stdout)), tea.WithContext(ctx), tea.WithAltScreen(),
		tea.WithInput(env.Stdin), tea.WithOutput(env.Stdout))
	go follow(ctx, interval, func(s snapshot) { prog.Send(s) })
	if _, err := prog.Run(); err != nil && ctx.Err() == nil {
		fmt.Fprintf(env.Stderr, "crm_mon: %v\n", err)
		return 74
	}
	return 0
}

// follow sends the cluster's state at once, after each change and after each
// interval; it connects again whenever the cluster goes away.
func follow(ctx context.Context, interval time.Duration, send func(snapshot)) {
	interval = max(interval, time.Second)
	for ctx.Err() == nil {
		if err := session(ctx, interval, send); err != nil && ctx.Err() == nil {
			send(snapshot{err: err})
		}
		select {
		case <-ctx.Done():
		case <-time.After(interval):
		}
	}
}

// session follows the cluster over one connection, until it breaks.
func session(ctx context.Context, interval time.Duration, send func(snapshot)) error {
	watcher, err := client.DialCIB(ctx, "crm_mon")
	if err != nil {
		return err
	}
	defer watcher.Close()
	if err := watcher.Watch(ctx); err != nil {
		return err
	}
	reader, err := client.DialCIB(ctx, "crm_mon")
	if err != nil {
		return err
	}
	defer reader.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	changed, broken := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		for {
			if err := watcher.Changed(ctx); err != nil {
				broken <- err
				return
			}
			select {
			case changed <- struct{}{}:
			default: // a change that is not shown yet covers this one
			}
		}
	}()
	for {
		root, err := reader.Query(ctx)
		if err != nil {
			return err
		}
		send(snapshot{moment: complete(ctx, root, true)})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-broken:
			return err
		case <-changed:
		case <-time.After(interval):
		}
	}
}
