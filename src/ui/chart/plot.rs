//! Draws a [`PlotData`] as SVG: axes with units, lines, markers, labels at line ends, a read-out under the
//! pointer and the arrow keys, and the same values as a table. Measures its width in the browser only.

use leptos::html::Figcaption;
use leptos::prelude::*;

use super::data::{PlotData, Point, Series};
use super::path;
use super::scale::Scale;
use super::width::measured;
use crate::chart::axis::shortened;
use crate::model::number::{amount, fixed, milliseconds};
use crate::ui::drawn::drawn;
use crate::ui::markup::Markup;

const HEIGHT: f64 = 184.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;
const LEFT: f64 = 48.0;

/// The unit of times; each is written in the unit that suits it.
const MILLISECONDS: &str = "ms";

/// What stands beside the title: the unit that the axis does not name, and how it is divided.
fn about(unit: &str, logarithmic: bool) -> String {
    let parts = [(unit != MILLISECONDS).then_some(unit), logarithmic.then_some("logarithmic")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A titled chart.
#[component]
pub fn Plot<T: Send + Sync + 'static>(
    /// Begins the ids of its parts.
    id: &'static str,
    /// What it shows.
    title: &'static str,
    /// The unit of the values.
    unit: &'static str,
    /// What is known.
    known: RwSignal<Vec<T>>,
    /// What to draw of it.
    of: fn(&[T]) -> PlotData,
    /// What to say while there is nothing to draw.
    empty: String,
) -> impl IntoView {
    let data = move || known.with(|known| of(known));
    let caption = NodeRef::<Figcaption>::new();
    let width = measured(caption, 520.0);
    let cursor = RwSignal::new(None::<usize>);

    let on_key = move |event: leptos::ev::KeyboardEvent| {
        let last = untrack(data).positions.len().saturating_sub(1);
        let now = cursor.get_untracked();
        let next = match event.key().as_str() {
            "ArrowLeft" => Some(now.map_or(last, |index| index.saturating_sub(1))),
            "ArrowRight" => Some(now.map_or(0, |index| (index + 1).min(last))),
            "Home" => Some(0),
            "End" => Some(last),
            "Escape" => None,
            _ => return,
        };
        event.prevent_default();
        cursor.set(next);
    };
    let on_pointer = move |event: leptos::ev::PointerEvent| {
        let geometry = untrack(|| Geometry::of(&data(), width.get(), unit));
        cursor.set(geometry.nearest(f64::from(event.offset_x())));
    };
    let is_empty = move || data().is_empty();
    let log = move || matches!(data().scale(), Scale::Log { .. });

    view! {
        <figure class="chart" aria-labelledby=format!("{id}-title")>
            <figcaption node_ref=caption>
                <h3 id=format!("{id}-title")>{title}</h3>
                <span class="quiet">{move || about(unit, log())}</span>
            </figcaption>
            <p class="teach" hidden=move || !is_empty()>{empty}</p>
            <div hidden=is_empty>
                <div
                    class="plot-frame"
                    tabindex="0"
                    role="group"
                    aria-label=format!("{title}: left and right arrow keys read the values")
                    aria-describedby=format!("{id}-readout")
                    on:keydown=on_key
                    on:pointermove=on_pointer
                    on:pointerleave=move |_| cursor.set(None)
                    on:blur=move |_| cursor.set(None)
                    inner_html=drawn(move || draw(&data(), width.get(), cursor.get(), unit))
                ></div>
                <p
                    class="readout num"
                    id=format!("{id}-readout")
                    aria-live=move || if cursor.get().is_some() { "polite" } else { "off" }
                >
                    {move || readout(&data(), cursor.get(), unit)}
                </p>
                <details class="values">
                    <summary>"Show values"</summary>
                    <div
                        class="scroll"
                        tabindex="0"
                        role="region"
                        aria-label=format!("Values of {title}")
                        inner_html=drawn(move || values_table(&data(), title, unit))
                    ></div>
                </details>
            </div>
        </figure>
    }
}

/// Where everything goes, in pixels.
struct Geometry {
    right: f64,
    xs: Vec<f64>,
    numbers: Vec<u32>,
    ticks: Vec<(f64, String)>,
}

impl Geometry {
    fn of(data: &PlotData, width: f64, unit: &str) -> Self {
        // Labels stand to the right of the lines; about 6.2 px a character at 12 px type.
        let longest = data.series.iter().map(|series| series.name.len()).max().unwrap_or(0);
        let right = (width - 14.0 - longest as f64 * 6.6).max(LEFT + 80.0);
        let count = data.positions.len();
        let place = |index: usize| match count {
            1 => (LEFT + right) / 2.0,
            _ => LEFT + 8.0 + (right - LEFT - 8.0) * index as f64 / (count - 1) as f64,
        };
        let scale = data.scale();
        let written = |tick| shortened(&if unit == MILLISECONDS { milliseconds(tick) } else { amount(tick) });
        let ticks = scale.ticks(4).into_iter().map(|tick| (height_of(scale.place(tick)), written(tick)));
        Self { right, xs: (0..count).map(place).collect(), numbers: data.positions.clone(), ticks: ticks.collect() }
    }

    fn nearest(&self, x: f64) -> Option<usize> {
        let distance = |index: &usize| (self.xs[*index] - x).abs();
        (0..self.xs.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)))
    }
}

