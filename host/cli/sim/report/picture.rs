//! Curves of the hit ratio, over the capacity and over the requests, as SVG.

use std::ops::Range;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use super::found::Report;
use super::matrix::grouped;
use crate::cli::sim::capacity::Unit;
use crate::cli::sim::timeline;
use crate::colours::COLOURS;

const WIDTH: u32 = 900;
/// Of the curves of one trace over the capacity.
const HEIGHT: u32 = 520;
/// Of those over the requests.
const LOW: u32 = 360;

/// A picture of all traces, one below the other.
///
/// # Errors
/// It can't be drawn.
pub(super) fn render(reports: &[Report]) -> Result<String> {
    let mut svg = String::new();
    let all: u32 = reports.iter().map(height).sum();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, all.max(1))).into_drawing_area();
        area.fill(&WHITE).map_err(undrawn)?;
        let mut rest = area.clone();
        for report in reports {
            let (own, below) = rest.split_vertically(height(report));
            let (curves, times) = own.split_vertically(HEIGHT);
            over_capacity(&curves, report).map_err(undrawn)?;
            over_requests(&times, report).map_err(undrawn)?;
            rest = below;
        }
        area.present().map_err(undrawn)?;
    }
    Ok(svg)
}

fn undrawn(problem: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the picture can't be drawn: {problem}")
}

/// The bars of `over_time` need two intervals, and so do its curves.
fn height(report: &Report) -> u32 {
    let has_times = report.rows.iter().any(|row| row.timeline.ratios(2).len() > 1);
    HEIGHT + if has_times { LOW } else { 0 }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn over_capacity(area: &Area<'_>, report: &Report) -> Drawn {
    let capacities = report.rows.iter().map(|row| row.capacity as f64);
    let least = capacities.clone().fold(f64::INFINITY, f64::min);
    let most = capacities.fold(1.0, f64::max).max(least + 1.0);
    let unit = if report.unit == Unit::Bytes { "bytes" } else { "entries" };
    let curve = |policy: &str| {
        let rows = report.rows.iter().filter(|row| row.policy == policy);
        let mut points: Vec<(f64, Option<f64>)> =
            rows.map(|row| (row.capacity as f64, Some(row.hit_ratio))).collect();
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        points
    };
    let panel = Panel {
        caption: format!(
            "{}: {} requests, {} keys",
            report.trace,
            grouped(report.requests),
            grouped(report.unique)
        ),
        across: format!("capacity in {unit}"),
        dots: 3,
        curves: curves(report, &curve),
    };
    panel.draw(area, (least..most).log_scale())
}

fn over_requests(area: &Area<'_>, report: &Report) -> Drawn {
    let Some(capacity) = report.middle_capacity() else { return Ok(()) };
    let rows: Vec<_> = report.rows_of(capacity).collect();
    if height(report) == HEIGHT {
        return Ok(());
    }
    let curve = |policy: &str| {
        let Some(row) = rows.iter().find(|row| row.policy == policy) else { return Vec::new() };
        let ratios = row.timeline.ratios(timeline::MOST);
        // By the requests of the trace, of which a sample has a share.
        let each = report.requests as f64 / ratios.len() as f64;
        let at = |place: usize| (place + 1) as f64 * each;
        ratios.into_iter().enumerate().map(|(place, ratio)| (at(place), ratio)).collect()
    };
    let panel = Panel {
        caption: format!("{}: over time, with a capacity of {}", report.trace, grouped(capacity)),
        across: "requests".into(),
        dots: 0,
        curves: curves(report, &curve),
    };
    panel.draw(area, 0.0..report.requests as f64)
}

/// A place on the axis below, and the value there if there is one.
type Point = (f64, Option<f64>);

/// Points with their names, colours and widths.
struct Curve<'a> {
    policy: &'a str,
    style: ShapeStyle,
    points: Vec<Point>,
}

/// Those of all policies. The bound is black.
fn curves<'a>(report: &'a Report, points: &dyn Fn(&str) -> Vec<Point>) -> Vec<Curve<'a>> {
    let (black, others) = (COLOURS[0], &COLOURS[1..]);
    let mut colours = others.iter().cycle();
    let curve = |(place, policy): (usize, &'a str)| {
        let colour = match report.is_bound(policy) {
            true => black,
            false => *colours.next().unwrap_or(&black),
        };
        // More policies than colours: the later ones have thinner lines.
        let width = if place < others.len() { 3 } else { 1 };
        Curve { policy, style: colour.stroke_width(width), points: points(policy) }
    };
    report.policies().into_iter().enumerate().map(curve).collect()
}

/// One system of axes, whose vertical one is the hit ratio.
struct Panel<'a> {
    caption: String,
    across: String,
    /// The size of the dots at the points; 0 for none.
    dots: u32,
    curves: Vec<Curve<'a>>,
}

impl Panel<'_> {
    fn draw<X>(&self, area: &Area<'_>, across: X) -> Drawn
    where
        X: AsRangedCoord<Value = f64>,
        X::CoordDescType: ValueFormatter<f64>,
    {
        let ratios = self.curves.iter().flat_map(|curve| &curve.points);
        let best = ratios.filter_map(|(_, ratio)| *ratio).fold(0.01, f64::max) * 100.0;
        let up: Range<f64> = 0.0..(best * 1.05).min(100.0);
        let mut chart = ChartBuilder::on(area)
            .caption(&self.caption, ("sans-serif", 20))
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(across, up)?;
        chart
            .configure_mesh()
            .x_desc(&self.across)
            .y_desc("hit ratio in %")
            .x_label_formatter(&|at| grouped(*at as u64))
            .y_label_formatter(&|ratio| format!("{ratio:.0}"))
            .light_line_style(WHITE)
            .draw()?;
        for Curve { policy, style, points } in &self.curves {
            let style = *style;
            let known = points.split(|(_, ratio)| ratio.is_none());
            for (place, part) in known.filter(|part| !part.is_empty()).enumerate() {
                let part = part.iter().filter_map(|(at, ratio)| Some((*at, (*ratio)? * 100.0)));
                let drawn =
                    chart.draw_series(LineSeries::new(part, style).point_size(self.dots))?;
                if place == 0 {
                    let line = move |(x, y)| PathElement::new([(x, y), (x + 24, y)], style);
                    drawn.label(*policy).legend(line);
                }
            }
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
}
