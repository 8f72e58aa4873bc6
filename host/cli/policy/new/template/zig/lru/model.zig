//! The policy's rule, written without a thought for speed.

const std = @import("std");

pub const Model = struct {
    /// The coldest first.
    slots: std.ArrayList(u32) = .empty,

    pub fn touch(model: *Model, slot: u32) void {
        model.remove(slot);
        model.insert(slot);
    }

    pub fn insert(model: *Model, slot: u32) void {
        model.slots.append(std.heap.page_allocator, slot) catch @panic("out of memory");
    }

    pub fn remove(model: *Model, slot: u32) void {
        _ = model.slots.orderedRemove(std.mem.indexOfScalar(u32, model.slots.items, slot).?);
    }

    pub fn victim(model: *Model) u32 {
        return model.slots.orderedRemove(0);
    }
};
