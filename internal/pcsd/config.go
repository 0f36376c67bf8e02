package pcsd

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// Port is where clients look for pcsd.
const Port = 2224

// Config is what a server is handed by its host.
type Config struct {
	// Getenv reads the settings PCSD_*; nil has none.
	Getenv func(string) string
	// Paths are the host's files; empty ones are the usual.
	Paths session.Paths
	// Socket is the local socket, "" for none.
	Socket string
	// Services and Programs act on the host.
	Services live.Services
	Programs live.Programs
	// CheckPassword tells whether a user may log in with a password; nil asks the system.
	CheckPassword func(ctx context.Context, user, password string) (bool, error)
	// Groups are the groups of a user; nil asks the system.
	Groups func(user string) ([]string, error)
	// Now is the clock.
	Now func() time.Time
	// Hostname names the certificate.
	Hostname string
	Log      *slog.Logger
	// Version is what check_host says pcsd is: "0.11.12.1".
	Version string
}

func (c *Config) env(name string) string {
	if c.Getenv == nil {
		return ""
	}
	return c.Getenv(name)
}

// addresses are what to listen on: PCSD_BIND_ADDR and PCSD_PORT.
func (c *Config) addresses() ([]string, error) {
	port := strconv.Itoa(Port)
	if p := c.env("PCSD_PORT"); p != "" {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || n > 65535 {
			return nil, fmt.Errorf("invalid port number '%s', use 1..65535", p)
		}
		port = p
	}
	hosts := []string{""}
	if b := strings.TrimSpace(c.env("PCSD_BIND_ADDR")); b != "" {
		hosts = strings.Split(b, ",")
	}
	var out []string
	for _, h := range hosts {
		out = append(out, net.JoinHostPort(strings.Trim(strings.TrimSpace(h), "[]"), port))
	}
	return out, nil
}

func (c *Config) number(name string, otherwise int64) int64 {
	if n, err := strconv.ParseInt(c.env(name), 10, 64); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// limits of one request.
func (c *Config) maxBody() int64   { return c.number("RACK_QUERY_PARSER_BYTESIZE_LIMIT", 4194304) }
func (c *Config) maxParams() int64 { return c.number("RACK_QUERY_PARSER_PARAMS_LIMIT", 4096) }

func (c *Config) remote() *client.Client {
	return client.New(client.Config{StateDir: c.Paths.PcsdDir, Root: true, Getenv: func(string) string { return "" }})
}
