package main

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"hacluster/corosync/client"
	"hacluster/corosync/local"
	"hacluster/internal/program"
)

const quorumtoolHelp = `usage: 
corosync-quorumtool <options>

  options:

  -s             show the state of quorum (the default)
  -m             show it again and again, at each change
  -l             list the nodes
  -a             show all addresses of the nodes
  -p             with -s or -l: output for programs
  -v <votes>     change the votes of a node (*)
  -n <nodeid>    the node for -v
  -e <expected>  change the expected votes of the cluster (*)
  -H             show node ids in hexadecimal
  -i             show addresses, not names
  -o <a|n|i>     order by a address (the default), n name, i node id
  -f             take the quorum device out of use *DANGEROUS* (*)
  -h             show this text
  -V             show the version

  (*) only with votequorum as provider of quorum

`

// notQuorate is the exit code that tells that there is no quorum.
const notQuorate = 2

func corosyncQuorumtool(ctx context.Context, env *program.Env) int {
	opts, _, err := getopt(env, "VHaslpmfe:v:hin:o:", nil)
	if err != nil {
		fmt.Fprintln(env.Stderr, err)
		fmt.Fprint(env.Stdout, quorumtoolHelp)
		return 1
	}
	t := &quorumtool{env: env, order: "a"}
	if t.legacy, err = legacy(env); err != nil {
		return t.fail("%v", err)
	}
	action, votes, node := byte('s'), uint32(0), uint32(0)
	for _, o := range opts {
		switch o.letter {
		case 'V':
			fmt.Fprintln(env.Stdout, "corosync-quorumtool version: 3.1.7")
			return 0
		case 'h':
			fmt.Fprint(env.Stdout, quorumtoolHelp)
			return 0
		case 'a':
			t.all = true
		case 'i':
			t.addresses = true
		case 'H':
			t.hex = true
		case 'p':
			t.parsable = true
		case 'o':
			if t.order = o.value; t.order != "a" && t.order != "i" && t.order != "n" {
				return t.fail("Invalid ordering option. valid orders are a(address), i(node ID) or n(name)")
			}
		case 'e', 'v', 'n':
			n, err := strconv.ParseUint(o.value, 10, 32)
			switch {
			case o.letter == 'e' && (err != nil || n == 0 || n > math.MaxInt32):
				return t.fail("New expected votes value was not valid, try a positive number")
			case o.letter == 'v' && (err != nil || n > math.MaxInt32):
				return t.fail("New votes value was not valid, try a positive number or zero")
			case o.letter == 'n' && (err != nil || n == 0):
				return t.fail("The nodeid was not valid, try a positive number")
			case o.letter == 'n':
				node = uint32(n)
			default:
				action, votes = o.letter, uint32(n)
			}
		default:
			action = o.letter
		}
	}
	if code := t.connect(ctx); code != 0 {
		return code
	}
	defer t.close()
	if t.votes == nil && (action == 'e' || action == 'v' || action == 'f') {
		return t.fail("You cannot %s, corosync is not using votequorum", map[byte]string{'e': "change expected votes", 'v': "change node votes", 'f': "unregister quorum device"}[action])
	}
	switch action {
	case 'l':
		state, err := t.current(ctx)
		if err != nil {
			return t.fail("Unable to start quorum status tracking: %v", outcome(err))
		}
		return t.nodes(ctx, state)
	case 'm':
		return t.monitor(ctx)
	case 'v':
		if node == 0 {
			node = t.me
		}
		if err := t.votes.SetVotes(ctx, node, votes); err != nil {
			return t.fail("Unable to set votes %d for nodeid: %d: %v", votes, node, outcome(err))
		}
	case 'e':
		if err := t.votes.SetExpected(ctx, votes); err != nil {
			return t.fail("Unable to set expected votes: %v", outcome(err))
		}
	case 'f':
		info, err := t.votes.Info(ctx, t.me)
		if err != nil {
			return t.fail("Unable to get quorum device info: %v", outcome(err))
		}
		if info.Flags&local.VQDeviceRegistered == 0 {
			return 0
		}
		if err := t.votes.UnregisterDevice(ctx, info.DeviceName); err != nil {
			return t.fail("Unable to unregister quorum device: %v", outcome(err))
		}
	default:
		state, err := t.current(ctx)
		if err != nil {
			return t.fail("Unable to start quorum status tracking: %v", outcome(err))
		}
		return t.status(ctx, state)
	}
	return 0
}

// quorumtool is one run of corosync-quorumtool.
type quorumtool struct {
	env   *program.Env
	cmap  *client.Cmap
	q     *client.Quorum
	cfg   *client.Cfg
	votes *client.Votequorum // nil: votequorum is not the provider
	me    uint32

	provider                              string
	legacy, all, addresses, hex, parsable bool
	order                                 string
}

func (t *quorumtool) fail(format string, args ...any) int {
	fmt.Fprintf(t.env.Stderr, format+"\n", args...)
	return 1
}

