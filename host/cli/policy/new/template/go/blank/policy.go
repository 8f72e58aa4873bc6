// FIFO, the least that is a policy: the entry that came first leaves first, whatever its use.
// "Write here" marks what to replace.
package main

type fifo struct {
	// The last to arrive at the front. Write here: the policy's state, by slot.
	arrival queue
}

// newPolicy is called once.
func newPolicy(c config) (policy, *configError) {
	// Write here: read options from c.options, and give their names to only.
	if err := c.only(); err != nil {
		return nil, err
	}
	return &fifo{}, nil
}

// The entry was used.
func (p *fifo) touch(slot uint32) {
	// Write here: what a use changes. In a FIFO it changes nothing.
}

// The entry came.
func (p *fifo) insert(slot uint32, e entry) {
	// Write here: where a new entry stands. e has its hash, weight, load time and time to live.
	p.arrival.pushFront(slot)
}

// The entry is gone, and not by this policy.
func (p *fifo) remove(slot uint32) {
	// Write here: forget it.
	p.arrival.remove(slot)
}

// Who leaves next? False: nobody is left.
func (p *fifo) victim() (uint32, bool) {
	// Write here: choose an entry, and forget it.
	slot, ok := p.arrival.back()
	if ok {
		p.arrival.remove(slot)
	}
	return slot, ok
}
