package quorumdevice

import (
	"context"
	"strconv"

	"hacluster/corosync/client"
	"hacluster/corosync/qdevice"
)

// readSettings reads the daemon's map of keys.
func readSettings(ctx context.Context, c *client.Cmap) (*qdevice.Settings, error) {
	keys := map[string]string{}
	for _, prefix := range []string{"quorum.", "totem.cluster_name", "totem.config_version", "nodelist.", "runtime.votequorum.this_node_id"} {
		for e, err := range c.All(ctx, prefix) {
			if err != nil {
				return nil, err
			}
			keys[e.Key] = text(e)
		}
	}
	return qdevice.ReadSettings(keys)
}

// text is a value as a configuration file would have it.
func text(e client.Entry) string {
	if s, ok := e.Value.Text(); ok {
		return s
	}
	if u, ok := e.Value.Uint(); ok {
		return strconv.FormatUint(u, 10)
	}
	return ""
}
