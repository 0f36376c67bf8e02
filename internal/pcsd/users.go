package pcsd

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"hacluster/internal/pcsd/client"
)

// userToken is an entry of pcs_users.conf; keys are written in this order.
type userToken struct {
	Created string `json:"creation_date"`
	Token   string `json:"token"`
	User    string `json:"username"`
}

// users are the tokens that are accepted.
type users struct {
	path string
	mu   sync.Mutex
}

// read gives the entries; a broken file counts as empty.
func (u *users) read() ([]userToken, error) {
	data, err := os.ReadFile(u.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var raw []map[string]any
	if json.Unmarshal(data, &raw) != nil {
		return nil, nil //nolint:nilerr // see above
	}
	var out []userToken
	for _, r := range raw {
		created, ok1 := r["creation_date"].(string)
		token, ok2 := r["token"].(string)
		user, ok3 := r["username"].(string)
		if !ok1 || !ok2 || !ok3 {
			return nil, nil
		}
		out = append(out, userToken{created, token, user})
	}
	return out, nil
}

func (u *users) write(list []userToken) error {
	if list == nil {
		list = []userToken{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "    ")
	if err := e.Encode(list); err != nil {
		return err
	}
	return client.WriteSecret(u.path, bytes.TrimRight(b.Bytes(), "\n"))
}

// find gives the user of a token, "" without.
func (u *users) find(token string) (string, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	list, err := u.read()
	user := ""
	for _, e := range list {
		if token != "" && subtle.ConstantTimeCompare([]byte(e.Token), []byte(token)) == 1 {
			user = e.User
		}
	}
	return user, err
}

// create makes a token for a user.
func (u *users) create(user string, now time.Time) (string, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	list, err := u.read()
	if err != nil {
		return "", err
	}
	token, err := newUUID()
	if err != nil {
		return "", err
	}
	return token, u.write(append(list, userToken{now.Format("2006-01-02 15:04:05 -0700"), token, user}))
}

func newUUID() (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

// limiter bounds how often wrong passwords may be tried.
type limiter struct {
	now func() time.Time
	mu  sync.Mutex
	// failed are the times of failures of the last minute, by address; "" is all of them.
	failed map[string][]time.Time
}

const (
	failWindow     = time.Minute
	failsByAddress = 10
	failsByAll     = 100
)

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, failed: map[string][]time.Time{}}
}

// allowed tells whether an address may try again.
func (l *limiter) allowed(addr string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	since := l.now().Add(-failWindow)
	for a, times := range l.failed {
		for len(times) > 0 && times[0].Before(since) {
			times = times[1:]
		}
		if len(times) == 0 {
			delete(l.failed, a)
		} else {
			l.failed[a] = times
		}
	}
	return len(l.failed[addr]) < failsByAddress && len(l.failed[""]) < failsByAll
}

func (l *limiter) fail(addr string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.now()
	l.failed[addr] = append(l.failed[addr], t)
	l.failed[""] = append(l.failed[""], t)
}
