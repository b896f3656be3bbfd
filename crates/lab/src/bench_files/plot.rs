//! Pictures of a measurement, as SVG.
//!
//! In: lines of points, what the axes are. Out: a text that any browser shows, in the colours of the
//! reader's light or dark page. Never: a point that was not measured.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::rig::{Trouble, io};

/// One line of a picture, with its name in the legend.
#[derive(Clone, Debug)]
pub struct Line {
    /// For the legend.
    pub name: String,
    /// Left to right.
    pub points: Vec<(f64, f64)>,
}

/// A picture.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Over it.
    pub title: String,
    /// What the horizontal axis is.
    pub x: Axis,
    /// What the vertical axis is.
    pub y: Axis,
    /// What is shown; colours for six.
    pub lines: Vec<Line>,
}

/// An axis: its words, and whether equal ratios are equal lengths on it.
#[derive(Clone, Debug)]
pub struct Axis {
    /// With the unit.
    pub title: String,
    /// Or equal differences are.
    pub logarithmic: bool,
}

impl Axis {
    /// Equal differences, equal lengths.
    #[must_use]
    pub fn plain(title: &str) -> Self {
        Self { title: title.to_owned(), logarithmic: false }
    }

    /// Equal ratios, equal lengths.
    #[must_use]
    pub fn logarithmic(title: &str) -> Self {
        Self { title: title.to_owned(), logarithmic: true }
    }
}

/// One picture's size, and the space around what is drawn.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 20.0;
const TITLE: f64 = 24.0;
/// A row of the legend; two lines stand in each.
const ROW: f64 = 20.0;
const BOTTOM: f64 = 56.0;
/// Told apart by who sees no colours, too: each has dashes of its own.
const DASHES: [&str; 6] = ["none", "9 4", "3 3", "12 3 3 3", "6 2", "1 4"];
const STYLE: &str = "text{font:13px sans-serif;fill:#222}.t{font-size:15px;font-weight:bold}\
    .a{stroke:#555;fill:none}.g{stroke:#ccc;fill:none}.l{fill:none;stroke-width:2.2}\
    .c0{stroke:#0b62a8}.c1{stroke:#c2410c}.c2{stroke:#15803d}.c3{stroke:#7e22ce}\
    .c4{stroke:#0e7490}.c5{stroke:#a16207}.b{fill:#fff}\
    @media(prefers-color-scheme:dark){text{fill:#e5e5e5}.a{stroke:#aaa}.g{stroke:#444}\
    .c0{stroke:#60b5ff}.c1{stroke:#ff9d5c}.c2{stroke:#4ade80}.c3{stroke:#c99bff}\
    .c4{stroke:#5fd9ee}.c5{stroke:#facc15}.b{fill:#181818}}";

/// Where values of an axis are in the picture.
struct Scale {
    from: f64,
    to: f64,
    logarithmic: bool,
    /// The places of both ends.
    place: (f64, f64),
}

impl Scale {
    fn new(axis: &Axis, values: impl Iterator<Item = f64>, place: (f64, f64)) -> Self {
        let logarithmic = axis.logarithmic;
        let values: Vec<f64> =
            values.filter(|value| value.is_finite() && (!logarithmic || *value > 0.0)).collect();
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max).max(1e-9);
        let (from, to) = match logarithmic {
            true => {
                (10_f64.powf(least.min(most).log10().floor()), 10_f64.powf(most.log10().ceil()))
            }
            false => (0.0, most),
        };
        let to = if to > from { to } else { from * 10.0 + 1.0 };
        Self { from, to, logarithmic, place }
    }

    fn at(&self, value: f64) -> f64 {
        let part = match self.logarithmic {
            true => (value.max(self.from) / self.from).log10() / (self.to / self.from).log10(),
            false => (value - self.from) / (self.to - self.from),
        };
        self.place.0 + part * (self.place.1 - self.place.0)
    }

    /// Round values to be written at the axis.
    fn ticks(&self) -> Vec<f64> {
        if self.logarithmic {
            let decades = (self.to / self.from).log10().round() as i32;
            return (0..=decades).map(|decade| self.from * 10_f64.powi(decade)).collect();
        }
        let rough = (self.to - self.from) / 6.0;
        let decade = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|step| step * decade >= rough);
        let step = step.unwrap_or(10.0) * decade;
        let count = ((self.to - self.from) / step).floor() as i32;
        (0..=count).map(|number| self.from + f64::from(number) * step).collect()
    }
}

