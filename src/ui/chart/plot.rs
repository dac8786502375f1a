//! Draws a [`PlotData`] as SVG: axes with units, lines, markers, labels at line ends, a read-out under the
//! pointer and the arrow keys, and the same values as a table. Measures its width in the browser only.

use leptos::html::Div;
use leptos::prelude::*;

use super::data::{PlotData, Point, Series};
use super::path;
use crate::chart::axis::shortened;
use crate::ui::number::amount;

const HEIGHT: f64 = 184.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;
const LEFT: f64 = 48.0;

/// A titled chart.
#[component]
pub fn Plot(
    /// Begins the ids of its parts.
    id: &'static str,
    /// What it shows.
    title: &'static str,
    /// The unit of the values.
    unit: &'static str,
    /// What to draw.
    data: Memo<PlotData>,
    /// What to say while there is nothing to draw.
    empty: String,
) -> impl IntoView {
    let frame = NodeRef::<Div>::new();
    let width = RwSignal::new(520.0);
    let cursor = RwSignal::new(None::<usize>);
    let measure = move || {
        if let Some(frame) = frame.get_untracked() {
            width.set(f64::from(frame.client_width()).max(240.0));
        }
    };
    Effect::new(move |_| {
        // Runs again when the frame appears: it is not there while the chart is empty.
        frame.track();
        measure();
    });
    Effect::new(move |_| {
        let listener = window_event_listener(leptos::ev::resize, move |_| measure());
        on_cleanup(move || listener.remove());
    });
    let geometry = Memo::new(move |_| data.with(|data| Geometry::of(data, width.get())));
    let log = move || data.with(|data| matches!(data.scale(), super::scale::Scale::Log { .. }));
    let last = move || data.with(|data| data.positions.len().saturating_sub(1));

    let on_key = move |event: leptos::ev::KeyboardEvent| {
        let now = cursor.get_untracked();
        let next = match event.key().as_str() {
            "ArrowLeft" => Some(now.map_or(last(), |index| index.saturating_sub(1))),
            "ArrowRight" => Some(now.map_or(0, |index| (index + 1).min(last()))),
            "Home" => Some(0),
            "End" => Some(last()),
            "Escape" => None,
            _ => return,
        };
        event.prevent_default();
        cursor.set(next);
    };
    let on_pointer = move |event: leptos::ev::PointerEvent| {
        cursor.set(geometry.with_untracked(|geometry| geometry.nearest(f64::from(event.offset_x()))));
    };

    let drawing = move || {
        view! {
            <div
                class="plot-frame"
                node_ref=frame
                tabindex="0"
                role="group"
                aria-label=format!("{title}: left and right arrow keys read the values")
                aria-describedby=format!("{id}-readout")
                on:keydown=on_key
                on:pointermove=on_pointer
                on:pointerleave=move |_| cursor.set(None)
                on:blur=move |_| cursor.set(None)
            >
                <svg class="plot" width="100%" height=HEIGHT.to_string() aria-hidden="true">
                    {move || geometry.with(draw_axes)}
                    {move || cursor.get().and_then(|index| geometry.with(|geometry| draw_cursor(geometry, index)))}
                    {move || data.with(|data| geometry.with(|geometry| draw_series(data, geometry)))}
                </svg>
            </div>
            <p class="readout num" id=format!("{id}-readout") aria-live=move || if cursor.get().is_some() { "polite" } else { "off" }>
                {move || data.with(|data| readout(data, cursor.get(), unit))}
            </p>
            <details class="values">
                <summary>"Show values"</summary>
                <div class="scroll" tabindex="0" role="region" aria-label=format!("Values of {title}")>
                    {move || data.with(|data| values_table(data, title, unit))}
                </div>
            </details>
        }
    };
    view! {
        <figure class="chart" aria-labelledby=format!("{id}-title")>
            <figcaption>
                <h3 id=format!("{id}-title")>{title}</h3>
                <span class="quiet">{unit}{move || if log() { ", logarithmic" } else { "" }}</span>
            </figcaption>
            <Show when=move || !data.with(PlotData::is_empty) fallback=move || view! { <p class="teach">{empty.clone()}</p> }>
                {drawing}
            </Show>
        </figure>
    }
    .into_any()
}

/// Where everything goes, in pixels.
#[derive(Clone, Debug, PartialEq)]
struct Geometry {
    right: f64,
    xs: Vec<f64>,
    numbers: Vec<u32>,
    ticks: Vec<(f64, String)>,
}

