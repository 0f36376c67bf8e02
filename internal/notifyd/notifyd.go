// Package notifyd tells of what happens to a ring, as corosync-notifyd does: nodes that come and go, quorum, links, and
// programs that connect to corosync.
//
//	err := notifyd.Watch(ctx, notifyd.Options{Name: "node1"}, func(e notifyd.Event) { fmt.Println(e) })
//
// It is a client of cmap and quorum, of ours and of the original's daemon.
package notifyd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"hacluster/corosync/client"
	"hacluster/corosync/cmap"
)

// Event is one of Member, Quorum, Connection and Link. String is its line in a log; Signal its name and arguments on D-Bus, those that
// the original has.
type Event interface {
	fmt.Stringer
	Signal() (name string, args []any)
}

// Member is a node that came or went.
type Member struct {
	Name   string // what the address is called, or the address
	ID     uint32
	IP     string
	Status string // joined or left
}

// Quorum is quorum that this node's part of the cluster got or lost.
type Quorum struct {
	Name    string
	ID      uint32
	Quorate bool
}

// Connection is a program on this node that connected to corosync, or went.
type Connection struct {
	Name      string
	ID        uint32
	Program   string // CONNECTION.PID.NAME
	Connected bool
}

// Link is a link to another node that works again, or no more.
type Link struct {
	Name     string
	ID, Node uint32
	Link     uint32
	Up       bool
}

func (m Member) String() string { return fmt.Sprintf("%s[%d] ip:%s %s", m.Name, m.ID, m.IP, m.Status) }

// Signal is of Event.
func (m Member) Signal() (string, []any) {
	return "NodeStateChange", []any{m.Name, m.ID, m.IP, m.Status}
}

func (q Quorum) String() string {
	if q.Quorate {
		return fmt.Sprintf("%s[%d] is now quorate", q.Name, q.ID)
	}
	return fmt.Sprintf("%s[%d] has lost quorum", q.Name, q.ID)
}

// Signal is of Event.
func (q Quorum) Signal() (string, []any) {
	return "QuorumStateChange", []any{q.Name, q.ID, word(q.Quorate, "quorate", "not quorate")}
}

func (c Connection) String() string {
	return fmt.Sprintf("%s[%d] %s is now %s corosync", c.Name, c.ID, c.Program, word(c.Connected, "connected to", "disconnected from"))
}

// Signal is of Event.
func (c Connection) Signal() (string, []any) {
	return "ConnectionStateChange", []any{c.Name, c.ID, c.Program, word(c.Connected, "connected", "disconnected")}
}

func (l Link) String() string {
	return fmt.Sprintf("%s[%d] link %d to node %d is now %s", l.Name, l.ID, l.Link, l.Node, word(l.Up, "operational", "disconnected"))
}

// Signal is of Event. Its name is the one that the original sends.
func (l Link) Signal() (string, []any) {
	return "QuorumStateChange", []any{l.Name, l.ID, l.Node, l.Link, word(l.Up, "operational", "disconnected")}
}

