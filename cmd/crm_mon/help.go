package main

const help = `Usage:
  crm_mon [OPTION…]

Show the state of the cluster.

  -1, --one-shot               Show it once and end
  -i, --interval=TIME          Refresh at least this often (default 5s)
  --output-as=FORMAT           console, text, html, xml or none
  --output-to=FILE             Write to this file instead of the terminal

  -n, --group-by-node          List resources under their nodes
  -r, --inactive               List resources that run nowhere, too
  -f, --failcounts             Show fail counts
  -o, --operations             Show what was done for each resource
  -t, --timing-details         Show it with times
  -c, --tickets                Show tickets
  -m, --fence-history[=0-3]    How much of the fencing history to show
  -L, --neg-locations[=PREFIX] Show constraints that keep resources off nodes
  -A, --show-node-attributes   Show the nodes' attributes
  -D, --hide-headers           Leave the summary out
  -R, --show-detail            Show instances singly, with ids of nodes
  --show-description           Show the resources' descriptions
  -b, --brief                  Count resources by agent
  -I, --include=SECTIONS       Show these sections, too
  -U, --exclude=SECTIONS       Leave these sections out
  --node=NAME                  Show only this node, or the nodes of this tag
  --resource=ID                Show only this resource, or those of this tag

  -d, --daemonize              Run in the background, with --output-to or --external-agent
  -E, --external-agent=FILE    Run this program for what is done in the cluster
  -e, --external-recipient=WHO Whom it is to tell
  -W, --watch-fencing          Run it for fencing, too

  --read-only                  On the screen, change nothing (W switches)
  --mouse                      On the screen, take the mouse: a click chooses and opens, the wheel scrolls
  --line-mode                  Converse in lines instead of filling the screen

  --html-cgi                   Head the page as a web server expects it
  --html-stylesheet=URI        Link a style sheet
  --html-title=TITLE           Title of the page
  -Q, --quiet                  Leave the times out
  -V, --verbose, --version
`
