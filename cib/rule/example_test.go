package rule_test

import (
	"fmt"
	"time"

	"hacluster/cib/rule"
	"hacluster/cib/xml"
)

func ExampleEvaluate() {
	doc, err := xml.ParseString(`<rule id="r" boolean-op="and" score="10">
  <expression id="e" attribute="site" operation="eq" value="east"/>
  <date_expression id="d" operation="date_spec"><date_spec id="s" hours="9-16" weekdays="1-5"/></date_expression>
</rule>`)
	if err != nil {
		fmt.Println(err)
		return
	}
	in := &rule.Input{
		Now:  time.Date(2026, 11, 27, 10, 30, 0, 0, time.UTC), // a Friday
		Attr: func(name string) (string, bool) { return "east", name == "site" },
	}
	fmt.Println(rule.Evaluate(doc.Root, in) == rule.Pass)
	in.Now = in.Now.AddDate(0, 0, 1)
	fmt.Println(rule.Evaluate(doc.Root, in) == rule.Pass)
	// Output:
	// true
	// false
}
