package cib

// Options are a request's flags as they stand in messages (cib_callopt).
type Options uint32

// The flags that a CIB manager acts on. Those that SetOptions takes over are fields of Request.
const (
	OptVerbose       Options = 0x1
	OptXPath         Options = 0x2
	OptMultiple      Options = 0x4
	OptCanCreate     Options = 0x8
	OptDiscardReply  Options = 0x10 // the client wants no answer
	OptNoChildren    Options = 0x20
	OptPathsOnly     Options = 0x40
	OptScopeLocal    Options = 0x100   // only this node's document is asked
	OptDryRun        Options = 0x200   // nothing is to change: what would come of it?
	OptSync          Options = 0x1000  // the client waits for the answer
	OptNoStamp       Options = 0x2000  // the root is not to tell who changed it when
	OptInhibitNotify Options = 0x10000 // nobody is told of the change
)

// SetOptions takes over the flags that Apply knows.
func (r *Request) SetOptions(o Options) {
	r.Verbose = o&OptVerbose != 0
	r.XPath = o&OptXPath != 0
	r.Multiple = o&OptMultiple != 0
	r.CanCreate = o&OptCanCreate != 0
	r.NoChildren = o&OptNoChildren != 0
	r.PathsOnly = o&OptPathsOnly != 0
}

// Options gives the flags back as a message carries them.
func (r *Request) Options() Options {
	var o Options
	for _, f := range []struct {
		set bool
		bit Options
	}{{r.Verbose, OptVerbose}, {r.XPath, OptXPath}, {r.Multiple, OptMultiple}, {r.CanCreate, OptCanCreate}, {r.NoChildren, OptNoChildren}, {r.PathsOnly, OptPathsOnly}} {
		if f.set {
			o |= f.bit
		}
	}
	return o
}
