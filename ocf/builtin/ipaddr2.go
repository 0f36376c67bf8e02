package builtin

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hacluster/ocf"
)

func ipaddr2() *agent {
	a := &agent{
		provider: "heartbeat", typ: "IPaddr2", short: "Manages virtual IPv4 and IPv6 addresses",
		long: "Adds an address to a network interface and takes it away again. When it comes up, the neighbours are told by gratuitous ARP (IPv4) or an unsolicited neighbour advertisement (IPv6).",
		params: []param{
			{name: "ip", short: "The address", required: true, unique: true},
			{name: "nic", short: "The network interface; found by the address's network where it is not given"},
			{name: "cidr_netmask", short: "The length of the network's prefix, or a netmask"},
			{name: "broadcast", short: "The broadcast address"},
			{name: "arp_count", def: "5", short: "How many gratuitous ARP packets are sent"},
			{name: "arp_interval", def: "200", short: "The time between them, in milliseconds"},
		},
		actions: []action{
			{name: "start", timeout: "20s"},
			{name: "stop", timeout: "20s"},
			{name: "monitor", timeout: "20s", interval: "10s"},
			{name: "status", timeout: "20s"},
			{name: "validate-all", timeout: "20s"},
		},
	}
	a.run = func(ctx context.Context, e *Env, action string) int {
		addr, err := netip.ParseAddr(e.param(a, "ip"))
		if err != nil {
			if action == "stop" || action == "monitor" || action == "status" {
				return map[bool]int{true: ocf.CodeOK, false: ocf.CodeNotRunning}[action == "stop"]
			}
			return e.fail(ocf.CodeNotConfigured, "ip: %v", err)
		}
		at, existing := holding(addr)
		switch action {
		case "monitor", "status":
			if at == nil {
				return ocf.CodeNotRunning
			}
			if nic := e.param(a, "nic"); nic != "" && at.Attrs().Name != nic {
				return e.fail(ocf.CodeError, "%s is on %s, not on %s", addr, at.Attrs().Name, nic)
			}
			return ocf.CodeOK
		case "stop":
			if at == nil {
				return ocf.CodeOK
			}
			if err := netlink.AddrDel(at, existing); err != nil && !errors.Is(err, syscall.EADDRNOTAVAIL) {
				return e.fail(ocf.CodeError, "remove %s from %s: %v", addr, at.Attrs().Name, err)
			}
			return ocf.CodeOK
		}
		link, bits, err := place(addr, e.param(a, "nic"), e.param(a, "cidr_netmask"))
		if err != nil {
			return e.fail(ocf.CodeNotConfigured, "%v", err)
		}
		if action == "validate-all" || at != nil {
			return ocf.CodeOK
		}
		if link.Attrs().Flags&net.FlagUp == 0 {
			return e.fail(ocf.CodeError, "interface %s is down", link.Attrs().Name)
		}
		na := &netlink.Addr{IPNet: &net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(bits, addr.BitLen())}}
		if addr.Is4() {
			na.Broadcast = broadcast(na.IPNet)
			if b := net.ParseIP(e.param(a, "broadcast")); b != nil {
				na.Broadcast = b
			}
		} else {
			na.Flags = unix.IFA_F_NODAD
		}
		if err := netlink.AddrAdd(link, na); err != nil && !errors.Is(err, syscall.EEXIST) {
			return e.fail(ocf.CodeError, "add %s to %s: %v", addr, link.Attrs().Name, err)
		}
		count, _ := strconv.Atoi(e.param(a, "arp_count"))
		every, _ := strconv.Atoi(e.param(a, "arp_interval"))
		if err := announce(ctx, link, addr, max(1, count), time.Duration(max(1, every))*time.Millisecond); err != nil {
			_, _ = e.Stderr.Write([]byte("the neighbours could not be told of " + addr.String() + ": " + err.Error() + "\n"))
		}
		return ocf.CodeOK
	}
	return a
}

