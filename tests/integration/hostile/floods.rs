//! Clients that open and cancel calls as fast as they can, or send frames that no call needs.

use super::frames::{
    ACK, GOAWAY, PING, RST_STREAM, SETTINGS, call, frame, get, next_frame, preface, round_trip,
    send, streams,
};
use super::{memory_kib, node, open, refused, serves_others, until_refused};

const CANCEL: [u8; 4] = [0, 0, 0, 8];

/// Memory that a flood may cost: what one connection buffers, and what is served meanwhile.
const MOST_KIB: u64 = 48 << 10;

#[tokio::test]
async fn calls_that_are_cancelled_as_they_come_end_the_connection() {
    let node = node(&[]);
    serves_others(&node).await;
    let before = memory_kib(&node, "VmHWM");
    // More on each connection than it takes to be ended.
    for round in 1..=20 {
        let mut stream = open(node.address()).await;
        assert!(send(&mut stream, &preface()).await);
        let flood: Vec<u8> = streams(10_000)
            .flat_map(|stream| {
                [call(stream, "Get"), frame(RST_STREAM, 0, stream, &CANCEL)].concat()
            })
            .collect();
        // The node may have ended it before all was sent.
        send(&mut stream, &flood).await;
        let mut farewell = None;
        while let Some(frame) = next_frame(&mut stream).await {
            farewell = (frame.kind == GOAWAY).then_some(frame.payload).or(farewell);
        }
        if let Some(farewell) = farewell {
            assert_eq!(farewell[7], 0xb, "ENHANCE_YOUR_CALM: {farewell:?}");
        }
        until_refused(&node, "grpc", "flood", round).await;
    }
    serves_others(&node).await;
    let grown = memory_kib(&node, "VmHWM") - before;
    assert!(grown < MOST_KIB, "{grown} KiB");
}

#[tokio::test]
async fn calls_that_are_cancelled_once_they_run_are_counted_too() {
    let node = node(&["--max-cancels", "5"]);
    let mut stream = open(node.address()).await;
    assert!(send(&mut stream, &preface()).await);
    let mut sent = 0;
    for number in streams(100_000) {
        // The request never becomes whole, so the call runs until it is cancelled.
        if !send(&mut stream, &call(number, "Set")).await || !round_trip(&mut stream).await {
            break;
        }
        send(&mut stream, &frame(RST_STREAM, 0, number, &CANCEL)).await;
        sent += 1;
    }
    assert!((5..100_000).contains(&sent), "{sent} calls");
    until_refused(&node, "grpc", "cancels", 1).await;
    serves_others(&node).await;
}

#[tokio::test]
async fn a_client_that_cancels_little_stays() {
    let node = node(&["--max-cancels", "50"]);
    let mut stream = open(node.address()).await;
    assert!(send(&mut stream, &preface()).await);
    for number in streams(40) {
        assert!(send(&mut stream, &call(number, "Set")).await);
        assert!(round_trip(&mut stream).await);
        assert!(send(&mut stream, &frame(RST_STREAM, 0, number, &CANCEL)).await);
    }
    assert!(round_trip(&mut stream).await);
    assert_eq!(refused(&node, "grpc", "cancels").await, 0.0);
}

#[tokio::test]
async fn a_client_whose_calls_all_come_to_their_deadline_and_are_tried_again_stays() {
    let node = node(&[]);
    let mut stream = open(node.address()).await;
    assert!(send(&mut stream, &preface()).await);
    let mut numbers = streams(2 * 1024);
    for _ in 0..2 {
        let calls: Vec<u32> = numbers.by_ref().take(1024).collect();
        // A few at a time, so that the node begins each before it is cancelled.
        for few in calls.chunks(16) {
            let begun: Vec<u8> = few.iter().flat_map(|number| call(*number, "Set")).collect();
            assert!(send(&mut stream, &begun).await);
            assert!(round_trip(&mut stream).await);
        }
        for few in calls.chunks(16) {
            let cancel = |number: &u32| frame(RST_STREAM, 0, *number, &CANCEL);
            let cancels: Vec<u8> = few.iter().flat_map(cancel).collect();
            assert!(send(&mut stream, &cancels).await);
        }
        assert!(round_trip(&mut stream).await);
    }
    assert!(send(&mut stream, &get(4097, "Tom")).await);
    assert!(round_trip(&mut stream).await);
    assert_eq!(refused(&node, "grpc", "cancels").await, 0.0);
}

#[tokio::test]
async fn ten_thousand_streams_without_a_request_cost_little() {
    let node = node(&[]);
    serves_others(&node).await;
    let before = memory_kib(&node, "VmHWM");
    let mut stream = open(node.address()).await;
    assert!(send(&mut stream, &preface()).await);
    let calls: Vec<u8> = streams(10_000).flat_map(|stream| call(stream, "Get")).collect();
    send(&mut stream, &calls).await;
    serves_others(&node).await;
    // Those beyond the limit were refused, or the connection was ended for them.
    let (mut refusals, mut is_open) = (0, false);
    send(&mut stream, &frame(PING, 0, 0, b"question")).await;
    while let Some(frame) = next_frame(&mut stream).await {
        refusals += usize::from(frame.kind == RST_STREAM);
        if frame.kind == PING && frame.flags == ACK {
            is_open = true;
            break;
        }
    }
    assert!(refusals >= 10_000 - 1024 || !is_open, "{refusals} refused");
    serves_others(&node).await;
    let grown = memory_kib(&node, "VmHWM") - before;
    assert!(grown < MOST_KIB, "{grown} KiB");
}

#[tokio::test]
async fn pings_and_settings_that_nobody_reads_the_answers_of_cost_little() {
    let node = node(&[]);
    serves_others(&node).await;
    let before = memory_kib(&node, "VmHWM");
    for flood in [frame(PING, 0, 0, b"question"), frame(SETTINGS, 0, 0, &[])] {
        let mut stream = open(node.address()).await;
        assert!(send(&mut stream, &preface()).await);
        let flood = flood.repeat(10_000);
        // Until the node takes no more: it waits for its answers to be read.
        let sending = async { while send(&mut stream, &flood).await {} };
        tokio::select! {
            () = sending => {}
            () = serves_others(&node) => {}
        }
        serves_others(&node).await;
    }
    let grown = memory_kib(&node, "VmHWM") - before;
    assert!(grown < MOST_KIB, "{grown} KiB");
}
