// Package rule evaluates the rules of a configuration: expressions over node
// attributes, dates, agents and operations.
//
//	ok := rule.Evaluate(element, &rule.Input{Now: now, Attr: lookup}) == rule.Pass
//
// A rule that cannot be understood never passes; Input.Error is told why, in
// the words that crm_verify prints.
package rule
