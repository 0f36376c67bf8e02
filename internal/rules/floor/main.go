// Command floor replays the recorded runs of the originals and fails when a
// suite passes fewer cases than the file of floors says.
//
//	go run ./internal/rules/floor --run ../shared/conformance/run --bin bin --floor testdata/conformance.json [--raise]
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var line = regexp.MustCompile(`(?m)^(\S+)\s+(\d+) of\s+(\d+)\s`)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

// sources tells what each suite was recorded from.
var sources = map[string]string{
	"crm_simulate": "Pacemaker 3.0.2's own 852 scheduler tests", "sim_mutated": "Pacemaker 3.0.2 over mutated clusters",
	"crm_mon": "crm_mon of Pacemaker 3.0.2: text, HTML, XML", "crm_verify": "crm_verify of Pacemaker 3.0.2",
	"upgrade": "cibadmin --upgrade of Pacemaker 3.0.2", "cli": "the other tools of Pacemaker 3.0.2",
	"pcs": "pcs 0.11.12", "pcs09": "pcs 0.9.170",
}

// The marks in a README between which the table of scores stands.
const (
	markBegin = "<!-- coverage: written by internal/rules/floor -->"
	markEnd   = "<!-- end of coverage -->"
)

// rewrite puts the table between the marks of a file.
func rewrite(file, table string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(data), markBegin)
	_, after, ok2 := strings.Cut(rest, markEnd)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no coverage marks", file)
	}
	return os.WriteFile(file, []byte(before+markBegin+"\n\n"+table+"\n"+markEnd+after), 0o644)
}

func run() error {
	program := flag.String("run", "../shared/conformance/run", "the `program` that replays the recorded runs")
	bin := flag.String("bin", "bin", "the `folder` of our programs")
	file := flag.String("floor", "testdata/conformance.json", "the `file` of floors: suite to number of cases")
	raise := flag.Bool("raise", false, "write the present scores to the file where they are higher")
	readme := flag.String("readme", "", "also write the scores into this `file`, between its coverage marks")
	flag.Parse()
	data, err := os.ReadFile(*file)
	if err != nil {
		return err
	}
	floors := map[string]int{}
	if err := json.Unmarshal(data, &floors); err != nil {
		return fmt.Errorf("%s: %w", *file, err)
	}
	dropped := false
	table := "| suite | recorded from | passed | of |\n| --- | --- | ---: | ---: |\n"
	for _, suite := range slices.Sorted(maps.Keys(floors)) {
		cmd := exec.Command(*program, "--bin", *bin, suite)
		cmd.Stderr = os.Stderr
		out, _ := cmd.Output() // it exits non-zero where cases fail; the score says how many
		score, total := -1, 0
		for _, m := range line.FindAllStringSubmatch(string(out), -1) {
			if m[1] == suite {
				score, _ = strconv.Atoi(m[2])
				total, _ = strconv.Atoi(m[3])
			}
		}
		if score < 0 {
			return fmt.Errorf("suite %s was not scored:\n%s", suite, out)
		}
		word := ""
		if score < floors[suite] {
			word, dropped = "  BELOW THE FLOOR", true
		}
		fmt.Printf("%-14s %5d of %5d, floor %5d%s\n", suite, score, total, floors[suite], word)
		table += fmt.Sprintf("| %s | %s | %d | %d |\n", suite, sources[suite], score, total)
		if *raise && score > floors[suite] {
			floors[suite] = score
		}
	}
	if *raise {
		out, err := json.MarshalIndent(floors, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(*file, append(out, '\n'), 0o644); err != nil {
			return err
		}
	}
	if *readme != "" {
		if err := rewrite(*readme, table); err != nil {
			return err
		}
	}
	if dropped {
		return fmt.Errorf("a score dropped")
	}
	return nil
}
