package status

import "fmt"

// CircleTag is the element in which the DC's node_state tells that plans wait, since they turn in a circle: its resources, its steps, and why
// each was made (engine/controller/brake.go).
const CircleTag = "hacluster_circle"

// Circle tells that the DC has plans wait, because the cluster turns in a circle, with the resources and the reason; "" where it has not.
func (c *Cluster) Circle() string {
	if c.DC == nil {
		return ""
	}
	for st := range elements(c.CIB, "status") {
		for s := range elements(st, "node_state") {
			el := s.SelectElement(CircleTag)
			if el == nil || s.SelectAttrValue("uname", "") != c.DC.Name {
				continue
			}
			get := func(name string) string { return el.SelectAttrValue(name, "something") }
			return fmt.Sprintf("The cluster turns in a circle with %s, and waits some seconds each time: the same steps (%s) are planned again and again, and all that happens in between is: %s. "+
				"Look for what the agents of these resources do while they start, stop or are monitored",
				get("resources"), get("steps"), get("why"))
		}
	}
	return ""
}
