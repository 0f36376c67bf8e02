package conf

import (
	"errors"
	"fmt"
	"time"
)

// ErrNotYet is wrapped by the errors about settings that are understood but not built.
var ErrNotYet = errors.New("not supported yet")

const minTimeout = 30 * time.Millisecond

// Validate tells everything that keeps a daemon from running with the
// configuration, joined into one error; each part says where.
func (c *Config) Validate() error {
	var errs []error
	bad := func(path string, format string, args ...any) {
		line := 0
		if s := c.Root; path != "" {
			for _, sub := range s.All(section(path)) {
				if a, ok := sub.Get(key(path)); ok {
					line = a.Line
				} else if line == 0 {
					line = sub.Line
				}
			}
		}
		errs = append(errs, &Error{File: c.File, Line: line, Text: fmt.Sprintf(format, args...)})
	}
	t := c.Totem
	if len(c.Root.All("totem")) == 0 {
		bad("", "there is no section totem")
	}
	if t.Version != 2 {
		bad("totem.version", "totem.version must be 2")
	}
	secure := t.Cipher != "none" || t.Hash != "none"
	switch t.Transport {
	case "knet":
		if t.Cipher != "none" && t.Hash == "none" {
			bad("totem.crypto_cipher", "crypto_cipher %s needs a crypto_hash", t.Cipher)
		}
	default:
		if secure {
			bad("totem.crypto_cipher", "transport %s knows no encryption: crypto_cipher and crypto_hash must be none and secauth off", t.Transport)
		}
		for _, n := range c.Nodes {
			if n.Addrs[1] != "" {
				errs = append(errs, &Error{File: c.File, Line: n.Line, Text: fmt.Sprintf("transport %s has one link: ring1_addr cannot be used", t.Transport)})
			}
		}
	}
	for _, x := range []struct {
		name string
		d    time.Duration
		min  time.Duration
	}{
		{"token", t.Token, minTimeout},
		{"token_retransmit", t.TokenRetransmit, minTimeout},
		{"hold", t.Hold, 14 * time.Millisecond},
		{"join", t.Join, minTimeout},
		{"consensus", t.Consensus, minTimeout},
		{"merge", t.Merge, minTimeout},
	} {
		if x.d < x.min {
			bad("totem."+x.name, "totem.%s is %d ms; at least %d are needed", x.name, x.d.Milliseconds(), x.min.Milliseconds())
		}
	}
	if t.Consensus < t.Join {
		bad("totem.consensus", "totem.consensus (%d ms) is less than totem.join (%d ms)", t.Consensus.Milliseconds(), t.Join.Milliseconds())
	}
	if t.TokenRetransmit >= c.TokenEffective() && c.TokenEffective() > 0 {
		bad("totem.token_retransmit", "totem.token_retransmit (%d ms) is not less than the token timeout (%d ms)", t.TokenRetransmit.Milliseconds(), c.TokenEffective().Milliseconds())
	}
	if t.WindowSize < 1 || t.MaxMessages < 1 {
		bad("totem.window_size", "totem.window_size and totem.max_messages must be at least 1")
	}
	if t.NetMTU != 0 && t.NetMTU < 576 {
		bad("totem.netmtu", "totem.netmtu must be at least 576")
	}
	if len(c.Nodes) == 0 {
		bad("nodelist.node", "there is no nodelist with nodes")
	}
	if len(c.Nodes) > MaxNodes {
		bad("nodelist.node", "%d nodes; at most %d are possible", len(c.Nodes), MaxNodes)
	}
	ids, names, addrs := map[uint32]int{}, map[string]int{}, map[string]int{}
	for _, n := range c.Nodes {
		at := func(format string, args ...any) {
			errs = append(errs, &Error{File: c.File, Line: n.Line, Text: fmt.Sprintf(format, args...)})
		}
		switch {
		case n.ID == 0:
			at("the node has no nodeid")
		case ids[n.ID] != 0:
			at("nodeid %d is the node's in line %d, too", n.ID, ids[n.ID])
		case n.ID > 65535 && t.Transport == "knet":
			at("nodeid %d is too big for transport knet: 65535 is the greatest", n.ID)
		}
		ids[n.ID] = n.Line
		if n.Name != "" && names[n.Name] != 0 {
			at("name %q is the node's in line %d, too", n.Name, names[n.Name])
		}
		names[n.Name] = n.Line
		if n.Address() == "" {
			at("the node has no ring0_addr")
		}
		for _, a := range n.Addrs {
			if a != "" && addrs[a] != 0 {
				at("address %q is in line %d, too", a, addrs[a])
			}
			addrs[a] = n.Line
		}
	}
	q := c.Quorum
	if q.Provider != "" && q.Provider != "corosync_votequorum" {
		bad("quorum.provider", "quorum.provider %q is not known: corosync_votequorum is", q.Provider)
	}
	if q.TwoNode && q.Device != nil && q.Device.Model != "" {
		bad("quorum.two_node", "quorum.two_node cannot be used with a quorum device")
	}
	if q.AutoTieBreaker && q.Device != nil && q.Device.Model != "" {
		bad("quorum.auto_tie_breaker", "quorum.auto_tie_breaker cannot be used with a quorum device")
	}
	if q.LastManStanding && q.AutoTieBreaker && !q.WaitForAll {
		bad("quorum.last_man_standing", "last_man_standing with auto_tie_breaker needs wait_for_all")
	}
	return errors.Join(errs...)
}

// Supported tells what of a valid configuration this implementation cannot do: an *Error that wraps ErrNotYet.
func (c *Config) Supported() error {
	notYet := func(path, value string) error {
		line := 0
		for _, s := range c.Root.All("totem") {
			if path == "knet_transport" {
				for _, i := range s.All("interface") {
					if a, ok := i.Get(path); ok && a.Value == value {
						line = a.Line
					}
				}
			} else if a, ok := s.Get(path); ok {
				line = a.Line
			}
		}
		return &Error{File: c.File, Line: line, Text: fmt.Sprintf("%v: %s %s", ErrNotYet, path, value), Kind: ErrNotYet}
	}
	switch c.Totem.Transport {
	case "udpu", "udp":
		return nil
	case "knet":
	default:
		return notYet("transport", c.Totem.Transport)
	}
	if c.Totem.Cipher == "3des" {
		return notYet("crypto_cipher", "3des")
	}
	for _, l := range c.Totem.Links {
		if l.Transport != "udp" {
			return notYet("knet_transport", l.Transport)
		}
	}
	return nil
}

func section(path string) string { s, _ := cut(path); return s }
func key(path string) string     { _, k := cut(path); return k }

func cut(path string) (string, string) {
	for i := range path {
		if path[i] == '.' {
			return path[:i], path[i+1:]
		}
	}
	return path, ""
}
