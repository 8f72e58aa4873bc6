//! The colours of curves.

use plotters::style::RGBColor;

/// Told apart by people who see few colours: M. Okabe and K. Ito, "Color universal design",
/// 2008. The first is for the reference curve.
pub(crate) const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 0, 0),
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(148, 134, 40),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
];
