package cluster

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// hostPort is a host as `cluster auth` of 0.9 is given it; port "" is none given.
type hostPort struct{ name, port string }

// splitPorts reads name, name:port, [ipv6]:port.
func splitPorts(words []string) ([]hostPort, error) {
	var out []hostPort
	for _, w := range words {
		if strings.Count(w, ":") > 1 && !strings.HasPrefix(w, "[") {
			w = "[" + w + "]"
		}
		w = strings.TrimSpace(w)
		if strings.Contains(w, "[") != strings.Contains(w, "]") {
			return nil, argv.Usagef("Invalid IPv6 address '%s'", w)
		}
		var h hostPort
		if _, rest, ok := strings.Cut(w, "["); ok {
			h.name, rest, _ = strings.Cut(rest, "]")
			_, h.port, _ = strings.Cut(rest, ":")
		} else {
			h.name, h.port, _ = strings.Cut(w, ":")
		}
		if i := slices.IndexFunc(out, func(o hostPort) bool { return o.name == h.name }); i >= 0 {
			if out[i].port != h.port {
				return nil, argv.Usagef("Node '%s' defined twice with different ports", h.name)
			}
			continue
		}
		out = append(out, h)
	}
	return out, nil
}

func (h hostPort) host() client.Host {
	d := client.Dest{Addr: h.name, Port: client.DefaultPort}
	if n, ok := argv.PythonInt(h.port); ok {
		d.Port = int(n)
	}
	return client.Host{Name: h.name, Dests: []client.Dest{d}}
}

// mutual tells whether a node accepts this host and knows all the others.
func mutual(answer string, hosts []hostPort) bool {
	var a struct {
		Success bool
		Nodes   []string `json:"node_list"`
	}
	if json.Unmarshal([]byte(answer), &a) != nil || !a.Success {
		return false
	}
	for _, h := range hosts {
		if !slices.Contains(a.Nodes, h.name) {
			return false
		}
	}
	return true
}

// Auth09 is `cluster auth` of 0.9: it lets this host, and the hosts among each other, use pcsd of hosts.
func Auth09(s *session.Session, args []string) error {
	if len(args) == 0 {
		members, err := s.Members09()
		if err != nil {
			return err
		}
		args = members
	}
	hosts, err := splitPorts(args)
	if err != nil {
		return err
	}
	user, password := s.Opts.Value("-u"), s.Opts.Value("-p")
	haveUser, havePassword := s.Opts.Has("-u"), s.Opts.Has("-p")
	needed := s.Opts.Has("--force") || user != "" || password != ""
	for _, h := range hosts {
		if needed {
			break
		}
		code, text := s.Send(h.name, client.Request{Path: "remote/check_auth"})
		needed = code != 0 || !mutual(text, hosts)
	}
	if !needed {
		for _, h := range hosts {
			s.Out.Print(h.name + ": Already authorized")
		}
		return nil
	}
	if !haveUser {
		if user, err = s.Ask("Username: "); err != nil {
			return err
		}
	}
	if !havePassword {
		if password, err = s.AskPassword("Password: "); err != nil {
			return err
		}
	}
	return authorize09(s, hosts, user, password)
}

func authorize09(s *session.Session, hosts []hostPort, user, password string) error {
	extra := url.Values{}
	for i, h := range hosts {
		extra.Set(fmt.Sprintf("node-%d", i), h.name)
		if h.port != "" {
			extra.Set("port-"+h.name, h.port)
		}
	}
	if s.Opts.Has("--force") {
		extra.Set("force", "1")
	}
	type result struct {
		token string
		wrong bool
		resp  client.Response
	}
	results := make([]result, len(hosts))
	var wg sync.WaitGroup
	for i, h := range hosts {
		wg.Go(func() {
			r := &results[i]
			r.token, r.wrong, r.resp = s.Remote().Login(s.Ctx, h.host(), user, password, extra, s.RequestTimeout(0))
		})
	}
	wg.Wait()
	fresh := map[string]client.Host{}
	for i, h := range hosts {
		if t := results[i].token; t != "" {
			host := h.host()
			host.Token = t
			fresh[h.name] = host
		}
	}
	var unsaved []string
	if len(fresh) > 0 {
		p, err := StoreHosts(s, func(known *client.Hosts) {
			for n, h := range fresh {
				known.ByName[n] = h
			}
		})
		if err != nil {
			return report.Fatalf("Unable to save authorization: %s", err)
		}
		if p.Conflict {
			return report.Fatal("Some nodes had a newer tokens than the local node. Local node's tokens were updated. Please repeat the authentication if needed.")
		}
		unsaved = p.Unsaved
	}
	if !s.Opts.Has("--local") {
		// Let the hosts know each other too; those in the cluster have just been told.
		extra.Set("bidirectional", "1")
		inCluster := s.ConfNodes()
		for i, h := range hosts {
			if results[i].token == "" || slices.Contains(inCluster, h.name) {
				continue
			}
			wg.Go(func() {
				_, _, _ = s.Remote().Login(s.Ctx, h.host(), user, password, extra, s.RequestTimeout(0))
			})
		}
		wg.Wait()
	}
	failed := false
	for i, h := range hosts {
		switch r := results[i]; {
		case r.token != "":
			s.Out.Print(h.name + ": Authorized")
		case r.wrong:
			failed = true
			s.Out.Error(h.name + ": Username and/or password is incorrect")
		default:
			failed = true
			s.Out.Error("Unable to communicate with " + h.name)
		}
	}
	if len(unsaved) > 0 {
		failed = true
		s.Out.Error("Unable to synchronize and save tokens on nodes: " + strings.Join(unsaved, ", ") + ". Are they authorized?")
	}
	if failed {
		return report.ErrSilent
	}
	return nil
}

// StoreHosts changes the known hosts: of this host alone, or of the whole cluster when it is in one.
func StoreHosts(s *session.Session, change func(*client.Hosts)) (client.Publication, error) {
	c := s.Remote()
	name, nodes := s.ClusterName(), s.ConfNodes()
	if !s.Root() || name == "" || len(nodes) == 0 {
		known, err := c.Hosts()
		if err != nil {
			return client.Publication{}, err
		}
		change(known)
		return client.Publication{}, c.Save(known, s.Legacy())
	}
	return c.Publish(s.Ctx, name, nodes, change, s.Legacy(), s.RequestTimeout(0))
}

// Token09 is `cluster token`, TokenNodes09 `cluster token-nodes`.
func Token09(s *session.Session, args []string) error {
	switch {
	case len(args) > 1:
		return report.Fatal("Must specify only one node")
	case len(args) == 0:
		return report.Fatal("Must specify a node to get authorization token from")
	}
	h, known := s.Remote().Lookup(args[0])
	if !known {
		return report.Fatalf("No authorization token for: %s", args[0])
	}
	s.Out.Print(h.Token)
	return nil
}

// TokenNodes09 is `cluster token-nodes`.
func TokenNodes09(s *session.Session, _ []string) error {
	h, err := s.Remote().Hosts()
	if err != nil {
		return report.Fatal(err.Error())
	}
	s.Out.Print(strings.Join(h.Names(), "\n"))
	return nil
}
