// Package iso8601 reads, counts with and writes dates, times, durations and
// periods as Pacemaker does: a subset of ISO 8601 with a few liberties.
//
//	t, err := iso8601.Parse("2026-W48-3 12:30 +01:00", now)
//	d, err := iso8601.ParseDuration("P1MT2H")
//	t.Add(d).Format(iso8601.UTC) // "2026-12-25 13:30:00Z"
//
// A [Time] is kept as year, day of the year, second and offset, not as an
// instant: a sum may fall on 24:00:00, which differs from the next day's 00:00:00.
package iso8601
