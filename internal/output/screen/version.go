package screen

// Version is what a program tells of itself.
type Version struct{ Program, Number, Authors, Build, Features string }

const (
	build    = "hacluster"
	features = "corosync ocf lsb systemd fencing acls"
)

// Current is the version whose output these pages are.
func Current() Version {
	return Version{"Pacemaker", pacemakerVersion, "Andrew Beekhof and the Pacemaker project contributors", build, features}
}

func (v Version) fields() [][2]string {
	return [][2]string{{"Program", v.Program}, {"Version", v.Number}, {"Author", v.Authors}, {"Build", v.Build}, {"Features", v.Features}}
}

// Text is what --version says.
func (v Version) Text() string {
	return "Pacemaker " + v.Number + "\nWritten by " + v.Authors + "\n"
}
