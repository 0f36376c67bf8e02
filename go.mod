module hacluster

go 1.26.0

require (
	github.com/antchfx/xpath v1.3.9
	github.com/beevik/etree v1.8.1
	pgregory.net/rapid v1.3.0
)