func (t *quorumtool) connect(ctx context.Context) int {
	var err error
	if t.cmap, err = starting(ctx, client.DialCmap); err != nil {
		return t.fail("Cannot initialize CMAP service")
	}
	if t.q, err = client.DialQuorum(ctx); err != nil {
		return t.fail("Cannot initialize QUORUM service")
	}
	if t.cfg, err = client.DialCfg(ctx); err != nil {
		return t.fail("Cannot initialize CFG service")
	}
	has, err := t.q.HasProvider(ctx)
	if err == nil && has {
		t.provider, err = t.cmap.Text(ctx, "quorum.provider")
	}
	if err != nil {
		return t.fail("Unable to get the quorum provider: %v", outcome(err))
	}
	if t.me, err = t.cfg.LocalNode(ctx); err != nil {
		return t.fail("Unable to get the local node id: %v", outcome(err))
	}
	if t.provider == "corosync_votequorum" {
		if t.votes, err = client.DialVotequorum(ctx); err != nil {
			return t.fail("Cannot initialize VOTEQUORUM service")
		}
	}
	return 0
}

func (t *quorumtool) close() {
	t.cmap.Close()
	t.q.Close()
	t.cfg.Close()
	if t.votes != nil {
		t.votes.Close()
	}
}

// current asks for the state of quorum.
func (t *quorumtool) current(ctx context.Context) (*client.Quorate, error) {
	if err := t.q.Current(ctx); err != nil {
		return nil, err
	}
	for {
		select {
		case e, ok := <-t.q.Events():
			if !ok {
				return nil, local.Library
			}
			if q, ok := e.(*client.Quorate); ok {
				return q, nil
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// monitor shows the state at each change.
func (t *quorumtool) monitor(ctx context.Context) int {
	if t.provider == "" {
		fmt.Fprintln(t.env.Stdout, "\nQuorum is not configured - cannot monitor")
		state, err := t.current(ctx)
		if err != nil {
			return t.fail("Unable to start quorum status tracking: %v", outcome(err))
		}
		return t.status(ctx, state)
	}
	if err := t.q.Track(ctx); err != nil {
		return t.fail("Unable to start quorum status tracking: %v", outcome(err))
	}
	for e := range t.q.Events() {
		if q, ok := e.(*client.Quorate); ok {
			t.status(ctx, q)
			fmt.Fprintln(t.env.Stdout)
		}
		if ctx.Err() != nil {
			return 1
		}
	}
	return t.fail("Unable to dispatch quorum status: %v", local.Library)
}

// status shows all that is known of quorum.
func (t *quorumtool) status(ctx context.Context, state *client.Quorate) int {
	out := t.env.Stdout
	provider := t.provider
	if provider == "" {
		provider = "Not configured"
	}
	ring := state.Ring.String()
	if t.legacy {
		ring = fmt.Sprintf("%d/%d", state.Ring.Rep, state.Ring.Seq)
	}
	id := strconv.FormatUint(uint64(t.me), 10)
	if t.hex {
		id = fmt.Sprintf("0x%08x", t.me)
	}
	fmt.Fprintf(out, "Quorum information\n------------------\n")
	fmt.Fprintf(out, "Date:             %s\n", time.Now().Format(time.ANSIC))
	fmt.Fprintf(out, "Quorum provider:  %s\n", provider)
	fmt.Fprintf(out, "Nodes:            %d\n", len(state.Members))
	fmt.Fprintf(out, "Node ID:          %s\n", id)
	fmt.Fprintf(out, "Ring ID:          %s\n", ring)
	fmt.Fprintf(out, "Quorate:          %s\n", map[bool]string{true: "Yes", false: "No"}[state.Quorate])
	if t.votes != nil {
		info, err := t.votes.Info(ctx, t.me)
		if err != nil {
			return t.fail("Unable to get node info: %v", outcome(err))
		}
		blocked := " "
		if info.Flags&local.VQQuorate == 0 {
			blocked = "Activity blocked"
		}
		var flags strings.Builder
		for _, f := range []struct {
			flag uint32
			word string
		}{
			{local.VQTwoNode, "2Node "},
			{local.VQQuorate, "Quorate "},
			{local.VQWaitForAll, "WaitForAll "},
			{local.VQLastManStanding, "LastManStanding "},
			{local.VQAutoTieBreaker, "AutoTieBreaker "},
			{local.VQAllowDownscale, "AllowDownscale "},
			{local.VQDeviceRegistered, "Qdevice "},
		} {
			if info.Flags&f.flag != 0 {
				flags.WriteString(f.word)
			}
		}
		fmt.Fprintf(out, "\nVotequorum information\n----------------------\n")
		fmt.Fprintf(out, "Expected votes:   %d\n", info.Expected)
		fmt.Fprintf(out, "Highest expected: %d\n", info.HighestExpected)
		fmt.Fprintf(out, "Total votes:      %d\n", info.Total)
		fmt.Fprintf(out, "Quorum:           %d %s\n", info.Quorum, blocked)
		fmt.Fprintf(out, "Flags:            %s\n", flags.String())
	}
	if code := t.nodes(ctx, state); code != 0 {
		return code
	}
	if !state.Quorate {
		return notQuorate
	}
	return 0
}

// voter is one line of the list of nodes.
type voter struct {
	id   uint32
	name string
	info local.VoteInfo
}

// nodes lists the members.
func (t *quorumtool) nodes(ctx context.Context, state *client.Quorate) int {
	out := t.env.Stdout
	device := false
	var list []voter
	for _, id := range state.Members {
		v := voter{id: id}
		if t.votes != nil {
			var err error
			if v.info, err = t.votes.Info(ctx, id); err != nil {
				fmt.Fprintf(out, "Unable to get node %d info\n", id)
			}
			device = device || v.info.Flags&local.VQDeviceRegistered != 0
		}
		v.name = t.name(ctx, id)
		list = append(list, v)
	}
	switch t.order {
	case "i":
		slices.SortStableFunc(list, func(a, b voter) int { return int(int64(a.id) - int64(b.id)) })
	case "n":
		slices.SortStableFunc(list, func(a, b voter) int { return strings.Compare(a.name, b.name) })
	}
	column := t.votes != nil && (device || t.parsable)
	fmt.Fprintf(out, "\nMembership information\n----------------------\n%10s ", "Nodeid")
	if t.votes != nil {
		fmt.Fprintf(out, "%10s ", "Votes")
	}
	if column {
		fmt.Fprintf(out, "%10s ", "Qdevice")
	}
	fmt.Fprintln(out, "Name")
	var own local.VoteInfo
	for _, v := range list {
		t.id(v.id)
		if t.votes != nil {
			fmt.Fprintf(out, "%10d ", v.info.Votes)
		}
		if column {
			fmt.Fprintf(out, "%10s ", deviceState(v.info.Flags))
		}
		fmt.Fprint(out, v.name)
		if v.id == t.me {
			fmt.Fprint(out, " (local)")
			own = v.info
		}
		fmt.Fprintln(out)
	}
	if device {
		first := list[0].info
		t.id(local.DeviceNode)
		if own.Flags&local.VQDeviceCastVote != 0 {
			fmt.Fprintf(out, "%10d            %s\n", first.DeviceVotes, first.DeviceName)
		} else {
			fmt.Fprintf(out, "%10d            %s (votes %d)\n", 0, first.DeviceName, first.DeviceVotes)
		}
	}
	return 0
}

func (t *quorumtool) id(id uint32) {
	if t.hex {
		fmt.Fprintf(t.env.Stdout, "0x%08x ", id)
	} else {
		fmt.Fprintf(t.env.Stdout, "%10d ", id)
	}
}

func deviceState(flags uint32) string {
	if flags&local.VQDeviceRegistered == 0 {
		return "NR"
	}
	word := func(flag uint32, yes string) string {
		if flags&flag != 0 {
			return yes
		}
		return "N" + yes
	}
	return word(local.VQDeviceAlive, "A") + "," + word(local.VQDeviceCastVote, "V") + "," + word(local.VQDeviceMasterWins, "MW")
}

// name is the name of a node: of the nodelist, or found from its address.
func (t *quorumtool) name(ctx context.Context, id uint32) string {
	addrs, err := t.cfg.NodeAddrs(ctx, id)
	if err != nil {
		fmt.Fprintf(t.env.Stderr, "Unable to get node address for nodeid %d: %v\n", id, outcome(err))
		return ""
	}
	var names []string
	if !t.addresses {
		if n := t.listed(ctx, id); n != "" {
			names = []string{n}
		}
	}
	for i, a := range addrs {
		if i == 0 && len(names) > 0 || i > 0 && !t.all {
			continue
		}
		names = append(names, t.host(ctx, a))
	}
	return strings.Join(names, ", ")
}

// host is the name that an address has, or the address itself.
func (t *quorumtool) host(ctx context.Context, a netip.Addr) string {
	if !t.addresses {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if names, err := net.DefaultResolver.LookupAddr(ctx, a.String()); err == nil && len(names) > 0 {
			return strings.TrimSuffix(names[0], ".")
		}
	}
	return a.String()
}

// listed is the name of a node in the nodelist; "" where it has none.
func (t *quorumtool) listed(ctx context.Context, id uint32) string {
	for pos := range 384 {
		key := fmt.Sprintf("nodelist.node.%d.", pos)
		v, err := t.cmap.Get(ctx, key+"nodeid")
		if err != nil {
			break
		}
		if n, ok := v.Uint(); !ok || uint32(n) != id {
			continue
		}
		if name, err := t.cmap.Text(ctx, key+"name"); err == nil && name != "" {
			return name
		}
		// A host name stands for itself: that needs no resolver.
		if a, err := t.cmap.Text(ctx, key+"ring0_addr"); err == nil {
			if _, err := netip.ParseAddr(a); err != nil {
				return a
			}
		}
		break
	}
	return ""
}
