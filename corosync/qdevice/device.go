// Package qdevice is a node's side of the quorum device: it tells the server
// (see qnetd) whom this node sees, and casts the vote that the server grants.
//
// Device has no I/O: what votequorum and the server say, results of heuristics and the
// time come in as calls; what is to be done goes out through Effects.
package qdevice

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"hacluster/corosync/qnet"
)

// Effects is what a device needs done. None of its calls may call back.
type Effects interface {
	Send(m *qnet.Message)
	// StartTLS begins TLS on the connection; Secured follows.
	StartTLS()
	// Close ends the connection. A new one is made unless final is set.
	Close(reason string, final bool)
	// Poll tells votequorum that the device is alive, and whether it casts its vote for the ring.
	Poll(ring qnet.Ring, cast bool)
	// RunHeuristics starts the configured checks; Heuristics follows with the same run.
	RunHeuristics(run uint64, sync bool)
	Logf(format string, args ...any)
}

// TLS is whether TLS is wanted.
type TLS int

// What quorum.device.net.tls may say.
const (
	TLSOn TLS = iota // where the server has it
	TLSOff
	TLSRequired
)

// Config is how a device is set up.
type Config struct {
	Cluster    string
	Node       uint32
	Algorithm  qnet.Algorithm
	Tie        qnet.TieBreaker
	KeepActive bool
	TLS        TLS
	// Heartbeat is how often the server is asked for a sign of life; Poll how often
	// votequorum is given one.
	Heartbeat, Poll time.Duration
	// Heuristics tells that there are checks; Every is how often they run by
	// themselves, 0 for only when something changes.
	Heuristics bool
	Every      time.Duration
	WaitForAll bool // quorum.wait_for_all: see Disconnected
}

// state is how far the connection has come.
type state int

const (
	offline state = iota
	preinit       // its reply is awaited
	securing
	initial  // the reply to init is awaited
	checking // it has come, and the heuristics run
	online
)

// Device is a node's quorum device.
type Device struct {
	cfg     Config
	effects Effects
	state   state
	secured bool

	config     []uint32
	version    uint64
	hasVersion bool
	ring       qnet.Ring // of votequorum
	members    []uint32
	sentRing   qnet.Ring
	quorum     []qnet.Node
	quorate    bool
	seq        uint32

	vote     qnet.Vote // ACK and NACK are told to votequorum, with others nothing is
	paused   bool      // a new ring waits for its heuristics
	nextPoll time.Time
	askAt    time.Time

	echoAt    time.Time
	echoSent  uint32
	echoHeard uint32

	result    qnet.Heuristics // the last
	run       uint64          // of heuristics; 0: none is under way
	runs      uint64
	runSync   bool
	regularAt time.Time
	reachedAt time.Time
}

// New makes a device. Configure and Nodelist come before Connected.
func New(cfg Config, e Effects) *Device {
	return &Device{cfg: cfg, effects: e, vote: qnet.WaitForReply}
}

// Status is the state of a device, for people.
type Status struct {
	Connected  bool
	Since      time.Time
	Vote       qnet.Vote
	Heuristics qnet.Heuristics
	Ring       qnet.Ring
	Members    []uint32
	Config     []uint32
	TLS        bool
}

// Status tells the state.
func (d *Device) Status() Status {
	return Status{
		Connected: d.state == online, Since: d.reachedAt, Vote: d.vote, Heuristics: d.result, Ring: d.ring,
		Members: slices.Clone(d.members), Config: slices.Clone(d.config), TLS: d.secured,
	}
}

func (d *Device) next() uint32 { d.seq++; return d.seq }

// Connected tells that a connection stands.
func (d *Device) Connected(now time.Time) {
	d.state, d.secured, d.seq, d.echoSent, d.echoHeard = preinit, false, 0, 0, 0
	m := qnet.New(qnet.Preinit, d.next())
	m.Cluster = d.cfg.Cluster
	d.effects.Send(m.With(qnet.OptCluster))
	d.echoAt = now.Add(d.cfg.Heartbeat)
}

