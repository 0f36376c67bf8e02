package tool

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/acl"
	"hacluster/cib/schema"
	"hacluster/cib/upgrade"
	"hacluster/cib/xml"
	"hacluster/corosync/ipc"
	"hacluster/internal/account"
	"hacluster/internal/client"
	"hacluster/internal/program"
)

// CIB is the configuration that a program works on: a file (CIB_file), a shadow
// copy (CIB_shadow), or the cluster, of this host or of others (CIB_port).
type CIB struct {
	env  *program.Env
	file string // "" is the cluster
	root *etree.Element
	// dirty tells that an operation succeeded, so that the file is written at the end.
	dirty bool
	live  *client.CIB

	// Messages tell what upgrades of a file rewrote.
	Messages []upgrade.Message
}

// Unchecked is what programs say on standard error of a CIB whose schema is "none".
const Unchecked = `Schema validation of configuration is disabled (support for validate-with set to "none" is deprecated and will be removed in a future release)`

// Path is the file that a program's environment names, "" for the cluster.
// CIB_shadow wins over CIB_file.
func Path(env *program.Env) string {
	if name := env.Getenv("CIB_shadow"); name != "" {
		return ShadowPath(env, name)
	}
	return env.Getenv("CIB_file")
}

// ShadowPath is the file of a shadow copy: in CIB_shadow_dir, else where the
// cluster keeps its CIB (root, hacluster), in ~/.cib, or with temporary files.
func ShadowPath(env *program.Env, name string) string {
	dir := env.Getenv("CIB_shadow_dir")
	if dir == "" {
		u, err := user.Current()
		switch {
		case err == nil && (u.Uid == "0" || u.Username == "hacluster"):
			dir = "/var/lib/pacemaker/cib"
		case strings.HasPrefix(env.Getenv("HOME"), "/"):
			dir = filepath.Join(env.Getenv("HOME"), ".cib")
			_ = os.Mkdir(dir, 0o700) // if it cannot be made, the file in it tells
		default:
			dir = os.TempDir()
		}
	}
	return dir + "/shadow." + name // not joined: "./shadow.NAME" stays as it is
}

// Open opens the configuration that the environment names. Errors are *cib.Error:
// NotFound where the file is missing, SchemaValidation where it cannot be used.
func Open(ctx context.Context, env *program.Env) (*CIB, error) {
	c := &CIB{env: env, file: Path(env)}
	if c.file == "" {
		live, err := DialCIB(ctx, env)
		TellWhy(env, err)
		var told *cib.Error
		switch {
		case errors.As(err, &told):
			return nil, told
		case err != nil:
			return nil, &cib.Error{Code: cib.NotConnected}
		}
		c.live = live
		return c, nil
	}
	var data []byte
	var err error
	if c.file == "-" {
		data, err = io.ReadAll(io.LimitReader(env.Stdin, xml.MaxSize+1))
	} else {
		data, err = cib.ReadFile(c.file)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &cib.Error{Code: cib.NotFound}
	case errors.Is(err, fs.ErrPermission):
		return nil, &cib.Error{Code: cib.Access}
	case err != nil:
		return nil, &cib.Error{Code: cib.SchemaValidation}
	}
	doc, err := cib.Parse(data)
	if err != nil || !valid(doc) {
		return nil, &cib.Error{Code: cib.SchemaValidation}
	}
	c.root = doc.Root
	return c, nil
}

// Live tells that the configuration is the cluster's.
func (c *CIB) Live() bool { return c.live != nil }

// At has the cluster's requests carried out by the CIB manager of a node; a file has none.
func (c *CIB) At(node string) {
	if c.live != nil {
		c.live.Node = node
	}
}

// Root gives the whole document, which is not to be changed.
func (c *CIB) Root(ctx context.Context) (*etree.Element, error) {
	return c.Do(ctx, cib.Request{Op: cib.Query})
}

// Raise is root, which Root or a query of a whole document gave, as the scheduler and the programs
// read it: in the newest schema, in memory. A file has to be valid. The cluster's document was valid
// before what the user may not read was taken out of it. The result is only to be read.
func (c *CIB) Raise(root *etree.Element) (upgrade.Result, error) {
	if c.live != nil {
		return upgrade.ForReading(root)
	}
	return upgrade.ForScheduler(root)
}

// Do carries one operation out and gives its answer. Errors are *cib.Error. Without
// a user of its own it is the request of the user that CIB_user names, if any.
func (c *CIB) Do(ctx context.Context, req cib.Request) (*etree.Element, error) {
	if req.User.Name == "" {
		req.User.Name = c.env.Getenv("CIB_user")
	}
	if c.live != nil {
		data, err := c.live.Do(ctx, req)
		return data, liveError(err)
	}
	req.User = inGroups(req.User)
	req.Now = time.Now()
	res, err := cib.Apply(c.root, req)
	c.Messages = append(c.Messages, res.Messages...)
	if err != nil {
		return res.Data, err
	}
	if req.Op != cib.Query {
		c.root, c.dirty = res.Root, true
	}
	return res.Data, nil
}

// inGroups is the user with the groups that this host has it in; one that it does not know is in none.
func inGroups(u acl.User) acl.User {
	if !u.Privileged() {
		u.Groups, _ = account.Groups(u.Name)
	}
	return u
}

// Limited tells of a file that permissions limit what the user that CIB_user names may see and
// change in it: what Root gives is not to be written back as a whole then.
func (c *CIB) Limited() bool {
	return c.root != nil && acl.For(c.root, inGroups(acl.User{Name: c.env.Getenv("CIB_user")}), time.Now()) != nil
}

// liveError gives what can go wrong on the way to the cluster the codes of Pacemaker.
func liveError(err error) error {
	var told *cib.Error
	switch {
	case err == nil || errors.As(err, &told):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return &cib.Error{Code: cib.Timeout, Detail: err.Error()}
	case errors.Is(err, client.ErrNotRunning), errors.Is(err, ipc.ErrClosed):
		return &cib.Error{Code: cib.NotConnected, Detail: err.Error()}
	}
	return err
}

// valid tells whether a document is as the schema demands that it names.
func valid(doc *xml.Document) bool {
	defer doc.Expand()()
	return len(schema.Validate(doc.Root, doc.Root.SelectAttrValue("validate-with", ""))) == 0
}

// Close ends the work; a file is written if an operation succeeded, also one
// that changed nothing.
func (c *CIB) Close() error {
	if c.live != nil {
		c.live.Close()
		return nil
	}
	if !c.dirty || c.file == "-" {
		return nil
	}
	return cib.OverwriteFile(c.file, c.root)
}

// Reason is the system's word for an error, without what it happened to:
// "No such file or directory".
func Reason(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		s := errno.Error()
		return strings.ToUpper(s[:1]) + s[1:]
	}
	return err.Error()
}
