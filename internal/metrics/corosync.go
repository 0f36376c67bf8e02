package metrics

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"hacluster/corosync/client"
)

// Ring is the state of Corosync on a node.
type Ring struct {
	Node    uint32
	RingID  uint32 // the first member of the ring
	Quorate bool
	// Votes are nil without votequorum.
	Votes   *Votes
	Members []Member
	Links   []Link
}

// Votes are the numbers of votequorum.
type Votes struct{ Expected, Highest, Total, Quorum uint32 }

// Member is a member of the ring.
type Member struct {
	ID    uint32
	Name  string
	Votes uint32
}

// Link is one of this node's links.
type Link struct {
	Number  int
	Address string
	Faulty  bool
}

// Corosync gives the metrics of a ring.
func Corosync(r Ring) []Family {
	number := func(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
	quorate := Family{Name: prefix + "corosync_quorate", Help: "Whether or not the cluster is quorate"}
	quorate.add(truth(r.Quorate))
	rings := Family{Name: prefix + "corosync_rings", Help: "The status of each Corosync ring; 1 means healthy, 0 means faulty."}
	faults := 0.0
	for _, l := range r.Links {
		rings.add(truth(!l.Faulty), "ring_id", number(r.RingID), "node_id", number(r.Node), "number", strconv.Itoa(l.Number), "address", l.Address)
		faults += truth(l.Faulty)
	}
	faulty := Family{Name: prefix + "corosync_ring_errors", Help: "The total number of faulty corosync rings"}
	faulty.add(faults)
	out := []Family{quorate, rings, faulty}
	if r.Votes != nil {
		votes := Family{Name: prefix + "corosync_quorum_votes", Help: "Cluster quorum votes; one line per type"}
		votes.add(float64(r.Votes.Expected), "type", "expected_votes")
		votes.add(float64(r.Votes.Highest), "type", "highest_expected")
		votes.add(float64(r.Votes.Total), "type", "total_votes")
		votes.add(float64(r.Votes.Quorum), "type", "quorum")
		members := Family{Name: prefix + "corosync_member_votes", Help: "How many votes each member node has contributed with to the current quorum"}
		for _, m := range r.Members {
			members.add(float64(m.Votes), "node_id", number(m.ID), "node", m.Name, "local", strconv.FormatBool(m.ID == r.Node))
		}
		out = append(out, votes, members)
	}
	return out
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// ReadRing asks this host's Corosync.
func ReadRing(ctx context.Context) (Ring, error) {
	var r Ring
	cfg, err := client.DialCfg(ctx)
	if err != nil {
		return r, fmt.Errorf("cfg: %w", err)
	}
	defer cfg.Close()
	if r.Node, err = cfg.LocalNode(ctx); err != nil {
		return r, fmt.Errorf("local node: %w", err)
	}
	links, err := cfg.Rings(ctx)
	if err != nil {
		return r, fmt.Errorf("rings: %w", err)
	}
	for i, l := range links {
		// "OK", or of knet a digit for each node: 3 and n are well.
		r.Links = append(r.Links, Link{Number: i, Address: linkAddress(l.Name), Faulty: l.Status != "OK" && strings.Trim(l.Status, "3n") != ""})
	}
	q, err := client.DialQuorum(ctx)
	if err != nil {
		return r, fmt.Errorf("quorum: %w", err)
	}
	defer q.Close()
	if err := q.Current(ctx); err != nil {
		return r, fmt.Errorf("quorum: %w", err)
	}
	var now *client.Quorate
	for now == nil {
		select {
		case e, ok := <-q.Events():
			if !ok {
				return r, fmt.Errorf("quorum: %w", q.Err())
			}
			now, _ = e.(*client.Quorate)
		case <-ctx.Done():
			return r, fmt.Errorf("quorum: %w", ctx.Err())
		}
	}
	r.Quorate = now.Quorate
	names := memberNames(ctx)
	v, err := client.DialVotequorum(ctx)
	if err == nil {
		defer v.Close()
		info, err := v.Info(ctx, 0)
		if err != nil {
			return r, fmt.Errorf("votequorum: %w", err)
		}
		r.Votes = &Votes{info.Expected, info.HighestExpected, info.Total, info.Quorum}
	}
	for _, id := range now.Members {
		if r.RingID == 0 || id < r.RingID {
			r.RingID = id
		}
		m := Member{ID: id, Name: names[id]}
		if r.Votes != nil {
			info, err := v.Info(ctx, id)
			if err != nil {
				return r, fmt.Errorf("votes of node %d: %w", id, err)
			}
			m.Votes = info.Votes
		}
		r.Members = append(r.Members, m)
	}
	return r, nil
}

// linkAddress is the address in the name of a link: knet's names are blanks and addresses in turns.
func linkAddress(name string) string {
	if f := strings.Fields(name); len(f) > 0 {
		return f[len(f)-1]
	}
	return name
}

// memberNames are the names of the configured nodes, or their first addresses; what is not known is missing.
func memberNames(ctx context.Context) map[uint32]string {
	out := map[uint32]string{}
	c, err := client.DialCmap(ctx)
	if err != nil {
		return out
	}
	defer c.Close()
	for i := range 1024 {
		base := "nodelist.node." + strconv.Itoa(i) + "."
		id, err := c.Uint(ctx, base+"nodeid")
		if err != nil {
			return out
		}
		name, err := c.Text(ctx, base+"name")
		if err != nil {
			name, _ = c.Text(ctx, base+"ring0_addr")
		}
		out[uint32(id)] = name
	}
	return out
}