// Disconnected tells that the connection is over, or could not be made. A node without
// the server has no vote: another partition may be given it meanwhile. With lms a
// node that has quorum keeps it where wait_for_all guards the others' start.
func (d *Device) Disconnected(now time.Time) {
	d.offline()
	if d.cfg.Algorithm == qnet.LMS && d.quorate && d.cfg.WaitForAll {
		return
	}
	d.take(now, qnet.NACK)
}

// offline has nothing more be due on a connection that is over.
func (d *Device) offline() {
	d.state, d.secured, d.askAt, d.echoAt = offline, false, time.Time{}, time.Time{}
}

// Secured tells that TLS stands.
func (d *Device) Secured() {
	d.secured = true
	d.sendInit()
}

func (d *Device) sendInit() {
	m := qnet.New(qnet.Init, d.next())
	m.Messages, m.Options = qnet.KnownMessages(), qnet.KnownOptions()
	m.Node, m.Algorithm, m.Heartbeat, m.TieBreaker, m.Ring = d.cfg.Node, d.cfg.Algorithm, uint32(d.cfg.Heartbeat.Milliseconds()), d.cfg.Tie, d.ring
	d.state = initial
	d.effects.Send(m.With(qnet.OptMessages, qnet.OptOptions, qnet.OptNode, qnet.OptAlgorithm, qnet.OptHeartbeat, qnet.OptTieBreaker, qnet.OptRing))
}

// Receive takes a message of the server.
func (d *Device) Receive(now time.Time, m *qnet.Message) {
	if err := d.receive(now, m); err != nil {
		d.effects.Close(err.Error(), errors.Is(err, errFinal))
		d.offline()
	}
}

var errFinal = errors.New("the server cannot be used")

func (d *Device) receive(now time.Time, m *qnet.Message) error {
	need := func(in state, list ...qnet.Option) error {
		if d.state != in {
			return fmt.Errorf("the server sent an unexpected %s", m.Type)
		}
		for _, o := range list {
			if !m.Has(o) {
				return fmt.Errorf("the server sent a %s without option %d", m.Type, o)
			}
		}
		return nil
	}
	switch m.Type {
	case qnet.PreinitReply:
		if err := need(preinit, qnet.OptTLS, qnet.OptCertRequired); err != nil {
			return err
		}
		switch {
		case m.TLS == qnet.TLSUnsupported && d.cfg.TLS == TLSRequired:
			return fmt.Errorf("%w: it has no TLS, which is required here", errFinal)
		case m.TLS == qnet.TLSRequired && d.cfg.TLS == TLSOff:
			return fmt.Errorf("%w: it requires TLS, which is off here", errFinal)
		case m.TLS == qnet.TLSUnsupported || d.cfg.TLS == TLSOff:
			d.sendInit()
			return nil
		}
		d.state = securing
		d.effects.Send(qnet.New(qnet.StartTLS, d.next()))
		d.effects.StartTLS()
	case qnet.InitReply:
		if err := need(initial, qnet.OptCode); err != nil {
			return err
		}
		if m.Code != qnet.NoError {
			return fmt.Errorf("the server refuses this node: %w", m.Code)
		}
		d.echoAt = now.Add(d.cfg.Heartbeat) // checks may take longer than that, and both sides are heard meanwhile
		d.check(true)
		if d.run == 0 {
			d.begin(now)
			return nil
		}
		d.state = checking
	case qnet.ServerError:
		return fmt.Errorf("the server sent an error: %w", m.Code)
	case qnet.SetOptionReply:
		return need(online)
	case qnet.EchoReply:
		d.echoHeard = m.Seq
	case qnet.NodeListReply:
		if err := need(online, qnet.OptVote, qnet.OptRing); err != nil {
			return err
		}
		d.voted(now, m)
	case qnet.AskForVoteReply, qnet.HeuristicsChangeReply:
		if err := need(online, qnet.OptVote, qnet.OptRing); err != nil {
			return err
		}
		d.voted(now, m)
	case qnet.VoteInfo:
		if d.state == checking { // the server has not heard yet whom this node sees: there is no vote, and that is so
			d.effects.Send(m.Reply(qnet.VoteInfoReply))
			return nil
		}
		if err := need(online, qnet.OptVote, qnet.OptRing, qnet.OptSeq); err != nil {
			return err
		}
		d.voted(now, m)
		d.effects.Send(m.Reply(qnet.VoteInfoReply))
	default:
		return fmt.Errorf("the server sent an unexpected %s", m.Type)
	}
	return nil
}