fn height_of(share: f64) -> f64 {
    HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
}

/// The picture, without its frame.
fn draw(data: &PlotData, width: f64, cursor: Option<usize>, unit: &str) -> String {
    let geometry = Geometry::of(data, width, unit);
    let mut markup = Markup::new();
    markup.raw("<svg class=\"plot\" width=\"100%\" height=\"184\" aria-hidden=\"true\">");
    draw_axes(&mut markup, &geometry);
    if let Some(x) = cursor.and_then(|index| geometry.xs.get(index)) {
        line(&mut markup, "cursor", (*x, TOP), (*x, HEIGHT - BOTTOM));
    }
    draw_series(&mut markup, data, &geometry);
    markup.raw("</svg>");
    markup.finish()
}

fn line(markup: &mut Markup, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(|place| fixed(place, 1));
    markup.element("line", &[("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)], "");
}

fn label(markup: &mut Markup, class: &str, (x, y): (f64, f64), anchor: &str, text: &str) {
    let (x, y) = (fixed(x, 1), fixed(y, 1));
    markup.element("text", &[("class", class), ("x", &x), ("y", &y), ("text-anchor", anchor)], text);
}

fn draw_axes(markup: &mut Markup, geometry: &Geometry) {
    for (y, text) in &geometry.ticks {
        line(markup, "grid", (LEFT, *y), (geometry.right, *y));
        label(markup, "tick", (LEFT - 8.0, y + 4.0), "end", text);
    }
    let last = geometry.numbers.len().saturating_sub(1);
    for (index, number) in geometry.numbers.iter().enumerate().filter(|(index, _)| *index == 0 || *index == last) {
        label(markup, "tick", (geometry.xs[index], HEIGHT - 8.0), "middle", &format!("#{number}"));
    }
}

fn draw_series(markup: &mut Markup, data: &PlotData, geometry: &Geometry) {
    let scale = data.scale();
    let y_of = |value: f64| height_of(scale.place(value));
    let last_y = |series: &Series| series.points.iter().rev().find_map(|point| point.value()).map_or(HEIGHT, &y_of);
    let wanted: Vec<f64> = data.series.iter().map(last_y).collect();
    let labels = path::spread(&wanted, 14.0, HEIGHT - BOTTOM);
    for (series, label_y) in data.series.iter().zip(labels) {
        let places = series.points.iter().zip(&geometry.xs);
        let mine: Vec<Option<(f64, f64)>> = places
            .filter(|(point, _)| **point != Point::Absent)
            .map(|(point, x)| point.value().map(|value| (*x, y_of(value))))
            .collect();
        let markers: String = mine.iter().flatten().map(|(x, y)| path::marker(series.marker, *x, *y)).collect();
        let class = if series.second { "series second" } else { "series" };
        markup.open("g", &[("class", class), ("data-hue", series.hue)]);
        markup.element("path", &[("class", "line"), ("d", &path::line(&mine))], "");
        markup.element("path", &[("class", "marker"), ("d", &markers)], "");
        label(markup, "label", (geometry.right + 10.0, label_y + 4.0), "start", &series.name);
        markup.close("g");
    }
}

fn readout(data: &PlotData, cursor: Option<usize>, unit: &str) -> String {
    let index = cursor.filter(|index| *index < data.positions.len());
    let Some(index) = index.or_else(|| data.positions.len().checked_sub(1)) else {
        return String::new();
    };
    let number = data.positions[index];
    let values = data.series.iter().filter_map(|series| match series.points.get(index)? {
        Point::Absent => None,
        Point::Missing => Some(format!("{} none", series.name)),
        Point::Value(value) => Some(format!("{} {}", series.name, figure(*value, unit))),
    });
    let values: Vec<String> = values.collect();
    let values = if values.is_empty() { "no value".to_owned() } else { values.join(", ") };
    let which = if cursor.is_some() { "Submission" } else { "Latest, submission" };
    format!("{which} #{number}: {values}")
}

/// A value with its unit; times in the unit that suits them.
fn figure(value: f64, unit: &str) -> String {
    if unit == MILLISECONDS { milliseconds(value) } else { format!("{} {unit}", amount(value)) }
}

fn values_table(data: &PlotData, title: &str, unit: &str) -> String {
    let mut markup = Markup::new();
    let caption = format!("{title} by submission");
    markup.raw("<table>").element("caption", &[("class", "sr-only")], &caption);
    markup.raw("<thead><tr><th scope=\"col\">Submission</th>");
    for series in &data.series {
        markup.element("th", &[("scope", "col")], &series.name);
    }
    markup.raw("</tr></thead><tbody>");
    for (index, number) in data.positions.iter().enumerate().rev() {
        markup.raw("<tr>").element("th", &[("scope", "row")], &format!("#{number}"));
        for series in &data.series {
            let value = series.points.get(index).and_then(|point| point.value());
            markup.element(
                "td",
                &[("class", "num")],
                &value.map_or_else(|| "–".to_owned(), |value| figure(value, unit)),
            );
        }
        markup.raw("</tr>");
    }
    markup.raw("</tbody></table>");
    markup.finish()
}
