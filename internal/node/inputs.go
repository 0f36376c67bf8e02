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
// looked into later: pe-input-N.bz2, pe-warn-N.bz2 where there were warnings, pe-error-N.bz2 where there were errors.
type inputs struct {
	dir          string
	owner, group int
	last         string // digest of the newest
	file         string
}

// seriesOf is the series of inputs whose plan had this trouble.
func seriesOf(trouble string) string {
	switch trouble {
	case "errors":
		return "pe-error"
	case "warnings":
		return "pe-warn"
	}
	return "pe-input"
}

// save keeps root in a series, unless it is the same as the last time, and gives the file's name. keep tells how many of the
// series are kept: -1 all, 0 none.
func (in *inputs) save(root *etree.Element, now time.Time, series, keep string) (string, error) {
	most, err := strconv.Atoi(keep)
	if err != nil || most < -1 {
		return "", fmt.Errorf("%s-series-max is %q, not a number from -1 on", series, keep)
	}
	if most == 0 {
		in.last, in.file = "", ""
		return "", nil
	}
	digest := cib.Digest(root)
	if digest == in.last {
		return in.file, nil
	}
	if err := os.MkdirAll(in.dir, 0o750); err != nil {
		return "", err
	}
	seq := filepath.Join(in.dir, series+".last")
	n := 0
	text, err := os.ReadFile(seq)
	if err == nil {
		if v, perr := strconv.Atoi(strings.TrimSpace(string(text))); perr == nil && v >= 0 && (most < 0 || v < most) {
			n = v
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	file := filepath.Join(in.dir, fmt.Sprintf("%s-%d.bz2", series, n))
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
	if n++; most > 0 {
		n %= most
	}
	return file, os.WriteFile(seq, []byte(strconv.Itoa(n)), 0o640)
}
