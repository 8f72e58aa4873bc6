//! The policy against a model: the same rule, written without a thought for speed.

const std = @import("std");
const contract = @import("contract.zig");
const expectEqualSlices = std.testing.expectEqualSlices;

const capacity = 20;

/// A queue of slots, the coldest first.
const Model = struct {
    slots: [capacity + 1]u32 = undefined,
    len: usize = 0,

    fn forget(model: *Model, slot: u32) bool {
        const at = std.mem.indexOfScalar(u32, model.slots[0..model.len], slot) orelse return false;
        std.mem.copyForwards(u32, model.slots[at..], model.slots[at + 1 ..]);
        model.len -= 1;
        return true;
    }

    fn use(model: *Model, slot: u32) void {
        _ = model.forget(slot);
        model.slots[model.len] = slot;
        model.len += 1;
    }
};

fn start(options: []const contract.Option, refusal: *contract.Refusal) !contract.Stepped {
    return contract.Stepped.configure(.{ .capacity = capacity, .max_entries = capacity + 1, .max_victims = capacity, .seed = 1, .options = options }, refusal);
}

test "agrees with the model" {
    var refusal: contract.Refusal = undefined;
    var policy = try start(&.{}, &refusal);
    var model: Model = .{};
    var generator = std.Random.DefaultPrng.init(1);
    const random = generator.random();
    for (0..20_000) |_| {
        const slot = [1]u32{random.uintLessThan(u32, capacity + 1)}; // resident or not
        const is_resident = model.forget(slot[0]);
        if (is_resident) model.use(slot[0]);
        var expected: [1]u32 = undefined;
        var expected_len: usize = 0;
        const happened: contract.Step = switch (random.uintLessThan(u32, 4)) {
            0 => admitted: { // comes, or is overwritten
                if (!is_resident and model.len == capacity) {
                    expected = .{model.slots[0]};
                    expected_len = 1;
                    _ = model.forget(expected[0]);
                }
                model.use(slot[0]);
                break :admitted .{ .admitted = &slot, .hashes = &.{7}, .attributes = &.{ 1, 0, 0 }, .need = expected_len };
            },
            1 => removed: {
                _ = model.forget(slot[0]);
                break :removed .{ .removed = &slot };
            },
            else => .{ .touched = &slot },
        };
        try expectEqualSlices(u32, expected[0..expected_len], policy.step(happened));
    }
}

test "longer attributes are strided over" {
    var refusal: contract.Refusal = undefined;
    var policy = try start(&.{}, &refusal);
    _ = policy.step(.{ .admitted = &.{ 0, 1 }, .hashes = &.{ 7, 8 }, .attributes = &.{ 5, 0, 0, 9, 3, 0, 0, 9 } });
    // 5 and 3 make 8, and nobody else is there.
    try expectEqualSlices(u32, &.{ 0, 1 }, policy.step(.{ .need = 6 }));
}

test "an option that there is not is refused" {
    var refusal: contract.Refusal = undefined;
    try std.testing.expectError(error.Refused, start(&.{.{ .name = "k", .value = "2" }}, &refusal));
    try std.testing.expectEqualStrings("k (there are no options)", refusal.unknown_option);
}
