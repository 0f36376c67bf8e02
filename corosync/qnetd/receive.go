package qnetd

import (
	"slices"
	"time"

	"hacluster/corosync/qnet"
)

// Algorithms are those that this server has.
var Algorithms = []uint16{uint16(qnet.FFSplit), uint16(qnet.TwoNodeLMS), uint16(qnet.LMS)}

// Malformed tells that a message could not be read; what was read of it is m.
func (s *Server) Malformed(id ID, m *qnet.Message) {
	if c := s.clients[id]; c != nil {
		s.refuse(c, m, qnet.DecodingError)
	}
}

func (s *Server) refuse(c *client, m *qnet.Message, code qnet.Code) {
	r := m.Reply(qnet.ServerError)
	r.Code = code
	s.effects.Logf("%s: %s refused: %s", c.addr, m.Type, code)
	s.effects.Send(c.id, r.With(qnet.OptCode))
}

// Receive takes a message of a client.
func (s *Server) Receive(now time.Time, id ID, m *qnet.Message) {
	c := s.clients[id]
	if c == nil {
		return
	}
	if c.cluster != nil {
		c.silent = now.Add(c.heartbeat * 3 / 2)
	}
	switch m.Type {
	case qnet.Preinit:
		s.preinit(c, m)
		return
	case qnet.StartTLS:
		switch {
		case c.name == "":
			s.refuse(c, m, qnet.PreinitIsRequired)
		case s.cfg.TLS == qnet.TLSUnsupported || c.secured:
			s.refuse(c, m, qnet.UnexpectedMessage)
		default:
			s.effects.StartTLS(c.id)
		}
		return
	}
	if !s.trusted(c, m) {
		return
	}
	switch m.Type {
	case qnet.Init:
		s.init(now, c, m)
		return
	case qnet.SetOption, qnet.EchoRequest, qnet.NodeList, qnet.AskForVote, qnet.VoteInfoReply, qnet.HeuristicsChange:
	default:
		code := qnet.UnexpectedMessage
		if int(m.Type) >= len(qnet.KnownMessages()) {
			code = qnet.UnsupportedMessage
		}
		s.refuse(c, m, code)
		return
	}
	if c.cluster == nil {
		s.refuse(c, m, qnet.InitIsRequired)
		return
	}
	if m.Type != qnet.EchoRequest && !m.Has(qnet.OptSeq) {
		s.refuse(c, m, qnet.OptionIsMissing)
		return
	}
	var err error
	switch m.Type {
	case qnet.EchoRequest:
		r := *m
		r.Type = qnet.EchoReply
		s.effects.Send(c.id, &r)
	case qnet.SetOption:
		err = s.setOption(now, c, m)
	case qnet.NodeList:
		err = s.nodeList(now, c, m)
	case qnet.AskForVote:
		var v qnet.Vote
		if v, err = c.cluster.decide.asked(now, c); err == nil {
			s.answer(c, m.Reply(qnet.AskForVoteReply), v)
		}
	case qnet.VoteInfoReply:
		c.cluster.decide.replied(c, m.Seq)
	case qnet.HeuristicsChange:
		if !m.Has(qnet.OptHeuristics) || m.Heuristics == 0 {
			err = qnet.OptionIsMissing
			break
		}
		c.heuristics, c.regular = m.Heuristics, m.Heuristics
		var v qnet.Vote
		if v, err = c.cluster.decide.heuristics(c); err == nil {
			r := m.Reply(qnet.HeuristicsChangeReply)
			r.Heuristics = m.Heuristics
			s.answer(c, r.With(qnet.OptHeuristics), v)
		}
	}
	if err != nil {
		code, ok := err.(qnet.Code)
		if !ok {
			code = qnet.InternalError
		}
		s.refuse(c, m, code)
	}
}

// trusted tells whether a client's messages may be acted on: TLS where it is
// required, and a certificate that names the cluster.
func (s *Server) trusted(c *client, m *qnet.Message) bool {
	if s.cfg.TLS == qnet.TLSRequired && !c.secured {
		s.refuse(c, m, qnet.TLSIsRequired)
		return false
	}
	if !c.secured || !s.cfg.CertRequired || c.checked {
		return true
	}
	if !slices.Contains(c.names, c.name) {
		s.drop(c, "its certificate does not name cluster "+c.name)
		return false
	}
	c.checked = true
	return true
}

func (s *Server) preinit(c *client, m *qnet.Message) {
	switch {
	case c.name != "":
		s.refuse(c, m, qnet.UnexpectedMessage)
		return
	case !m.Has(qnet.OptCluster):
		s.refuse(c, m, qnet.OptionIsMissing)
		return
	}
	c.name = m.Cluster
	r := m.Reply(qnet.PreinitReply)
	r.TLS, r.CertRequired = s.cfg.TLS, s.cfg.CertRequired
	s.effects.Send(c.id, r.With(qnet.OptTLS, qnet.OptCertRequired))
}