// voted takes a vote over, unless it is for another ring than the one told last.
func (d *Device) voted(now time.Time, m *qnet.Message) {
	if m.Ring == d.sentRing {
		d.take(now, m.Vote)
	}
}

func (d *Device) take(now time.Time, v qnet.Vote) {
	if v == qnet.NoChange {
		return
	}
	if v != d.vote {
		d.effects.Logf("vote: %s", v)
	}
	d.vote, d.askAt = v, time.Time{}
	if v == qnet.AskLater && d.cfg.Algorithm == qnet.TwoNodeLMS {
		d.askAt = now.Add(d.cfg.Heartbeat / 2)
	}
	d.poll(now)
}

// poll tells votequorum the vote, where there is one.
func (d *Device) poll(now time.Time) {
	d.nextPoll = time.Time{}
	if d.vote != qnet.ACK && d.vote != qnet.NACK {
		return
	}
	d.nextPoll = now.Add(d.cfg.Poll)
	if !d.paused {
		d.effects.Poll(d.ring, d.vote == qnet.ACK)
	}
}

// begin tells the server all there is, once it took the node in.
func (d *Device) begin(now time.Time) {
	d.state, d.reachedAt = online, now
	o := qnet.New(qnet.SetOption, d.next())
	o.KeepActive = d.cfg.KeepActive
	d.effects.Send(o.With(qnet.OptKeepActive))
	d.sendConfig(qnet.InitialConfig)
	d.sendMembership()
	d.sendQuorum()
	d.take(now, qnet.WaitForReply)
	d.schedule(now)
}

func (d *Device) sendConfig(t qnet.ListType) {
	m := qnet.New(qnet.NodeList, d.next())
	m.ListType, m.ConfigVersion = t, d.version
	for _, n := range d.config {
		m.Nodes = append(m.Nodes, qnet.Node{ID: n})
	}
	if d.hasVersion {
		m.With(qnet.OptConfigVersion)
	}
	d.effects.Send(m.With(qnet.OptListType, qnet.OptNodeInfo))
}

func (d *Device) sendMembership() {
	m := qnet.New(qnet.NodeList, d.next())
	m.ListType, m.Ring, m.Heuristics = qnet.Membership, d.ring, d.result
	for _, n := range d.members {
		m.Nodes = append(m.Nodes, qnet.Node{ID: n})
	}
	if d.result != 0 {
		m.With(qnet.OptHeuristics)
	}
	d.sentRing = d.ring
	d.effects.Send(m.With(qnet.OptListType, qnet.OptRing, qnet.OptNodeInfo))
}

func (d *Device) sendQuorum() {
	m := qnet.New(qnet.NodeList, d.next())
	m.ListType, m.Quorate, m.Nodes = qnet.QuorumList, d.quorate, d.quorum
	d.effects.Send(m.With(qnet.OptListType, qnet.OptQuorate, qnet.OptNodeInfo))
}

