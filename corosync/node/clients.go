package node

import (
	"errors"
	"slices"
	"strings"
	"time"

	"hacluster/corosync/cmap"
	"hacluster/corosync/cpg"
	"hacluster/corosync/ipc"
	"hacluster/corosync/local"
	"hacluster/corosync/totem"
)

// session is a local client.
type session struct {
	id      Client
	service Service
	process Process
	pending []byte // a request that waits until it can be served
	gone    bool
	traffic clientTraffic

	// cmap
	stats    bool
	iters    map[uint64]*keyIter
	trackers map[uint64]tracking
	handle   uint64

	// quorum, votequorum
	model      int
	track      bool
	trackFlags uint32
	context    uint64

	// cfg
	cfgTrack bool
	reply    shutdownReply
}

type keyIter struct{ rest []string }

// tracking is what a client of cmap watches, and in which map.
type tracking struct {
	of *cmap.Map
	*cmap.Tracker
}

// Process is a program, as the statistics of local connections show it.
type Process struct {
	PID  uint32
	Name string
}

// Connect adds a client of a service.
func (n *Node) Connect(now time.Time, id Client, s Service, p Process) {
	n.now = now
	c := &session{id: id, service: s, process: p, iters: map[uint64]*keyIter{}, trackers: map[uint64]tracking{}}
	n.clients[id] = c
	n.order = append(n.order, c)
	n.connectionsChanged()
	if s == CPG {
		n.cpg.Connect(cpg.Client(id))
	}
}

// Disconnect removes a client that has gone.
func (n *Node) Disconnect(now time.Time, id Client) {
	n.now = now
	c := n.clients[id]
	if c == nil {
		return
	}
	c.gone = true
	delete(n.clients, id)
	n.order = slices.DeleteFunc(n.order, func(o *session) bool { return o == c })
	n.waiting = slices.DeleteFunc(n.waiting, func(o *session) bool { return o == c })
	for _, t := range c.trackers {
		t.of.Untrack(t.Tracker)
	}
	n.closed++
	n.connectionsChanged()
	switch c.service {
	case CPG:
		n.cpg.Disconnect(cpg.Client(id), true)
	case Cfg:
		n.cfgGone(c)
	case Votequorum:
		if n.register == id {
			n.register = 0
			n.votes.DeviceGone()
		}
	}
	n.settle()
}

// Request takes a client's request. The next one of the same client may come after Done.
func (n *Node) Request(now time.Time, id Client, message []byte) {
	n.now = now
	c := n.clients[id]
	if c == nil {
		return
	}
	c.pending = message
	c.traffic.requests++
	n.waiting = append(n.waiting, c)
	n.settle()
	if c.pending != nil && !c.gone {
		c.traffic.held++
		if !n.sync.running {
			c.traffic.overload++
		}
		n.do(&Wait{id})
	}
}

// Requests takes requests of a client in their order as long as none has to wait: of these there is no Done. served is how many were
// taken so; where there are more, the next one was handed to Request.
func (n *Node) Requests(now time.Time, id Client, list [][]byte) (served int) {
	n.now = now
	c := n.clients[id]
	if c == nil {
		return len(list)
	}
	for i, m := range list {
		n.settle()
		c.pending = m
		if c.gone || n.left || n.leaving || len(n.waiting) > 0 || n.mustWait(c) {
			n.Request(now, id, m)
			return i
		}
		c.pending = nil
		c.traffic.requests++
		n.serve(c, m)
	}
	n.settle()
	return len(list)
}

// serveWaiting serves requests that can be served now, and tells whether there were any.
func (n *Node) serveWaiting() bool {
	if len(n.waiting) == 0 {
		return false
	}
	served := false
	for _, c := range slices.Clone(n.waiting) {
		if c.pending == nil || c.gone || n.mustWait(c) {
			continue
		}
		m := c.pending
		c.pending = nil
		n.waiting = slices.DeleteFunc(n.waiting, func(o *session) bool { return o == c })
		n.serve(c, m)
		n.do(&Done{c.id})
		served = true
	}
	return served
}

// reserve is kept free of the queue for the messages of the services themselves.
const reserve = 64 << 10

// mustWait tells whether a request has to wait: it sends something, and a sync runs or the queue is full.
func (n *Node) mustWait(c *session) bool {
	id := ipc.ID(c.pending)
	sends := false
	switch c.service {
	case CPG:
		sends = id == local.CPGJoin || id == local.CPGLeave || id == local.CPGMcast || id == local.CPGPartialMcast
	case Cfg:
		sends = id == local.CfgKillNode || id == local.CfgTryShutdown || id == local.CfgReload
	case Votequorum:
		// The quorum device must be heard during a sync: it waits for it.
		sends = id == local.VQSetExpected || id == local.VQSetVotes
	}
	if !sends {
		return false
	}
	return n.sync.running || n.ring.Room(totem.Normal) < len(c.pending)+reserve
}

func (n *Node) answer(c *session, m []byte) {
	c.traffic.responses++
	n.do(&Respond{c.id, m})
}

