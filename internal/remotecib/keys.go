package remotecib

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Keys is the file that holds the keys of users, as psktool writes it.
type Keys struct {
	File string
	// Owners may own the file, by their numbers; who else does, or may read it, makes it unusable.
	Owners []uint32
}

var errNoKeys = errors.New("there are no keys")

// read gives the keys by their users; errNoKeys where there is no file.
func (k Keys) read() (map[string][]byte, error) {
	data, err := Secret(k.File, k.Owners)
	if err != nil {
		return nil, err
	}
	keys := map[string][]byte{}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		user, text, ok := strings.Cut(line, ":")
		key, err := hex.DecodeString(text)
		if !ok || user == "" || err != nil || len(key) == 0 {
			return nil, fmt.Errorf("%s: line %d is not NAME:KEY with a key in hexadecimal", k.File, number)
		}
		keys[user] = key
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w in %s", errNoKeys, k.File)
	}
	return keys, nil
}

// Secret reads a file that only one of its owners may be able to read.
func Secret(file string, owners []uint32) ([]byte, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe without a writer is not waited for
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s does not exist", errNoKeys, file)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", file)
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok && !slices.Contains(owners, sys.Uid) {
		return nil, fmt.Errorf("%s belongs to user %d, who may not own it", file, sys.Uid)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be used by others than its owner (mode %#o)", file, st.Mode().Perm())
	}
	const most = 1 << 20
	if st.Size() > most {
		return nil, fmt.Errorf("%s is larger than %d bytes", file, most)
	}
	data := make([]byte, st.Size())
	n, err := f.ReadAt(data, 0)
	if n < len(data) && err != nil {
		return nil, err
	}
	return bytes.TrimRight(data, "\x00"), nil
}

// KeyOf reads a file that holds one key in hexadecimal, as a program has it (CIB_key_file).
func KeyOf(file string, owners []uint32) ([]byte, error) {
	data, err := Secret(file, owners)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(data)))
	if err != nil || len(key) == 0 {
		return nil, fmt.Errorf("%s holds no key in hexadecimal", file)
	}
	return key, nil
}