impl Plot {
    /// The text of the picture.
    #[must_use]
    pub fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| line.points.iter());
        let x = Scale::new(&self.x, points().map(|point| point.0), (LEFT, WIDTH - RIGHT));
        let y = Scale::new(&self.y, points().map(|point| point.1), (HEIGHT - BOTTOM, self.top()));
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             role=\"img\" aria-label=\"{0}\">\n<style>{STYLE}</style>\n\
             <rect class=\"b\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n\
             <text class=\"t\" x=\"{LEFT}\" y=\"{TITLE}\">{0}</text>\n",
            escaped(&self.title)
        );
        self.axes(&mut out, &x, &y);
        for (number, line) in self.lines.iter().enumerate() {
            draw(&mut out, number, line, &x, &y);
        }
        out.push_str("</svg>\n");
        out
    }

    /// Writes the picture to a file, whose folder is made.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Trouble> {
        let doing = || io(format!("writing {}", path.display()));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(doing())?;
        }
        fs::write(path, self.svg()).map_err(doing())?;
        println!("picture: {}", path.display());
        Ok(())
    }

    /// Under the title and the legend.
    fn top(&self) -> f64 {
        TITLE + 18.0 + ROW * self.lines.len().div_ceil(2) as f64
    }

    fn axes(&self, out: &mut String, x: &Scale, y: &Scale) {
        let (right, bottom, top) = (WIDTH - RIGHT, HEIGHT - BOTTOM, self.top());
        for value in x.ticks() {
            let at = x.at(value);
            let _ = writeln!(
                out,
                "<path class=\"g\" d=\"M{at:.1} {top}V{bottom}\"/>\
                 <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 18.0,
                number(value)
            );
        }
        for value in y.ticks() {
            let at = y.at(value);
            let _ = writeln!(
                out,
                "<path class=\"g\" d=\"M{LEFT} {at:.1}H{right}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                at + 4.0,
                number(value)
            );
        }
        let middle = (top + bottom) / 2.0;
        let _ = writeln!(
            out,
            "<path class=\"a\" d=\"M{LEFT} {top}V{bottom}H{right}\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n\
             <text x=\"16\" y=\"{middle:.1}\" text-anchor=\"middle\" \
             transform=\"rotate(-90 16 {middle:.1})\">{}</text>",
            (LEFT + right) / 2.0,
            HEIGHT - 14.0,
            escaped(&self.x.title),
            escaped(&self.y.title)
        );
    }
}

/// A line, its points if they are few, and its place in the legend.
fn draw(out: &mut String, number: usize, line: &Line, x: &Scale, y: &Scale) {
    let (class, dash) = (number % DASHES.len(), DASHES.get(number % DASHES.len()));
    let dash = dash.copied().unwrap_or("none");
    let mut path = String::new();
    for (at, (right, up)) in line.points.iter().enumerate() {
        let begin = if at == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{begin}{:.1} {:.1}", x.at(*right), y.at(*up));
    }
    let _ = writeln!(out, "<path class=\"l c{class}\" stroke-dasharray=\"{dash}\" d=\"{path}\"/>");
    let left = LEFT + (number % 2) as f64 * (WIDTH - LEFT) / 2.0;
    let row = TITLE + ROW * (1 + number / 2) as f64;
    let _ = writeln!(
        out,
        "<path class=\"l c{class}\" stroke-dasharray=\"{dash}\" d=\"M{left} {row}h34\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        left + 42.0,
        row + 4.0,
        escaped(&line.name)
    );
}

fn number(value: f64) -> String {
    match value.abs() {
        1000.0.. => format!("{:.0}", value),
        0.0 | 10.0.. => format!("{value:.0}"),
        1.0.. => format!("{}", (value * 10.0).round() / 10.0),
        _ => format!("{}", (value * 1000.0).round() / 1000.0),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_the_data_are_ends_of_the_picture() {
        let line = Line { name: "a & b".into(), points: vec![(0.0, 0.0), (10.0, 5.0)] };
        let (x, y) = (Axis::plain("s"), Axis::plain("machines"));
        let svg = Plot { title: "t".into(), x, y, lines: vec![line] }.svg();
        assert!(svg.contains("M76.0 344.0L740.0 62.0"), "{svg}");
        assert!(svg.contains("a &amp; b"));
        assert_eq!(svg.matches("<path class=\"l c0\"").count(), 2, "line and legend");
    }

    #[test]
    fn decades_stand_at_a_logarithmic_axis() {
        let axis = Axis::logarithmic("transfers");
        let scale = Scale::new(&axis, [10.0, 5000.0].into_iter(), (0.0, 300.0));
        assert_eq!(scale.ticks().len(), 4);
        assert_eq!(scale.at(100.0).round(), 100.0);
    }
}
