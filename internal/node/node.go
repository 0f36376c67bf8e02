package node

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/corosync/client"
	"hacluster/corosync/cmap"
	"hacluster/corosync/local"
	"hacluster/engine/controller"
	"hacluster/engine/fencer"
	"hacluster/engine/replica"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/internal/logging"
	"hacluster/internal/remote"
	"hacluster/internal/remotecib"
	"hacluster/ocf"
)

// GroupName is the process group of our daemons.
const GroupName = "hacluster"

// Config is what a node is made of.
type Config struct {
	// StateDir holds the CIB and the scheduler's inputs, /var/lib/pacemaker.
	StateDir string
	// Owner and Group own what is written there; -1 leaves it to this process's.
	Owner, Group int
	Agents       *ocf.Host
	Timing       controller.Timing
	Log          *slog.Logger
	// Remote is how connections to remote nodes are secured.
	Remote remote.Settings
	// Elsewhere is how the CIB is served to other hosts, where the CIB says so; Cluster is this node.
	Elsewhere remotecib.Config
	// Watchdog is this node's.
	Watchdog Watchdog
	// StartState is PCMK_node_start_state, what this node wants to begin as; "" for no wish.
	StartState string
	// ActionLimit is PCMK_node_action_limit, how many actions this node takes at once; "" for node-action-limit.
	ActionLimit string
	// Panic ends this host at once; it comes back only where that cannot be done.
	Panic func()
	// Ready is called when local clients are served.
	Ready func()
	// Alive is called by the node's own loop at least every AliveEvery, where that is not 0.
	Alive      func()
	AliveEvery time.Duration
}

// Node is a cluster node on this machine.
type Node struct {
	cfg     Config
	log     *slog.Logger
	core    *Core
	store   *cib.Store
	inputs  inputs
	agents  *agents
	callers *callers

	cpg    *client.CPG
	quorum *client.Quorum
	cmap   *client.Cmap

	clusterName string
	twoNode     bool
	calls       chan func()
	ended       chan struct{}
	out         *outbox
	services    *services
	elsewhere   *remotecib.Server
	exit        chan string
	exited      bool

	settled       bool      // this node was in a whole cluster with quorum
	looked        time.Time // for strangers
	strangersTold []string  // nodes that run Pacemaker's own controller, and the log knows of it
}

// ErrCorosyncGone is why Run ends when Corosync ends.
var ErrCorosyncGone = errors.New("lost the connection to corosync")

// ErrRefused is why Run ends when this node cannot be a member as it is: it knows no schema as new as the cluster's CIB, or others
// run Pacemaker's own controller.
var ErrRefused = errors.New("this node cannot be a member of the cluster")

// ErrFenced is why Run ends when the others fenced this node: it must stay down.
var ErrFenced = errors.New("this node was fenced by the others")

