// Package xpath evaluates XPath 1.0 expressions on element trees.
//
//	e, err := xpath.Compile("//primitive[@id='ip']/meta_attributes")
//	nodes, err := e.Select(root)   // in document order, each once
//
// What it gives is what libxml2 gives to Pacemaker: all of XPath 1.0, evaluated with
// no context node (a path that does not begin with "/" selects nothing), no variables
// and no namespaces (their axis is empty); id() knows the ids of a CIB. A document of which expressions come
// from strangers is safe: expressions have a most of length and depth, an evaluation a
// most of steps.
package xpath
