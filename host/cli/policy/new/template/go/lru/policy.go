// LRU: the entry whose last use lies furthest back leaves first.
package main

type lru struct {
	// The most recently used at the front.
	recency queue
}

// newPolicy is called once: read the options here, and refuse unknown ones.
func newPolicy(c config) (policy, *configError) {
	if err := c.only(); err != nil {
		return nil, err
	}
	return &lru{}, nil
}

// The entry was used.
func (p *lru) touch(slot uint32) {
	p.recency.remove(slot)
	p.recency.pushFront(slot)
}

// The entry came.
func (p *lru) insert(slot uint32, _ entry) {
	p.recency.pushFront(slot)
}

// The entry is gone, and not by this policy.
func (p *lru) remove(slot uint32) {
	p.recency.remove(slot)
}

// Who leaves next? It is forgotten. False: nobody is left.
func (p *lru) victim() (uint32, bool) {
	slot, ok := p.recency.back()
	if ok {
		p.recency.remove(slot)
	}
	return slot, ok
}