// Run is the node; it ends when ctx does, after it left the cluster in good order,
// or when it must: then with an error.
func Run(ctx context.Context, cfg Config) error {
	n := &Node{cfg: cfg, log: cfg.Log, calls: make(chan func(), 256), ended: make(chan struct{}), exit: make(chan string, 1)}
	tell := (*world)(n).Logf
	tell("Starting Pacemaker %s", release(controller.Version))
	tell("controller: Connecting to corosync cluster layer")
	if err := n.connect(ctx); err != nil {
		return err
	}
	defer n.cpg.Close()
	defer n.quorum.Close()
	defer n.cmap.Close()
	self, err := n.cpg.LocalNode(ctx)
	if err != nil {
		return fmt.Errorf("ask corosync who this node is: %w", err)
	}
	names, err := n.names(ctx)
	if err != nil {
		return err
	}
	name, ok := names[self]
	if !ok {
		return fmt.Errorf("corosync's node list has no node with this node's id %d", self)
	}
	n.store = &cib.Store{Dir: cfg.StateDir + "/cib", Chown: cfg.Owner >= 0, Owner: cfg.Owner, Group: cfg.Group}
	root, note, err := n.store.Load()
	if err != nil {
		return fmt.Errorf("load the CIB: %w", err)
	}
	if note != "" {
		n.log.Error("the CIB on disk is not as it was written", "what", note)
	}
	term, note, err := n.store.LoadTerm()
	if err != nil {
		return fmt.Errorf("load the term of the CIB: %w", err)
	}
	if note != "" {
		n.log.Error("the term of the CIB on disk is not as it was written", "what", note)
	}
	n.inputs = inputs{dir: cfg.StateDir + "/pengine", owner: cfg.Owner, group: cfg.Group, failed: func(err error) {
		n.log.Warn("the scheduler's input could not be kept", "err", err)
	}}
	n.inputs.open()
	defer n.inputs.close()
	n.agents = newAgents(cfg.Agents)
	n.callers = newCallers()
	defer n.callers.end()
	var seed [16]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return err
	}
	n.core = NewCore(CoreConfig{
		Self: controller.Member{ID: self, Name: name}, Names: names, CIB: root, Term: term, UUID: uuid(),
		Random: mathrand.New(mathrand.NewPCG(binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:]))),
		Timing: cfg.Timing, ClusterName: n.clusterName, Remotes: (*remotes)(n), TwoNode: n.twoNode,
		Watchdog: cfg.Watchdog, PID: os.Getpid(), StartState: cfg.StartState, ActionLimit: cfg.ActionLimit,
	}, (*world)(n))
	if err := n.strangers(ctx); err != nil {
		return err
	}
	n.log.Info("node starts", "name", name, "id", self, "cib", cib.VersionOf(root).String(), "term", term.String())
	if n.services, err = n.listen(); err != nil {
		return err
	}
	defer n.services.close()
	n.serveElsewhere()
	defer n.elsewhere.Close()
	n.out = newOutbox(ctx, func(ctx context.Context, list [][]byte) error {
		return n.cpg.McastMany(ctx, len(list), func(i int) []byte { return list[i] })
	})
	defer n.out.close()
	if err := n.cmap.Track(ctx, "config.reload_in_progress", cmap.Added|cmap.Modified); err != nil {
		return fmt.Errorf("watch corosync's configuration: %w", err)
	}
	if err := n.quorum.Track(ctx); err != nil {
		return fmt.Errorf("watch quorum: %w", err)
	}
	if err := n.cpg.Join(ctx, GroupName); err != nil {
		return fmt.Errorf("join the group %s: %w", GroupName, err)
	}
	for _, part := range []string{"cib: CIB manager", "fencer: fencer", "executor: local executor", "attributes: node attribute manager", "scheduler: scheduler", "controller: controller"} {
		daemon, title, _ := strings.Cut(part, ": ")
		tell(daemon+": Pacemaker %s successfully started and accepting connections", title)
	}
	tell("Pacemaker daemon successfully started and accepting connections")
	if cfg.Ready != nil {
		cfg.Ready()
	}
	return n.loop(ctx)
}

