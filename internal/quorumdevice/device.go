package quorumdevice

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"hacluster/corosync/client"
	"hacluster/corosync/cmap"
	"hacluster/corosync/local"
	"hacluster/corosync/qdevice"
	"hacluster/corosync/qnet"
)

// DeviceName is how the device is registered with votequorum.
const DeviceName = "Qdevice"

// DeviceOptions is how qdevice is set up beyond corosync.conf.
type DeviceOptions struct {
	Certs  string
	Socket string
	Log    *slog.Logger
	Ready  func()
}

// ErrCorosync is wrapped by the error of a device whose corosync has gone.
var ErrCorosync = errors.New("corosync has ended")

// device is the shell around a qdevice.Device: one loop owns the core.
type device struct {
	o     DeviceOptions
	set   *qdevice.Settings
	core  *qdevice.Device
	votes *client.Votequorum
	ctx   context.Context
	calls chan func(now time.Time)
	final error

	link     *link // the present connection; nil: none, or being made
	dialing  bool
	retryAt  time.Time
	expected uint32
	quorate  bool
	states   []local.NodeState
	lastPoll time.Time
	lastCast bool
	lastEcho time.Time
}

// link is one connection to the server. Its writer is the loop's own: messages are small
// and few, and a server that does not read is given up.
type link struct {
	conn net.Conn
	over bool
}

// RunDevice is qdevice's life. It ends when ctx does, or with an error: a
// configuration that cannot be used, a server that cannot be, or ErrCorosync.
func RunDevice(ctx context.Context, o DeviceOptions) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Certs == "" {
		o.Certs = DeviceCerts
	}
	if o.Socket == "" {
		o.Socket = DeviceSocket
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	keys, err := client.DialCmap(ctx)
	if err != nil {
		return fmt.Errorf("corosync's keys: %w", err)
	}
	defer keys.Close()
	votes, err := client.DialVotequorum(ctx)
	if err != nil {
		return fmt.Errorf("votequorum: %w", err)
	}
	defer votes.Close()
	d := &device{o: o, votes: votes, ctx: ctx, calls: make(chan func(time.Time))}
	for _, k := range []string{"quorum.device.", "nodelist.", "totem.config_version", "config."} {
		if err := keys.Track(ctx, k, cmap.Added|cmap.Modified|cmap.Deleted|cmap.Prefix); err != nil {
			return err
		}
	}
	if d.set, err = awaitSettings(ctx, keys, configLimit); err != nil {
		return err
	}
	d.core = qdevice.New(d.set.Device, d)
	d.core.Configure(d.set.Nodes, d.set.Version, d.set.HasVersion)
	if err := votes.RegisterDevice(ctx, DeviceName); err != nil {
		return fmt.Errorf("register with votequorum: %w", err)
	}
	defer func() {
		// The context may be over; the daemon's own wait is short.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = votes.UnregisterDevice(last, DeviceName)
	}()
	if d.set.MasterWins {
		if err := votes.SetDeviceMasterWins(ctx, DeviceName, true); err != nil {
			return err
		}
	}
	if err := votes.Track(ctx); err != nil {
		return err
	}
	c, err := openControl(o.Socket, o.Log, func(c command) (string, error) { return d.command(c, stop) })
	if err != nil {
		return err
	}
	defer c.close()
	if o.Ready != nil {
		o.Ready()
	}
	return d.loop(keys)
}

// configLimit is how long a device waits for a configuration that has one: who adds it has one node's corosync tell
// all to read corosync.conf again, and starts the devices while the others do so.
const configLimit = 5 * time.Second

// awaitSettings reads the settings as soon as there is a quorum device in them.
func awaitSettings(ctx context.Context, keys *client.Cmap, limit time.Duration) (*qdevice.Settings, error) {
	late := time.NewTimer(limit)
	defer late.Stop()
	for {
		set, err := readSettings(ctx, keys)
		if !errors.Is(err, qdevice.ErrNoDevice) {
			return set, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-late.C:
			return nil, err
		case _, ok := <-keys.Events():
			if !ok {
				return nil, ErrCorosync
			}
		}
	}
}

