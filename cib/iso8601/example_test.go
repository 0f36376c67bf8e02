package iso8601_test

import (
	"fmt"
	"time"

	"hacluster/cib/iso8601"
)

func ExampleParse() {
	t, err := iso8601.Parse("2026-W48-3 12:30 +01:00", time.Now())
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := iso8601.ParseDuration("P1MT2H")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.Format(iso8601.UTC))
	fmt.Println(t.Add(d).Format(iso8601.UTC))
	// Output:
	// 2026-11-25 11:30:00Z
	// 2026-12-25 13:30:00Z
}
