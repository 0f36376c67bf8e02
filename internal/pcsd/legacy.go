package pcsd

import (
	"encoding/json"
	"fmt"
	"net/url"
	"sort"
	"strings"
	"sync"
	"time"

	"hacluster/internal/pcs/cluster"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// authOthers lets this host use the others that a client of 0.9 names (node-0, node-1 …),
// with the password that has just been found right.
func (s *Server) authOthers(r *request, user, password string) {
	var nodes []string
	for name, v := range r.PostForm {
		if strings.HasPrefix(name, "node-") && len(v) > 0 && v[0] != "" && len(nodes) < 64 {
			nodes = append(nodes, v[0])
		}
	}
	sort.Strings(nodes)
	form := url.Values{"username": {user}, "password": {password}}
	var mu sync.Mutex
	fresh := map[string]client.Host{}
	var wg sync.WaitGroup
	c := s.conf.remote()
	for _, n := range nodes {
		wg.Go(func() {
			h := client.Host{Name: n, Dests: []client.Dest{{Addr: n, Port: client.DefaultPort}}}
			var port int
			if _, err := fmt.Sscanf(r.PostForm.Get("port-"+n), "%d", &port); err == nil && port > 0 && port < 65536 {
				h.Dests[0].Port = port
			}
			a := c.CallHost(r.Context(), h, client.Request{Path: "remote/auth", Form: form, NoToken: true, Timeout: 20 * time.Second})
			if t := strings.TrimSpace(a.Body); a.Kind == client.OK && t != "" {
				h.Token = t
				mu.Lock()
				fresh[n] = h
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(fresh) == 0 {
		return
	}
	err := s.changeHosts(r.Context(), func(h *client.Hosts) {
		for n, x := range fresh {
			h.ByName[n] = x
		}
	}, true)
	if err != nil {
		s.conf.Log.Error("Unable to store tokens", "reason", err)
	}
}

// editConf changes corosync.conf for a client of 0.9: [0, TEXT] when it went well, [1, WHY] else.
func (s *Server) editConf(edit func(root *corosyncconf.Section) error) answer {
	reply := func(code int, text any) answer {
		data, err := json.Marshal([]any{code, text})
		if err != nil {
			return plainBad(err.Error())
		}
		return ok(string(data))
	}
	root, err := corosyncconf.Parse09(s.confText())
	if err == nil {
		err = edit(root)
	}
	if err != nil {
		return reply(1, err.Error())
	}
	text := root.String()
	s.backup(s.conf.Paths.CorosyncConf)
	if err := writeInPlace(s.conf.Paths.CorosyncConf, []byte(text), 0o644); err != nil {
		return reply(1, err.Error())
	}
	return reply(0, text)
}

func (s *Server) addNode(r *request) answer {
	name := r.value("new_nodename")
	if name == "" {
		return plainBad("missing new_nodename")
	}
	addrs := []string{name}
	if a := r.value("new_ring1addr"); a != "" {
		addrs = append(addrs, a)
	}
	return s.editConf(func(root *corosyncconf.Section) error { return cluster.AddNode09(root, addrs, s.keepFencing(r)) })
}

func (s *Server) removeNode(r *request) answer {
	name := r.value("remove_nodename")
	if name == "" {
		return plainBad("missing remove_nodename")
	}
	return s.editConf(func(root *corosyncconf.Section) error {
		removed := cluster.RemoveNode09(root, []string{name}, s.keepFencing(r))
		if !s.conf.Services.IsActive(r.Context(), "pacemaker") {
			// Nobody else would have the CIB forget it.
			if err := cluster.ForgetOnDisk(s.conf.Paths.CIBDir, name); err != nil {
				s.conf.Log.Error("The CIB on disk still has a removed node", "node", name, "reason", err)
			}
		}
		if !removed {
			return fmt.Errorf("unable to remove %s", name)
		}
		return nil
	})
}

// keepFencing has quorum be what this host's SBD needs for the nodes that are in the file now.
func (s *Server) keepFencing(r *request) func(root *corosyncconf.Section) {
	return func(root *corosyncconf.Section) {
		session.KeepFencing(r.Context(), s.conf.Services, s.conf.Paths, root)
	}
}

func (s *Server) pcsdRestart(*request) answer {
	if err := s.restart(); err != nil {
		return plainBad(err.Error())
	}
	return ok("success")
}

func (s *Server) instanceSignature(*request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ok(s.signature)
}
