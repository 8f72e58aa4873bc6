//! SIEVE: entries stand in the order of their arrival, and a hand goes over them from the oldest
//! to the newest. It spares an entry that was used since it last came by, and takes the first that
//! was not (Zhang et al., "SIEVE is simpler than LRU", NSDI 2024).

const contract = @import("contract.zig");
const Queue = @import("queue.zig").Queue;

pub const Policy = struct {
    /// The last to arrive at the front.
    arrival: Queue = .{},
    /// By slot.
    used: []bool = &.{},
    /// The entry to look at next. Null: the oldest.
    hand: ?u32 = null,

    /// Called once: read the options here, and refuse unknown ones.
    pub fn configure(config: contract.Config, refusal: *contract.Refusal) error{Refused}!Policy {
        try contract.only(config.options, &.{}, refusal);
        return .{};
    }

    /// The entry was used.
    pub fn touch(policy: *Policy, slot: u32) void {
        policy.used[slot] = true;
    }

    /// The entry came.
    pub fn insert(policy: *Policy, slot: u32, _: contract.Entry) void {
        contract.grow(bool, &policy.used, slot + 1, false);
        policy.used[slot] = false;
        policy.arrival.pushFront(slot);
    }

    /// The entry is gone, and not by this policy.
    pub fn remove(policy: *Policy, slot: u32) void {
        if (policy.hand == slot) policy.hand = policy.arrival.before(slot);
        policy.arrival.remove(slot);
    }

    /// Who leaves next? It is forgotten. Null: nobody is left.
    pub fn victim(policy: *Policy) ?u32 {
        while (policy.hand orelse policy.arrival.back()) |slot| {
            policy.hand = policy.arrival.before(slot);
            if (!policy.used[slot]) {
                policy.arrival.remove(slot);
                return slot;
            }
            policy.used[slot] = false;
        }
        return null;
    }
};
