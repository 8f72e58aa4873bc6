// What a policy is, and how a step of the contract becomes calls of it. Nothing has to be
// changed here; wit/psycache-plugin.wit has the words of the contract.
package main

import "strings"

// policy works on one slot at a time. touch and remove name resident slots only, insert
// only slots that are not. A slot is resident from its insert until its remove, or until
// victim returns it.
type policy interface {
	touch(slot uint32)
	insert(slot uint32, e entry)
	remove(slot uint32)
	victim() (slot uint32, ok bool)
}

// overwriter is a policy that wants to know of a value that was replaced; for others that
// is a touch.
type overwriter interface {
	overwrite(slot uint32, e entry)
}

// entry is what the node tells of an entry when it is stored.
type entry struct {
	hash   uint64 // of the key; ghost lists know an entry by it
	weight uint32 // its share of the capacity, at least 1
	costUs uint32 // microseconds that the value took to load, 0 if it was set
	ttlMs  uint32 // time to live in milliseconds, 0 for none
}

type option struct{ name, value string }

type config struct {
	capacity   uint64 // in the unit of the weights
	maxEntries uint32 // every slot is below
	maxVictims uint32 // most that one step may return
	seed       uint64 // same seed and same calls, same victims
	options    []option
}

// configError is one of the three below.
type configError struct {
	kind          uint32
	name, problem string
}

func unknownOption(name string) *configError         { return &configError{0, name, ""} }
func invalidValue(name, problem string) *configError { return &configError{1, name, problem} }
func missingOption(name string) *configError         { return &configError{2, name, ""} }

// only refuses options other than the known ones, and those that are given twice.
func (c config) only(known ...string) *configError {
	hint := " (there are no options)"
	if len(known) > 0 {
		hint = " (known: " + strings.Join(known, ", ") + ")"
	}
	given := map[string]bool{}
	for _, name := range known {
		given[name] = false
	}
	for _, option := range c.options {
		again, isKnown := given[option.name]
		switch {
		case !isKnown:
			return unknownOption(option.name + hint)
		case again:
			return invalidValue(option.name, "is given twice")
		}
		given[option.name] = true
	}
	return nil
}

// stepped drives a policy by the steps of the contract.
type stepped struct {
	policy     policy
	maxVictims int
	// By slot; 0: nothing is resident there.
	weights []uint32
	victims []uint32
	// Kept for its memory alone: a step leaves nothing for the garbage collector.
	newcomers []int
}

func newStepped(c config) (*stepped, *configError) {
	policy, err := newPolicy(c)
	return &stepped{policy: policy, maxVictims: int(c.maxVictims)}, err
}

// step is all that happened since the last one.
type step struct {
	touched, removed, admitted []uint32
	hashes                     []uint64
	attributes                 []uint32
	need, now                  uint64
}

// step returns the victims, coldest first. They are good until the next call.
//
// Those that were resident before are asked first, and those just admitted only if the
// others do not suffice: "evict, then insert", as the definitions of policies have it.
func (s *stepped) step(step *step) []uint32 {
	s.victims = s.victims[:0]
	for _, slot := range step.touched {
		if s.isResident(slot) {
			s.policy.touch(slot)
		}
	}
	for _, slot := range step.removed {
		if s.isResident(slot) {
			s.weights[slot] = 0
			s.policy.remove(slot)
		}
	}
	s.newcomers = s.newcomers[:0]
	for at, slot := range step.admitted {
		if s.isResident(slot) {
			s.overwrite(slot, step.entry(at))
		} else {
			s.newcomers = append(s.newcomers, at)
		}
	}
	freed := s.choose(step.need, 0)
	for _, at := range s.newcomers {
		slot, entry := step.admitted[at], step.entry(at)
		if grow := int(slot) + 1 - len(s.weights); grow > 0 {
			s.weights = append(s.weights, make([]uint32, grow)...)
		}
		s.weights[slot] = entry.weight
		s.policy.insert(slot, entry)
	}
	s.choose(step.need, freed)
	return s.victims
}

// entry strides over the attributes, of which later versions may append more.
func (s *step) entry(at int) entry {
	attributes := s.attributes[at*(len(s.attributes)/len(s.admitted)):]
	return entry{s.hashes[at], max(attributes[0], 1), attributes[1], attributes[2]}
}

func (s *stepped) isResident(slot uint32) bool {
	return slot < uint32(len(s.weights)) && s.weights[slot] > 0
}

func (s *stepped) overwrite(slot uint32, e entry) {
	s.weights[slot] = e.weight
	if policy, wants := s.policy.(overwriter); wants {
		policy.overwrite(slot, e)
	} else {
		s.policy.touch(slot)
	}
}

// choose adds victims until they weigh need, and returns what they weigh.
func (s *stepped) choose(need, freed uint64) uint64 {
	for freed < need && len(s.victims) < s.maxVictims {
		slot, ok := s.policy.victim()
		if !ok {
			break
		}
		freed += uint64(s.weights[slot])
		s.weights[slot] = 0
		s.victims = append(s.victims, slot)
	}
	return freed
}

// A component has no main; Go wants one all the same.
func main() {}
