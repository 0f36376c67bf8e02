// Package client talks to pcsd of other nodes: which hosts are known and by which token,
// and one request to one or many of them.
package client

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
)

// DefaultPort is pcsd's TCP port.
const DefaultPort = 2224

// Dest is an address of a host.
type Dest struct {
	Addr string `json:"addr"`
	Port int    `json:"port"`
}

// Host is a known host: where it is and the token that it accepts.
type Host struct {
	Name  string
	Dests []Dest
	Token string
}

// Dest is the first address; a host without one is at its name.
func (h Host) Dest() Dest { return h.addresses()[0] }

// addresses are where the host may be reached, at least one, the preferred one first.
func (h Host) addresses() []Dest {
	if len(h.Dests) == 0 {
		return []Dest{{h.Name, DefaultPort}}
	}
	out := slices.Clone(h.Dests)
	for i := range out {
		out[i].Port = cmp.Or(out[i].Port, DefaultPort)
	}
	return out
}

// Hosts is the file known-hosts.
type Hosts struct {
	// Version counts changes; the greater one wins between nodes.
	Version int
	ByName  map[string]Host
}

type hostsFile struct {
	FormatVersion int                 `json:"format_version"`
	DataVersion   int                 `json:"data_version"`
	KnownHosts    map[string]hostJSON `json:"known_hosts"`
}

type hostJSON struct {
	DestList []destJSON `json:"dest_list"`
	Token    string     `json:"token"`
}

// destJSON takes the port as a number or as text.
type destJSON struct {
	Addr string `json:"addr"`
	Port any    `json:"port"`
}

// ParseHosts reads the file's text; an empty text is a file without hosts.
func ParseHosts(data []byte) (*Hosts, error) {
	h := &Hosts{ByName: map[string]Host{}}
	if len(bytes.TrimSpace(data)) == 0 {
		return h, nil
	}
	var f hostsFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("known-hosts: %w", JSONError(data, err))
	}
	if f.FormatVersion > 1 {
		return nil, fmt.Errorf("known-hosts: format %d is not known", f.FormatVersion)
	}
	h.Version = f.DataVersion
	for name, x := range f.KnownHosts {
		host := Host{Name: name, Token: x.Token}
		for _, d := range x.DestList {
			port := DefaultPort
			switch p := d.Port.(type) {
			case float64:
				port = int(p)
			case string:
				if _, err := fmt.Sscanf(p, "%d", &port); err != nil {
					return nil, fmt.Errorf("known-hosts: %q is not a port", p)
				}
			}
			host.Dests = append(host.Dests, Dest{d.Addr, port})
		}
		h.ByName[name] = host
	}
	return h, nil
}

// Text writes the file: two blanks a level, hosts by name, no newline at the end.
func (h *Hosts) Text() []byte {
	f := hostsFile{FormatVersion: 1, DataVersion: h.Version, KnownHosts: map[string]hostJSON{}}
	for name, x := range h.ByName {
		j := hostJSON{Token: x.Token, DestList: []destJSON{}}
		for _, d := range x.Dests {
			j.DestList = append(j.DestList, destJSON{d.Addr, d.Port})
		}
		f.KnownHosts[name] = j
	}
	return indented(f)
}

func indented(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// Names are the hosts' names, sorted.
func (h *Hosts) Names() []string {
	out := make([]string, 0, len(h.ByName))
	for n := range h.ByName {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// LoadHosts reads a known-hosts file; a missing one has no hosts.
func LoadHosts(path string) (*Hosts, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ParseHosts(nil)
	}
	if err != nil {
		return nil, err
	}
	return ParseHosts(data)
}

// SaveHosts writes a known-hosts file that only its owner can read.
func SaveHosts(path string, h *Hosts) error { return WriteSecret(path, h.Text()) }

// WriteSecret replaces a file whole, mode 0600, its folder made with mode 0700.
func WriteSecret(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(data); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Sync(); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// TokensText is the file that pcs 0.9 keeps in place of known-hosts.
func (h *Hosts) TokensText() []byte {
	f := struct {
		FormatVersion int               `json:"format_version"`
		DataVersion   int               `json:"data_version"`
		Tokens        map[string]string `json:"tokens"`
		Ports         map[string]*int   `json:"ports"`
	}{3, h.Version, map[string]string{}, map[string]*int{}}
	for name, x := range h.ByName {
		f.Tokens[name] = x.Token
		f.Ports[name] = nil
		if d := x.Dest(); d.Port != DefaultPort {
			f.Ports[name] = &d.Port
		}
	}
	return indented(f)
}

// ParseTokens reads the file of pcs 0.9, in formats 1 to 3.
func ParseTokens(data []byte) (*Hosts, error) {
	h := &Hosts{ByName: map[string]Host{}}
	if len(bytes.TrimSpace(data)) == 0 {
		return h, nil
	}
	var f struct {
		FormatVersion int               `json:"format_version"`
		DataVersion   int               `json:"data_version"`
		Tokens        map[string]string `json:"tokens"`
		Ports         map[string]*int   `json:"ports"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	if f.FormatVersion == 0 && f.Tokens == nil {
		if err := json.Unmarshal(data, &f.Tokens); err != nil {
			return nil, fmt.Errorf("tokens: %w", err)
		}
	}
	h.Version = f.DataVersion
	for name, token := range f.Tokens {
		d := Dest{name, DefaultPort}
		if p := f.Ports[name]; p != nil {
			d.Port = *p
		}
		h.ByName[name] = Host{name, []Dest{d}, token}
	}
	return h, nil
}
