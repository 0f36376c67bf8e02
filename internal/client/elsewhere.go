package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/number"
	"hacluster/internal/remote/certs"
	"hacluster/internal/remote/wire"
	"hacluster/internal/remotecib"
	"hacluster/internal/tlspsk"
)

// Elsewhere is where a cluster on other hosts serves its CIB, and how this program logs in there.
type Elsewhere struct {
	Server         string
	Port           int
	User, Password string
	// Ask gives the password where it is not set; nil: there is nobody to ask.
	Ask func() (string, error)
	// Encrypted is for TLS, with certificates or with a key.
	Encrypted    bool
	Certificates certs.Files
	Key          string // file
}

// ElsewhereFrom reads CIB_port and what belongs to it: CIB_server, CIB_user, CIB_passwd, CIB_encrypted, CIB_ca_file, CIB_cert_file,
// CIB_key_file and CIB_crl_file. ok is false where no port is set: then the cluster is this host's. As Pacemaker's documentation
// has it, and its programs before 3.0, the connection is encrypted unless CIB_encrypted says otherwise.
func ElsewhereFrom(getenv func(string) string) (e Elsewhere, ok bool) {
	port := getenv("CIB_port")
	if port == "" {
		return e, false
	}
	e = Elsewhere{
		Server: getenv("CIB_server"), User: getenv("CIB_user"), Password: getenv("CIB_passwd"), Encrypted: true,
		Certificates: certs.FromEnv(getenv, "PCMK_").Or(certs.FromEnv(getenv, "CIB_")), Key: getenv("CIB_key_file"),
	}
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		e.Port = int(n) // what is no port answers to no connection
	}
	if e.Server == "" {
		e.Server = "localhost"
	}
	if e.User == "" {
		e.User = "hacluster"
	}
	if v := getenv("CIB_encrypted"); v != "" {
		e.Encrypted = number.IsTrue(v)
	}
	return e, true
}

// loginLimit is how long it may take to be let in, name service, handshake and password included.
const loginLimit = 60 * time.Second

// answerLimit is how long an answer may take where nothing else is said.
const answerLimit = 60 * time.Second

// DialCIB logs in. Errors are *cib.Error, with the codes of Pacemaker's programs.
func (e Elsewhere) DialCIB(ctx context.Context) (*CIB, error) {
	if e.Password == "" && e.Ask != nil {
		p, err := e.Ask()
		if err != nil {
			return nil, &cib.Error{Code: cib.Protocol, Detail: err.Error()}
		}
		e.Password = p
	}
	command, err := e.logIn(ctx)
	if err != nil {
		return nil, err
	}
	return &CIB{n: &far{to: e, command: command}, call: 1}, nil
}

// logIn makes a connection.
func (e Elsewhere) logIn(ctx context.Context) (*wire.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, loginLimit)
	defer cancel()
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", net.JoinHostPort(e.Server, strconv.Itoa(e.Port)))
	if err != nil {
		return nil, &cib.Error{Code: cib.NotConnected, Detail: err.Error()}
	}
	conn, err := e.secure(ctx, raw)
	if err != nil {
		raw.Close()
		return nil, err
	}
	s := wire.New(conn)
	stop := context.AfterFunc(ctx, s.Abort)
	answer, err := e.introduce(s)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil && (!strings.EqualFold(answer.SelectAttrValue("cib_op", ""), "register") || answer.SelectAttr("cib_clientid") == nil) {
		err = fmt.Errorf("a message %q came instead of a registration", answer.Tag)
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("it ended the connection")
	}
	if err != nil {
		s.Abort()
		return nil, &cib.Error{Code: cib.Protocol, Detail: fmt.Sprintf("%s does not let user %s in: %v", e.Server, e.User, err)}
	}
	s.Limit(wire.MaxCIB)
	return s, nil
}

func (e Elsewhere) introduce(s *wire.Stream) (*etree.Element, error) {
	login := element("cib_command", "op", "authenticate", "user", e.User)
	login.CreateAttr("password", e.Password)
	login.CreateAttr("hidden", "password")
	if err := s.Send(login); err != nil {
		return nil, err
	}
	return s.Receive()
}

