package status

// SplitBrain tells that nothing keeps two nodes that lose sight of each other from both
// running everything, with the reason and the remedies; "" where something does. An
// administrator may want it so, but is to know what it is.
func (c *Cluster) SplitBrain() string {
	members := 0
	for _, n := range c.Nodes {
		if !n.IsRemote {
			members++
		}
	}
	if members != 2 || c.Options.FencingEnabled || c.Options.QuorumPolicy != QuorumIgnore {
		return ""
	}
	return "Both nodes run every resource at once when they lose sight of each other, which ruins shared data: " +
		"stonith-enabled is false and no-quorum-policy is ignore. " +
		"Create a fence device (pcs stonith create) and set stonith-enabled=true, " +
		"or add a quorum device (pcs quorum device add) and set no-quorum-policy=stop"
}
