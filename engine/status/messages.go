package status

import "fmt"

// configErr records an error of the configuration.
func (c *Cluster) configErr(format string, args ...any) {
	c.Messages = append(c.Messages, Message{Error, fmt.Sprintf(format, args...)})
}

// configWarn records a warning about the configuration.
func (c *Cluster) configWarn(format string, args ...any) {
	c.Messages = append(c.Messages, Message{Warning, fmt.Sprintf(format, args...)})
}

// FindWrong records what is wrong with what runs, and not with the configuration: it goes into logs, and with it the plan
// has warnings or errors.
func (c *Cluster) FindWrong(s Severity, format string, args ...any) {
	c.Findings = append(c.Findings, Message{s, fmt.Sprintf(format, args...)})
}

// warnOnce records a warning unless it was recorded before.
func (c *Cluster) warnOnce(text string) { c.warnOnceAs(text, text) }

// warnOnceAs records a warning unless one of the same key was recorded.
func (c *Cluster) warnOnceAs(key, text string) {
	if c.Warned == nil {
		c.Warned = map[string]bool{}
	}
	if !c.Warned[key] {
		c.Warned[key] = true
		c.configWarn("%s", text)
	}
}
