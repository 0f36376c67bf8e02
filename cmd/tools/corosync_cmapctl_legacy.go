package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hacluster/corosync/client"
	"hacluster/corosync/cmap"
	"hacluster/corosync/local"
)

// Corosync 2 has one map: what is in the map of statistics today was in it, too, under other names, and what came with
// kronosnet was not there.

// legacyPlaces are where keys were, by where they are; the first that fits counts.
var legacyPlaces = [][2]string{
	{"runtime.members.", "runtime.totem.pg.mrp.srp.members."},
	{"stats.srp.", "runtime.totem.pg.mrp.srp."},
	{"stats.pg.", "runtime.totem.pg."},
	{"stats.ipcs.global.", "runtime.connections."},
}

// laterKeys are keys, or beginnings of keys, that Corosync 2 does not have.
var laterKeys = []string{
	"runtime.config.totem.block_unlisted_ips", "runtime.config.totem.cancel_token_hold_on_retransmit", "runtime.config.totem.interface.",
	"runtime.config.totem.knet_", "runtime.config.totem.token_warning", "runtime.force_gather", "runtime.totem.fast_detection",
	"stats.srp.time_since_token_last_received", "stats.knet.", "stats.schedmiss.",
}

// legacyKey is Corosync 2's name of a key; false where it has none.
func legacyKey(key string) (string, bool) {
	for _, l := range laterKeys {
		if strings.HasPrefix(key, l) {
			return "", false
		}
	}
	for _, p := range legacyPlaces {
		if rest, ok := strings.CutPrefix(key, p[0]); ok {
			return p[1] + rest, true
		}
	}
	return key, true
}

// modernKey is where a key of Corosync 2 is today, and whether in the map of statistics. Connections are not found by it.
func modernKey(key string) (modern string, stats bool) {
	for _, p := range legacyPlaces {
		if rest, ok := strings.CutPrefix(key, p[1]); ok {
			return p[0] + rest, strings.HasPrefix(p[0], "stats.")
		}
	}
	return key, false
}

// legacyConnection begins the keys of local connections.
const legacyConnection = "stats.ipcs.service"

// legacyConnections are the keys of local connections as they were: of the program, its process and its connection.
func legacyConnections(entries []client.Entry) (list []client.Entry) {
	byConnection := map[string]map[string]cmap.Value{}
	var order []string
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Key, legacyConnection)
		if !ok {
			continue
		}
		at := strings.LastIndexByte(rest, '.')
		if at < 0 {
			continue
		}
		if byConnection[rest[:at]] == nil {
			byConnection[rest[:at]] = map[string]cmap.Value{}
			order = append(order, rest[:at])
		}
		byConnection[rest[:at]][rest[at+1:]] = e.Value
	}
	for _, c := range order {
		var service, pid uint32
		var handle string
		if _, err := fmt.Sscanf(strings.ReplaceAll(c, ".", " "), "%d %d %s", &service, &pid, &handle); err != nil {
			continue
		}
		v := byConnection[c]
		name, _ := v["procname"].Text()
		prefix := fmt.Sprintf("runtime.connections.%s:%d:%s.", validKey(name), pid, handle)
		list = append(list,
			client.Entry{Key: prefix + "name", Value: cmap.Text(name)},
			client.Entry{Key: prefix + "client_pid", Value: cmap.U32(pid)},
			client.Entry{Key: prefix + "service_id", Value: cmap.U32(service)},
			client.Entry{Key: prefix + "queue_size", Value: v["queued"]})
		for _, k := range []string{"responses", "dispatched", "requests", "send_retries", "recv_retries", "flow_control", "flow_control_count", "invalid_request", "overload"} {
			list = append(list, client.Entry{Key: prefix + k, Value: v[k]})
		}
	}
	return list
}

// validKey is a text with what a key must not have as _.
func validKey(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && cmap.ValidPrefix(string(r)) {
			return r
		}
		return '_'
	}, text)
}

// statistics is a connection to the map of statistics.
func (c *cmapctl) statistics(ctx context.Context) (*client.Cmap, error) {
	if c.statsMap != nil {
		return c.statsMap, nil
	}
	m, err := client.DialCmap(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.UseStats(ctx); err != nil {
		m.Close()
		return nil, err
	}
	c.statsMap = m
	return m, nil
}

// legacyEntries are all keys that begin with prefix, as Corosync 2 has them.
func (c *cmapctl) legacyEntries(ctx context.Context, prefix string) ([]client.Entry, error) {
	stats, err := c.statistics(ctx)
	if err != nil {
		return nil, err
	}
	var all []client.Entry
	for _, m := range []*client.Cmap{c.m, stats} {
		for e, err := range m.All(ctx, "") {
			if err != nil {
				return nil, err
			}
			all = append(all, e)
		}
	}
	list := legacyConnections(all)
	for _, e := range all {
		if key, ok := legacyKey(e.Key); ok && !strings.HasPrefix(e.Key, legacyConnection) {
			list = append(list, client.Entry{Key: key, Value: e.Value})
		}
	}
	return slices.DeleteFunc(list, func(e client.Entry) bool { return !strings.HasPrefix(e.Key, prefix) }), nil
}

// legacyGet is the value of a key of Corosync 2.
func (c *cmapctl) legacyGet(ctx context.Context, key string) (cmap.Value, error) {
	modern, stats := modernKey(key)
	if strings.HasPrefix(key, "runtime.connections.") {
		list, err := c.legacyEntries(ctx, key)
		for _, e := range list {
			if e.Key == key {
				return e.Value, nil
			}
		}
		if err == nil {
			err = local.NotExist
		}
		return cmap.Value{}, err
	}
	if _, ok := legacyKey(modern); !ok {
		return cmap.Value{}, local.NotExist
	}
	if !stats {
		return c.m.Get(ctx, modern)
	}
	m, err := c.statistics(ctx)
	if err != nil {
		return cmap.Value{}, err
	}
	return m.Get(ctx, modern)
}
