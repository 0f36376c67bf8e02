package account

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/go-crypt/crypt"
	"github.com/go-crypt/crypt/algorithm/shacrypt"
)

// Passwords asks the host whether a password is right: by PAM's helper unix_chkpwd
// where there is one, else from /etc/shadow.
type Passwords struct {
	Now    func() time.Time // time.Now if nil
	Shadow string           // /etc/shadow if empty
	Helper []string         // unix_chkpwd's usual places if nil
}

var chkpwd = []string{"/usr/sbin/unix_chkpwd", "/sbin/unix_chkpwd"}

// unix_chkpwd's exit codes, those of PAM.
const (
	pamSuccess     = 0
	pamAuthErr     = 7
	pamUserUnknown = 10
)

func (p Passwords) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}

// Check tells whether a user of this host has that password, and may log in with it. Users without one may not.
func (p Passwords) Check(ctx context.Context, name, password string) (bool, error) {
	if name == "" || strings.ContainsAny(name, ":\n\x00") || strings.HasPrefix(name, "-") || strings.Contains(password, "\x00") {
		return false, nil
	}
	helpers := p.Helper
	if helpers == nil {
		helpers = chkpwd
	}
	for _, h := range helpers {
		if _, err := os.Stat(h); err != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, h, name, "nonull")
		cmd.Stdin = strings.NewReader(password + "\x00")
		err := cmd.Run()
		if err == nil {
			return p.inForce(ctx, h, name)
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) && (exit.ExitCode() == pamAuthErr || exit.ExitCode() == pamUserUnknown) {
			return false, nil
		}
		// The helper could not look: the file can be read without it.
		break
	}
	return p.fromShadow(name, password)
}

// inForce tells whether a user whose password is right may log in: neither account nor password has expired.
func (p Passwords) inForce(ctx context.Context, helper, name string) (bool, error) {
	err := exec.CommandContext(ctx, helper, name, "chkexpiry").Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return false, nil
	}
	return false, err
}

// expired tells whether an entry of /etc/shadow is no longer good on a day (days since 1970): the account's last day is
// over, or the password is older than it may be, or has to be changed at once.
func expired(fields []string, today int64) bool {
	number := func(i int) (int64, bool) {
		if len(fields) <= i || fields[i] == "" {
			return 0, false
		}
		n, err := strconv.ParseInt(fields[i], 10, 64)
		return n, err == nil
	}
	if end, ok := number(7); ok && today >= end {
		return true
	}
	changed, ok := number(2)
	if !ok {
		return false
	}
	if changed == 0 {
		return true
	}
	most, ok := number(4)
	return ok && most >= 0 && today > changed+most
}

func (p Passwords) fromShadow(name, password string) (bool, error) {
	file := p.Shadow
	if file == "" {
		file = "/etc/shadow"
	}
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) < 2 || fields[0] != name {
			continue
		}
		if expired(fields, p.now().Unix()/86400) {
			return false, nil
		}
		return matches(fields[1], password)
	}
	return false, lines.Err()
}

// matches compares a password with a hash of crypt's kind; locked and empty ones fit nothing.
func matches(hash, password string) (bool, error) {
	if hash == "" || strings.HasPrefix(hash, "!") || strings.HasPrefix(hash, "*") {
		return false, nil
	}
	d, err := crypt.NewDecoderAll()
	if err != nil {
		return false, err
	}
	if err := shacrypt.RegisterDecoder(d); err != nil && !strings.Contains(err.Error(), "already") {
		return false, err
	}
	digest, err := d.Decode(hash)
	if err != nil {
		return false, fmt.Errorf("the form of a password hash is not known: %w", err)
	}
	return digest.Match(password), nil
}