func broadcast(n *net.IPNet) net.IP {
	ip := n.IP.To4()
	out := make(net.IP, 4)
	for i := range out {
		out[i] = ip[i] | ^n.Mask[i]
	}
	return out
}

// holding gives the interface that has an address.
func holding(addr netip.Addr) (netlink.Link, *netlink.Addr) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, nil
	}
	for _, l := range links {
		addrs, err := netlink.AddrList(l, netlink.FAMILY_ALL)
		if err != nil {
			continue
		}
		for i := range addrs {
			if a, ok := netip.AddrFromSlice(addrs[i].IP); ok && a.Unmap() == addr {
				return l, &addrs[i]
			}
		}
	}
	return nil, nil
}

// place finds the interface and prefix length for an address: those of the
// interface that has an address in the same network, where none are given.
func place(addr netip.Addr, nic, mask string) (netlink.Link, int, error) {
	bits := -1
	if mask != "" {
		n, err := strconv.Atoi(mask)
		if err != nil {
			m := net.ParseIP(mask).To4()
			if m == nil {
				return nil, 0, errors.New("cidr_netmask " + mask + " is neither a length nor a netmask")
			}
			ones, size := net.IPMask(m).Size()
			if size == 0 {
				return nil, 0, errors.New("cidr_netmask " + mask + " is not a netmask")
			}
			n = ones
		}
		if n < 0 || n > addr.BitLen() {
			return nil, 0, errors.New("cidr_netmask " + mask + " is out of range")
		}
		bits = n
	}
	if nic != "" {
		l, err := netlink.LinkByName(nic)
		if err != nil {
			return nil, 0, errors.New("there is no interface " + nic)
		}
		if bits < 0 {
			bits = addr.BitLen()
		}
		return l, bits, nil
	}
	links, err := netlink.LinkList()
	if err != nil {
		return nil, 0, err
	}
	for _, l := range links {
		if l.Attrs().Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, err := netlink.AddrList(l, netlink.FAMILY_ALL)
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if a.IPNet.Contains(addr.AsSlice()) {
				if bits < 0 {
					bits, _ = a.Mask.Size()
				}
				return l, bits, nil
			}
		}
	}
	return nil, 0, errors.New("no interface has an address in the network of " + addr.String() + "; parameter nic names one")
}

// announce tells the neighbours that an address is here now: gratuitous ARP. For
// IPv6 the kernel's own advertisement has to do.
func announce(ctx context.Context, link netlink.Link, addr netip.Addr, count int, every time.Duration) error {
	mac := link.Attrs().HardwareAddr
	if !addr.Is4() || len(mac) != 6 {
		return nil
	}
	const etherARP = 0x0806
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	to := &unix.SockaddrLinklayer{Protocol: etherARP>>8 | etherARP&0xff<<8, Ifindex: link.Attrs().Index, Halen: 6, Addr: [8]byte{255, 255, 255, 255, 255, 255}}
	ip := addr.As4()
	for n := range count {
		for _, operation := range []uint16{1, 2} { // request and reply: some listen to only one
			frame := make([]byte, 42)
			copy(frame, []byte{255, 255, 255, 255, 255, 255})
			copy(frame[6:], mac)
			be := binary.BigEndian
			be.PutUint16(frame[12:], etherARP)
			be.PutUint16(frame[14:], 1)
			be.PutUint16(frame[16:], 0x0800)
			frame[18], frame[19] = 6, 4
			be.PutUint16(frame[20:], operation)
			copy(frame[22:], mac)
			copy(frame[28:], ip[:])
			copy(frame[32:], []byte{255, 255, 255, 255, 255, 255})
			copy(frame[38:], ip[:])
			if err := unix.Sendto(fd, frame, 0, to); err != nil {
				return err
			}
		}
		if n+1 < count {
			select {
			case <-time.After(every):
			case <-ctx.Done():
				return nil
			}
		}
	}
	return nil
}
