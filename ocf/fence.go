package ocf

import (
	"fmt"
	"slices"

	"github.com/beevik/etree"
)

// fenceMetadata completes what a fence agent tells of itself, as Pacemaker does: the cluster
// starts and stops the device itself, and fills in the action and the target, so that the
// configuration need not have them.
func fenceMetadata(data []byte) ([]byte, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(data); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if doc.Root() == nil {
		return nil, fmt.Errorf("metadata: no document")
	}
	if actions := doc.FindElement("//actions"); actions != nil && doc.FindElement("//action[@name='stop']") == nil {
		for _, name := range []string{"stop", "start"} {
			el := actions.CreateElement("action")
			el.CreateAttr("name", name)
			el.CreateAttr("timeout", "20s")
		}
	}
	seen := []string{"action", "plug", "port"}
	for _, p := range doc.FindElements("//parameter") {
		if i := slices.Index(seen, p.SelectAttrValue("name", "")); i >= 0 {
			p.CreateAttr("required", "0")
			seen[i] = ""
		}
	}
	return doc.WriteToBytes()
}