// serve answers a request.
func (n *Node) serve(c *session, m []byte) {
	var err error
	switch c.service {
	case CPG:
		err = n.serveCPG(c, m)
	case Cmap:
		err = n.serveCmap(c, m)
	case Cfg:
		err = n.serveCfg(c, m)
	case Quorum:
		err = n.serveQuorum(c, m)
	case Votequorum:
		err = n.serveVotequorum(c, m)
	}
	if err != nil {
		n.log.Warn("a client's request cannot be read", "service", c.service, "id", ipc.ID(m), "error", err)
		c.traffic.invalid++
		n.answer(c, local.Answer(ipc.ID(m), local.Invalid))
	}
}

func (n *Node) serveCPG(c *session, m []byte) error {
	id := cpg.Client(c.id)
	switch ipc.ID(m) {
	case local.CPGJoin:
		j, err := local.ParseJoin(m)
		if err != nil {
			return err
		}
		n.answer(c, local.Answer(local.CPGJoin, n.cpg.Join(id, j)))
	case local.CPGLeave:
		l, err := local.ParseLeave(m)
		if err != nil {
			return err
		}
		n.answer(c, local.Answer(local.CPGLeave, n.cpg.Leave(id, l)))
	case local.CPGMcast:
		data, err := local.ParseMcast(m)
		if err != nil {
			return err
		}
		if s := n.cpg.Mcast(id, data); s != local.OK {
			n.log.Debug("a message of a client was not sent", "client", c.id, "status", s)
		}
	case local.CPGPartialMcast:
		p, err := local.ParsePartial(m)
		if err != nil {
			return err
		}
		n.answer(c, local.Answer(local.CPGPartialAnswer, n.cpg.Partial(id, p)))
	case local.CPGMembership:
		g, err := local.ParseMembershipRequest(m)
		if err != nil {
			return err
		}
		n.answer(c, local.MembershipAnswer(local.OK, n.cpg.Members(g)))
	case local.CPGLocal:
		n.answer(c, local.NumberAnswer(local.CPGLocalAnswer, local.OK, n.me))
	case local.CPGIterInit:
		i, err := local.ParseIterInit(m)
		if err != nil {
			return err
		}
		h, s := n.cpg.Iterate(id, i)
		n.answer(c, local.HandleAnswer(local.CPGIterInitAnswer, s, h))
	case local.CPGIterNext:
		h, err := local.HandleOf(m)
		if err != nil {
			return err
		}
		e, s := n.cpg.Next(id, h)
		if s != local.OK {
			n.answer(c, local.Answer(local.CPGIterNextAnswer, s))
			return nil
		}
		n.answer(c, e.Marshal())
	case local.CPGIterFinalize:
		h, err := local.HandleOf(m)
		if err != nil {
			return err
		}
		n.answer(c, local.Answer(local.CPGIterFinalizeAnswer, n.cpg.EndIterate(id, h)))
	case local.CPGFinalize:
		n.cpg.Disconnect(id, false)
		n.answer(c, local.Answer(local.CPGFinalizeAnswer, local.OK))
	default:
		return errors.New("unknown request")
	}
	return nil
}

func (n *Node) mapOf(c *session) *cmap.Map {
	if c.stats {
		return &n.stats
	}
	return &n.cmap
}

// statusOf is the outcome that a client sees of an error of the map.
func statusOf(err error) local.Status {
	switch {
	case err == nil:
		return local.OK
	case errors.Is(err, cmap.ErrNotExist):
		return local.NotExist
	case errors.Is(err, cmap.ErrReadOnly):
		return local.Access
	}
	return local.Invalid
}

func (n *Node) changeable(c *session, key string) error {
	if c.stats || n.cmap.Protected(key) {
		return cmap.ErrReadOnly
	}
	return nil
}

func (n *Node) serveCmap(c *session, m []byte) error {
	switch ipc.ID(m) {
	case local.CmapSet, local.CmapDelete, local.CmapGet, local.CmapAdjust:
		return n.serveValue(c, m)
	case local.CmapIterInit, local.CmapIterNext, local.CmapIterFinalize:
		return n.serveKeys(c, m)
	case local.CmapTrackAdd:
		return n.track(c, m)
	case local.CmapTrackDelete:
		return n.untrack(c, m)
	case local.CmapUseMap:
		return n.useMap(c, m)
	}
	return errors.New("unknown request")
}

