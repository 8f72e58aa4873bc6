//! The nodes of the cluster as this one sees them.

use maud::{Markup, html};

use crate::proto::{NodeStatus, StatusResponse};
use crate::words::{percent, time};

/// The node that answers, in a sentence.
pub(super) fn head(status: &StatusResponse) -> Markup {
    let registry = status.registry.clone().unwrap_or_default();
    let is_in_touch = registry.connected || registry.kind == "none";
    html! {
        header #node data-live="" {
            h1 { "PsyCache " span.address { (status.address) } }
            p {
                @if status.ready { span.good { "ready" } } @else { strong.bad { "not ready" } }
                ", version " (status.version) ", up " (time(status.uptime_ms))
                ", registry " (registry.kind)
                @if !is_in_touch { " " strong.bad { "(not connected)" } }
                @match registry.state.as_str() {
                    "holds" => ", holds its keys",
                    state => { ", " strong.bad { (state) } },
                }
                ", security: " (status.security) ", ring version " (status.ring_version)
            }
            @if !registry.problem.is_empty() { p.bad { "Registry: " (registry.problem) } }
        }
    }
}

/// The table of the nodes.
pub(super) fn section(status: &StatusResponse) -> Markup {
    html! {
        section #cluster data-live="" aria-labelledby="cluster-title" {
            h2 #cluster-title { "Cluster" }
            div.scroll tabindex="0" role="region" aria-label="Nodes" {
                table {
                    caption { "Nodes and their share of the keys" }
                    thead { tr {
                        th scope="col" { "Node" }
                        th scope="col" { "State" }
                        th.number scope="col" { "Weight" }
                        th.number scope="col" { "Share" }
                        th scope="col" { "Of the ring" }
                    } }
                    tbody { @for node in &status.nodes { (row(node)) } }
                }
            }
        }
    }
}

fn row(node: &NodeStatus) -> Markup {
    let is_well = matches!(node.state.as_str(), "self" | "connected" | "idle");
    html! {
        tr {
            th scope="row" { (node.address) }
            td {
                span class=(if is_well { "good" } else { "bad" }) { (node.state) }
                @if !node.problem.is_empty() { ": " (node.problem) }
            }
            td.number { (node.weight) }
            td.number { (percent(Some(node.share))) }
            // The number is in the cell before.
            td { meter max="1" value=(format!("{:.4}", node.share)) aria-hidden="true" {} }
        }
    }
}
