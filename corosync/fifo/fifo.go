// Package fifo is a queue that uses its memory again.
package fifo

// most is how many places a queue keeps when it is empty.
const most = 4096

// Queue yields what was put in, in that order. The zero value is empty. It is not safe for concurrent use.
type Queue[T any] struct {
	list []T // the first are taken
	head int
}

// Len is how many there are.
func (q *Queue[T]) Len() int { return len(q.list) - q.head }

// Push puts one behind the others.
func (q *Queue[T]) Push(v T) {
	if len(q.list) == cap(q.list) && q.head > len(q.list)/2 {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	q.list = append(q.list, v)
}

// First is the next one, which stays; there must be one.
func (q *Queue[T]) First() *T { return &q.list[q.head] }

// At is the i-th from the next one on, which stays; there must be so many.
func (q *Queue[T]) At(i int) *T { return &q.list[q.head+i] }

// Pop takes the next one; there must be one.
func (q *Queue[T]) Pop() T {
	v := *q.First()
	q.Drop()
	return v
}

// Drop lets the next one go; there must be one.
func (q *Queue[T]) Drop() {
	var none T
	q.list[q.head] = none
	q.head++
	if q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
		if cap(q.list) > most {
			q.list = nil
		}
	}
}

// Each yields what is in it, in order, from the i-th on.
func (q *Queue[T]) Each(i int, f func(T)) {
	for _, v := range q.list[q.head:][i:] {
		f(v)
	}
}

// Keep drops all but the first n.
func (q *Queue[T]) Keep(n int) {
	rest := q.list[q.head+n:]
	clear(rest)
	q.list = q.list[:q.head+n]
}
