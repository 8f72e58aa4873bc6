// The policy against a model: the same rule, written without a thought for speed.
package main

import (
	"math/rand/v2"
	"slices"
	"testing"
)

const capacity = 20

// model is a queue of slots, the coldest first.
type model struct{ slots []uint32 }

func (m *model) use(slot uint32) {
	m.forget(slot)
	m.slots = append(m.slots, slot)
}

func (m *model) forget(slot uint32) {
	m.slots = slices.DeleteFunc(m.slots, func(s uint32) bool { return s == slot })
}

func start(t *testing.T) *stepped {
	s, err := newStepped(config{capacity: capacity, maxEntries: capacity + 1, maxVictims: capacity})
	if err != nil {
		t.Fatalf("no options were given: %+v", *err)
	}
	return s
}

func TestAgreesWithTheModel(t *testing.T) {
	policy, model := start(t), &model{}
	random := rand.New(rand.NewPCG(1, 2))
	for at := range 20_000 {
		// Some slots are resident and some are not.
		slot := random.Uint32N(capacity + 1)
		resident := slices.Contains(model.slots, slot)
		var step step
		var expected []uint32
		switch random.IntN(4) {
		case 0: // comes, or is overwritten
			step.admitted, step.hashes, step.attributes = []uint32{slot}, []uint64{7}, []uint32{1, 0, 0}
			if !resident && len(model.slots) == capacity {
				step.need, expected = 1, model.slots[:1:1]
				model.slots = model.slots[1:]
			}
			model.use(slot)
		case 1: // is removed
			step.removed = []uint32{slot}
			model.forget(slot)
		default: // is used
			step.touched = []uint32{slot}
			if resident {
				model.use(slot)
			}
		}
		if victims := policy.step(&step); !slices.Equal(victims, expected) {
			t.Fatalf("step %d, %+v: victims %v, expected %v", at, step, victims, expected)
		}
	}
}

func TestLongerAttributesAreStridedOver(t *testing.T) {
	policy := start(t)
	policy.step(&step{admitted: []uint32{0, 1}, hashes: []uint64{7, 8}, attributes: []uint32{5, 0, 0, 9, 3, 0, 0, 9}})
	// 5 and 3 make 8, and nobody else is there.
	if victims := policy.step(&step{need: 6}); !slices.Equal(victims, []uint32{0, 1}) {
		t.Fatalf("victims %v", victims)
	}
}

func TestAnOptionThatThereIsNotIsRefused(t *testing.T) {
	_, err := newStepped(config{options: []option{{"k", "2"}}})
	if err == nil || err.name != "k (there are no options)" {
		t.Fatalf("%+v", err)
	}
}
