package client

import "testing"

// FuzzHosts: whatever is in the file of known hosts, or of tokens, it is read or refused, and every host has the name that it goes by.
func FuzzHosts(f *testing.F) {
	for _, s := range []string{
		`{"format_version":1,"data_version":3,"known_hosts":{"n1":{"dest_list":[{"addr":"10.0.0.1","port":2224}],"token":"t"},"n2":{"dest_list":[{"addr":"n2","port":"2225"}]}}}`,
		`{"format_version":3,"data_version":5,"tokens":{"n1":"t"},"ports":{"n1":2224}}`,
		`{"known_hosts":{"n":{"dest_list":[{"port":1e300}]}}}`, `[]`, `null`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []func([]byte) (*Hosts, error){ParseHosts, ParseTokens} {
			h, err := parse(data)
			if (h == nil) == (err == nil) {
				t.Fatalf("%q gives %v, %v", data, h, err)
			}
			if err != nil {
				continue
			}
			for name, host := range h.ByName {
				if host.Name != name {
					t.Errorf("%q: %q is %q", data, name, host.Name)
				}
			}
		}
	})
}
