// Package xml reads and writes the XML of Pacemaker: CIBs, messages between
// daemons, agents' meta-data.
//
// Trees are etree's (*etree.Element), so that any code can walk them; reading
// and writing are this package's own, for three reasons: a reader knows line
// and column of every element and attribute, it refuses what libxml2 refuses,
// and the writers give the bytes that Pacemaker's give, so that files, patches
// and digests agree.
//
//	doc, err := xml.Parse(data)          // *xml.Error with line and column
//	doc.Root                             // *etree.Element
//	doc.Pos(el), doc.AttrPos(el, "id")   // where it stands
//	xml.Format(el)                       // two blanks a level, as files and screens
//	xml.Compact(el)                      // one line, as messages and digests
//
// UTF-8, UTF-16 and the encodings of the IANA's list are read; what is written is
// UTF-8. What a stranger sends costs no more than it is long: Max… are the limits.
//
// Blank text is dropped on reading, as Pacemaker does. Comments and CDATA
// sections are kept. Attribute values are normalised as XML 1.0 §3.3.3 says.
package xml
