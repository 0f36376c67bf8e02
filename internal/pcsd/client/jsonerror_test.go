package client

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestJSONError(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":`:                            "unexpected end of JSON input: line 1 column 6 (char 5)",
		"{\n  \"ä\": 1,\n  x\n}":           "invalid character 'x' looking for beginning of object key string: line 3 column 3 (char 14)",
		"[1]":                              "cannot unmarshal array into Go value of type client.hostsFile: line 1 column 2 (char 1)",
		"{\"data_version\":\n\"x\"}":       "line 2 column",
		`{"known_hosts": {"n": {"x":1}}}}`: "invalid character '}' after top-level value: line 1 column 32 (char 31)",
	} {
		var f hostsFile
		err := json.Unmarshal([]byte(text), &f)
		if err == nil {
			t.Errorf("%q is read", text)
			continue
		}
		if got := JSONError([]byte(text), err).Error(); !strings.Contains(got, want) {
			t.Errorf("%q: %s", text, got)
		}
	}
	if err := errors.New("other"); JSONError(nil, err) != err {
		t.Error("another error is changed")
	}
}
