module hacluster

go 1.26.0

require github.com/beevik/etree v1.8.1

require golang.org/x/sys v0.50.0
