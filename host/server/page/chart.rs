//! A small line chart, as SVG inside the page.
//!
//! The colours here are those of a light page. `page.css` has others for a dark one, by these
//! values.

use std::ops::Range;

use maud::{Markup, PreEscaped, html};
use plotters::prelude::*;

use crate::colours::COLOURS;

const SIZE: (u32, u32) = (300, 180);
const TEXT: i32 = 14;

/// Dashed by the style: drawn as dashes a mark would be many elements.
const MARK: RGBColor = RGBColor(129, 129, 129);
const AXIS: RGBColor = RGBColor(128, 128, 128);
const GRID: RGBColor = RGBColor(208, 208, 208);
const LETTERS: RGBColor = RGBColor(64, 64, 64);

/// A point whose value may not be known.
pub(super) type Point = (f64, Option<f64>);

/// A line with its name.
pub(super) struct Line {
    pub(super) name: String,
    /// Its place in the colours; 0 is the live group.
    pub(super) colour: usize,
    pub(super) points: Vec<Point>,
}

/// Text of a value at an axis.
type Format<'a> = &'a dyn Fn(f64) -> String;

/// The vertical axis.
#[derive(Clone, Copy)]
pub(super) enum Up {
    /// From 0 to a value that may be exceeded.
    AtLeast(f64),
    /// From 0 to 1.
    Ratio,
    /// Where the values are, within 0 and 1, so that ratios can be told apart.
    Ratios,
}

/// What a chart shows.
pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    pub(super) lines: Vec<Line>,
    pub(super) across: Range<f64>,
    pub(super) up: Up,
    pub(super) across_text: Format<'a>,
    pub(super) text: Format<'a>,
    /// Where a policy was swapped.
    pub(super) marks: Vec<f64>,
}

impl Chart<'_> {
    /// The chart with its title, its legend, and a text for those who do not see it.
    pub(super) fn figure(&self) -> Markup {
        let drawn = self.draw().unwrap_or_default();
        html! {
            figure {
                figcaption { (self.title) }
                div role="img" aria-label=(self.words()) { (PreEscaped(drawn)) }
                @if self.lines.len() > 1 {
                    ul.legend {
                        @for line in &self.lines {
                            @let colour = line.colour % COLOURS.len();
                            li { span class=(format!("swatch c{colour}")) {} (line.name) }
                        }
                    }
                }
            }
        }
    }

    /// The last, the least and the greatest value of each line.
    fn words(&self) -> String {
        let mut words = format!("Chart: {}.", self.title);
        for line in &self.lines {
            let known = || line.points.iter().filter_map(|(_, value)| *value);
            let Some(last) = known().next_back() else {
                words += &format!(" {}: nothing yet.", line.name);
                continue;
            };
            let least = known().fold(f64::INFINITY, f64::min);
            let most = known().fold(f64::NEG_INFINITY, f64::max);
            let [last, least, most] = [last, least, most].map(self.text);
            words += &format!(" {}: {last} at the end, from {least} to {most}.", line.name);
        }
        if !self.marks.is_empty() {
            words += &format!(" Marked changes of the policy: {}.", self.marks.len());
        }
        words
    }

    fn vertical(&self) -> (f64, f64) {
        let values =
            || self.lines.iter().flat_map(|line| &line.points).filter_map(|(_, value)| *value);
        let most = values().fold(0.0, f64::max);
        match self.up {
            Up::AtLeast(least) => (0.0, most.max(least) * 1.05),
            Up::Ratio => (0.0, 1.0),
            Up::Ratios => {
                let least = values().fold(most, f64::min);
                let around = ((most - least) * 0.1).max(0.01);
                ((least - around).max(0.0), (most + around).min(1.0))
            }
        }
    }

    fn draw(&self) -> Result<String, Box<dyn std::error::Error>> {
        let (bottom, top) = self.vertical();
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            let mut chart = ChartBuilder::on(&area)
                .margin(6)
                .margin_right(20)
                .x_label_area_size(24)
                .y_label_area_size(44)
                .build_cartesian_2d(self.across.clone(), bottom..top)?;
            let letters = ("sans-serif", TEXT).into_font().color(&LETTERS);
            chart
                .configure_mesh()
                .disable_x_mesh()
                .x_labels(5)
                .y_labels(4)
                .axis_style(AXIS)
                .bold_line_style(GRID)
                .light_line_style(TRANSPARENT)
                .label_style(letters.clone())
                .x_label_formatter(&|value| (self.across_text)(*value))
                .y_label_formatter(&|value| (self.text)(*value))
                .draw()?;
            for (at, mark) in self.marks.iter().enumerate() {
                let line = [(*mark, bottom), (*mark, top)];
                chart.draw_series(std::iter::once(PathElement::new(line, MARK.stroke_width(2))))?;
                let number = Text::new((at + 1).to_string(), (*mark, top), letters.clone());
                chart.draw_series(std::iter::once(number))?;
            }
            for line in &self.lines {
                let style = COLOURS[line.colour % COLOURS.len()];
                let known = line.points.split(|(_, value)| value.is_none());
                for part in known.filter(|part| !part.is_empty()) {
                    let part = part.iter().filter_map(|(at, value)| Some((*at, (*value)?)));
                    let series = LineSeries::new(part.clone(), style.stroke_width(2));
                    chart.draw_series(series)?;
                    let is_short = part.clone().count() <= 6;
                    let dots = part.filter(|_| is_short);
                    chart.draw_series(dots.map(|at| Circle::new(at, 3, style.filled())))?;
                }
            }
            area.present()?;
        }
        Ok(svg)
    }
}
