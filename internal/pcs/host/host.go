// Package host is `pcs host`, `pcs client` and `pcs pcsd`: which hosts this one can talk to, and its own pcsd's
// certificate and tokens.
package host

import (
	"encoding/base64"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/cluster"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// parseAddr reads ADDRESS[:PORT]; an IPv6 address with a port stands in brackets.
func parseAddr(text string) (client.Dest, error) {
	if strings.Count(text, ":") > 1 && !strings.HasPrefix(text, "[") {
		text = "[" + text + "]"
	}
	bad := argv.Usagef("Invalid port number in address '%s', use 1..65535", text)
	d := client.Dest{Addr: text, Port: client.DefaultPort}
	at := strings.LastIndex(text, ":")
	if at > strings.LastIndex(text, "]") {
		d.Addr = text[:at]
		if port := text[at+1:]; port != "" {
			n, err := strconv.ParseUint(port, 10, 16)
			if err != nil || n == 0 {
				return d, bad
			}
			d.Port = int(n)
		}
	}
	d.Addr = strings.ToLower(strings.Trim(d.Addr, "[]"))
	return d, nil
}

// credentials are what -u and -p say, or what the user types.
func credentials(s *session.Session) (user, password string, err error) {
	user, password = s.Opts.Value("-u"), s.Opts.Value("-p")
	if !s.Opts.Has("-u") {
		if user, err = s.Ask("Username: "); err != nil {
			return "", "", err
		}
	}
	if !s.Opts.Has("-p") {
		password, err = s.AskPassword("Password: ")
	}
	return user, password, err
}

// maxToken is the longest token that a file may hold, in bytes.
const maxToken = 256

func tokenFrom(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", report.Fatalf("Unable to read file '%s': %s", path, session.Errno(err, path))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	switch {
	case err != nil:
		return "", report.Fatalf("Unable to read file '%s': %s", path, session.Errno(err, path))
	case len(data) > maxToken:
		return "", report.Fatalf("Maximal token size of %d bytes exceeded", maxToken)
	case len(data) == 0:
		return "", report.Fatalf("File '%s' is empty", path)
	}
	return base64.StdEncoding.EncodeToString(data), nil
}

// Auth is `host auth`.
func Auth(s *session.Session, args []string) error {
	if err := s.Opts.Only("-u", "-p", "--request-timeout", "--token"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usagef("No host specified")
	}
	names, options, err := argv.SplitByAnyKeyword(args, "host name")
	if err != nil {
		return err
	}
	var hosts []client.Host
	for _, n := range names {
		p, err := argv.KeyValues(options[n])
		if err != nil {
			return err
		}
		if bad := p.Without("addr"); len(bad) > 0 {
			return argv.Usagef("Unknown options %s for host '%s'", report.QuoteSorted(bad.Names()), n)
		}
		addr, ok := p.Get("addr")
		if !ok {
			addr = n
		}
		d, err := parseAddr(addr)
		if err != nil {
			return err
		}
		hosts = append(hosts, client.Host{Name: n, Dests: []client.Dest{d}})
	}
	if path := s.Opts.Value("--token"); path != "" {
		token, err := tokenFrom(path)
		if err != nil {
			return err
		}
		for i := range hosts {
			hosts[i].Token = token
		}
		return store(s, hosts)
	}
	user, password, err := credentials(s)
	if err != nil {
		return err
	}
	return Login(s, hosts, user, password)
}

// Login gets tokens from hosts and stores them.
func Login(s *session.Session, hosts []client.Host, user, password string) error {
	type answer struct {
		token string
		wrong bool
	}
	answers := make([]answer, len(hosts))
	var wg sync.WaitGroup
	for i, h := range hosts {
		wg.Go(func() {
			a := &answers[i]
			a.token, a.wrong, _ = s.Remote().Login(s.Ctx, h, user, password, url.Values{}, s.RequestTimeout(0))
		})
	}
	wg.Wait()
	var good []client.Host
	for i, h := range hosts {
		if answers[i].token != "" {
			h.Token = answers[i].token
			good = append(good, h)
		}
	}
	saved := error(nil)
	if len(good) > 0 {
		if saved = store(s, good); saved != nil && !isUnsaved(saved) {
			return saved
		}
	}
	failed := false
	for i, h := range hosts {
		switch a := answers[i]; {
		case a.token != "":
			s.Out.Info(h.Name + ": Authorized")
		case a.wrong:
			failed = true
			s.Out.Error(h.Name + ": Username and/or password is incorrect")
		default:
			failed = true
			s.Out.Error("Unable to communicate with " + h.Name)
		}
	}
	if saved != nil {
		return saved
	}
	if failed {
		return report.ErrSilent
	}
	return nil
}

// unsaved tells of nodes that could not be told of the known hosts.
type unsaved []string