func word(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

// Options say how to watch.
type Options struct {
	// Name is this host's, as gethostname tells it.
	Name string
	// NoDNS has members called by their addresses.
	NoDNS bool
	// Ready is called once when nothing is missed any more.
	Ready func()
}

// errEnded is the end of the daemon that is watched.
var errEnded = errors.New("corosync has ended")

// Watch tells of events until ctx ends, which is no error, or corosync does.
func Watch(ctx context.Context, o Options, tell func(Event)) error {
	w := watcher{o: o, tell: tell}
	if err := w.begin(ctx); err != nil {
		if w.m != nil {
			w.m.Close()
		}
		if w.stats != nil {
			w.stats.Close()
		}
		return err
	}
	defer w.m.Close()
	defer w.stats.Close()
	defer w.q.Close()
	if o.Ready != nil {
		o.Ready()
	}
	for {
		select {
		case e, ok := <-w.m.Events():
			if !ok {
				return errEnded
			}
			w.member(ctx, e)
		case e, ok := <-w.stats.Events():
			if !ok {
				return errEnded
			}
			w.stat(e)
		case e, ok := <-w.q.Events():
			if !ok {
				return errEnded
			}
			if q, is := e.(*client.Quorate); is && q.Quorate != w.quorate {
				w.quorate = q.Quorate
				w.tell(Quorum{o.Name, w.id, q.Quorate})
			}
		case <-ctx.Done():
			return nil
		}
	}
}

type watcher struct {
	o       Options
	tell    func(Event)
	m       *client.Cmap
	stats   *client.Cmap
	q       *client.Quorum
	id      uint32
	quorate bool
}

func (w *watcher) begin(ctx context.Context) (err error) {
	cfg, err := client.DialCfg(ctx)
	if err != nil {
		return fmt.Errorf("cfg: %w", err)
	}
	w.id, err = cfg.LocalNode(ctx)
	cfg.Close()
	if err != nil {
		return fmt.Errorf("cfg: %w", err)
	}
	if w.m, err = client.DialCmap(ctx); err != nil {
		return fmt.Errorf("cmap: %w", err)
	}
	if w.stats, err = client.DialCmap(ctx); err != nil {
		return fmt.Errorf("cmap: %w", err)
	}
	if err := w.stats.UseStats(ctx); err != nil {
		return fmt.Errorf("cmap stats: %w", err)
	}
	if err := w.m.Track(ctx, "runtime.members.", cmap.Added|cmap.Modified|cmap.Prefix); err != nil {
		return fmt.Errorf("tracking members: %w", err)
	}
	if err := w.stats.Track(ctx, "stats.ipcs.", cmap.Added|cmap.Deleted|cmap.Prefix); err != nil {
		return fmt.Errorf("tracking connections: %w", err)
	}
	// Links that are there are watched each by its key, as the original does: statistics tell of no changes below a prefix.
	if err := w.stats.Track(ctx, "stats.knet.", cmap.Added|cmap.Deleted|cmap.Prefix); err != nil {
		return fmt.Errorf("tracking links: %w", err)
	}
	var links []string
	for e, err := range w.stats.All(ctx, "stats.knet.") {
		if err != nil {
			return fmt.Errorf("looking for links: %w", err)
		}
		if strings.HasSuffix(e.Key, ".connected") {
			links = append(links, e.Key)
		}
	}
	for _, key := range links {
		if err := w.stats.Track(ctx, key, cmap.Modified); err != nil {
			return fmt.Errorf("tracking %s: %w", key, err)
		}
	}
	if w.q, err = client.DialQuorum(ctx); err != nil {
		return fmt.Errorf("quorum: %w", err)
	}
	if err := w.q.Track(ctx); err != nil {
		w.q.Close()
		return fmt.Errorf("tracking quorum: %w", err)
	}
	return nil
}

// member tells of a node whose status changed.
func (w *watcher) member(ctx context.Context, e cmap.Event) {
	var id uint32
	var what string
	if n, _ := fmt.Sscanf(e.Key, "runtime.members.%d.%s", &id, &what); n != 2 || what != "status" {
		return
	}
	text, err := w.m.Text(ctx, fmt.Sprintf("runtime.members.%d.ip", id))
	if err != nil {
		return
	}
	ip := address(text)
	if ip == "" {
		return
	}
	name := ip
	if !w.o.NoDNS {
		name = reverse(ctx, ip)
	}
	w.tell(Member{name, id, ip, e.New.String()})
}

// address is the last address in a text such as "r(0) ip(192.168.100.92) ".
func address(text string) string {
	from := strings.LastIndexByte(text, '(')
	ip, _, ok := strings.Cut(text[from+1:], ")")
	if from < 0 || !ok {
		return ""
	}
	return ip
}

// reverse is what an address is called, or the address.
func reverse(ctx context.Context, ip string) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	names, err := net.DefaultResolver.LookupAddr(ctx, ip)
	if err != nil || len(names) == 0 {
		return ip
	}
	return strings.TrimSuffix(names[0], ".")
}

// stat tells of a connection, or of a link.
func (w *watcher) stat(e cmap.Event) {
	parts := strings.Split(e.Key, ".")
	if strings.HasPrefix(e.Key, "stats.ipcs.service") {
		if len(parts) != 6 || parts[5] != "procname" || e.Change == cmap.Modified {
			return
		}
		v := e.New
		if e.Change == cmap.Deleted {
			v = e.Old
		}
		w.tell(Connection{w.o.Name, w.id, parts[4] + "." + parts[3] + "." + v.String(), e.Change == cmap.Added})
		return
	}
	var node, link uint32
	if len(parts) != 5 || parts[4] != "connected" {
		return
	}
	if n, _ := fmt.Sscanf(e.Key, "stats.knet.node%d.link%d.", &node, &link); n != 2 {
		return
	}
	switch e.Change {
	case cmap.Added:
		// Its changes are of interest from now on. A link that is gone again by now needs no watching.
		_ = w.stats.Track(context.Background(), e.Key, cmap.Modified)
	case cmap.Modified:
		up, _ := e.New.Uint()
		w.tell(Link{w.o.Name, w.id, node, link, up != 0})
	}
}
