// Package webstatus is what pcsd's call `status` tells the web interface of a cluster's configuration and resources,
// in the shape of pcs 0.11: a CIB and the XML of `crm_mon --inactive` go in, values for JSON come out. It is pure.
//
// Bundles are no resources to it, as in the original.
package webstatus
