package sbd

import (
	"fmt"
	"strconv"
	"strings"
)

// Letters are the options of the original's sbd as getopt has them: those before a colon have a value.
const Letters = "czC:DPRTWZhvw:d:n:p:1:2:3:4:5:t:I:F:S:s:r:"

// OptionValue tells whether a value is one for the option of that letter, and which number it is where it has to be one.
func OptionValue(letter byte, value string) (text string, number int, good bool) {
	text = strings.TrimLeft(value, " \t\n\v\f\r")
	if strings.IndexByte("SsC12345tIF", letter) >= 0 {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			return "", 0, false
		}
		number = int(n)
	}
	return text, number, text != "" || strings.IndexByte("CwdnpSs12345tIFr", letter) < 0
}

// Options are what options of the watch say, in the place of the settings of its service.
type Options struct {
	Node    string   // "" is the host's name
	Devices []string // in the place of SBD_DEVICE, where there are any
	// Args are options of the service's program, clusterd sbd.
	Args []string

	settings []string
	counts   map[byte]int
}

func (o *Options) set(name, value string) { o.settings = append(o.settings, name+"="+value) }

// Take takes one option. Some turn something on, and off when they are given twice: what they say is known at the end.
func (o *Options) Take(letter byte, value string, number int) {
	if o.counts == nil {
		o.counts = map[byte]int{}
	}
	o.counts[letter]++
	seconds := func(option string) { o.Args = append(o.Args, option, strconv.Itoa(number)+"s") }
	switch letter {
	case 'n':
		o.Node = value
	case 'd':
		o.Devices = append(o.Devices, value)
	case 'p':
		o.set("SBD_PIDFILE", value)
	case 'w':
		o.set("SBD_WATCHDOG_DEV", value)
	case '1':
		o.set("SBD_WATCHDOG_TIMEOUT", strconv.Itoa(number))
	case 'r':
		o.set("SBD_TIMEOUT_ACTION", value)
	case 'S':
		o.set("SBD_STARTMODE", map[bool]string{true: "clean", false: "always"}[number != 0])
	case 's':
		seconds("--startup")
	case 'I':
		seconds("--io")
	case 'C':
		seconds("--crash-watchdog")
	case '5':
		seconds("--warn")
	case 'R':
		o.Args = append(o.Args, "--no-realtime")
	case 'v':
		o.set("PCMK_debug", "sbd")
	case 'F', 't':
		// How often processes are started again that look at disks: here they are none, and look on.
	}
}

// End gives the settings, NAME=VALUE.
func (o *Options) End() []string {
	on := func(letter byte) bool { return o.counts[letter]%2 == 1 }
	if o.counts['c'] > 0 {
		o.Args = append(o.Args, "--check-cluster="+strconv.FormatBool(on('c')))
	}
	for _, f := range []struct {
		letter byte
		arg    string
	}{{'T', "--own-watchdog-timeout"}, {'z', "--cluster-first"}} {
		if o.counts[f.letter] > 0 {
			o.Args = append(o.Args, f.arg)
		}
	}
	if n := o.counts['Z']; n > 0 {
		o.Args = append(o.Args, "--trace", strconv.Itoa(n))
	}
	if o.counts['W'] > 0 && !on('W') {
		o.set("SBD_WATCHDOG_DEV", "/dev/null")
	}
	if o.counts['P'] > 0 {
		o.set("SBD_PACEMAKER", map[bool]string{true: "yes", false: "no"}[on('P')])
	}
	if len(o.Devices) > 0 {
		o.set("SBD_DEVICE", strings.Join(o.Devices, ";"))
	}
	return o.settings
}

// ReadOptions reads the setting SBD_OPTS: options of the watch as they are typed.
func ReadOptions(setting string) (*Options, error) {
	o := &Options{}
	words := strings.Fields(setting)
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if len(word) < 2 || word[0] != '-' {
			return nil, fmt.Errorf("%q is no option", word)
		}
		for rest := word[1:]; rest != ""; {
			letter := rest[0]
			rest = rest[1:]
			at := strings.IndexByte(Letters, letter)
			if at < 0 || letter == ':' {
				return nil, fmt.Errorf("there is no option -%c", letter)
			}
			value := ""
			if strings.HasPrefix(Letters[at+1:], ":") {
				if rest == "" && len(words) > 0 {
					rest, words = words[0], words[1:]
				}
				value, rest = rest, ""
			}
			text, number, good := OptionValue(letter, value)
			if !good {
				return nil, fmt.Errorf("%q is no value for option -%c", value, letter)
			}
			o.Take(letter, text, number)
		}
	}
	return o, nil
}
