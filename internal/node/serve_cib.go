package node

import (
	"fmt"
	"strconv"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/schema"
	"hacluster/engine/replica"
	"hacluster/internal/ipc"
)

// cib serves the CIB manager's protocol.
func (r *request) cib() {
	op := r.get("cib_op")
	if name := r.get("cib_clientname"); r.session.name == "" {
		r.session.name = name
	}
	switch op {
	case "register":
		el := etree.NewElement("cib_common_callback_worker")
		el.CreateAttr("cib_op", "register")
		el.CreateAttr("cib_clientid", r.session.id)
		r.answer(el, ipc.ServerInternal)
		return
	case "cib_notify":
		if r.get("cib_notify_type") == "cib_diff_notify" || r.get("cib_notify_type") == "cib_refresh_notify" {
			if se := r.watcher(); r.get("cib_notify_type") == "cib_diff_notify" {
				se.diffs = r.get("cib_notify_activate") == "1"
			}
		}
		r.ack(ackOK)
		return
	}
	opts, err := strconv.ParseUint(r.get("cib_callopt"), 10, 32)
	if err != nil {
		opts = 0
	}
	o := cib.Options(opts)
	if o&cib.OptSync == 0 {
		r.ack(ackOK)
	}
	req := cib.Request{Op: cib.Op(op), Section: r.get("cib_section"), MaxSchema: r.get("cib_schema_max"), User: r.user, Now: time.Now()}
	req.SetOptions(o)
	if d := r.frame.Body.SelectElement("cib_calldata"); d != nil {
		if c := d.ChildElements(); len(c) > 0 {
			req.Data = c[0]
		}
	}
	reply := func(res cib.Result, err error) { r.cibReply(o, res, err) }
	core := r.s.node.core
	host := core.named(r.get("cib_host"))
	switch req.Op {
	case cib.Query:
		core.QueryAt(host, req, func(data *etree.Element, err error) { reply(cib.Result{Data: data}, err) })
	case cib.Create, cib.Modify, cib.Replace, cib.Delete, cib.Erase, cib.Bump, cib.Patch, cib.Upgrade, cib.Commit:
		r.changeCIB(host, req, o, reply)
	case "noop", "cib_ismaster", "ping":
		reply(cib.Result{}, nil)
	case "cib_schemas":
		data, err := schemasAfter(req.Data, core.Replica.Root())
		reply(cib.Result{Data: data}, err)
	default:
		reply(cib.Result{}, &cib.Error{Code: cib.NotSupported, Detail: "operation " + op})
	}
}

// cibReply tells a client what came of its request, as its options want it.
func (r *request) cibReply(o cib.Options, res cib.Result, err error) {
	if o&cib.OptDiscardReply != 0 {
		return
	}
	el := etree.NewElement("cib-reply")
	for _, a := range [][2]string{
		{"t", "cib"},
		{"cib_op", r.get("cib_op")},
		{"cib_callid", r.get("cib_callid")},
		{"cib_clientid", r.session.id},
		{"cib_callopt", r.get("cib_callopt")},
		{"cib_rc", strconv.Itoa(-int(cib.CodeOf(err)))},
	} {
		el.CreateAttr(a[0], a[1])
	}
	if detail := cib.DetailOf(err); detail != "" {
		el.CreateAttr(detailAttr, detail)
	}
	if res.Data != nil {
		// It may be part of the document, and stays there: it is written at once.
		data := el.CreateElement("cib_calldata")
		data.Child = append(data.Child, res.Data)
	}
	if o&cib.OptSync != 0 {
		r.answer(el, ipc.ServerInternal)
	} else {
		r.s.event(r.session, el)
	}
}

// changeCIB orders a change, or tells what would come of it.
func (r *request) changeCIB(host string, req cib.Request, o cib.Options, reply func(cib.Result, error)) {
	core := r.s.node.core
	if r.session.service == "cib_ro" {
		reply(cib.Result{}, &cib.Error{Code: cib.Access, Detail: "this connection may only read"})
		return
	}
	// A change is all nodes', whichever is named for it, so that their CIBs are the same.
	if err := core.ThereFor(host); err != nil {
		reply(cib.Result{}, err)
		return
	}
	if req.Op == cib.Upgrade {
		max, by := core.Controller.MaxSchema()
		if err := unchanged(core.Replica.Root(), req.MaxSchema, max, by); err != nil {
			reply(cib.Result{}, err)
			return
		}
	}
	if o&cib.OptDryRun != 0 {
		reply(core.Replica.Try(req))
		return
	}
	core.Change(req.Now, replica.Client{ID: r.session.id, Name: r.session.name, User: r.user.Name, Groups: r.user.Groups}, req, reply)
}

// schemasAfter answers a remote host of Pacemaker's that asks for the files of schemas newer than the newest one that it knows. It
// needs none as long as it knows the document's; Pacemaker's files are not at hand here.
func schemasAfter(asked, root *etree.Element) (*etree.Element, error) {
	if asked == nil || asked.SelectAttr("version") == nil {
		return nil, &cib.Error{Code: cib.Protocol, Detail: "no schema is named after which others are asked for"}
	}
	known, have := asked.SelectAttrValue("version", ""), root.SelectAttrValue("validate-with", "")
	if schema.Known(known) && schema.Compare(known, have) < 0 {
		return nil, &cib.Error{Code: cib.NotSupported, Detail: fmt.Sprintf("not supported yet: files of schemas, for a host that knows none newer than %s where the CIB has %s", known, have)}
	}
	return etree.NewElement("schemas"), nil
}

// unchanged says why an upgrade would leave the document where it is; nil: it would not. asked
// is the newest schema that is asked for, "" the newest of all; known is the newest that every
// node knows, as far as by says ("" when they are still joining).
func unchanged(root *etree.Element, asked, known, by string) error {
	have := root.SelectAttrValue("validate-with", "")
	if asked == "" {
		asked = schema.Latest
	}
	switch {
	case schema.Compare(have, asked) >= 0:
		return &cib.Error{Code: cib.SchemaUnchanged}
	case schema.Compare(have, known) < 0:
		return nil
	case by == "":
		return &cib.Error{Code: cib.TryAgain, Detail: "nodes are joining the cluster, and have not said yet which schemas they know"}
	}
	return &cib.Error{Code: cib.SchemaUnchanged, Detail: fmt.Sprintf("node %s knows none newer than %s", by, known)}
}

// diffEvent is what a watcher of the CIB is told about a change, with the patchset if it may see that.
func diffEvent(ch replica.Change, patch bool) *etree.Element {
	el := etree.NewElement("notify")
	for _, a := range [][2]string{{"t", "cib_notify"}, {"subt", "cib_diff_notify"}, {"cib_op", string(ch.Op)}, {"cib_rc", "0"}, {"cib_object_type", ch.Section}} {
		if a[1] != "" {
			el.CreateAttr(a[0], a[1])
		}
	}
	gen := el.CreateElement("cib_generation").CreateElement("generation_tuple")
	for _, a := range ch.Doc.Root().Attr {
		gen.CreateAttr(a.Key, a.Value)
	}
	if !patch {
		return el
	}
	if d := ch.Doc.Diff(); d != nil {
		el.CreateElement("cib_update_result").AddChild(d)
	}
	return el
}