func (s *Server) init(now time.Time, c *client, m *qnet.Message) {
	code := s.admit(c, m)
	r := m.Reply(qnet.InitReply)
	r.Code, r.MaxRequest, r.MaxReply, r.Algorithms = code, qnet.DefaultSize, qnet.DefaultSize, Algorithms
	r.With(qnet.OptCode, qnet.OptMaxRequest, qnet.OptMaxReply, qnet.OptAlgorithms)
	if m.Has(qnet.OptMessages) {
		r.Messages = qnet.KnownMessages()
		r.With(qnet.OptMessages)
	}
	if m.Has(qnet.OptOptions) {
		r.Options = qnet.KnownOptions()
		r.With(qnet.OptOptions)
	}
	if code == qnet.NoError {
		c.node, c.ring, c.tie, c.algorithm = m.Node, m.Ring, m.TieBreaker, m.Algorithm
		c.heartbeat = time.Duration(m.Heartbeat) * time.Millisecond
		c.silent = now.Add(c.heartbeat * 3 / 2)
		cl := s.clusters[c.name]
		if cl == nil {
			cl = &cluster{name: c.name}
			switch c.algorithm {
			case qnet.FFSplit:
				cl.decide = &ffsplit{cluster: cl, server: s, clients: map[*client]*standing{}}
			case qnet.LMS:
				cl.decide = &lms{cluster: cl}
			default:
				cl.decide = &twoNode{cluster: cl}
			}
			s.clusters[c.name] = cl
		}
		c.cluster = cl
		cl.clients = append(cl.clients, c)
	} else {
		s.effects.Logf("%s: node %d of cluster %s refused: %s", c.addr, m.Node, c.name, code)
	}
	s.effects.Send(c.id, r)
}

// admit tells whether a client may become a member of its cluster.
func (s *Server) admit(c *client, m *qnet.Message) qnet.Code {
	if c.name == "" {
		return qnet.PreinitIsRequired
	}
	if c.cluster != nil {
		return qnet.UnexpectedMessage
	}
	for _, o := range []qnet.Option{qnet.OptNode, qnet.OptRing, qnet.OptHeartbeat, qnet.OptTieBreaker, qnet.OptAlgorithm} {
		if !m.Has(o) {
			return qnet.OptionIsMissing
		}
	}
	if h := time.Duration(m.Heartbeat) * time.Millisecond; h < s.cfg.HeartbeatMin || h > s.cfg.HeartbeatMax {
		return qnet.InvalidHeartbeat
	}
	if !slices.Contains(Algorithms, uint16(m.Algorithm)) {
		return qnet.UnsupportedAlgorithm
	}
	if cl := s.clusters[c.name]; cl != nil {
		for _, other := range cl.clients {
			switch {
			case other.tie != m.TieBreaker:
				return qnet.TieBreakerDiffers
			case other.algorithm != m.Algorithm:
				return qnet.AlgorithmDiffers
			case other.node == m.Node:
				return qnet.DuplicateNode
			}
		}
	}
	return qnet.NoError
}

func (s *Server) setOption(now time.Time, c *client, m *qnet.Message) error {
	r := m.Reply(qnet.SetOptionReply)
	if m.Has(qnet.OptHeartbeat) {
		h := time.Duration(m.Heartbeat) * time.Millisecond
		if h < s.cfg.HeartbeatMin || h > s.cfg.HeartbeatMax {
			return qnet.InvalidHeartbeat
		}
		c.heartbeat, c.silent = h, now.Add(h*3/2)
		r.Heartbeat = m.Heartbeat
		r.With(qnet.OptHeartbeat)
	}
	if m.Has(qnet.OptKeepActive) {
		c.keepActive, r.KeepActive = m.KeepActive, m.KeepActive
		r.With(qnet.OptKeepActive)
	}
	s.effects.Send(c.id, r)
	return nil
}

func (s *Server) nodeList(now time.Time, c *client, m *qnet.Message) error {
	if !m.Has(qnet.OptListType) {
		return qnet.OptionIsMissing
	}
	holdsItself := slices.ContainsFunc(m.Nodes, func(n qnet.Node) bool { return n.ID == c.node })
	var v qnet.Vote
	var err error
	switch m.ListType {
	case qnet.InitialConfig, qnet.ChangedConfig:
		if !holdsItself {
			return qnet.InvalidConfigList
		}
		c.config, c.version, c.hasVersion = m.Nodes, m.ConfigVersion, m.Has(qnet.OptConfigVersion)
		v, err = c.cluster.decide.config(c, m.ListType == qnet.InitialConfig)
	case qnet.Membership:
		switch {
		case !m.Has(qnet.OptRing):
			return qnet.OptionIsMissing
		case !holdsItself:
			return qnet.InvalidMembershipList
		}
		c.members, c.ring, c.heuristics = m.Nodes, m.Ring, m.Heuristics
		v, err = c.cluster.decide.membership(now, c)
	case qnet.QuorumList:
		if !m.Has(qnet.OptQuorate) {
			return qnet.OptionIsMissing
		}
		c.quorum, c.quorate = m.Nodes, m.Quorate
		v, err = c.cluster.decide.quorum(now, c)
	}
	if err != nil {
		return err
	}
	r := m.Reply(qnet.NodeListReply)
	r.ListType = m.ListType
	s.answer(c, r.With(qnet.OptListType), v)
	return nil
}

// answer sends a reply with a vote for the client's ring.
func (s *Server) answer(c *client, r *qnet.Message, v qnet.Vote) {
	r.Ring, r.Vote = c.ring, v
	c.remember(v)
	s.effects.Send(c.id, r.With(qnet.OptRing, qnet.OptVote))
}
