package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/patch"
	"hacluster/cib/xml"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

func init() { programs["crm_diff"] = crmDiff }

// side is where crm_diff reads one of its two documents.
type side struct {
	file, text       string
	hasFile, hasText bool
}

func (s *side) given(stdin bool) bool { return s.hasFile || s.hasText || stdin }

func (s *side) read(env *program.Env, stdin bool) (*etree.Element, error) {
	switch {
	case s.hasText:
		return tool.ParseXML(s.text)
	case stdin:
		return tool.ReadXML(env, "")
	}
	return tool.ReadXML(env, s.file)
}

func crmDiff(_ context.Context, env *program.Env) int {
	var old, now side
	var apply, asCIB, noVersion, stdin bool
	out, _, code := tool.Start(env, &tool.Program{
		Summary: "the difference of two configurations, and applying one",
		Glued:   "nopNO",
		Options: []tool.Option{
			{Short: 'o', Long: "original", Arg: tool.Required, Do: tool.Text(&old.file, &old.hasFile), Group: "original XML", Value: "FILE", Help: "read it from a file"},
			{Short: 'O', Long: "original-string", Arg: tool.Required, Do: tool.Text(&old.text, &old.hasText), Group: "original XML", Value: "XML", Help: "the XML itself; wins over a file"},
			{Short: 'n', Long: "new", Arg: tool.Required, Do: tool.Text(&now.file, &now.hasFile), Group: "operation", Value: "FILE", Help: "show the patch that leads to this file"},
			{Short: 'N', Long: "new-string", Arg: tool.Required, Do: tool.Text(&now.text, &now.hasText), Group: "operation", Value: "XML", Help: "show the patch that leads to this XML; wins over a file"},
			{Short: 'p', Long: "patch", Arg: tool.Required, Do: tool.Text(&now.file, &now.hasFile, &apply), Group: "operation", Value: "FILE", Help: "apply the patch in this file and show the result"},
			{Short: 'c', Long: "cib", Do: tool.Flag(&asCIB), Group: "other", Help: "the documents are CIBs: versions are checked, the order of attributes does not count, the patch has a digest"},
			{Short: 'u', Long: "no-version", Do: tool.Flag(&noVersion), Group: "other", Help: "make a patch that leaves versions alone"},
			{Short: 's', Long: "stdin", Do: tool.Flag(&stdin)},
		},
	})
	if out == nil {
		return code
	}
	if noVersion && asCIB {
		return out.Finish(tool.Usage, errors.New("-u/--no-version incompatible with -c/--cib"))
	}
	if noVersion && apply {
		out.Fault("Warning: -u/--no-version ignored with -p/--patch")
	}
	if !old.given(stdin) {
		return out.Finish(tool.Usage, errors.New("Either --original or --original-string must be specified"))
	}
	from, fromErr := old.read(env, stdin)
	if !now.given(stdin) {
		return out.Finish(tool.Usage, errors.New("Either --new, --new-string, or --patch must be specified"))
	}
	to, toErr := now.read(env, stdin)
	if fromErr != nil {
		return out.Finish(tool.DataErr, errors.New("Failed to parse original XML"))
	}
	if toErr != nil {
		what := "new"
		if apply {
			what = "patch"
		}
		return out.Finish(tool.DataErr, fmt.Errorf("Failed to parse %s XML", what))
	}
	if apply {
		return applyPatch(out, from, to, patch.Check(asCIB))
	}
	opts := []patch.Option{patch.AttributeOrder}
	switch {
	case asCIB:
		opts = []patch.Option{patch.WithDigest}
	case noVersion:
		opts = append(opts, patch.NoVersions)
	}
	diff := patch.Diff(from, to, opts...)
	if diff == nil {
		return out.Finish(tool.OK, nil)
	}
	showXML(out, "patchset", diff)
	return out.Finish(tool.Error, nil)
}

func applyPatch(out *tool.Output, from, diff *etree.Element, check patch.Check) int {
	res, err := patch.Apply(from, diff, check)
	if err != nil {
		code := cib.DiffFailed
		var refused *patch.Error
		if errors.As(err, &refused) {
			code = cib.Code(refused.Code)
		}
		return out.Finish(tool.Exit(code.Exit()), fmt.Errorf("Could not apply patch: %s", code))
	}
	showXML(out, "updated", res.Root)
	return out.Finish(tool.OK, nil)
}

// showXML shows XML as text, or as the content of an element.
func showXML(out *tool.Output, tag string, el *etree.Element) {
	text := string(xml.Format(el))
	out.Print("%s", text)
	out.CData(tag, text)
}
