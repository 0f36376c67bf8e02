package running

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"hacluster/internal/client"
	"hacluster/internal/pcs/live"
	"hacluster/internal/program"
	"hacluster/internal/tool/resource"
)

// Cleanup forgets failed operations.
func (c Cluster) Cleanup(ctx context.Context, r live.CleanupRequest) ([]string, error) {
	return c.forget(ctx, "--cleanup", r)
}

// Refresh forgets all operations, so that it is looked anew what runs.
func (c Cluster) Refresh(ctx context.Context, r live.CleanupRequest) ([]string, error) {
	return c.forget(ctx, "--refresh", r)
}

func (c Cluster) forget(ctx context.Context, verb string, r live.CleanupRequest) ([]string, error) {
	args := []string{verb}
	for _, o := range []struct{ name, value string }{
		{"--resource", r.Resource}, {"--node", r.Node}, {"--operation", r.Operation}, {"--interval", r.Interval},
	} {
		if o.value != "" {
			args = append(args, o.name, o.value)
		}
	}
	if r.Force {
		args = append(args, "--force")
	}
	return c.crmResource(ctx, args)
}

// Restart stops a resource, on one node if it is not "", and starts it again. A timeout of 0 has no end.
func (c Cluster) Restart(ctx context.Context, id, node string, timeout time.Duration) ([]string, error) {
	args := []string{"--restart", "--resource", id}
	if node != "" {
		args = append(args, "--node", node)
	}
	if timeout > 0 {
		args = append(args, "--timeout", fmt.Sprintf("%ds", int(timeout.Seconds())))
	}
	return c.crmResource(ctx, args)
}

// crmResource has crm_resource do something and gives what it says. Where it fails that is the error.
func (c Cluster) crmResource(ctx context.Context, args []string) ([]string, error) {
	if err := c.controller(ctx, "crm_resource", func(*client.Controller) error { return nil }); err != nil {
		return nil, err
	}
	var stdout, stderr bytes.Buffer
	code := resource.Run(ctx, &program.Env{
		Args: append([]string{"crm_resource"}, args...), Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Getenv: os.Getenv,
	})
	lines := func(first, then *bytes.Buffer) (out []string) {
		for _, b := range []*bytes.Buffer{first, then} {
			if text := strings.TrimSpace(b.String()); text != "" {
				out = append(out, strings.Split(text, "\n")...)
			}
		}
		return out
	}
	if code != 0 {
		return nil, words(strings.Join(lines(&stderr, &stdout), "\n"))
	}
	return lines(&stdout, &stderr), nil
}
