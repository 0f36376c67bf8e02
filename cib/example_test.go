package cib_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"hacluster/cib"
	"hacluster/cib/acl"
	"hacluster/cib/patch"
	"hacluster/cib/xml"
)

const configuration = `<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="7" num_updates="3">
  <configuration>
    <crm_config/>
    <nodes>
      <node id="1" uname="alpha"/>
      <node id="2" uname="beta"/>
    </nodes>
    <resources>
      <primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2"/>
    </resources>
    <constraints/>
  </configuration>
  <status/>
</cib>`

// A change gives a new document; the old one stays as it was, and the versions count up.
func ExampleApply() {
	doc, err := cib.Parse([]byte(configuration))
	if err != nil {
		log.Fatal(err)
	}
	node, err := xml.ParseString(`<node id="3" uname="gamma"/>`)
	if err != nil {
		log.Fatal(err)
	}
	res, err := cib.Apply(doc.Root, cib.Request{Op: cib.Create, Section: "nodes", Data: node.Root})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(cib.VersionOf(doc.Root), "→", cib.VersionOf(res.Root))
	fmt.Print(string(xml.Format(cib.Section(res.Root, "nodes"))))
	// Output:
	// 0.7.3 → 0.8.0
	// <nodes>
	//   <node id="1" uname="alpha"/>
	//   <node id="2" uname="beta"/>
	//   <node id="3" uname="gamma"/>
	// </nodes>
}

// A query asks for a section, or for what an XPath expression selects.
func ExampleApply_query() {
	doc, err := cib.Parse([]byte(configuration))
	if err != nil {
		log.Fatal(err)
	}
	res, err := cib.Apply(doc.Root, cib.Request{Op: cib.Query, XPath: true, Section: "//node[@uname='beta']"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(xml.Compact(res.Data)))
	_, err = cib.Apply(doc.Root, cib.Request{Op: cib.Query, XPath: true, Section: "//group"})
	fmt.Println(cib.CodeOf(err) == cib.NotFound)
	// Output:
	// <node id="2" uname="beta"/>
	// true
}

// What is refused says why, with a code of Pacemaker's; the document stays as it was.
func ExampleApply_refused() {
	doc, err := cib.Parse([]byte(configuration))
	if err != nil {
		log.Fatal(err)
	}
	for _, change := range []string{
		`<primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2"/>`,
		`<primitive id="web" class="magic" type="apache"/>`,
	} {
		data, err := xml.ParseString(change)
		if err != nil {
			log.Fatal(err)
		}
		_, err = cib.Apply(doc.Root, cib.Request{Op: cib.Create, Section: "resources", Data: data.Root})
		fmt.Println(cib.CodeOf(err))
	}
	// Output:
	// File exists
	// Update does not conform to the configured schema
}

// With a user, the permissions that the configuration holds for it apply.
func ExampleApply_user() {
	doc, err := cib.Parse([]byte(configuration))
	if err != nil {
		log.Fatal(err)
	}
	root := doc.Root
	for _, change := range []string{
		`<acls><acl_role id="reader"><acl_permission id="all" kind="read" xpath="/cib"/></acl_role><acl_target id="joe"><role id="reader"/></acl_target></acls>`,
		`<crm_config><cluster_property_set id="cib-bootstrap-options"><nvpair id="acl" name="enable-acl" value="true"/></cluster_property_set></crm_config>`,
	} {
		data, err := xml.ParseString(change)
		if err != nil {
			log.Fatal(err)
		}
		res, err := cib.Apply(root, cib.Request{Op: cib.Modify, CanCreate: true, Section: data.Root.Tag, Data: data.Root})
		if err != nil {
			log.Fatal(err)
		}
		root = res.Root
	}
	joe := acl.User{Name: "joe"}
	_, err = cib.Apply(root, cib.Request{Op: cib.Query, Section: "nodes", User: joe})
	fmt.Println("read: ", cib.CodeOf(err))
	_, err = cib.Apply(root, cib.Request{Op: cib.Delete, XPath: true, Section: "//node", User: joe})
	fmt.Println("write:", cib.CodeOf(err))
	// Output:
	// read:  OK
	// write: Permission denied
}

// A patch leads from one document to another.
func ExampleApply_patch() {
	old, err := cib.Parse([]byte(configuration))
	if err != nil {
		log.Fatal(err)
	}
	fresh := old.Root.Copy()
	ip := fresh.FindElement("./configuration/resources/primitive")
	ip.CreateAttr("description", "where clients knock")
	diff := patch.Diff(old.Root, fresh, patch.NoVersions)
	for _, line := range patch.Describe(diff) {
		fmt.Println(line)
	}
	res, err := cib.Apply(old.Root, cib.Request{Op: cib.Patch, Data: diff})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(cib.VersionOf(res.Root))
	// Output:
	// +  /cib/configuration/resources/primitive[@id='ip']:  @description=where clients knock
	// 0.8.0
}

// A store keeps the states of a cluster's CIB so that a crash at any moment leaves a
// good one.
func ExampleStore() {
	dir, err := os.MkdirTemp("", "cib")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // of an example
	store := &cib.Store{Dir: dir}
	root, _, err := store.Load() // an empty folder gives an empty CIB
	if err != nil {
		log.Fatal(err)
	}
	res, err := cib.Apply(root, cib.Request{Op: cib.Bump})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Save(res.Root); err != nil {
		log.Fatal(err)
	}
	root, note, err := store.Load()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s %q\n", cib.VersionOf(root), note)
	// Output:
	// 0.1.1 ""
}

// A file is replaced as a whole: whoever reads it sees the old or the new document.
func ExampleWriteFile() {
	dir, err := os.MkdirTemp("", "cib")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // of an example
	file := filepath.Join(dir, "shadow.test")
	if err := cib.WriteFile(file, cib.Empty("pacemaker-3.9", 0)); err != nil {
		log.Fatal(err)
	}
	doc, err := cib.Load(file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(doc.Root.SelectAttrValue("validate-with", ""), doc.Pos(cib.Section(doc.Root, "resources")))
	// Output:
	// pacemaker-3.9 5:5
}