// serveValue gives a client the value of a key, or changes it.
func (n *Node) serveValue(c *session, m []byte) error {
	id := ipc.ID(m)
	keys := n.mapOf(c)
	switch id {
	case local.CmapSet:
		key, v, err := local.ParseSet(m)
		if err != nil {
			return err
		}
		if c.stats && strings.HasPrefix(key, statsClear) {
			n.answer(c, local.Answer(id, n.clearStats(strings.TrimPrefix(key, statsClear))))
			return nil
		}
		if v.Type == cmap.String {
			// It may come without its NUL, or with what a longer buffer held behind it.
			text, _ := v.Text()
			v = cmap.Text(text)
		}
		if err = n.changeable(c, key); err == nil {
			err = keys.Set(key, v)
		}
		n.answer(c, local.Answer(id, statusOf(err)))
		n.clientSet(key)
	case local.CmapDelete:
		key, err := local.KeyOf(m)
		if err != nil {
			return err
		}
		if err = n.changeable(c, key); err == nil {
			err = keys.Delete(key)
		}
		n.answer(c, local.Answer(id, statusOf(err)))
	case local.CmapGet:
		key, room, err := local.ParseGet(m)
		if err != nil {
			return err
		}
		n.look(c)
		v, err := keys.Get(key)
		switch {
		case err != nil:
			n.answer(c, local.Answer(id, statusOf(err)))
		case room > 0 && room < uint64(len(v.Data)):
			n.answer(c, local.Answer(id, local.Invalid))
		default:
			n.answer(c, local.GetAnswer(local.OK, v, room > 0))
		}
	case local.CmapAdjust:
		key, step, err := local.ParseAdjust(m)
		if err != nil {
			return err
		}
		if err = n.changeable(c, key); err == nil {
			err = keys.Adjust(key, step)
		}
		n.answer(c, local.Answer(id, statusOf(err)))
	}
	return nil
}

// serveKeys gives a client the keys of the map, one after the other.
func (n *Node) serveKeys(c *session, m []byte) error {
	id := ipc.ID(m)
	keys := n.mapOf(c)
	switch id {
	case local.CmapIterInit:
		prefix, err := local.KeyOf(m)
		if err != nil {
			return err
		}
		n.look(c)
		c.handle++
		c.iters[c.handle] = &keyIter{keys.Keys(prefix)}
		n.answer(c, local.HandleAnswer(id, local.OK, c.handle))
	case local.CmapIterNext:
		h, err := local.HandleOf(m)
		if err != nil {
			return err
		}
		n.nextKey(c, h)
	case local.CmapIterFinalize:
		h, err := local.HandleOf(m)
		if err != nil {
			return err
		}
		s := local.OK
		if c.iters[h] == nil {
			s = local.BadHandle
		}
		delete(c.iters, h)
		n.answer(c, local.Answer(id, s))
	}
	return nil
}

// track has a client told of changes.
func (n *Node) track(c *session, m []byte) error {
	id := ipc.ID(m)
	keys := n.mapOf(c)
	t, err := local.ParseTrackAdd(m)
	if err != nil {
		return err
	}
	if c.stats {
		if !trackableStats(t.What) {
			n.answer(c, local.Answer(id, local.NotSupported))
			return nil
		}
		if t.What&cmap.Prefix != 0 {
			t.What &^= cmap.Modified // of many keys only coming and going is told
		}
		n.fillStats()
	}
	tracker, err := keys.Track(t.Key, t.What, func(e cmap.Event) {
		n.tell(c, local.Notify{Instance: t.Instance, Event: e}.Marshal())
	})
	if err != nil {
		n.answer(c, local.Answer(id, statusOf(err)))
		return nil
	}
	if c.stats {
		n.watchStats()
	}
	c.handle++
	c.trackers[c.handle] = tracking{keys, tracker}
	n.answer(c, local.HandleAnswer(id, local.OK, c.handle))
	return nil
}

// untrack ends that.
func (n *Node) untrack(c *session, m []byte) error {
	id := ipc.ID(m)
	h, err := local.HandleOf(m)
	if err != nil {
		return err
	}
	t, ok := c.trackers[h]
	if !ok {
		n.answer(c, local.Answer(id, local.BadHandle))
		return nil
	}
	t.of.Untrack(t.Tracker)
	delete(c.trackers, h)
	n.answer(c, local.HandleAnswer(id, local.OK, h))
	return nil
}

// useMap has a client see one of the maps from now on.
func (n *Node) useMap(c *session, m []byte) error {
	which, err := local.NumberOf(m)
	if err != nil {
		return err
	}
	s := local.OK
	switch which {
	case local.MapDefault:
		c.stats = false
	case local.MapStats:
		c.stats = true
	default:
		s = local.NotExist
	}
	n.answer(c, local.Answer(local.CmapUseMapAnswer, s))
	return nil
}

// look brings the keys up to date that change on their own.
func (n *Node) look(c *session) {
	if c.stats {
		n.lookAtStats()
	} else {
		n.refresh()
	}
}

func (n *Node) nextKey(c *session, h uint64) {
	it := c.iters[h]
	if it == nil {
		n.answer(c, local.Answer(local.CmapIterNext, local.BadHandle))
		return
	}
	for len(it.rest) > 0 {
		key := it.rest[0]
		it.rest = it.rest[1:]
		if v, err := n.mapOf(c).Get(key); err == nil {
			n.answer(c, local.NextKey{Key: key, Type: v.Type, Length: len(v.Data)}.Marshal())
			return
		}
	}
	n.answer(c, local.Answer(local.CmapIterNext, local.NoSections))
}

// clientSet carries out what setting some keys asks for.
func (n *Node) clientSet(key string) {
	switch {
	case key == "quorum.cancel_wait_for_all" && n.cmap.Uint(key) >= 1:
		n.set(key, cmap.U8(0))
	case key == keyFlight:
		n.do(&DumpFlight{})
	case key == keyState:
		n.logState()
	}
}
