package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/beevik/etree"
	"github.com/charmbracelet/colorprofile"
	"golang.org/x/sys/unix"

	"hacluster/cib"
	"hacluster/internal/output/screen"
	"hacluster/internal/output/tui"
	"hacluster/internal/pcs/live"
	"hacluster/internal/program"
	"hacluster/internal/running"
	"hacluster/internal/tool"
)

// screenModel puts the model on a terminal.
type screenModel struct {
	*tui.Model
	env   *program.Env
	ctx   context.Context
	mouse bool
	tell  *teller
	// later is news that waits until a job does not look at the document any more.
	later *news
}

func (s *screenModel) Init() tea.Cmd { return nil }

func (s *screenModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case news:
		s.hear(msg)
	case tea.WindowSizeMsg:
		s.Resize(msg.Width, msg.Height)
	case tui.Outcome:
		s.Finish(msg)
		if n := s.later; n != nil && !s.Working() {
			s.later = nil
			s.hear(*n)
		}
	case tea.MouseClickMsg:
		if msg.Button == tea.MouseLeft {
			return s, tea.Batch(s.do(s.Click(msg.X, msg.Y)), s.do(s.Work()))
		}
	case tea.MouseWheelMsg:
		s.Wheel(map[tea.MouseButton]int{tea.MouseWheelUp: -3, tea.MouseWheelDown: 3}[msg.Button])
	case tea.KeyPressMsg:
		job := s.Key(msg.String())
		if s.Quit() {
			return s, tea.Quit
		}
		return s, tea.Batch(s.do(job), s.do(s.Work()))
	}
	return s, s.do(s.Work())
}

// hear takes news in, as soon as no job looks at the document that they change.
func (s *screenModel) hear(n news) {
	switch {
	case n.err != nil:
		s.Lost(n.err, n.At)
	case n.advance != nil && s.Working():
		s.later = &n
	default:
		state, ok := n.taken()
		if !ok {
			return
		}
		if s.tell != nil {
			s.tell.tell(s.ctx, state)
		}
		s.Take(state)
	}
}

// do has a job done beside the screen.
func (s *screenModel) do(job *tui.Job) tea.Cmd {
	if job == nil {
		return nil
	}
	return func() tea.Msg { return job.Run(s.ctx, runner{s.env}) }
}

func (s *screenModel) View() tea.View {
	v := tea.NewView(s.Frame())
	v.AltScreen = true
	if s.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	return v
}

// runner changes the running cluster.
type runner struct{ env *program.Env }

func (r runner) Read(ctx context.Context) (tui.Snapshot, error) {
	return readCluster(ctx, r.env, false)
}

func (r runner) Patch(ctx context.Context, patchset *etree.Element) error {
	c, err := tool.DialCIB(ctx, r.env)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Do(ctx, cib.Request{Op: cib.Patch, Data: patchset})
	return err
}

func (r runner) Cleanup(ctx context.Context, resource string) error {
	if tool.Elsewhere(r.env) {
		return errors.New("not supported yet: this is done on a host of the cluster")
	}
	_, err := running.Cluster{}.Cleanup(ctx, live.CleanupRequest{Resource: resource})
	return err
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

// watching is how the running cluster is watched.
type watching struct {
	page     tui.Pager
	interval time.Duration
	lines    bool // a conversation of lines
	readOnly bool
	mouse    bool
	tell     *teller
	// source follows the cluster; nil is follow.
	source func(ctx context.Context, interval time.Duration, send func(news))
}

// follow follows the cluster, or what stands for it.
func (w watching) follow(ctx context.Context, env *program.Env, send func(news)) {
	if w.source != nil {
		w.source(ctx, w.interval, send)
		return
	}
	follow(ctx, env, w.interval, send)
}

// watch shows the cluster on the terminal until the user has enough.
func watch(ctx context.Context, env *program.Env, w watching) int {
	if tool.Elsewhere(env) && env.Getenv("CIB_passwd") == "" { // later the terminal is the screen's
		if _, err := tool.AskPassword(env); err != nil {
			fmt.Fprintf(env.Stderr, "crm_mon: %v\n", err)
			return exitDisconnected
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	color := env.Getenv("NO_COLOR") == "" && env.Getenv("TERM") != "vt100"
	m := tui.New(w.page, tui.Options{CanAct: true, ReadOnly: w.readOnly, Color: color})
	if t := env.Getenv("TERM"); w.lines || t == "" || t == "dumb" {
		return converse(ctx, env, w, m)
	}
	options := append([]tea.ProgramOption{tea.WithContext(ctx), tea.WithInput(env.Stdin)}, terminal(env.Stdout)...)
	p := tea.NewProgram(&screenModel{Model: m, env: env, ctx: ctx, mouse: w.mouse, tell: w.tell}, options...)
	go w.follow(ctx, env, func(n news) { p.Send(n) })
	if _, err := p.Run(); err != nil && ctx.Err() == nil {
		fmt.Fprintf(env.Stderr, "crm_mon: %v\n", err)
		return exitIO
	}
	return 0
}

// terminal says where the screen is. A serial line does not know how large its
// terminal is; it has the size that such terminals have.
func terminal(w io.Writer) []tea.ProgramOption {
	if f, ok := w.(*os.File); ok {
		if size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && (size.Col == 0 || size.Row == 0) {
			return []tea.ProgramOption{tea.WithOutput(struct{ io.Writer }{w}), tea.WithWindowSize(80, 24), tea.WithColorProfile(colorprofile.ANSI)}
		}
	}
	return []tea.ProgramOption{tea.WithOutput(w)}
}

// converse is watch as a conversation of lines.
func converse(ctx context.Context, env *program.Env, w watching, m *tui.Model) int {
	talk := tui.NewTalk(m)
	say := func(lines []string) {
		for _, l := range lines {
			fmt.Fprintln(env.Stdout, screen.Inert(l))
		}
	}
	states, typed, done := make(chan news), make(chan string), make(chan tui.Outcome)
	go w.follow(ctx, env, func(n news) {
		select {
		case states <- n:
		case <-ctx.Done():
		}
	})
	go func() {
		defer close(typed)
		for sc := bufio.NewScanner(env.Stdin); sc.Scan(); {
			select {
			case typed <- sc.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	greeted := false
	for {
		select {
		case <-ctx.Done():
			return 0
		case n := <-states:
			if n.err != nil {
				if m.Lost(n.err, n.At) || !greeted {
					say([]string{"Not connected to the cluster: " + n.err.Error()})
				}
				greeted = greeted || m.Cluster() == nil
				continue
			}
			state, ok := n.taken() // a job that runs works with a document of its own
			if !ok {
				continue
			}
			if w.tell != nil {
				w.tell.tell(ctx, state)
			}
			first := m.Cluster() == nil
			said := m.Take(state)
			if first {
				said = talk.Greeting()
			}
			greeted = true
			say(said)
		case line, ok := <-typed:
			if !ok {
				return 0
			}
			said, job, quit := talk.Answer(line)
			say(said)
			if quit {
				return 0
			}
			if job != nil {
				go func() {
					select {
					case done <- job.Run(ctx, runner{env}):
					case <-ctx.Done():
					}
				}()
			}
		case o := <-done:
			say(talk.Done(o))
		}
	}
}
