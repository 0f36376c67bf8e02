package usage

import (
	"fmt"
	"strings"
)

// quoted is a text between single quotes of a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func (p Place) words() string {
	var out []string
	for _, c := range p.Next {
		out = append(out, c.Word)
	}
	return strings.Join(out, " ")
}

func general() string {
	var out []string
	for _, c := range General {
		out = append(out, c.Word)
	}
	return strings.Join(out, " ")
}

// valued are the general options whose value is a word of its own.
const valued = "-f -u -p --corosync_conf --request-timeout --name"

// Bash is the completion for bash.
func Bash() string {
	var b strings.Builder
	b.WriteString("# Completion of pcs for bash. Written by internal/pcs/usage/pages.\ndeclare -gA _pcs_next _pcs_options\n")
	for _, p := range Places() {
		key := quoted("." + p.Words)
		if len(p.Next) > 0 {
			fmt.Fprintf(&b, "_pcs_next[%s]=%s\n", key, quoted(p.words()))
		}
		if len(p.Options) > 0 {
			fmt.Fprintf(&b, "_pcs_options[%s]=%s\n", key, quoted(strings.Join(p.Options, " ")))
		}
	}
	fmt.Fprintf(&b, `_pcs() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at= i w
	for ((i = 1; i < COMP_CWORD; i++)); do
		w=${COMP_WORDS[i]}
		case $w in
		-*) [[ ' %s ' == *" $w "* ]] && ((i++)); continue ;;
		esac
		[[ " ${_pcs_next[.$at]} " == *" $w "* ]] || break
		at="${at:+$at }$w"
	done
	COMPREPLY=()
	case $prev in
	-f | --corosync_conf) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	esac
	case $cur in
	-*) COMPREPLY=($(compgen -W "${_pcs_options[.$at]} %s" -- "$cur")) ;;
	*) ((i == COMP_CWORD)) && COMPREPLY=($(compgen -W "${_pcs_next[.$at]}" -- "$cur")) ;;
	esac
	[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
}
complete -o default -F _pcs pcs
`, valued, general())
	return b.String()
}

// Zsh is the completion for zsh.
func Zsh() string {
	var b strings.Builder
	b.WriteString("#compdef pcs\n# Completion of pcs for zsh. Written by internal/pcs/usage/pages.\n_pcs() {\n\tlocal at= w i\n\tlocal -a choices\n")
	fmt.Fprintf(&b, `	typeset -A known
	known=(%s)
	for ((i = 2; i < CURRENT; i++)); do
		w=${words[i]}
		case $w in
		-*) [[ " %s " == *" $w "* ]] && ((i++)); continue ;;
		esac
		[[ " ${known[.$at]} " == *" $w "* ]] || { _files; return }
		at="${at:+$at }$w"
	done
	case ".$at" in
`, known(), valued)
	for _, p := range Places() {
		fmt.Fprintf(&b, "\t%s) choices=(", quoted("."+p.Words))
		for _, c := range p.Next {
			b.WriteString(" " + quoted(strings.ReplaceAll(c.Word+":"+c.What, "\n", " ")))
		}
		for _, o := range p.Options {
			b.WriteString(" " + quoted(o))
		}
		b.WriteString(" ) ;;\n")
	}
	b.WriteString("\tesac\n")
	for _, c := range General {
		fmt.Fprintf(&b, "\tchoices+=(%s)\n", quoted(c.Word+":"+c.What))
	}
	b.WriteString("\t_describe -o pcs choices\n}\n_pcs \"$@\"\n")
	return b.String()
}

// known are zsh's pairs of a place and its words.
func known() string {
	var b strings.Builder
	for _, p := range Places() {
		if len(p.Next) > 0 {
			b.WriteString(quoted("."+p.Words) + " " + quoted(p.words()) + " ")
		}
	}
	return b.String()
}

// Fish is the completion for fish.
func Fish() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Completion of pcs for fish. Written by internal/pcs/usage/pages.
function __pcs_at
	set -l words (commandline -opc)
	set -l at
	set -l skip 0
	for w in $words[2..-1]
		if test $skip = 1
			set skip 0
			continue
		end
		if string match -q -- '-*' $w
			contains -- $w %s; and set skip 1
			continue
		end
		set at $at $w
	end
	test "$at" = "$argv"
end
complete -c pcs -s f -r -d 'work on a CIB in a file'
complete -c pcs -l corosync_conf -r -d 'work on this corosync.conf'
`, valued)
	for _, p := range Places() {
		if len(p.Next) > 0 {
			fmt.Fprintf(&b, "complete -c pcs -n %s -f\n", quoted("__pcs_at "+p.Words))
		}
		for _, c := range p.Next {
			fmt.Fprintf(&b, "complete -c pcs -n %s -f -a %s -d %s\n", quoted("__pcs_at "+p.Words), c.Word, quoted(c.What))
		}
		for _, o := range p.Options {
			name, value := strings.CutSuffix(strings.TrimLeft(o, "-"), "=")
			kind := "-l"
			if !strings.HasPrefix(o, "--") {
				kind = "-s"
			}
			arg := ""
			if value {
				arg = " -r"
			}
			fmt.Fprintf(&b, "complete -c pcs -n %s %s %s%s\n", quoted("__pcs_at "+p.Words), kind, name, arg)
		}
	}
	return b.String()
}

// roff is a text as man pages have it.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

// Man is the man page pcs(8): all verbs, with the generations that have them.
func Man(version string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".\\\" Written by internal/pcs/usage/pages.\n.TH PCS 8 \"\" %q \"System Administration\"\n", "hacluster "+version)
	b.WriteString(`.SH NAME
pcs \- configure and control a cluster
.SH SYNOPSIS
.B pcs
.RI [ options ]
.I section
.RI [ verb ]
.RI [ words ]...
.SH DESCRIPTION
pcs configures and controls a Pacemaker and Corosync cluster.
It speaks the languages of pcs 0.9, 0.10, 0.11 and 0.12; the environment variable PCS_COMPAT says which one where words or screens differ.
Behind each form stand the generations that have it, where not all do.
.SH OPTIONS
`)
	for _, c := range General {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s.\n", roff(c.Word), roff(capital(c.What)))
	}
	section := ""
	for _, f := range Forms() {
		if f.Section != section {
			section = f.Section
			fmt.Fprintf(&b, ".SH %s\n", strings.ToUpper(section))
		}
		fmt.Fprintf(&b, ".TP\n.B %s\n%s", roff(f.Syntax), roff(capital(f.What)))
		if g := f.Generations(); g != "" {
			b.WriteString(" (" + roff(g) + ")")
		}
		b.WriteString(".\n")
	}
	b.WriteString(`.SH FILES
.TP
.I /etc/corosync/corosync.conf
the cluster's nodes
.TP
.I /var/lib/pacemaker/cib/cib.xml
the configuration
.TP
.I /var/lib/pcsd/known\-hosts
hosts that this one may talk to
.SH EXIT STATUS
0 when done, 1 on any error, 2 from status pcsd when a node does not answer and from queries that say no.
.SH SEE ALSO
.BR crm_mon (8),
.BR crm_verify (8),
.BR corosync.conf (5)
`)
	return b.String()
}

// Generations names the generations that have the form, "" for all.
func (f Form) Generations() string {
	var out []string
	for m := 9; m <= 12; m++ {
		if f.In(m) {
			out = append(out, fmt.Sprintf("0.%d", m))
		}
	}
	if len(out) == 4 {
		return ""
	}
	return strings.Join(out, ", ")
}
