package cluster

import (
	"net"
	"strconv"
	"strings"

	"hacluster/internal/pcs/session"
)

// resolves tells whether a name is that of a host, or an address in any of the forms that the C library takes for one.
func resolves(s *session.Session, name string) bool {
	if numbered(name) {
		return true
	}
	_, err := net.DefaultResolver.LookupHost(s.Ctx, name)
	return err == nil
}

// numbered tells whether a word is an IPv4 address as inet_aton reads it: up to four numbers with dots between, decimal,
// octal (010) or hexadecimal (0x7f), the last of which fills all bytes that are left.
func numbered(word string) bool {
	parts := strings.Split(word, ".")
	if len(parts) > 4 {
		return false
	}
	for i, p := range parts {
		base, digits := 10, p
		switch {
		case strings.HasPrefix(p, "0x"), strings.HasPrefix(p, "0X"):
			base, digits = 16, p[2:]
		case len(p) > 1 && p[0] == '0':
			base, digits = 8, p[1:]
		}
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (5 - len(parts))
		}
		if digits == "" || digits[0] == '+' || digits[0] == '-' {
			return false
		}
		if _, err := strconv.ParseUint(digits, base, bits); err != nil {
			return false
		}
	}
	return true
}
