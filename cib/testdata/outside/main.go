// Command outside is a program of somebody else's: it reads a cluster's configuration,
// moves a resource to another node, holds the result against its schema and writes it.
//
//	outside FILE RESOURCE NODE
package main

import (
	"errors"
	"fmt"
	"os"

	"hacluster/cib"
	"hacluster/cib/schema"
	"hacluster/cib/xml"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: outside FILE RESOURCE NODE")
		os.Exit(2)
	}
	if err := prefer(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func prefer(file, resource, node string) error {
	doc, err := cib.Load(file)
	if err != nil {
		return err
	}
	// Is there such a resource?
	_, err = cib.Apply(doc.Root, cib.Request{Op: cib.Query, XPath: true, Section: "//primitive[@id=" + xml.QuoteXPath(resource) + "]"})
	if err != nil {
		return fmt.Errorf("resource %s: %w", resource, err)
	}
	wish, err := xml.ParseString(fmt.Sprintf(`<rsc_location id="wish-%s" rsc="%s" node="%s" score="100"/>`,
		xml.EscapeAttr(resource), xml.EscapeAttr(resource), xml.EscapeAttr(node)))
	if err != nil {
		return err
	}
	res, err := cib.Apply(doc.Root, cib.Request{Op: cib.Modify, CanCreate: true, Section: "constraints", Data: wish.Root})
	var refused *cib.Error
	switch {
	case errors.As(err, &refused) && refused.Code == cib.SchemaValidation:
		return fmt.Errorf("the result would not be valid: %w", err)
	case err != nil:
		return err
	}
	for _, p := range schema.Validate(res.Root, res.Root.SelectAttrValue("validate-with", "")) {
		return errors.New(p.Text)
	}
	fmt.Println("version", cib.VersionOf(doc.Root), "becomes", cib.VersionOf(res.Root))
	return cib.WriteFile(file, res.Root)
}
