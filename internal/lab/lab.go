// Package lab brings up test hosts on one machine: whole hosts as far as a
// cluster can tell, each with a network, file system, process table and name of
// its own, on a bridge that has no way out.
//
// A lab is one daemon in a network namespace of its own: it holds the bridge
// and is the hosts' mains plug. A host is a first process in fresh namespaces
// over an overlay of the machine's file system: what a host writes stays in the
// lab. When the daemon ends, all is gone. `clusterd lab` is the user's side.
package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// DefaultName is the lab that is meant where none is named.
const DefaultName = "default"

// The places inside a host.
const (
	binDir     = "/opt/hacluster/bin"     // our programs
	commandDir = "/opt/hacluster/lab/bin" // systemctl, passwd and the like
	powerPath  = "/run/hacluster-lab.sock"
	// Path is what hosts search programs in.
	Path = commandDir + ":" + binDir + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// Host is one host of a lab.
type Host struct {
	Name    string       `json:"name"`
	Address netip.Prefix `json:"address"`
	// State is on, off or paused; Link is up or cut; both are told by the daemon.
	State string `json:"state,omitempty"`
	Link  string `json:"link,omitempty"`
	PID   int    `json:"pid,omitempty"` // of its first process, as the machine sees it
}

// Config is what a lab is made of.
type Config struct {
	Name  string `json:"name"`
	Hosts []Host `json:"hosts"`
	// Programs is the folder of our programs on the machine.
	Programs string `json:"programs"`
	// Corosync is the original's program where the hosts' ring is to be that; "" for ours.
	Corosync string `json:"corosync,omitempty"`
	// While is the process whose end is the lab's, as the machine sees it; 0 for a lab that stays until it is taken down.
	While int `json:"while,omitempty"`
}

// The tutorial's network: .106 is the address that the cluster moves.
const (
	firstAddress   = 104
	virtualAddress = 106
	maxHosts       = 60
)

// DefaultHosts are node1 … nodeN at the tutorial's addresses.
func DefaultHosts(n int) ([]Host, error) {
	if n < 1 || n > maxHosts {
		return nil, fmt.Errorf("a lab has 1 to %d hosts, not %d", maxHosts, n)
	}
	hosts := make([]Host, n)
	last := byte(firstAddress)
	for i := range hosts {
		if last == virtualAddress {
			last++
		}
		hosts[i] = Host{Name: "node" + strconv.Itoa(i+1), Address: netip.PrefixFrom(netip.AddrFrom4([4]byte{211, 183, 3, last}), 24)}
		last++
	}
	return hosts, nil
}

var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$`)

// ParseHost reads NAME=ADDRESS/BITS; without bits it is a /24.
func ParseHost(s string) (Host, error) {
	for i := range s {
		if s[i] != '=' {
			continue
		}
		text := s[i+1:]
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, aerr := netip.ParseAddr(text)
			if aerr != nil || !a.Is4() {
				return Host{}, fmt.Errorf("%q is not an IPv4 address", text)
			}
			p = netip.PrefixFrom(a, 24)
		}
		h := Host{Name: s[:i], Address: p}
		if !validName.MatchString(h.Name) {
			return Host{}, fmt.Errorf("%q is not a host name", h.Name)
		}
		return h, nil
	}
	return Host{}, fmt.Errorf("%q is not NAME=ADDRESS", s)
}

// check refuses what could not be brought up.
func (c *Config) check() error {
	if !validName.MatchString(c.Name) {
		return fmt.Errorf("%q is not a name for a lab: use lower-case letters, digits and -", c.Name)
	}
	if len(c.Hosts) == 0 || len(c.Hosts) > maxHosts {
		return fmt.Errorf("a lab has 1 to %d hosts, not %d", maxHosts, len(c.Hosts))
	}
	seen := map[string]bool{}
	for _, h := range c.Hosts {
		if seen[h.Name] || seen[h.Address.Addr().String()] {
			return fmt.Errorf("two hosts are %s or at %s", h.Name, h.Address.Addr())
		}
		seen[h.Name], seen[h.Address.Addr().String()] = true, true
	}
	return nil
}

// find gives the host that a user means: by its name, or its number from 1.
func (c *Config) find(name string) (int, error) {
	for i, h := range c.Hosts {
		if h.Name == name {
			return i, nil
		}
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(c.Hosts) {
		return n - 1, nil
	}
	return 0, fmt.Errorf("lab %s has no host %q", c.Name, name)
}

// root is the folder of all labs of this user.
func root() string {
	if d := os.Getenv("HACLUSTER_LAB_DIR"); d != "" {
		return d
	}
	if os.Geteuid() == 0 {
		return "/run/hacluster-lab"
	}
	if d := os.Getenv("XDG_RUNTIME_DIR"); d != "" {
		return filepath.Join(d, "hacluster-lab")
	}
	return filepath.Join(os.TempDir(), "hacluster-lab-"+strconv.Itoa(os.Getuid()))
}

func dir(name string) string { return filepath.Join(root(), name) }

// order is what the daemon is asked; Verb is status, down, off, on, reboot, kill,
// start, pause, resume, cut or heal.
type order struct {
	Verb string `json:"verb"`
	Host string `json:"host,omitempty"`
}

type answer struct {
	Error  string `json:"error,omitempty"`
	Config Config `json:"config"`
}

var errNotUp = errors.New("is not up")

// ask sends an order to the daemon that listens at socket.
func ask(socket string, o order) (answer, error) {
	c, err := net.DialTimeout("unix", socket, 5*time.Second)
	if err != nil {
		return answer{}, errNotUp
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return answer{}, err
	}
	if err := json.NewEncoder(c).Encode(o); err != nil {
		return answer{}, err
	}
	var a answer
	if err := json.NewDecoder(c).Decode(&a); err != nil {
		return answer{}, fmt.Errorf("the lab gave no answer: %w", err)
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

// Ask sends an order about a host ("" for the whole lab) to the lab of this name.
func Ask(_ context.Context, name, verb, host string) (Config, error) {
	a, err := ask(filepath.Join(dir(name), "sock"), order{verb, host})
	if errors.Is(err, errNotUp) {
		return Config{}, fmt.Errorf("lab %s is not up; `clusterd lab up` brings it up", name)
	}
	return a.Config, err
}
