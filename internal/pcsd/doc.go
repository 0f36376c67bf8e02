// Package pcsd is the daemon through which pcs works on other hosts: HTTPS on TCP 2224,
// forms in, text and JSON out. It answers clients of pcs 0.9 and of 0.10 to 0.12 alike.
//
// Whoever knows the password of a member of group haclient gets a token (/remote/auth);
// every other call needs one, in the cookie "token". Tokens that are accepted stand in
// pcs_users.conf, those of other hosts in known-hosts, both readable by root only.
//
//	s, err := pcsd.New(pcsd.Config{Getenv: os.Getenv, ...})
//	err = s.Serve(ctx, ready)
//
// What the daemon does to its host (services, files, programs) goes through Config, so
// that tests can stand in for the host.
package pcsd
