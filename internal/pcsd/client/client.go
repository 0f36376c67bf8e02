package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// DefaultTimeout is the time that one request may take.
const DefaultTimeout = 60 * time.Second

// ConnectTimeout is the time within which a host must have taken a connection, TLS
// included: long enough for three lost packets, short enough for someone who waits.
const ConnectTimeout = 10 * time.Second

// maxAnswer is the longest answer that is read.
const maxAnswer = 64 << 20

// Config says where a client keeps what it knows.
type Config struct {
	// StateDir is pcsd's folder, whose known-hosts root uses; others use Home/.pcs.
	StateDir, Home string
	Root           bool
	Getenv         func(string) string
	// ConnectTimeout 0 is the default. A user who asks for more time means connecting, too.
	ConnectTimeout time.Duration
	// Wire, if given, stands before the network: tests have hosts there that need no time to be silent.
	Wire func(http.RoundTripper) http.RoundTripper
}

// Client sends requests to known hosts.
type Client struct {
	conf  Config
	mu    sync.Mutex
	hosts *Hosts
	http  *http.Client
}

// New makes a client; files are read when they are needed.
func New(c Config) *Client {
	var wire http.RoundTripper = &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		// Nodes' certificates are made by themselves; the token is what a node is known by.
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // see above
		ForceAttemptHTTP2: false,
		TLSNextProto:      map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	if c.Wire != nil {
		wire = c.Wire(wire)
	}
	return &Client{conf: c, http: &http.Client{
		Transport:     wire,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// HostsPath is the known-hosts file of this user.
func (c *Client) HostsPath() string {
	if c.conf.Root || c.conf.Home == "" {
		return filepath.Join(c.conf.StateDir, "known-hosts")
	}
	return filepath.Join(c.conf.Home, ".pcs", "known-hosts")
}

// TokensPath is the file that pcs 0.9 would use.
func (c *Client) TokensPath() string { return filepath.Join(filepath.Dir(c.HostsPath()), "tokens") }

// Hosts are the known hosts. Hosts that only the file of pcs 0.9 names are among them.
func (c *Client) Hosts() (*Hosts, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hosts != nil {
		return c.hosts, nil
	}
	h, err := LoadHosts(c.HostsPath())
	if err != nil {
		return nil, err
	}
	if data, err := os.ReadFile(c.TokensPath()); err == nil {
		if old, err := ParseTokens(data); err == nil {
			for n, x := range old.ByName {
				if _, ok := h.ByName[n]; !ok {
					h.ByName[n] = x
				}
			}
		}
	}
	c.hosts = h
	return h, nil
}

// Forget makes the next call read the files again.
func (c *Client) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts = nil
}

// Save stores hosts as one version newer. legacy writes the file of pcs 0.9, too.
func (c *Client) Save(h *Hosts, legacy bool) error {
	h.Version++
	if err := SaveHosts(c.HostsPath(), h); err != nil {
		return err
	}
	if legacy {
		if err := WriteSecret(c.TokensPath(), h.TokensText()); err != nil {
			return err
		}
	}
	c.mu.Lock()
	c.hosts = h
	c.mu.Unlock()
	return nil
}

// Lookup finds a known host; an unknown one is at its name, without a token.
func (c *Client) Lookup(name string) (h Host, known bool) {
	hosts, err := c.Hosts()
	if err == nil {
		if h, ok := hosts.ByName[name]; ok {
			return h, true
		}
	}
	return Host{Name: name, Dests: []Dest{{name, DefaultPort}}}, false
}

// Request is one call. Without Form and JSON it goes out as GET.
type Request struct {
	// Path is below the root: "remote/check_auth".
	Path string
	Form url.Values
	// JSON is a body in place of a form.
	JSON string
	// Timeout 0 is the default.
	Timeout time.Duration
	// NoToken leaves the token out (logging in).
	NoToken bool
}

// Kind says how a call ended.
type Kind int

// How a call ended.
const (
	OK           Kind = iota
	Unauthorized      // 401: the token is not accepted, or there is none
	Denied            // 403
	NotSupported      // 404
	Refused           // 400: the body says why
	HTTPError         // another code from 400 on
	NotConnected      // nobody answered
	TimedOut          // no whole answer in time
)

// Response is a call's answer.
type Response struct {
	Node string
	Kind Kind
	// Code is the HTTP code, 0 without an answer.
	Code int
	Body string
	// Reason is why there was no connection.
	Reason string
}

// Call sends a request to a node by its name.
func (c *Client) Call(ctx context.Context, node string, r Request) Response {
	h, _ := c.Lookup(node)
	return c.CallHost(ctx, h, r)
}

// CallHost sends a request to a host: at its first address, and where nobody takes
// the connection there, at the next. What was sent once is not sent again.
func (c *Client) CallHost(ctx context.Context, h Host, r Request) (out Response) {
	for _, d := range h.addresses() {
		var connected bool
		if out, connected = c.callAt(ctx, h, d, r); connected {
			break
		}
	}
	return out
}

// errNoConnection ends a request for which there was no connection in time.
var errNoConnection = errors.New("no connection in time")

func (c *Client) callAt(ctx context.Context, h Host, d Dest, r Request) (out Response, connected bool) {
	out.Node = h.Name
	timeout := cmp.Or(r.Timeout, DefaultTimeout)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	patience := min(timeout, cmp.Or(c.conf.ConnectTimeout, ConnectTimeout))
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	connecting := time.AfterFunc(patience, func() { giveUp(errNoConnection) })
	defer connecting.Stop()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		connected = connecting.Stop() || connected
	}})
	address := net.JoinHostPort(strings.Trim(d.Addr, "[]"), fmt.Sprint(d.Port))
	method, body := http.MethodGet, io.Reader(nil)
	if r.Form != nil {
		method, body = http.MethodPost, strings.NewReader(r.Form.Encode())
	} else if r.JSON != "" {
		method, body = http.MethodPost, strings.NewReader(r.JSON)
	}
	req, err := http.NewRequestWithContext(ctx, method, "https://"+address+"/"+r.Path, body)
	if err != nil {
		out.Kind, out.Reason = NotConnected, err.Error()
		return out, false
	}
	if r.Form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else if r.JSON != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if cookie := c.cookies(h, r.NoToken); cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	resp, err := c.http.Do(req)
	if err == nil {
		defer resp.Body.Close()
		var data []byte
		data, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		out.Body = string(data)
	}
	switch {
	case err == nil:
		out.Code, out.Kind = resp.StatusCode, kindOf(resp.StatusCode)
	case !connected && (errors.Is(context.Cause(ctx), errNoConnection) || errors.Is(err, context.DeadlineExceeded)):
		out.Kind, out.Reason = TimedOut, fmt.Sprintf("Connection timed out after %d milliseconds", patience.Milliseconds())
	case errors.Is(err, context.DeadlineExceeded):
		out.Kind, out.Reason = TimedOut, fmt.Sprintf("Operation timed out after %d milliseconds with %d bytes received", timeout.Milliseconds(), len(out.Body))
	default:
		out.Kind, out.Reason = NotConnected, reasonOf(err, d)
	}
	return out, connected
}

