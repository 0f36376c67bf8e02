package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/dsnet/compress/bzip2"

	"hacluster/cib"
	"hacluster/cib/xml"
)

// inputs keeps what the scheduler planned from, so that every decision can be
// looked into later: pe-input-N.bz2, at most keep of them.
type inputs struct {
	dir          string
	owner, group int
	last         string // digest of the newest
	file         string
}

const keepInputs = 4000

// save keeps root unless it is the same as the last time, and gives the file's name.
func (in *inputs) save(root *etree.Element, now time.Time) (string, error) {
	digest := cib.Digest(root)
	if digest == in.last {
		return in.file, nil
	}
	if err := os.MkdirAll(in.dir, 0o750); err != nil {
		return "", err
	}
	seq := filepath.Join(in.dir, "pe-input.last")
	n := 0
	text, err := os.ReadFile(seq)
	if err == nil {
		if v, perr := strconv.Atoi(strings.TrimSpace(string(text))); perr == nil && v >= 0 && v < keepInputs {
			n = v
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	file := filepath.Join(in.dir, fmt.Sprintf("pe-input-%d.bz2", n))
	f, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return "", err
	}
	z, err := bzip2.NewWriter(f, nil)
	if err == nil {
		date := etree.Attr{Key: "execution-date", Value: strconv.FormatInt(now.Unix(), 10)}
		dated := *root
		dated.Attr = append(append([]etree.Attr(nil), root.Attr...), date)
		_, err = z.Write(xml.Format(&dated))
		err = errors.Join(err, z.Close())
	}
	if in.owner >= 0 {
		err = errors.Join(err, f.Chown(in.owner, in.group))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	in.last, in.file = digest, file
	return file, os.WriteFile(seq, []byte(strconv.Itoa((n+1)%keepInputs)), 0o640)
}
