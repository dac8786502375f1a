//! The values of the charts as tables, one for each run. Pure.

use crate::model::number::{grouped, milliseconds, with_unit};
use crate::model::{LiveView, SeriesPoint};
use crate::ui::markup::Markup;

const COLUMNS: [&str; 9] =
    ["At", "Throughput", "Bytes", "p50 durable", "p99 durable", "p50 visible", "p99 visible", "In flight", "Errors"];

/// Draws them.
pub fn draw(view: &LiveView) -> String {
    let mut markup = Markup::new();
    for run in view.runs.iter().filter(|run| !run.series.is_empty()) {
        let label = format!("Values of {} over time", run.writer);
        markup.open("div", &[("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", &label)]);
        markup.raw("<table>").element("caption", &[], &run.writer).raw("<thead><tr>");
        for name in COLUMNS {
            markup.element("th", &[("scope", "col")], name);
        }
        markup.raw("</tr></thead><tbody>");
        for point in &run.series {
            row(&mut markup, point);
        }
        markup.raw("</tbody></table></div>");
    }
    markup.finish()
}

fn row(markup: &mut Markup, point: &SeriesPoint) {
    let time = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), milliseconds);
    markup.raw("<tr>").element("th", &[("scope", "row")], &milliseconds(point.at_ms));
    let cells = [
        with_unit(point.rows_per_s, "rows/s"),
        with_unit(point.bytes_per_s, "B/s"),
        time(point.durable_p50_ms),
        time(point.durable_p99_ms),
        time(point.visible_p50_ms),
        time(point.visible_p99_ms),
        grouped(point.in_flight),
        grouped(point.errors),
    ];
    for cell in &cells {
        markup.element("td", &[], cell);
    }
    markup.raw("</tr>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::run::board::tests::view;

    #[test]
    fn every_point_has_its_row_and_gaps_are_dashes() {
        let mut view = view();
        view.runs.truncate(1);
        view.runs[0].series[0].durable_p50_ms = None;
        let markup = draw(&view);
        assert_eq!(markup.matches("<tr>").count(), view.runs[0].series.len() + 1);
        assert!(markup.contains("<td>–</td>"), "{markup}");
        assert_eq!(draw(&LiveView::default()), "");
    }
}
