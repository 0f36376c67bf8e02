package node

import (
	"bytes"
	"crypto/sha256"
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

	"hacluster/cib/xml"
)

// inputs keeps what the scheduler planned from, so that every decision can be
// looked into later: pe-input-N.bz2, pe-warn-N.bz2 where there were warnings, pe-error-N.bz2 where there were errors.
//
// To compress the CIB of a large cluster takes longer than to plan from it. So save names the file, and the file is written while the plan is carried
// out, as Pacemaker's scheduler does it: one after another, and some at most are waited for.
type inputs struct {
	dir          string
	owner, group int
	failed       func(error)       // hears of files that could not be written
	last         [sha256.Size]byte // digest of the newest
	file         string
	todo         chan input
	done         chan struct{} // all are written
}

// input is a file that is to be written.
type input struct {
	file string
	text []byte
}

// inputsWaiting is how many files may wait; who has one more waits for the first of them.
const inputsWaiting = 4

// open begins to write.
func (in *inputs) open() {
	in.todo, in.done = make(chan input, inputsWaiting), make(chan struct{})
	go func() {
		defer close(in.done)
		for f := range in.todo {
			if err := in.write(f); err != nil {
				in.failed(err)
			}
		}
	}()
}

// close ends when all is written.
func (in *inputs) close() {
	close(in.todo)
	<-in.done
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

// save keeps root in a series, unless it is the same as the last time, and gives the name of the file that it comes to be in. keep tells how many of the
// series are kept: -1 all, 0 none.
func (in *inputs) save(root *etree.Element, now time.Time, series, keep string) (string, error) {
	most, err := strconv.Atoi(keep)
	if err != nil || most < -1 {
		return "", fmt.Errorf("%s-series-max is %q, not a number from -1 on", series, keep)
	}
	if most == 0 {
		in.file = ""
		return "", nil
	}
	date := etree.Attr{Key: "execution-date", Value: strconv.FormatInt(now.Unix(), 10)}
	dated := *root
	dated.Attr = append(append([]etree.Attr(nil), root.Attr...), date)
	text := xml.Format(&dated)
	digest := sha256.Sum256(bytes.Replace(text, []byte(fmt.Sprintf(` %s="%s"`, date.Key, date.Value)), nil, 1))
	if in.file != "" && digest == in.last {
		return in.file, nil
	}
	if err := os.MkdirAll(in.dir, 0o750); err != nil {
		return "", err
	}
	seq := filepath.Join(in.dir, series+".last")
	n := 0
	last, err := os.ReadFile(seq)
	if err == nil {
		if v, perr := strconv.Atoi(strings.TrimSpace(string(last))); perr == nil && v >= 0 && (most < 0 || v < most) {
			n = v
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	next := n + 1
	if most > 0 {
		next %= most
	}
	if err := os.WriteFile(seq, []byte(strconv.Itoa(next)), 0o640); err != nil {
		return "", err
	}
	in.last, in.file = digest, filepath.Join(in.dir, fmt.Sprintf("%s-%d.bz2", series, n))
	in.todo <- input{in.file, text}
	return in.file, nil
}

// write puts a file in the place of an earlier one of this name.
func (in *inputs) write(i input) error {
	f, err := os.CreateTemp(in.dir, ".pe-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	z, err := bzip2.NewWriter(f, nil)
	if err == nil {
		_, err = z.Write(i.text)
		err = errors.Join(err, z.Close())
	}
	err = errors.Join(err, f.Chmod(0o640))
	if in.owner >= 0 {
		err = errors.Join(err, f.Chown(in.owner, in.group))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), i.file)
}
