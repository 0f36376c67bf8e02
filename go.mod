module hacluster

go 1.26.0
