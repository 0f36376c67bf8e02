// Package cib is the Cluster Information Base as a document: the XML in which a
// cluster's configuration and state are kept, and the operations that change it.
//
//	doc, err := cib.Load("/var/lib/pacemaker/cib/cib.xml")
//	res, err := cib.Apply(doc.Root, cib.Request{Op: cib.Modify, Section: "crm_config", Data: el})
//	err = cib.WriteFile("/tmp/new.xml", res.Root) // a new document; doc.Root is as it was
//
// Documents are trees of github.com/beevik/etree. The packages below this one do the parts of the
// work, and can be used by themselves: xml reads and writes, xpath selects, schema validates, upgrade
// raises a document to a newer schema, patch finds and applies differences, acl knows who may do what,
// rule and iso8601 evaluate rules and dates.
//
// Apply is a pure function: every node of a cluster that applies the same
// requests to the same document in the same order gets the same bytes. All
// changes, those of files and those of a running cluster, take this way.
package cib

import (
	"crypto/md5" //nolint:gosec // the digest that Pacemaker's files and patches carry
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/beevik/etree"

	"hacluster/cib/patch"
	"hacluster/cib/schema"
	"hacluster/cib/xml"
)

const (
	// FeatureSet is the crm_feature_set that a new document names, that of Pacemaker 3.0.2, whose rules hold here.
	FeatureSet = "3.20.5"
	// NewSchema is what the document of a new cluster is valid with; installed
	// tools of Pacemaker 2.1 read it.
	NewSchema = "pacemaker-3.9"
)

// Sections are the parts of a document that an operation may name.
var Sections = []string{
	"cib", "all", "configuration", "status", "crm_config", "nodes", "resources", "constraints",
	"rsc_defaults", "op_defaults", "acls", "alerts", "tags", "fencing-topology", "tickets",
}

// New gives an empty document at version 0.0.0.
func New() *etree.Element {
	root := etree.NewElement("cib")
	for _, a := range [][2]string{
		{"crm_feature_set", FeatureSet},
		{"validate-with", NewSchema},
		{"epoch", "0"},
		{"num_updates", "0"},
		{"admin_epoch", "0"},
	} {
		root.CreateAttr(a[0], a[1])
	}
	conf := root.CreateElement("configuration")
	for _, s := range []string{"crm_config", "nodes", "resources", "constraints"} {
		conf.CreateElement(s)
	}
	root.CreateElement("status")
	return root
}

// Empty gives an empty document that declares a schema ("" is the newest there is) and has an epoch.
func Empty(name string, epoch int64) *etree.Element {
	if name == "" {
		name = schema.Latest
	}
	root := etree.NewElement("cib")
	root.CreateAttr("crm_feature_set", FeatureSet)
	root.CreateAttr("validate-with", name)
	Version{Epoch: epoch}.Set(root)
	for _, c := range New().ChildElements() {
		root.AddChild(xml.Copy(c))
	}
	return root
}

// Parse reads a document; its root must be cib. Text between elements is dropped, a missing status
// is added. It does not validate; package schema does.
func Parse(data []byte) (*xml.Document, error) {
	doc, err := xml.Parse(data)
	if err != nil {
		return nil, err
	}
	if doc.Root.Tag != "cib" {
		return nil, fmt.Errorf("%s: the root is %s, not cib", doc.Pos(doc.Root), doc.Root.Tag)
	}
	DropText(doc.Root)
	if doc.Root.SelectElement("status") == nil {
		doc.Root.CreateElement("status")
	}
	return doc, nil
}

// DropText removes text nodes, not CDATA sections, at every level.
func DropText(el *etree.Element) {
	for i := len(el.Child) - 1; i >= 0; i-- {
		switch c := el.Child[i].(type) {
		case *etree.Element:
			DropText(c)
		case *etree.CharData:
			if !c.IsCData() {
				el.RemoveChildAt(i)
			}
		}
	}
}

// Version is the triple that orders the states of a CIB.
type Version struct{ AdminEpoch, Epoch, NumUpdates int64 }

// VersionOf reads the root's counters; missing and negative ones count as 0.
func VersionOf(root *etree.Element) Version {
	return Version{counter(root, "admin_epoch"), counter(root, "epoch"), counter(root, "num_updates")}
}

func counter(root *etree.Element, name string) int64 {
	n, err := strconv.ParseInt(root.SelectAttrValue(name, "0"), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Set writes the counters to root.
func (v Version) Set(root *etree.Element) {
	root.CreateAttr("admin_epoch", strconv.FormatInt(v.AdminEpoch, 10))
	root.CreateAttr("epoch", strconv.FormatInt(v.Epoch, 10))
	root.CreateAttr("num_updates", strconv.FormatInt(v.NumUpdates, 10))
}

// Compare is negative when v is older than o, positive when newer.
func (v Version) Compare(o Version) int {
	for _, d := range [...]int64{v.AdminEpoch - o.AdminEpoch, v.Epoch - o.Epoch, v.NumUpdates - o.NumUpdates} {
		if d < 0 {
			return -1
		} else if d > 0 {
			return 1
		}
	}
	return 0
}

func (v Version) String() string {
	return fmt.Sprintf("%d.%d.%d", v.AdminEpoch, v.Epoch, v.NumUpdates)
}

// FileDigest is the digest that stands in cib.xml.sig: MD5, 32 hex digits, of the
// document without its status.
func FileDigest(root *etree.Element) string {
	return DiskDigest(withoutStatus(root))
}

// withoutStatus is a document to be written, without its first status. Its parts are root's.
func withoutStatus(root *etree.Element) *etree.Element {
	st := root.SelectElement("status")
	if st == nil {
		return root
	}
	conf := &etree.Element{Space: root.Space, Tag: root.Tag, Attr: root.Attr}
	for _, t := range root.Child {
		if t != etree.Token(st) {
			conf.Child = append(conf.Child, t)
		}
	}
	return conf
}

// DiskDigest is the digest of XML as it lies on disk, all of it.
func DiskDigest(root *etree.Element) string {
	return sum(" " + string(xml.CompactWithout(root)) + "\n")
}

// Digest is the digest that patches and checks between nodes carry: of the whole
// document, without the attributes that tell who wrote it when.
func Digest(root *etree.Element) string {
	return patch.Digest(root)
}

func sum(s string) string {
	h := md5.Sum([]byte(s)) //nolint:gosec // see the import
	return hex.EncodeToString(h[:])
}

// Section finds a part by its name ("" is the whole); nil when the document lacks it.
func Section(root *etree.Element, name string) *etree.Element {
	switch name {
	case "", "cib", "all":
		return root
	case "configuration", "status":
		return root.SelectElement(name)
	}
	conf := root.SelectElement("configuration")
	if conf == nil || !known(name) {
		return nil
	}
	return conf.SelectElement(name)
}

// known tells that name is one of Sections.
func known(name string) bool { return name == "" || slices.Contains(Sections, name) }
