//! The policy's rule, written without a thought for speed.

const std = @import("std");

pub const Model = struct {
    /// The oldest first.
    slots: std.ArrayList(Entry) = .empty,
    /// Place of the entry to look at next.
    hand: usize = 0,

    /// `used`: since the hand last came by.
    const Entry = struct { slot: u32, used: bool = false };

    pub fn touch(model: *Model, slot: u32) void {
        model.slots.items[model.find(slot)].used = true;
    }

    pub fn insert(model: *Model, slot: u32) void {
        model.wrap();
        model.slots.append(std.heap.page_allocator, .{ .slot = slot }) catch @panic("out of memory");
    }

    pub fn remove(model: *Model, slot: u32) void {
        const at = model.find(slot);
        _ = model.slots.orderedRemove(at);
        if (at < model.hand) model.hand -= 1;
    }

    pub fn victim(model: *Model) u32 {
        model.wrap();
        while (model.slots.items[model.hand].used) : (model.wrap()) {
            model.slots.items[model.hand].used = false;
            model.hand += 1;
        }
        return model.slots.orderedRemove(model.hand).slot;
    }

    fn find(model: Model, slot: u32) usize {
        for (model.slots.items, 0..) |entry, at| if (entry.slot == slot) return at;
        unreachable;
    }

    /// A hand that has passed the newest entry begins with the oldest.
    fn wrap(model: *Model) void {
        if (model.hand == model.slots.items.len) model.hand = 0;
    }
};
