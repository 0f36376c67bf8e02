package tool

import (
	"io"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/internal/program"
)

// ReadXML reads XML from a file, "" and "-" are standard input, one whose name
// ends in .bz2 is unpacked. Text between elements is dropped, as Pacemaker does. Entities of the
// document's own are replaced: Pacemaker's programs crash on some, and lose ids with others.
func ReadXML(env *program.Env, file string) (*etree.Element, error) {
	var data []byte
	var err error
	if file == "" || file == "-" {
		data, err = io.ReadAll(io.LimitReader(env.Stdin, xml.MaxSize+1))
	} else {
		data, err = cib.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	doc, err := xml.Parse(data)
	if err != nil {
		return nil, err
	}
	cib.DropText(doc.Root)
	doc.Expand()
	return doc.Root, nil
}

// ParseXML reads XML from a word of the command line as ReadXML does, but text that is not blank stays.
func ParseXML(text string) (*etree.Element, error) {
	doc, err := xml.ParseString(text)
	if err != nil {
		return nil, err
	}
	doc.Expand()
	return doc.Root, nil
}