// secure makes a connection a secure one, where it is to be.
func (e Elsewhere) secure(ctx context.Context, raw net.Conn) (net.Conn, error) {
	if !e.Encrypted {
		return raw, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if e.Certificates.Set() {
		c, err := e.Certificates.Client(ctx, raw)
		if errors.Is(err, certs.ErrOwn) {
			return nil, &cib.Error{Code: cib.NoData, Detail: err.Error()}
		}
		if err != nil {
			return nil, &cib.Error{Code: cib.Protocol, Detail: err.Error()}
		}
		return c, nil
	}
	if e.Key == "" {
		return nil, &cib.Error{Code: cib.NotSupported, Detail: "not supported yet: TLS without certificates or a key, which leaves the password to whoever answers: " +
			"set CIB_ca_file, CIB_cert_file and CIB_key_file for certificates, CIB_key_file alone for a key, or CIB_encrypted=false for no encryption"}
	}
	key, err := remotecib.KeyOf(e.Key, []uint32{uint32(os.Geteuid())})
	if err != nil {
		return nil, &cib.Error{Code: cib.Access, Detail: "CIB_key_file: " + err.Error()}
	}
	c, err := tlspsk.Client(ctx, raw, e.User, key)
	if err != nil {
		return nil, &cib.Error{Code: cib.Protocol, Detail: err.Error()}
	}
	return c, nil
}

// far is a link to a CIB manager on another host. As Pacemaker's programs do, it takes notifications from a connection of their own:
// their server may lose what comes right behind a message.
type far struct {
	to      Elsewhere
	command *wire.Stream
	events  *wire.Stream
	came    chan *etree.Element
}

func (f *far) close() {
	f.command.Abort()
	if f.events != nil {
		f.events.Abort()
	}
}

func (f *far) send(ctx context.Context, el *etree.Element, wait bool) (*etree.Element, error) {
	if err := f.command.Send(el); err != nil {
		return nil, fmt.Errorf("%s: %w (%w)", f.to.Server, ErrNotRunning, err)
	}
	if !wait {
		return nil, nil
	}
	if _, limited := ctx.Deadline(); !limited {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, answerLimit)
		defer cancel()
	}
	stop := context.AfterFunc(ctx, f.command.Abort) // an answer that comes later could be taken for another
	defer stop()
	id := el.SelectAttrValue("cib_callid", "")
	for {
		answer, err := f.command.Receive()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, fmt.Errorf("%s: %w (%w)", f.to.Server, ErrNotRunning, err)
		case answer.SelectAttrValue("t", "") == "cib" && answer.SelectAttrValue("cib_callid", "") == id:
			return answer, nil
		}
	}
}

func (f *far) watch(ctx context.Context) error {
	if f.events != nil {
		return nil
	}
	s, err := f.to.logIn(ctx)
	if err != nil {
		return err
	}
	if err := s.Send(element("cib_command", "cib_op", "cib_notify", "cib_notify_type", "cib_diff_notify", "cib_notify_activate", "1")); err != nil {
		s.Abort()
		return fmt.Errorf("%s: %w (%w)", f.to.Server, ErrNotRunning, err)
	}
	f.events, f.came = s, make(chan *etree.Element, 256)
	go func() {
		defer close(f.came)
		for {
			el, err := s.Receive()
			if err != nil {
				return
			}
			select {
			case f.came <- el:
			case <-s.Ended():
				return
			}
		}
	}()
	return nil
}

func (f *far) next(ctx context.Context, fits func(*etree.Element) bool) (*etree.Element, error) {
	for {
		select {
		case el, ok := <-f.came:
			if !ok {
				return nil, fmt.Errorf("%s: %w", f.to.Server, ErrNotRunning)
			}
			if fits(el) {
				return el, nil
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *far) skip() error {
	for {
		select {
		case _, ok := <-f.came:
			if !ok {
				return fmt.Errorf("%s: %w", f.to.Server, ErrNotRunning)
			}
		default:
			return nil
		}
	}
}