impl Geometry {
    fn of(data: &PlotData, width: f64) -> Self {
        // Labels stand to the right of the lines; about 6.2 px a character at 12 px type.
        let longest = data.series.iter().map(|series| series.name.len()).max().unwrap_or(0);
        let right = (width - 14.0 - longest as f64 * 6.6).max(LEFT + 80.0);
        let count = data.positions.len();
        let place = |index: usize| match count {
            1 => (LEFT + right) / 2.0,
            _ => LEFT + 8.0 + (right - LEFT - 8.0) * index as f64 / (count - 1) as f64,
        };
        let scale = data.scale();
        let ticks = scale.ticks(4).into_iter().map(|tick| (height_of(scale.place(tick)), shortened(&amount(tick))));
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

fn draw_axes(geometry: &Geometry) -> impl IntoView + use<> {
    let right = geometry.right;
    let lines = geometry.ticks.iter().map(|(y, label)| {
        view! {
            <line class="grid" x1=LEFT.to_string() x2=format!("{right:.1}") y1=format!("{y:.1}") y2=format!("{y:.1}") />
            <text class="tick" x=(LEFT - 8.0).to_string() y=format!("{:.1}", y + 4.0) text-anchor="end">{label.clone()}</text>
        }
    });
    let ends = match geometry.numbers.len() {
        0 => Vec::new(),
        1 => vec![0],
        count => vec![0, count - 1],
    };
    let numbers = ends.into_iter().map(|index| {
        let anchor = "middle";
        view! {
            <text class="tick" x=format!("{:.1}", geometry.xs[index]) y=(HEIGHT - 8.0).to_string() text-anchor=anchor>
                {format!("#{}", geometry.numbers[index])}
            </text>
        }
    });
    (lines.collect_view(), numbers.collect_view()).into_any()
}

fn draw_cursor(geometry: &Geometry, index: usize) -> Option<impl IntoView + use<>> {
    let x = geometry.xs.get(index)?;
    Some(view! {
        <line class="cursor" x1=format!("{x:.1}") x2=format!("{x:.1}") y1=TOP.to_string() y2=(HEIGHT - BOTTOM).to_string() />
    })
}

fn draw_series(data: &PlotData, geometry: &Geometry) -> impl IntoView + use<> {
    let scale = data.scale();
    let y_of = |value: f64| height_of(scale.place(value));
    let last_y = |series: &Series| series.points.iter().rev().find_map(|point| point.value()).map_or(HEIGHT, &y_of);
    let wanted: Vec<f64> = data.series.iter().map(last_y).collect();
    let labels = path::spread(&wanted, 14.0, HEIGHT - BOTTOM);
    let drawn = data.series.iter().zip(labels).map(|(series, label_y)| {
        let places = series.points.iter().zip(&geometry.xs);
        let mine: Vec<Option<(f64, f64)>> = places
            .filter(|(point, _)| **point != Point::Absent)
            .map(|(point, x)| point.value().map(|value| (*x, y_of(value))))
            .collect();
        let markers: String = mine.iter().flatten().map(|(x, y)| path::marker(series.marker, *x, *y)).collect();
        let class = if series.second { "series second" } else { "series" };
        view! {
            <g class=class data-hue=series.hue>
                <path class="line" d=path::line(&mine) />
                <path class="marker" d=markers />
                <text class="label" x=format!("{:.1}", geometry.right + 10.0) y=format!("{:.1}", label_y + 4.0)>
                    {series.name.clone()}
                </text>
            </g>
        }
    });
    drawn.collect_view().into_any()
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
        Point::Value(value) => Some(format!("{} {} {unit}", series.name, amount(*value))),
    });
    let values: Vec<String> = values.collect();
    let values = if values.is_empty() { "no value".to_owned() } else { values.join(", ") };
    let which = if cursor.is_some() { "Submission" } else { "Latest, submission" };
    format!("{which} #{number}: {values}")
}

fn values_table(data: &PlotData, title: &str, unit: &str) -> impl IntoView + use<> {
    let heads = data.series.iter().map(|series| view! { <th scope="col">{series.name.clone()}</th> }).collect_view();
    let rows = data.positions.iter().enumerate().rev().map(|(index, number)| {
        let cells = data.series.iter().map(|series| {
            let text = series.points.get(index).and_then(|point| point.value()).map_or_else(|| "–".to_owned(), amount);
            view! { <td class="num">{text}</td> }
        });
        view! { <tr><th scope="row">{format!("#{number}")}</th>{cells.collect_view()}</tr> }
    });
    view! {
        <table>
            <caption class="sr-only">{format!("{title} by submission, in {unit}")}</caption>
            <thead><tr><th scope="col">"Submission"</th>{heads}</tr></thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
    .into_any()
}