// Configure tells who is configured; version is totem.config_version, where there is one.
func (d *Device) Configure(nodes []uint32, version uint64, hasVersion bool) {
	same := slices.Equal(nodes, d.config) && version == d.version
	d.config, d.version, d.hasVersion = slices.Clone(nodes), version, hasVersion
	if d.state == online && !same {
		d.sendConfig(qnet.ChangedConfig)
	}
}

// Nodelist tells of a new ring. Until the server's word on it, votequorum gets no vote.
func (d *Device) Nodelist(now time.Time, ring qnet.Ring, members []uint32) {
	d.ring, d.members = ring, slices.Clone(members)
	if d.cfg.Heuristics {
		d.paused = true
		d.check(true)
		return
	}
	d.ringChecked(now)
}

// ringChecked goes on with a new ring, once its heuristics are known.
func (d *Device) ringChecked(now time.Time) {
	d.paused = false
	if d.state != online {
		if d.vote == qnet.ACK {
			d.take(now, qnet.NACK)
			return
		}
		d.poll(now)
		return
	}
	d.take(now, qnet.WaitForReply)
	d.sendMembership()
}

// Quorum tells whether there is quorum, and the states of the nodes.
func (d *Device) Quorum(quorate bool, nodes []qnet.Node) {
	d.quorate, d.quorum = quorate, slices.Clone(nodes)
	if d.state == online {
		d.sendQuorum()
	}
}

// check starts the heuristics, in place of a run that is under way.
func (d *Device) check(sync bool) {
	if !d.cfg.Heuristics {
		return
	}
	d.runs++
	d.run, d.runSync = d.runs, sync
	d.effects.RunHeuristics(d.run, sync)
}

// Heuristics tells what a run came to; that of an earlier run is left aside.
func (d *Device) Heuristics(now time.Time, run uint64, pass bool) {
	if run != d.run {
		return
	}
	d.run = 0
	result := qnet.Fail
	if pass {
		result = qnet.Pass
	}
	changed := result != d.result
	if changed {
		d.effects.Logf("heuristics: %s, was %s", result, d.result)
	}
	d.result = result
	switch {
	case d.state == checking:
		d.paused = false
		d.begin(now)
	case d.paused:
		d.ringChecked(now)
	case d.state == online && changed && !d.runSync:
		m := qnet.New(qnet.HeuristicsChange, d.next())
		m.Heuristics = result
		d.effects.Send(m.With(qnet.OptHeuristics))
	}
	d.schedule(now)
}

func (d *Device) schedule(now time.Time) {
	d.regularAt = time.Time{}
	if d.cfg.Heuristics && d.cfg.Every > 0 {
		d.regularAt = now.Add(d.cfg.Every)
	}
}

// Tick does what is due and tells when it wants to be called next; zero: not by itself.
func (d *Device) Tick(now time.Time) time.Time {
	due := func(t time.Time) bool { return !t.IsZero() && !now.Before(t) }
	if due(d.nextPoll) {
		d.poll(now)
	}
	if due(d.askAt) && d.state == online {
		d.askAt = time.Time{}
		d.effects.Send(qnet.New(qnet.AskForVote, d.next()))
	}
	if due(d.regularAt) {
		d.schedule(now)
		if d.run == 0 {
			d.check(false)
		}
	}
	if d.state != offline && due(d.echoAt) {
		d.echo(now)
	}
	var next time.Time
	for _, t := range []time.Time{d.nextPoll, d.askAt, d.regularAt, d.echoAt} {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next
}

// echo asks the server for a sign of life; without the last one the connection is given up.
func (d *Device) echo(now time.Time) {
	d.echoAt = now.Add(d.cfg.Heartbeat)
	keep := d.cfg.Algorithm == qnet.LMS && d.quorate && d.cfg.WaitForAll
	if d.state < checking || d.echoSent != d.echoHeard && !keep {
		d.effects.Close("the server did not answer in time", false)
		d.offline()
		return
	}
	d.echoSent++
	d.effects.Send(qnet.New(qnet.EchoRequest, d.echoSent))
}
