package transport

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Lookup finds the addresses of a host name.
type Lookup func(ctx context.Context, host string) ([]netip.Addr, error)

// SystemLookup asks the host's resolver.
func SystemLookup(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// Resolve finds the address of a node: address is an IP address or a name. version is
// totem.ip_version: which family is taken, or preferred where there are both.
func Resolve(ctx context.Context, lookup Lookup, address, version string) (netip.Addr, error) {
	want4, want6 := version != "ipv6", version != "ipv4"
	fits := func(a netip.Addr) bool { return a.Is4() && want4 || a.Is6() && want6 }
	if a, err := netip.ParseAddr(address); err == nil {
		if a = a.Unmap(); !fits(a) {
			return netip.Addr{}, fmt.Errorf("%s is not an address of %s", address, version)
		}
		return a, nil
	}
	list, err := lookup(ctx, address)
	if err != nil {
		return netip.Addr{}, err
	}
	for i := range list {
		list[i] = list[i].Unmap()
	}
	list = slices.DeleteFunc(list, func(a netip.Addr) bool { return !fits(a) })
	if len(list) == 0 {
		return netip.Addr{}, fmt.Errorf("%s has no address of %s", address, version)
	}
	for _, a := range list {
		if a.Is6() == (version == "ipv6-4" || version == "ipv6") {
			return a, nil
		}
	}
	return list[0], nil
}

// LocalAddrs lists the addresses of this host's interfaces.
func LocalAddrs() ([]netip.Addr, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				addrs = append(addrs, ip.Unmap())
			}
		}
	}
	return addrs, nil
}
