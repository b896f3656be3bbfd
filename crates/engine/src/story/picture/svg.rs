//! A story as SVG: one file, nothing from elsewhere, text that cannot be anything else.

use super::scale::Scale;
use super::text::is_worth_a_look;
use super::{Row, heads, plain, rows, since};
use model::Now;
use model::story::{BootStage, Story};
use std::fmt::Write as _;
use std::time::Duration;

/// Its one style sheet, as it stands in the file: whoever sends it can name its hash.
pub const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#1f2328}\
.h{font-size:15px;font-weight:600}.q{fill:#59636e}.w{fill:#b42318;font-weight:600}\
.n{font-variant-numeric:tabular-nums;text-anchor:end}.m{text-anchor:middle}\
.bg{fill:#fff}.odd{fill:#f6f8fa}.grid{stroke:#d1d9e0}.bad{stroke:#b42318;stroke-width:2}\
.gap{stroke:#8c959f;stroke-width:.7}.hl{stroke:#8c959f;stroke-width:1.5}.cut{fill:#fff;stroke:#59636e}\
.firmware{fill:#8250df}.loader{fill:#0969da}.script{fill:#0a8a7a}.kernel{fill:#1a7f37}\
.installer{fill:#9a6700}.system{fill:#57606a}\
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.q{fill:#9198a1}.w{fill:#ff7b72}\
.bg{fill:#0d1117}.odd{fill:#161b22}.grid{stroke:#30363d}.bad{stroke:#ff7b72}\
.gap{stroke:#6e7681}.hl{stroke:#6e7681}.cut{fill:#0d1117;stroke:#9198a1}\
.firmware{fill:#a371f7}.loader{fill:#4493f8}.script{fill:#39c5bb}.kernel{fill:#3fb950}\
.installer{fill:#d29922}.system{fill:#8b949e}}";

const WIDTH: f64 = 1280.0;
const MARGIN: f64 = 16.0;
/// Where times end, where words begin, where bars begin and end.
const TIMES: f64 = 92.0;
const WORDS: f64 = 104.0;
const BARS: f64 = 700.0;
const BARS_END: f64 = WIDTH - 16.0;
const ROW: f64 = 22.0;
/// Where rows begin: below title and ticks.
const ROWS: f64 = 109.0;
/// Characters of a row's words that there is room for; a pointer over the row shows all.
const WORDS_MAX: usize = 92;
/// About the width of a character of a label.
const CHARACTER: f64 = 6.4;
/// Ticks stand no closer.
const TICKS_APART: f64 = 64.0;

/// The picture; `name` is what people call the machine.
#[must_use]
pub fn svg(story: &Story, name: Option<&str>) -> String {
    let rows = rows(story);
    let scale = Scale::new(story.from, story.until, &rows);
    let height = ROWS + ROW * rows.len() as f64 + 56.0;
    let [title, who, costs] = heads(story, name);
    let mut out = String::new();
    open(&mut out, height, &title);
    put(&mut out, "h", MARGIN, 28.0, &title);
    put(&mut out, "q", MARGIN, 48.0, &format!("{}; {who}", story.from));
    put(&mut out, "q", MARGIN, 65.0, &costs);
    for n in (1..rows.len()).step_by(2) {
        let y = ROWS + ROW * n as f64;
        let wide = WIDTH - 2.0 * MARGIN;
        line(
            &mut out,
            format_args!(
                "<rect class=\"odd\" x=\"{MARGIN}\" y=\"{y}\" width=\"{wide}\" height=\"{ROW}\"/>"
            ),
        );
    }
    ticks(&mut out, story, &scale, ROWS + ROW * rows.len() as f64);
    for (n, row) in rows.iter().enumerate() {
        draw(&mut out, story, &scale, row, ROWS + ROW * n as f64);
    }
    legend(&mut out, height - 24.0);
    out.push_str("</svg>\n");
    out
}

fn open(out: &mut String, height: f64, title: &str) {
    let title = escaped(title);
    line(
        out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-label=\"{title}\">"
        ),
    );
    line(out, format_args!("<title>{title}</title>"));
    line(out, format_args!("<style>{STYLE}</style>"));
    let clip = BARS - WORDS - 8.0;
    line(
        out,
        format_args!(
            "<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><line class=\"hl\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\"/></pattern>\
         <clipPath id=\"words\"><rect x=\"{WORDS}\" y=\"0\" width=\"{clip}\" height=\"{height}\"/></clipPath></defs>"
        ),
    );
    line(out, format_args!("<rect class=\"bg\" width=\"{WIDTH}\" height=\"{height}\"/>"));
}

fn x(scale: &Scale, at: Now) -> f64 {
    BARS + scale.place(at) * (BARS_END - BARS)
}

/// Lines at round times, as close as they can be read.
fn ticks(out: &mut String, story: &Story, scale: &Scale, bottom: f64) {
    let mut last = f64::NEG_INFINITY;
    let whole = scale.end().since(story.from);
    let step = nice(whole / 8);
    for n in 0..=2000_u32 {
        let at = story.from + step * n;
        if at > scale.end() {
            break;
        }
        let place = x(scale, at);
        if place - last < TICKS_APART || place > BARS_END - 16.0 {
            continue;
        }
        last = place;
        line(
            out,
            format_args!(
                "<line class=\"grid\" x1=\"{place:.1}\" y1=\"{}\" x2=\"{place:.1}\" y2=\"{bottom}\"/>",
                ROWS - 6.0
            ),
        );
        let words = match n {
            0 => "0".to_owned(),
            _ => since(story, at).replace(".00", ""),
        };
        put(out, if n == 0 { "q" } else { "q m" }, place, ROWS - 12.0, &words);
    }
}

/// A round time that is not longer, 100 ms at least.
fn nice(time: Duration) -> Duration {
    const NICE_MS: [u64; 15] = [
        100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000,
        1_800_000, 3_600_000,
    ];
    let fits = |ms: &&u64| Duration::from_millis(**ms) <= time;
    Duration::from_millis(NICE_MS.iter().rev().find(fits).copied().unwrap_or(100))
}

fn draw(out: &mut String, story: &Story, scale: &Scale, row: &Row<'_>, y: f64) {
    let says = row.says();
    let full = escaped(&says);
    let baseline = y + 15.0;
    line(out, format_args!("<g><title>{} {full}</title>", since(story, row.from())));
    put(out, "n q", TIMES, baseline, &since(story, row.from()));
    let look = is_worth_a_look(row);
    let class = match (look, row) {
        (true, _) => "w",
        (false, Row::Gap(_)) => "q",
        (false, Row::Step(_)) => "t",
    };
    let shown = if look { format!("! {says}") } else { says };
    let shown = escaped(&shortened(&shown));
    line(
        out,
        format_args!(
            "<text class=\"{class}\" x=\"{WORDS}\" y=\"{baseline}\" clip-path=\"url(#words)\">{shown}</text>"
        ),
    );
    let (from, until) = (x(scale, row.from()), x(scale, row.until()));
    let width = (until - from).max(3.0);
    let from = from.min(BARS_END - width);
    match row {
        Row::Gap(gap) => {
            line(
                out,
                format_args!(
                    "<rect class=\"gap\" fill=\"url(#hatch)\" x=\"{from:.1}\" y=\"{}\" width=\"{width:.1}\" height=\"12\"/>",
                    y + 5.0
                ),
            );
            if scale.cut.contains(&(gap.from, gap.until)) {
                cut(out, from + width / 2.0, y + 11.0);
            }
        }
        Row::Step(step) => {
            let bad = if look { " bad" } else { "" };
            line(
                out,
                format_args!(
                    "<rect class=\"{}{bad}\" rx=\"2\" x=\"{from:.1}\" y=\"{}\" width=\"{width:.1}\" height=\"12\"/>",
                    step.stage,
                    y + 5.0
                ),
            );
        }
    }
    label(out, &row.label(), from, from + width, baseline);
    out.push_str("</g>\n");
}

/// Two strokes: time is cut out here.
fn cut(out: &mut String, x: f64, y: f64) {
    line(
        out,
        format_args!("<path class=\"cut\" d=\"M{:.1} {:.1}l5 -18h5l-5 18z\"/>", x - 5.0, y + 9.0),
    );
}

/// Beside the bar, where there is room.
fn label(out: &mut String, words: &str, from: f64, until: f64, baseline: f64) {
    if words.is_empty() {
        return;
    }
    let width = words.chars().count() as f64 * CHARACTER;
    if until + 6.0 + width <= BARS_END {
        put(out, "q", until + 6.0, baseline, words);
    } else if from - 6.0 - width >= BARS {
        put(out, "n q", from - 6.0, baseline, words);
    }
}

fn legend(out: &mut String, y: f64) {
    let mut x = MARGIN;
    for stage in BootStage::ALL {
        line(
            out,
            format_args!(
                "<rect class=\"{stage}\" rx=\"2\" x=\"{x}\" y=\"{}\" width=\"14\" height=\"12\"/>",
                y - 10.0
            ),
        );
        put(out, "q", x + 20.0, y, stage.name());
        x += 34.0 + stage.name().len() as f64 * CHARACTER + 10.0;
    }
    line(
        out,
        format_args!(
            "<rect class=\"gap\" fill=\"url(#hatch)\" x=\"{x}\" y=\"{}\" width=\"24\" height=\"12\"/>",
            y - 10.0
        ),
    );
    put(out, "q", x + 30.0, y, "nothing was heard");
    x += 160.0;
    cut(out, x, y - 4.0);
    put(out, "q", x + 14.0, y, "drawn shorter than it was");
    x += 190.0;
    put(out, "w", x, y, "!");
    put(out, "q", x + 10.0, y, "went wrong, or took longer than usual");
}

fn put(out: &mut String, class: &str, x: f64, y: f64, words: &str) {
    let words = escaped(words);
    line(out, format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>"));
}

fn line(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{what}");
}

fn shortened(words: &str) -> String {
    if words.chars().count() <= WORDS_MAX {
        return words.to_owned();
    }
    let kept: String = words.chars().take(WORDS_MAX - 1).collect();
    format!("{kept}…")
}

/// Text as XML takes it.
fn escaped(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for c in plain(words) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
