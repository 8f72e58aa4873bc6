// Slots in an order: a linked list in one array. Every call takes the same time.
package main

type queue struct {
	// Neighbours of each slot, one more than the slot's number: 0 is the queue itself,
	// whose next is the front and whose previous is the back.
	links []struct{ previous, next uint32 }
}

// pushFront puts a slot that is not in the queue at its front.
func (q *queue) pushFront(slot uint32) {
	at := slot + 1
	if grow := int(at) + 1 - len(q.links); grow > 0 {
		q.links = append(q.links, make([]struct{ previous, next uint32 }, grow)...)
	}
	front := q.links[0].next
	q.links[at].previous, q.links[at].next = 0, front
	q.links[front].previous, q.links[0].next = at, at
}

// remove takes a slot out that is in the queue.
func (q *queue) remove(slot uint32) {
	link := q.links[slot+1]
	q.links[link.previous].next, q.links[link.next].previous = link.next, link.previous
}

// back is the slot at the back. False: the queue is empty.
func (q *queue) back() (uint32, bool) {
	if len(q.links) == 0 || q.links[0].previous == 0 {
		return 0, false
	}
	return q.links[0].previous - 1, true
}

// before is the next slot towards the front. False: slot is at the front.
func (q *queue) before(slot uint32) (uint32, bool) {
	at := q.links[slot+1].previous
	return at - 1, at != 0
}
