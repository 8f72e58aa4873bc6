//! Curves of the hit ratio over the capacity, as SVG.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::found::Report;
use crate::cli::sim::capacity::Unit;

const WIDTH: u32 = 900;
/// Of the curves of one trace.
const HEIGHT: u32 = 520;

/// One colour a policy, told apart by people who see few colours: M. Okabe and K. Ito, "Color
/// universal design", 2008; its black is the bound's.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
    RGBColor(148, 134, 40),
];

/// A picture of all traces, one below the other.
///
/// # Errors
/// It can't be drawn.
pub(super) fn render(reports: &[Report]) -> Result<String> {
    let mut svg = String::new();
    {
        let height = HEIGHT * u32::try_from(reports.len()).unwrap_or(1).max(1);
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE).map_err(undrawn)?;
        for (area, report) in area.split_evenly((reports.len().max(1), 1)).iter().zip(reports) {
            curves(area, report)
                .map_err(|problem| anyhow!("the picture can't be drawn: {problem}"))?;
        }
        area.present().map_err(undrawn)?;
    }
    Ok(svg)
}

fn undrawn(problem: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the picture can't be drawn: {problem}")
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn curves(area: &Area<'_>, report: &Report) -> Result<(), Box<dyn std::error::Error>> {
    let capacities = report.rows.iter().map(|row| row.capacity as f64);
    let least = capacities.clone().fold(f64::INFINITY, f64::min);
    let most = capacities.fold(1.0, f64::max).max(least + 1.0);
    let best = report.rows.iter().map(|row| row.hit_ratio * 100.0).fold(1.0, f64::max);
    let unit = if report.unit == Unit::Bytes { "bytes" } else { "entries" };
    let caption = format!("{}: {} requests, {} keys", report.trace, report.requests, report.unique);
    let mut chart = ChartBuilder::on(area)
        .caption(caption, ("sans-serif", 20))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d((least..most).log_scale(), 0.0..(best * 1.05).min(100.0))?;
    chart
        .configure_mesh()
        .x_desc(format!("capacity in {unit}"))
        .y_desc("hit ratio in %")
        .x_label_formatter(&|capacity| format!("{capacity:.0}"))
        .y_label_formatter(&|ratio| format!("{ratio:.0}"))
        .light_line_style(WHITE)
        .draw()?;
    let mut colours = COLOURS.iter().cycle();
    for (place, policy) in report.policies().into_iter().enumerate() {
        let colour = match report.is_bound(policy) {
            true => BLACK,
            false => *colours.next().unwrap_or(&BLACK),
        };
        // More policies than colours: the later ones have thinner lines.
        let width = if place < COLOURS.len() { 3 } else { 1 };
        let rows = report.rows.iter().filter(|row| row.policy == policy);
        let mut points: Vec<(f64, f64)> =
            rows.map(|row| (row.capacity as f64, row.hit_ratio * 100.0)).collect();
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        let style = colour.stroke_width(width);
        chart
            .draw_series(LineSeries::new(points, style).point_size(3))?
            .label(policy)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 24, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(200, 200, 200))
        .legend_area_size(32)
        .draw()?;
    Ok(())
}
