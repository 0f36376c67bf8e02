package ipc

import (
	"strings"
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

func TestFrame(t *testing.T) {
	el := etree.NewElement("m")
	el.CreateAttr("a", strings.Repeat("<x>", 3000))
	for _, limit := range []int{1 << 20, 4000} {
		data, err := Frame{ID: 7, Flags: WaitsForReply, Body: el}.Marshal(limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) >= limit {
			t.Errorf("%d bytes for a limit of %d", len(data), limit)
		}
		f, err := Parse(data)
		if err != nil || f.ID != 7 || f.Flags&WaitsForReply == 0 || string(xml.Compact(f.Body)) != string(xml.Compact(el)) {
			t.Errorf("limit %d: %+v %v", limit, f.ID, err)
		}
	}
	if _, err := (Frame{Body: el}).Marshal(100); err == nil {
		t.Error("a message that cannot be packed was sent")
	}
}

func FuzzParse(f *testing.F) {
	el := etree.NewElement("m")
	for _, limit := range []int{1 << 20, 44} {
		if data, err := (Frame{ID: 1, Body: el}).Marshal(limit); err == nil {
			f.Add(data)
		}
	}
	f.Add(make([]byte, HeaderSize))
	f.Fuzz(func(t *testing.T, data []byte) {
		if fr, err := Parse(data); err == nil && fr.Body == nil {
			t.Fatal("no error and no body")
		}
	})
}