func (d *device) loop(keys *client.Cmap) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	defer func() {
		if d.link != nil {
			_ = d.link.conn.Close()
		}
	}()
	begun := false
	for d.final == nil {
		now := time.Now()
		next := d.core.Tick(now)
		if begun && d.link == nil && !d.dialing {
			if !now.Before(d.retryAt) {
				d.dial()
			} else if next.IsZero() || d.retryAt.Before(next) {
				next = d.retryAt
			}
		}
		if next.IsZero() {
			timer.Reset(time.Hour)
		} else {
			timer.Reset(max(0, time.Until(next)))
		}
		select {
		case f := <-d.calls:
			f(time.Now())
		case <-timer.C:
		case <-d.ctx.Done():
			return nil
		case _, ok := <-keys.Events():
			if !ok {
				return ErrCorosync
			}
			if err := d.reread(keys); err != nil {
				return err
			}
		case e, ok := <-d.votes.Events():
			if !ok {
				return ErrCorosync
			}
			begun = d.voteEvent(e) || begun
		}
	}
	return d.final
}

// voteEvent hands on what votequorum says; true for a ring, without which nothing can begin.
func (d *device) voteEvent(e client.VoteEvent) bool {
	switch e := e.(type) {
	case *client.VoteNodelist:
		d.core.Nodelist(time.Now(), qnet.Ring{Node: e.Ring.Rep, Seq: e.Ring.Seq}, e.Nodes)
		return true
	case *client.VoteQuorum:
		d.quorate, d.states = e.Quorate, e.Nodes
		var nodes []qnet.Node
		for _, n := range e.Nodes {
			if n.Node != local.DeviceNode {
				nodes = append(nodes, qnet.Node{ID: n.Node, State: qnet.NodeState(n.State)})
			}
		}
		d.core.Quorum(e.Quorate, nodes)
	case *client.VoteExpected:
		d.expected = e.Expected
	}
	return false
}

// reread takes a changed configuration over. What decides how the device works is fixed
// for its life: after such a change it ends, to be started anew.
func (d *device) reread(keys *client.Cmap) error {
	for { // changes come in bursts
		select {
		case _, ok := <-keys.Events():
			if !ok {
				return ErrCorosync
			}
			continue
		default:
		}
		break
	}
	set, err := readSettings(d.ctx, keys)
	if err != nil {
		d.o.Log.Error("the new configuration is not used", "err", err)
		return nil
	}
	d.core.Configure(set.Nodes, set.Version, set.HasVersion)
	if !d.set.Fixed(set) {
		return ErrReconfigured
	}
	d.set = set
	return nil
}

// ErrReconfigured ends a device whose settings have changed: it is to be started anew.
var ErrReconfigured = errors.New("the quorum device's settings have changed")

// dial makes a connection beside the loop.
func (d *device) dial() {
	d.dialing = true
	address := net.JoinHostPort(d.set.Host, strconv.Itoa(d.set.Port))
	go func() {
		dialer := net.Dialer{Timeout: d.set.ConnectTimeout}
		conn, err := dialer.DialContext(d.ctx, d.set.Network, address)
		d.call(func(now time.Time) {
			d.dialing = false
			if err != nil {
				d.o.Log.Warn("the quorum device's server cannot be reached", "address", address, "err", err)
				d.retry(now)
				d.core.Disconnected(now)
				return
			}
			d.link = &link{conn: conn}
			d.core.Connected(now)
			go d.read(d.link, conn)
		})
	}()
}

// retry sets when the next connection is tried: within a tenth of the heartbeat at
// the earliest, as the server may still hold the old connection.
func (d *device) retry(now time.Time) { d.retryAt = now.Add(d.set.Device.Heartbeat / 8) }

func (d *device) call(f func(now time.Time)) bool {
	select {
	case d.calls <- f:
		return true
	case <-d.ctx.Done():
		return false
	}
}