func kindOf(code int) Kind {
	switch {
	case code == http.StatusBadRequest:
		return Refused
	case code == http.StatusUnauthorized:
		return Unauthorized
	case code == http.StatusForbidden:
		return Denied
	case code == http.StatusNotFound:
		return NotSupported
	case code > http.StatusBadRequest:
		return HTTPError
	}
	return OK
}

func reasonOf(err error, d Dest) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return "Could not resolve host: " + d.Addr
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		cause := op.Err.Error()
		if i := strings.LastIndex(cause, ": "); i >= 0 {
			cause = cause[i+2:]
		}
		if cause != "" {
			cause = strings.ToUpper(cause[:1]) + cause[1:]
		}
		return fmt.Sprintf("Failed to connect to %s port %d: %s", d.Addr, d.Port, cause)
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err.Error()
	}
	return err.Error()
}

// cookies are the token and, for root acting for another user, that user.
func (c *Client) cookies(h Host, noToken bool) string {
	var parts []string
	if h.Token != "" && !noToken {
		parts = append(parts, "token="+h.Token)
	}
	if c.conf.Root && c.conf.Getenv != nil {
		if user := strings.TrimSpace(c.conf.Getenv("CIB_user")); user != "" {
			clean := strings.Map(func(r rune) rune {
				if r < '!' || r > '~' || r == ';' {
					return -1
				}
				return r
			}, user)
			parts = append(parts, "CIB_user="+clean)
			if groups := strings.TrimSpace(c.conf.Getenv("CIB_user_groups")); groups != "" {
				parts = append(parts, "CIB_user_groups="+base64.StdEncoding.EncodeToString([]byte(groups)))
			}
		}
	}
	return strings.Join(parts, ";")
}

// All sends a request to many nodes at once. each, if given, is told every answer as it
// arrives, one at a time. The answers come back in the order of the nodes.
func (c *Client) All(ctx context.Context, nodes []string, r Request, each func(Response)) []Response {
	return c.AllDifferent(ctx, nodes, func(string) Request { return r }, each)
}

// AllDifferent is All with a request for each node.
func (c *Client) AllDifferent(ctx context.Context, nodes []string, r func(node string) Request, each func(Response)) []Response {
	out := make([]Response, len(nodes))
	type done struct {
		at int
		r  Response
	}
	answers := make(chan done)
	for i, n := range nodes {
		go func() { answers <- done{i, c.Call(ctx, n, r(n))} }()
	}
	for range nodes {
		a := <-answers
		out[a.at] = a.r
		if each != nil {
			each(a.r)
		}
	}
	return out
}

// Login asks a host for a token. wrong tells that user or password were not accepted.
func (c *Client) Login(ctx context.Context, h Host, user, password string, extra url.Values, timeout time.Duration) (token string, wrong bool, r Response) {
	form := url.Values{"username": {user}, "password": {password}}
	for k, v := range extra {
		form[k] = v
	}
	r = c.CallHost(ctx, h, Request{Path: "remote/auth", Form: form, NoToken: true, Timeout: timeout})
	if r.Kind != OK {
		return "", false, r
	}
	token = strings.TrimSpace(r.Body)
	return token, token == "", r
}
