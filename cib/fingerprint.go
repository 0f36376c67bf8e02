package cib

import "github.com/beevik/etree"

// Fingerprint is a number that two documents have in common when their elements and attributes are the same, in the same order, and
// hardly ever else (as FNV-1a over 64 bits, eight bytes at a time). It is for finding copies that were damaged, at a tenth of the cost of a digest;
// who might choose what the documents hold could make two with one fingerprint.
func Fingerprint(root *etree.Element) uint64 {
	return fingerprint(fnvOffset, root)
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func fingerprint(h uint64, el *etree.Element) uint64 {
	h = fnv(h, el.Tag, '<')
	for i := range el.Attr {
		a := &el.Attr[i]
		h = fnv(h, a.Key, ' ')
		h = fnv(h, a.Value, '=')
	}
	for _, t := range el.Child {
		if c, ok := t.(*etree.Element); ok {
			h = fingerprint(h, c)
		}
	}
	return fnv(h, "", '>')
}

// fnv goes on with a text after a mark that says what it is, and how long the text is.
func fnv(h uint64, s string, mark byte) uint64 {
	h = mix(h, uint64(mark)<<56|uint64(len(s)))
	for len(s) >= 8 {
		h = mix(h, uint64(s[0])|uint64(s[1])<<8|uint64(s[2])<<16|uint64(s[3])<<24|uint64(s[4])<<32|uint64(s[5])<<40|uint64(s[6])<<48|uint64(s[7])<<56)
		s = s[8:]
	}
	last := uint64(0)
	for i := len(s) - 1; i >= 0; i-- {
		last = last<<8 | uint64(s[i])
	}
	return mix(h, last)
}

func mix(h, x uint64) uint64 {
	h = (h ^ x) * fnvPrime
	return h ^ h>>32
}