// read hands a connection's messages on until it ends, or turns to TLS.
func (d *device) read(l *link, conn net.Conn) {
	for {
		m, err := qnet.Read(conn, 16<<20)
		if err != nil {
			d.call(func(now time.Time) { d.broken(now, l, err) })
			return
		}
		more := make(chan bool, 1)
		ok := d.call(func(now time.Time) {
			if l.over {
				more <- false
				return
			}
			if m.Type == qnet.EchoReply {
				d.lastEcho = now
			}
			d.core.Receive(now, m)
			more <- !l.over && l.conn == conn // not so once TLS began: it has a reader of its own
		})
		if !ok || !<-more {
			return
		}
	}
}

func (d *device) broken(now time.Time, l *link, err error) {
	if l.over {
		return
	}
	d.o.Log.Warn("the connection to the quorum device's server is over", "err", err)
	d.drop(now, l)
	d.core.Disconnected(now)
}

func (d *device) drop(now time.Time, l *link) {
	l.over = true
	_ = l.conn.Close()
	if d.link == l {
		d.link = nil
	}
	d.retry(now)
}

// Send writes a message.
func (d *device) Send(m *qnet.Message) {
	l := d.link
	if l == nil {
		return
	}
	_ = l.conn.SetWriteDeadline(time.Now().Add(2 * time.Second))
	if _, err := l.conn.Write(m.Marshal()); err != nil {
		_ = l.conn.Close() // the reader tells
	}
}

// StartTLS turns the connection to TLS.
func (d *device) StartTLS() {
	l := d.link
	cfg, err := DeviceTLS(d.o.Certs)
	if err != nil {
		d.final = fmt.Errorf("TLS: %w", err)
		return
	}
	plain := l.conn
	secured := tls.Client(plain, cfg)
	l.conn = secured
	go func() {
		ctx, cancel := context.WithTimeout(d.ctx, d.set.ConnectTimeout)
		defer cancel()
		err := secured.HandshakeContext(ctx)
		d.call(func(now time.Time) {
			if l.over {
				return
			}
			if err != nil {
				d.broken(now, l, fmt.Errorf("TLS: %w", err))
				return
			}
			d.core.Secured()
			go d.read(l, secured)
		})
	}()
}

// Close ends the connection.
func (d *device) Close(reason string, final bool) {
	now := time.Now()
	if final {
		d.final = errors.New(reason)
	}
	d.o.Log.Warn("the connection to the quorum device's server is given up", "reason", reason)
	if d.link != nil {
		d.drop(now, d.link)
	}
	// The core is inside a call: it is told after it.
	go d.call(func(now time.Time) { d.core.Disconnected(now) })
}

// Poll tells votequorum the device's vote.
func (d *device) Poll(ring qnet.Ring, cast bool) {
	ctx, cancel := context.WithTimeout(d.ctx, time.Second)
	defer cancel()
	err := d.votes.PollDevice(ctx, local.DevicePoll{Name: DeviceName, Cast: cast, Ring: local.RingID{Rep: ring.Node, Seq: ring.Seq}})
	if err != nil && !errors.Is(err, local.MessageError) { // a ring that is over already
		d.o.Log.Warn("votequorum does not take the vote", "err", err)
	}
	d.lastPoll, d.lastCast = time.Now(), cast
}

// RunHeuristics runs all commands at once; each must end well in time.
func (d *device) RunHeuristics(run uint64, sync bool) {
	limit := d.set.CheckTimeout
	if sync {
		limit = d.set.CheckSyncTime
	}
	go func() {
		pass := runChecks(d.ctx, d.set.Checks, limit, d.o.Log)
		d.call(func(now time.Time) { d.core.Heuristics(now, run, pass) })
	}()
}

func runChecks(ctx context.Context, checks []qdevice.Check, limit time.Duration, log *slog.Logger) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	pass := true
	for _, c := range checks {
		wg.Go(func() {
			cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
			if err := cmd.Run(); err != nil {
				log.Warn("a heuristic fails", "name", c.Name, "err", err)
				mu.Lock()
				pass = false
				mu.Unlock()
				cancel() // the outcome is known
			}
		})
	}
	wg.Wait()
	return pass
}

// Logf logs.
func (d *device) Logf(format string, args ...any) { d.o.Log.Info(fmt.Sprintf(format, args...)) }
