//! The four charts of a comparison with one crosshair, under the pointer and the arrow keys, that reads all of them.
//!
//! The picture of a chart and its crosshair are two drawings: a pointer that moves redraws only the second.

use leptos::html::Figcaption;
use leptos::prelude::*;

use super::board::Board;
use super::plots::{Course, plot};
use super::{readout, values};
use crate::chart::markup::Svg;
use crate::chart::path;
use crate::chart::scale::Scale;
use crate::chart::time::{Frame, TimePlot, draw};
use crate::model::LiveView;
use crate::ui::browser;
use crate::ui::chart::width::measured;
use crate::ui::drawn::{drawn, kept};

const HEIGHT: f64 = 200.0;
/// Points that Page Up and Page Down go.
const PAGE: isize = 10;

/// The charts.
#[component]
pub fn Courses(
    /// The page's state.
    board: Board,
    /// Whether the tables of values are somewhere else on the page.
    tables_elsewhere: bool,
) -> impl IntoView {
    let caption = NodeRef::<Figcaption>::new();
    let width = measured(caption, 560.0);
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        match event.key().as_str() {
            "ArrowLeft" => board.move_cursor(-1),
            "ArrowRight" => board.move_cursor(1),
            "PageUp" => board.move_cursor(-PAGE),
            "PageDown" => board.move_cursor(PAGE),
            "Home" => board.move_cursor(isize::MIN),
            "End" => board.move_cursor(isize::MAX),
            "Escape" => board.cursor.set(None),
            _ => return,
        }
        event.prevent_default();
    };
    let tables = (!tables_elsewhere).then(|| tables(board));
    view! {
        <section class="courses" aria-labelledby="course">
            <h2 id="course">"The course of the runs"</h2>
            <div
                class="course-readout"
                id="course-readout"
                data-testid="readout"
                aria-live=move || if board.cursor.get().is_some() { "polite" } else { "off" }
                inner_html=drawn(move || board.shown.with(|shown| readout::draw(shown, board.cursor.get())))
            ></div>
            <div
                class="course-charts"
                tabindex="0"
                role="group"
                aria-label="Charts over time: left and right arrow keys read the values"
                aria-describedby="course-readout"
                data-testid="charts"
                on:keydown=on_key
                on:blur=move |_| board.cursor.set(None)
            >
                {chart(board, width, Course::Throughput, caption)}
                {chart(board, width, Course::Latency, NodeRef::new())}
                {chart(board, width, Course::InFlight, NodeRef::new())}
                {chart(board, width, Course::Errors, NodeRef::new())}
            </div>
            {tables}
        </section>
    }
}

fn chart(board: Board, width: RwSignal<f64>, course: Course, caption: NodeRef<Figcaption>) -> impl IntoView {
    let see = move |show: &dyn Fn(&LiveView, &TimePlot, f64) -> String| {
        board.shown.with(|shown| show(shown, &plot(shown, course), width.get()))
    };
    let on_pointer = move |event: leptos::ev::PointerEvent| {
        let at = board.shown.with_untracked(|shown| {
            let plot = plot(shown, course);
            let frame = Frame::of(&plot, (width.get_untracked(), HEIGHT));
            (!shown.runs.is_empty()).then(|| frame.at_ms(f64::from(event.offset_x())))
        });
        board.cursor.set(at);
    };
    let about = move || {
        let logarithmic = course == Course::Latency
            && board.shown.with(|shown| matches!(plot(shown, course).scale, Scale::Log { .. }));
        if logarithmic { format!("{}, logarithmic", course.about()) } else { course.about().to_owned() }
    };
    let label = format!("{} over time: {}. Its values are in the tables.", course.title(), course.about());
    // A snapshot comes more often than a point: what was drawn is still right then.
    let from = move || board.shown.with(|shown| drawn_from(shown, width.get()));
    let picture = kept(from, move || see(&|_, plot, width| draw(plot, (width, HEIGHT), &label)));
    let about = kept(from, about);
    view! {
        <figure data-chart=course.id()>
            <figcaption node_ref=caption>
                <b>{course.title()}</b>
                " "
                {about}
            </figcaption>
            <div class="plot-frame" on:pointermove=on_pointer on:pointerleave=move |_| board.cursor.set(None)>
                <div inner_html=drawn(picture)></div>
                <div
                    class="crosshair"
                    inner_html=drawn(move || match board.cursor.get() {
                        Some(at_ms) => see(&|shown, plot, width| crosshair(shown, plot, width, at_ms)),
                        None => String::new(),
                    })
                ></div>
            </div>
        </figure>
    }
}

/// All that a picture depends on: its width, whether it will change, and how far each run has come.
fn drawn_from(shown: &LiveView, width: f64) -> Vec<f64> {
    let mut from = vec![width, if shown.finished { 1.0 } else { 0.0 }];
    for run in &shown.runs {
        from.push(run.series.len() as f64);
        from.push(run.series.last().map_or(0.0, |point| point.at_ms));
    }
    from
}

/// A line at the moment that is read, and the markers of the values there.
fn crosshair(shown: &LiveView, plot: &TimePlot, width: f64, at_ms: f64) -> String {
    let frame = Frame::of(plot, (width, HEIGHT));
    let (top, bottom) = frame.ends();
    let mut svg = Svg::new(width, HEIGHT);
    let x = frame.x(at_ms);
    svg.line("cursor", (x, top), (x, bottom));
    for line in plot.lines.iter().filter(|line| !line.second) {
        let run = shown.runs.iter().find(|run| run.writer == line.name);
        let read = run.and_then(|run| readout::point_at(run, at_ms)).map(|point| point.at_ms);
        let point = line.points.iter().find(|point| Some(point.at_ms) == read);
        if let Some((point, value)) = point.and_then(|point| Some((point, point.value?))) {
            svg.group("series", line.look, |svg| {
                svg.path("marker", &path::marker(line.look.marker(), frame.x(point.at_ms), frame.y(value)));
            });
        }
    }
    svg.finish_unsaid("cross")
}

/// The values as tables. They stand still while they are read: what they show is from when they were folded out.
fn tables(board: Board) -> impl IntoView {
    let read = RwSignal::new(None::<LiveView>);
    let on_toggle = move |event: leptos::ev::Event| {
        read.set(browser::is_open(&event).then(|| board.shown.get_untracked()));
    };
    view! {
        <details class="course-values" on:toggle=on_toggle>
            <summary>"Show values"</summary>
            <p class="quiet">"The values at the moment this was folded out. Fold it in and out again for newer ones."</p>
            <div inner_html=drawn(move || {
                read.with(|read| read.as_ref().map(values::draw).unwrap_or_default())
            })></div>
        </details>
    }
}
