package session

import (
	"slices"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/doc"
)

// WarnOfUtilization tells when the cluster does not look at utilization at all.
func (s *Session) WarnOfUtilization(root *etree.Element) {
	value, ok := "default", false
	for _, nv := range doc.Children(doc.Child(doc.Section(root, "crm_config"), "cluster_property_set"), "nvpair") {
		if doc.Attr(nv, "name") == "placement-strategy" && !ok {
			value, ok = doc.Attr(nv, "value"), true
		}
	}
	if !slices.Contains([]string{"balanced", "minimal", "utilization"}, value) {
		s.Out.Warn("Utilization attributes configuration has no effect until cluster property option 'placement-strategy' is set to one of the values: 'balanced', 'minimal', 'utilization'")
	}
}