func (u unsaved) Error() string {
	return "Unable to synchronize and save known-hosts on nodes: " + strings.Join(u, ", ") + ". Run 'pcs host auth " + strings.Join(u, " ") + "' to make sure the nodes are authorized."
}

func isUnsaved(err error) bool { _, ok := err.(unsaved); return ok }

// store adds hosts to those that this host, or its cluster, knows.
func store(s *session.Session, hosts []client.Host) error {
	return change(s, func(known *client.Hosts) {
		for _, h := range hosts {
			known.ByName[h.Name] = h
		}
	}, "Please repeat the authentication if needed.")
}

func change(s *session.Session, f func(*client.Hosts), again string) error {
	p, err := cluster.StoreHosts(s, f)
	switch {
	case err != nil:
		return report.Fatalf("Unable to save known-hosts: %s", err)
	case p.Conflict:
		return report.Fatal("Some nodes had a newer known-hosts than the local node. Local node's known-hosts were updated. " + again)
	case len(p.Unsaved) > 0:
		if p.TimedOut {
			s.Out.Error("Operation timed out")
		}
		return unsaved(p.Unsaved)
	}
	return nil
}

// Deauth is `host deauth`.
func Deauth(s *session.Session, args []string) error {
	if err := s.Opts.Only("--request-timeout"); err != nil {
		return err
	}
	known := s.KnownHosts()
	if len(args) == 0 {
		args = known.Names()
	}
	var missing []string
	for _, a := range args {
		if _, ok := known.ByName[a]; !ok && !slices.Contains(missing, a) {
			missing = append(missing, a)
		}
	}
	if len(missing) > 0 {
		return report.Fatalf("Following hosts were not found: '%s'", report.QuoteSorted(missing))
	}
	if len(args) == 0 {
		return nil
	}
	return change(s, func(h *client.Hosts) {
		for _, a := range args {
			delete(h.ByName, a)
		}
	}, "Please repeat the action if needed.")
}

// LocalAuth is `client local-auth`: a user who is not root gets a token from this host's pcsd.
func LocalAuth(s *session.Session, args []string) error {
	if err := s.Only("-u", "-p", "--request-timeout"); err != nil {
		return err
	}
	if len(args) > 1 {
		return argv.Usage()
	}
	port := client.DefaultPort
	if len(args) == 1 {
		n, err := strconv.ParseUint(args[0], 10, 16)
		if err != nil || n == 0 {
			return report.Items{report.Errorf("Invalid port number in address 'localhost:%s', use 1..65535", args[0])}
		}
		port = int(n)
	}
	user, password, err := credentials(s)
	if err != nil {
		return err
	}
	return Login(s, []client.Host{{Name: "localhost", Dests: []client.Dest{{Addr: "localhost", Port: port}}}}, user, password)
}

// ClusterAuth is `cluster auth` from 0.10 on: this host gets tokens of the cluster's nodes.
func ClusterAuth(s *session.Session, args []string) error {
	if err := s.Opts.Only("--corosync_conf", "--request-timeout", "-u", "-p"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	known := s.KnownHosts()
	var names, ask []string
	byName := map[string]corosyncconf.Node{}
	unnamed := false
	for _, n := range corosyncconf.Nodes(root) {
		if n.Name == "" {
			unnamed = true
			continue
		}
		byName[n.Name] = n
		if _, ok := known.ByName[n.Name]; ok {
			names = append(names, n.Name)
		} else {
			s.Out.Info(n.Name + ": Not authorized")
			ask = append(ask, n.Name)
		}
	}
	if unnamed {
		s.Out.Warn("Skipping nodes which do not have their name defined in corosync.conf, use the 'pcs host auth' command to authenticate them")
	}
	for _, r := range s.All(names, "remote/check_auth", url.Values{"check_auth_only": {"1"}}) {
		if i, failed := s.ResponseItem(r); failed {
			i.Severity = report.Info
			s.Out.Tell(i)
			ask = append(ask, r.Node)
		} else {
			s.Out.Info(r.Node + ": Already authorized")
		}
	}
	if len(ask) == 0 {
		s.Out.Info("Sending cluster config files to the nodes...")
		cluster.SendLocalConfigs(s, names)
		return nil
	}
	s.Out.Print("Nodes to authorize: " + strings.Join(ask, ", "))
	user, password, err := credentials(s)
	if err != nil {
		return err
	}
	var hosts []client.Host
	for _, n := range ask {
		addr := n
		if known := byName[n].Addrs; len(known) > 0 {
			addr = known[0].Addr
		}
		hosts = append(hosts, client.Host{Name: n, Dests: []client.Dest{{Addr: addr, Port: client.DefaultPort}}})
	}
	return Login(s, hosts, user, password)
}