// connect waits until Corosync's services answer.
func (n *Node) connect(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	try := func(f func() error) error {
		for {
			err := f()
			if err == nil {
				return nil
			}
			select {
			case <-wait.Done():
				return fmt.Errorf("corosync does not answer: %w", err)
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	return errors.Join(
		try(func() (err error) { n.cmap, err = client.DialCmap(wait); return }),
		try(func() (err error) { n.quorum, err = client.DialQuorum(wait); return }),
		try(func() (err error) { n.cpg, err = client.DialCPG(wait); return }),
	)
}

// names reads the node list: a node is called by its name, or by its first address.
func (n *Node) names(ctx context.Context) (map[uint32]string, error) {
	type entry struct {
		id         uint32
		name, ring string
	}
	entries := map[string]*entry{}
	for e, err := range n.cmap.All(ctx, "nodelist.node.") {
		if err != nil {
			return nil, fmt.Errorf("read corosync's node list: %w", err)
		}
		f := strings.Split(e.Key, ".")
		if len(f) != 4 {
			continue
		}
		x := entries[f[2]]
		if x == nil {
			x = &entry{}
			entries[f[2]] = x
		}
		switch f[3] {
		case "nodeid":
			id, err := n.cmap.Uint(ctx, e.Key)
			if err != nil {
				return nil, err
			}
			x.id = uint32(id)
		case "name", "ring0_addr":
			text, err := n.cmap.Text(ctx, e.Key)
			if err != nil {
				return nil, err
			}
			if f[3] == "name" {
				x.name = text
			} else {
				x.ring = text
			}
		}
	}
	out := map[uint32]string{}
	for _, x := range entries {
		if x.name == "" {
			x.name = x.ring
		}
		if x.id != 0 && x.name != "" {
			out[x.id] = x.name
		}
	}
	if name, err := n.cmap.Text(ctx, "totem.cluster_name"); err == nil {
		n.clusterName = name
	}
	two, err := n.cmap.Uint(ctx, "quorum.two_node")
	n.twoNode = err == nil && two == 1
	return out, nil
}

func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// loop is the one goroutine that the core lives in.
func (n *Node) loop(ctx context.Context) error {
	defer close(n.ended)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	every := time.NewTicker(controller.SampleInterval)
	defer every.Stop()
	var busy sampler
	n.core.Sample(time.Now(), busy.sample(time.Now()))
	var alive <-chan time.Time
	if n.cfg.AliveEvery > 0 {
		t := time.NewTicker(n.cfg.AliveEvery)
		defer t.Stop()
		alive = t.C
	}
	done := ctx.Done()
	cpg, quorum, reloads := n.cpg.Events(), n.quorum.Events(), n.cmap.Events()
	for look := false; ; look = false { // look: there may be strangers
		wait := time.Hour
		if d := n.core.Deadline(); !d.IsZero() {
			wait = max(0, time.Until(d))
		}
		if n.arriving() {
			wait = min(wait, lookEvery)
		}
		timer.Reset(wait)
		select {
		case e, ok := <-cpg:
			if !ok {
				return n.gone(n.cpg.Err())
			}
			if g, ok := e.(*client.Confchg); ok {
				n.mustKnow(ctx, MemberIDs(g.Members))
			}
			n.onCPG(e)
		case e, ok := <-reloads:
			if !ok {
				return n.gone(n.cmap.Err())
			}
			if e.New.String() == "0" { // it has ended
				n.configured(ctx)
			}
		case e, ok := <-quorum:
			if !ok {
				return n.gone(n.quorum.Err())
			}
			if q, ok := e.(*client.Quorate); ok {
				n.mustKnow(ctx, q.Members)
				n.core.Ring(time.Now(), q.Members, q.Quorate)
				look = true
			}
		case f := <-n.calls:
			f()
		case <-timer.C:
			n.core.Tick(time.Now())
		case <-every.C:
			n.core.Sample(time.Now(), busy.sample(time.Now()))
			look = n.incomplete()
		case <-alive:
			n.cfg.Alive()
		case <-done:
			done = nil
			(*world)(n).Logf("Shutting down Pacemaker")
			n.core.Shutdown(time.Now())
		case why := <-n.exit:
			n.log.Info("leaving the cluster", "why", why)
			// What was sent before must be out before the group is left.
			n.out.drain(5 * time.Second)
			switch why {
			case "fenced":
				return ErrFenced
			case noWatchdog:
				return ErrNoWatchdog
			}
			if strings.HasPrefix(why, controller.Refused) {
				return fmt.Errorf("%w: %s", ErrRefused, strings.TrimPrefix(why, controller.Refused))
			}
			(*world)(n).Logf("Shutdown complete")
			return nil
		}
		if look = look || n.arriving() && time.Since(n.looked) >= lookEvery; look && done != nil {
			if err := n.strangers(ctx); err != nil {
				return err
			}
		}
	}
}

// configured takes over what Corosync has of the nodes now.
func (n *Node) configured(ctx context.Context) {
	wait, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	names, err := n.names(wait)
	if err != nil {
		n.log.Error("corosync's node list cannot be read again", "error", err)
		return
	}
	n.core.Configure(time.Now(), names, n.twoNode)
}

// mustKnow reads the node list again where one comes whom it did not have: a reload may not have been heard of yet.
func (n *Node) mustKnow(ctx context.Context, ids []uint32) {
	if !n.core.Knows(ids) {
		n.configured(ctx)
	}
}

func (n *Node) gone(err error) error {
	n.log.Log(context.Background(), logging.Critical, "Lost connection to cluster layer, shutting down", logging.Daemon, daemons["controller"])
	if err == nil {
		return ErrCorosyncGone
	}
	return fmt.Errorf("%w: %w", ErrCorosyncGone, err)
}

func (n *Node) onCPG(e client.CPGEvent) {
	now := time.Now()
	switch e := e.(type) {
	case *client.Deliver:
		n.core.Message(now, e.Node, e.Data)
	case *client.Confchg:
		n.core.GroupChange(now, MemberIDs(e.Members), MemberIDs(e.Joined), MemberIDs(e.Left))
	}
}

// MemberIDs are the nodes of the members of a group.
func MemberIDs(members []local.Member) []uint32 {
	out := make([]uint32, 0, len(members))
	for _, m := range members {
		out = append(out, m.Node)
	}
	return out
}

// post hands f to the loop; once the loop has ended, f is dropped.
func (n *Node) post(f func()) {
	select {
	case n.calls <- f:
	case <-n.ended:
	}
}

// outbox sends messages in order without holding the loop up.
type outbox struct {
	mu      sync.Mutex
	queue   [][]byte
	sending bool
	wake    chan struct{}
	idle    chan struct{}
	stop    context.CancelFunc
	done    chan struct{}
}

func newOutbox(_ context.Context, send func(context.Context, [][]byte) error) *outbox {
	ctx, cancel := context.WithCancel(context.Background())
	o := &outbox{wake: make(chan struct{}, 1), idle: make(chan struct{}, 1), stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(o.done)
		for {
			o.mu.Lock()
			next := o.queue
			o.queue = nil
			if o.sending = len(next) > 0; !o.sending {
				select {
				case o.idle <- struct{}{}:
				default:
				}
			}
			o.mu.Unlock()
			if next == nil {
				select {
				case <-o.wake:
					continue
				case <-ctx.Done():
					return
				}
			}
			if err := send(ctx, next); err != nil {
				return // the connection is over; the loop sees that too
			}
		}
	}()
	return o
}

func (o *outbox) put(data []byte) {
	o.mu.Lock()
	o.queue = append(o.queue, data)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// drain waits until all is sent.
func (o *outbox) drain(limit time.Duration) {
	t := time.NewTimer(limit)
	defer t.Stop()
	for {
		o.mu.Lock()
		empty := len(o.queue) == 0 && !o.sending
		o.mu.Unlock()
		if empty {
			return
		}
		select {
		case <-o.idle:
		case <-o.done:
			return
		case <-t.C:
			return
		}
	}
}

func (o *outbox) close() {
	o.stop()
	<-o.done
}

// world is the node as its core sees it.
type world Node

func (w *world) Send(data []byte)               { w.out.put(data) }
func (w *world) Save(root *etree.Element) error { return w.store.Save(root) }
func (w *world) SaveTerm(t cib.Term) error      { return w.store.SaveTerm(t) }
func (w *world) FencingChanged()                { w.services.fencingChanged() }
func (w *world) FencingEnded(r fencer.Record)   { w.services.fencingEnded(r) }

func (w *world) CIBChanged(ch replica.Change) {
	w.services.cibChanged(ch)
	if w.elsewhere != nil {
		w.elsewhere.Listen(remotecib.PortsOf(ch.Doc.Root()))
	}
}

func (w *world) Later(f func(now time.Time)) {
	go (*Node)(w).post(func() { f(time.Now()) })
}

func (w *world) Panic(reason string) {
	w.log.Log(context.Background(), logging.Critical, "this host ends itself", "why", reason)
	w.cfg.Panic()
}

func (w *world) Exit(reason string) {
	if !w.exited {
		w.exited = true
		w.exit <- reason
	}
}

func (w *world) Plan(root *etree.Element, now time.Time) (controller.Plan, error) {
	r, err := Plan(root, now, w.Logf)
	trouble := "errors"
	if err == nil {
		trouble = w.tellPlan(r)
	}
	input := w.keepInput(root, now, trouble)
	if err != nil {
		return controller.Plan{}, err
	}
	return controller.Plan{Graph: r.Graph, Recheck: r.RecheckBy, Input: input, Trouble: trouble}, nil
}

// keepInput keeps what was planned from, in the series that belongs to the trouble there was, and gives the file's name.
func (w *world) keepInput(root *etree.Element, now time.Time, trouble string) string {
	s := seriesOf(trouble)
	file, err := w.inputs.save(root, now, s, controller.OptionOf(root, now, s+"-series-max", ""))
	if err != nil {
		w.log.Warn("the scheduler's input could not be kept", "err", err)
	}
	return file
}

// tellPlan logs what is wrong and what changes; it tells whether there were "errors" or "warnings".
func (w *world) tellPlan(r *scheduler.Result) (trouble string) {
	for _, m := range slices.Concat(r.Messages, r.Cluster.Findings) {
		err := errors.New(m.Text)
		if m.Severity == status.Error {
			err = grave{slog.LevelError, m.Text}
		}
		w.Logf("scheduler: %v", err)
	}
	if !scheduler.AnyManaged(r.Cluster.Resources) {
		w.Logf("scheduler: No fencing will be done until there are resources to manage")
	}
	for _, l := range scheduler.Listing(r.Summary) {
		w.Logf("scheduler: Actions: %s", l)
	}
	if slices.ContainsFunc(r.Messages, func(m status.Message) bool { return m.Severity == status.Error }) {
		w.Logf("scheduler: Configuration errors found during scheduler processing, please run \"crm_verify -L\" to identify issues")
	}
	return troubleOf(r)
}

// troubleOf tells whether there were "errors" or "warnings".
func troubleOf(r *scheduler.Result) (trouble string) {
	for _, m := range slices.Concat(r.Messages, r.Cluster.Findings) {
		if m.Severity == status.Error {
			return "errors"
		}
		trouble = "warnings"
	}
	return trouble
}
