// SIEVE: entries stand in the order of their arrival, and a hand goes over them from the oldest
// to the newest. It spares an entry that was used since it last came by, and takes the first that
// was not (Zhang et al., "SIEVE is simpler than LRU", NSDI 2024).
package main

type sieve struct {
	// The last to arrive at the front.
	arrival queue
	// By slot.
	used []bool
	// The entry to look at next. Without a hand it is the oldest.
	hand    uint32
	hasHand bool
}

// newPolicy is called once: read the options here, and refuse unknown ones.
func newPolicy(c config) (policy, *configError) {
	if err := c.only(); err != nil {
		return nil, err
	}
	return &sieve{}, nil
}

// The entry was used.
func (p *sieve) touch(slot uint32) {
	p.used[slot] = true
}

// The entry came.
func (p *sieve) insert(slot uint32, _ entry) {
	if grow := int(slot) + 1 - len(p.used); grow > 0 {
		p.used = append(p.used, make([]bool, grow)...)
	}
	p.used[slot] = false
	p.arrival.pushFront(slot)
}

// The entry is gone, and not by this policy.
func (p *sieve) remove(slot uint32) {
	if p.hasHand && p.hand == slot {
		p.hand, p.hasHand = p.arrival.before(slot)
	}
	p.arrival.remove(slot)
}

// Who leaves next? It is forgotten. False: nobody is left.
func (p *sieve) victim() (uint32, bool) {
	for {
		slot, ok := p.hand, p.hasHand
		if !ok {
			slot, ok = p.arrival.back()
		}
		if !ok {
			return 0, false
		}
		p.hand, p.hasHand = p.arrival.before(slot)
		if !p.used[slot] {
			p.arrival.remove(slot)
			return slot, true
		}
		p.used[slot] = false
	}
}
