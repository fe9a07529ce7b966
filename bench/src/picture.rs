//! The curves as a picture for the documentation.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::growth::{Growth, Panel};

const COLUMNS: usize = 2;
const PANEL: (u32, u32) = (480, 300);

/// Dark enough to be told apart in print, and by the colour-blind (Okabe, Ito).
const COLOURS: [RGBColor; 4] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
];

type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Draws every panel into one SVG file.
///
/// # Errors
/// Where the file cannot be written.
pub fn draw(growth: &Growth, file: &Path) -> Drawn {
    let rows = growth.panels.len().div_ceil(COLUMNS);
    let size = (PANEL.0 * COLUMNS as u32, PANEL.1 * rows as u32);
    let sheet = SVGBackend::new(file, size).into_drawing_area();
    sheet.fill(&WHITE)?;
    for (panel, area) in growth
        .panels
        .iter()
        .zip(sheet.split_evenly((rows, COLUMNS)))
    {
        draw_panel(panel, &area)?;
    }
    sheet.present()?;
    Ok(())
}

fn draw_panel(panel: &Panel, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Drawn {
    let points = || panel.curves.iter().flat_map(|curve| &curve.points);
    let smallest = points().map(|point| point.0).min().unwrap_or(1).max(1);
    let largest = points().map(|point| point.0).max().unwrap_or(1);
    let highest = points().map(|point| point.1).fold(0.0, f64::max) * 1.15;
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        // Half of the last number below the axis stands beyond its end.
        .margin_right(40)
        .caption(
            format!("{} by {}", panel.title, panel.size),
            ("sans-serif", 15),
        )
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(
            (smallest as f64..largest as f64 * 1.02).log_scale(),
            0.0..highest,
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(&panel.size)
        .y_desc(&panel.unit)
        .x_labels(5)
        .x_label_formatter(&|size| thousands(*size as u64))
        .y_labels(5)
        .draw()?;
    for (curve, colour) in panel.curves.iter().zip(COLOURS.iter().cycle()) {
        let points = curve
            .points
            .iter()
            .map(|&(size, value)| (size as f64, value));
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)).point_size(3))?
            .label(&curve.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(TRANSPARENT)
        .draw()?;
    Ok(())
}

/// `1,000,000`
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
