package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"

	"hacluster/internal/program"
	"hacluster/internal/tool"
)

func init() { programs["corosync-keygen"] = corosyncKeygen }

const keygenHelp = `Usage: corosync-keygen [-k <keyfile>] [-s size] [-r <randomfile>] [-l] [-h]
     -k / --key-file=<filename>    where the key goes (/etc/corosync/authkey)
     -r / --random-file=<filename> where randomness comes from (/dev/urandom)
     -s / --size=<bytes>           how long the key is: 128 to 4096 (256)
     -l / --less-secure            taken for compatibility, does nothing
     -h / --help                   this text
`

// corosyncKeygen makes a cluster's key.
func corosyncKeygen(_ context.Context, env *program.Env) int {
	complain := func(format string, args ...any) {
		fmt.Fprintf(env.Stderr, "corosync-keygen: "+format+"\n", args...)
	}
	opts, _, err := getopt(env, "k:r:ls:h", map[string]byte{"key-file:": 'k', "random-file:": 'r', "less-secure": 'l', "size:": 's', "help": 'h'})
	if err != nil {
		fmt.Fprintln(env.Stderr, err)
		fmt.Fprintln(env.Stdout, "Error parsing command line options.")
		return 1
	}
	file, source, size := "/etc/corosync/authkey", "/dev/urandom", 256
	for _, o := range opts {
		switch o.letter {
		case 'k':
			file = o.value
		case 'r':
			source = o.value
		case 's':
			if size, err = strconv.Atoi(o.value); err != nil || size < 128 || size > 4096 {
				complain("Unsupported key size (supported <128,4096>)\n")
				return 1
			}
		case 'h':
			fmt.Fprint(env.Stdout, keygenHelp)
			return 0
		}
	}
	fmt.Fprintf(env.Stdout, "Corosync Cluster Engine Authentication key generator.\nGathering %d bits for key from %s.\n", size*8, source)
	in, err := os.Open(source)
	if err != nil {
		complain("Failed to open random source: %s", tool.Reason(err))
		return 1
	}
	defer in.Close() //nolint:errcheck // it was only read
	key := make([]byte, size)
	if _, err := io.ReadFull(in, key); err != nil {
		complain("Could not read %s: %s", source, tool.Reason(err))
		return 1
	}
	// The old key goes only when the new one can be written, and its file is nobody else's to read.
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		complain("Could not create %s: %s", file, tool.Reason(err))
		return 2
	}
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		complain("Could not create %s: %s", file, tool.Reason(err))
		return 2
	}
	fmt.Fprintf(env.Stdout, "Writing corosync key to %s.\n", file)
	_, err = out.Write(key)
	if err == nil {
		err = out.Sync()
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		complain("Could not write %s: %s", file, tool.Reason(err))
		return 3
	}
	return 0
}
