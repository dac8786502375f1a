// The question people come with, from the first click to the second run: the whole way through the workbench.
import { runPlan } from "../support/app";
import { Composer } from "../support/composer";
import { RunPage } from "../support/run";
import { expect, test } from "../support/test";

const RECORDS = 20_000;

/** What two runs of the same plan must share: everything but ids and what a clock measured. */
function timeless(report: any): unknown {
  const { schema, table, plan, runs, thresholds } = report;
  return {
    schema,
    table,
    plan,
    runs: runs.map((run: any) => ({
      writer: run.writer,
      options: run.options,
      state: run.state,
      records: run.records,
      errors: run.errors,
      retries: run.retries,
      reconciliation: run.reconciliation,
      values: Object.values(run.latency_ms).map((stage: any) => stage.count),
      bytes: run.usage.bytes,
      calls: run.usage.calls,
    })),
    thresholds: thresholds.map(({ name, writer, held }: any) => ({ name, writer, held })),
  };
}

test("20 000 records through every writer, reopened, compared with a second run, and the same from the command line", async ({
  page,
  app,
  complaints,
}) => {
  test.setTimeout(400_000);
  const composer = new Composer(page);
  await composer.open(app.url);
  await expect(composer.summary).toHaveText(/^20.000 records through 4 writers, one after the other$/);
  await page.getByLabel("Name", { exact: true }).fill("Every way in");
  const id = await composer.start();
  const run = new RunPage(page, app.url);
  await run.expectReport();
  // The figures first: when they are wrong, they say more than a sentence that is not there.
  const report = JSON.parse(await run.exported("JSON"));
  const all = { sent: RECORDS, durable: RECORDS, failed: 0, visible: RECORDS, missing: 0, duplicates: 0 };
  for (const { writer, records, errors, reconciliation } of report.runs) {
    expect({ writer, records, errors, reconciliation }).toMatchObject({ records: all, errors: [], reconciliation: { done: true } });
  }
  await expect(page.getByText("The table was asked for every row; everything is accounted for.")).toHaveCount(4);
  // Each question has its answer, be it that two are too close to call.
  for (const question of ["Fastest to durable", "Fastest to visible", "Highest throughput", "Cheapest"]) {
    await expect(page.getByTestId("report").getByText(question, { exact: true })).toBeVisible();
  }

  const plan = await run.exported("Plan file");
  expect(await run.exported("HTML")).toContain("<h1>Every way in</h1>");

  await page.goto(`${app.url}/runs/${id}`);
  await page.getByRole("button", { name: "Run again" }).click();
  await expect(page).not.toHaveURL(new RegExp(id));
  await run.expectReport();
  await page.getByLabel("Compare with").selectOption(id);
  await page.getByRole("button", { name: "Compare" }).click();
  await expect(page.getByTestId("side-by-side").getByRole("table")).toHaveCount(4);
  expect(complaints, "the browser's console").toEqual([]);

  expect(timeless(await runPlan(plan))).toEqual(timeless(report));
});
