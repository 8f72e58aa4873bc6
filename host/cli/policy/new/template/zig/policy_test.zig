//! The policy against the model, by random steps.

const std = @import("std");
const contract = @import("contract.zig");
const Model = @import("model.zig").Model;
const expectEqualSlices = std.testing.expectEqualSlices;

const capacity = 20;

fn start(options: []const contract.Option, refusal: *contract.Refusal) !contract.Stepped {
    return contract.Stepped.configure(.{ .capacity = capacity, .max_entries = 2 * capacity, .max_victims = capacity, .seed = 1, .options = options }, refusal);
}

test "agrees with the model" {
    var refusal: contract.Refusal = undefined;
    var policy = try start(&.{}, &refusal);
    var model: Model = .{};
    var resident: [2 * capacity]bool = @splat(false);
    var residents: usize = 0;
    var generator = std.Random.DefaultPrng.init(1);
    const random = generator.random();
    for (0..20_000) |_| {
        const slot = [1]u32{random.uintLessThan(u32, 2 * capacity)};
        const is_resident = &resident[slot[0]];
        var expected: [1]u32 = undefined;
        var expected_len: usize = 0;
        const happened: contract.Step = switch (random.uintLessThan(u32, 8)) {
            0...3 => admitted: { // comes, or is overwritten
                if (is_resident.*) {
                    model.touch(slot[0]);
                } else {
                    if (residents == capacity) {
                        expected = .{model.victim()};
                        expected_len = 1;
                        resident[expected[0]] = false;
                        residents -= 1;
                    }
                    model.insert(slot[0]);
                    is_resident.* = true;
                    residents += 1;
                }
                break :admitted .{ .admitted = &slot, .hashes = &.{7}, .attributes = &.{ 1, 0, 0 }, .need = expected_len };
            },
            4 => removed: {
                if (is_resident.*) {
                    model.remove(slot[0]);
                    is_resident.* = false;
                    residents -= 1;
                }
                break :removed .{ .removed = &slot };
            },
            else => touched: { // is used
                if (is_resident.*) model.touch(slot[0]);
                break :touched .{ .touched = &slot };
            },
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
