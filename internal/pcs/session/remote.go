package session

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hacluster/internal/pcsd/client"
)

// The ways in which an old call ends, by pcs' own numbers.
const (
	SendOK           = 0
	SendFailed       = 1
	SendNoConnection = 2
	SendUnauthorized = 3
	SendDenied       = 4
)

// RequestTimeout is what --request-timeout says, else otherwise.
func (s *Session) RequestTimeout(otherwise time.Duration) time.Duration {
	if n, err := strconv.Atoi(s.Opts.Value("--request-timeout")); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	if otherwise == 0 {
		return client.DefaultTimeout
	}
	return otherwise
}

// Call makes a call; a file of known hosts that cannot be read is told of first.
func (s *Session) Call(node string, r client.Request) client.Response {
	s.TellOfHosts()
	return s.Remote().Call(s.Ctx, node, r)
}

// TellOfHosts tells, from 0.10 on, of a file of known hosts that cannot be read.
func (s *Session) TellOfHosts() {
	if !s.Legacy() {
		s.KnownHosts()
	}
}

// Send makes a call in the way of pcs' older commands: a number, and the answer or what to say of the failure.
func (s *Session) Send(node string, r client.Request) (int, string) {
	r.Timeout = s.RequestTimeout(r.Timeout)
	return s.OldAnswer(s.Call(node, r))
}

// OldAnswer words an answer as pcs' older commands do.
func (s *Session) OldAnswer(r client.Response) (int, string) {
	switch r.Kind {
	case client.OK:
		return SendOK, r.Body
	case client.Unauthorized:
		hint := "pcs host auth " + r.Node
		if s.Legacy() {
			hint = "pcs cluster auth"
		}
		return SendUnauthorized, fmt.Sprintf("Unable to authenticate to %s - (HTTP error: %d), try running '%s'", r.Node, r.Code, hint)
	case client.Denied:
		return SendDenied, fmt.Sprintf("%s: Permission denied - (HTTP error: %d)", r.Node, r.Code)
	case client.NotConnected, client.TimedOut:
		if s.Legacy() {
			return SendNoConnection, fmt.Sprintf("Unable to connect to %s, try setting higher timeout in --request-timeout option (%s)", r.Node, r.Reason)
		}
		return SendNoConnection, fmt.Sprintf("Unable to connect to %s, check if pcsd is running there or try setting higher timeout with --request-timeout option (%s)", r.Node, r.Reason)
	}
	return SendFailed, fmt.Sprintf("Error connecting to %s - (HTTP error: %d)", r.Node, r.Code)
}

// Answer is what one node said to an old call.
type Answer struct {
	Node string
	Code int
	Text string
}

// ForNodes carries f out for all nodes at once and tells each outcome as it comes, "node: text".
// Failures come back as the lines that were told, in the order of nodes; failed holds their nodes.
func (s *Session) ForNodes(nodes []string, f func(node string) (int, string)) (lines []string, failed map[string]bool) {
	answers := make(chan Answer)
	for _, n := range nodes {
		go func() {
			code, text := f(n)
			answers <- Answer{n, code, text}
		}()
	}
	failed = map[string]bool{}
	told := map[string]string{}
	for range nodes {
		a := <-answers
		line := a.Node + ": " + strings.TrimSpace(a.Text)
		s.Out.Info(line)
		if a.Code != 0 {
			failed[a.Node], told[a.Node] = true, line
		}
	}
	for _, n := range nodes {
		if failed[n] {
			lines = append(lines, told[n])
		}
	}
	return lines, failed
}

// RepeatIfTimeout calls again, up to 15 times, while the node does not answer in time: what it was asked for may take long. A node
// that does not answer another call either is not asked again.
func (s *Session) RepeatIfTimeout(f func(node string) (int, string)) func(node string) (int, string) {
	return func(node string) (int, string) {
		for left := 15; ; left-- {
			code, text := f(node)
			if code != SendNoConnection || !strings.Contains(text, "Operation timed out") || left < 1 {
				return code, text
			}
			if c, _ := s.Send(node, client.Request{Path: "remote/check_auth", Timeout: client.ConnectTimeout}); c == SendNoConnection {
				return code, text
			}
		}
	}
}

// Sleep waits; false means that the command was interrupted.
func (s *Session) Sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.Ctx.Done():
		return false
	}
}
