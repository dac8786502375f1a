import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { Composer, ended, reported } from "../support/composer";
import { expect, test } from "../support/test";

const DEVICES = [
  "device_id,site,metric,Value,unit,event_time,note",
  "d-1,north,temperature,21.5,Cel,2026-01-01T00:00:00Z,x",
  "d-2,north,temperature,warm,Cel,2026-01-01T00:00:01Z,x",
  "d-3,south,humidity,40,%,yesterday,x",
  "d-4,south,humidity,41,%,2026-01-01T00:00:03Z,x",
  "",
].join("\n");

async function expectGood(page: Page): Promise<void> {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(", ")}`)).toEqual([]);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
}

test("one click compares made records through every writer that is ready", async ({ page, app }) => {
  const composer = new Composer(page);
  await composer.open(app.url);
  await expect(composer.summary).toHaveText(/^20.000 records through 4 writers, one after the other$/);
  await page.getByLabel("Records", { exact: true }).last().fill("400");
  await expect(composer.summary).toHaveText(/^400 records through 4 writers/);
  const id = await composer.start();
  const report = await ended(page, app.url, id);
  expect(report.runs.map((run) => [run.state, run.records.durable])).toEqual(Array(4).fill(["completed", 400]));
});

test("what depends on a choice is there only then, and the plan file follows", async ({ page, app }) => {
  const composer = new Composer(page);
  await composer.open(app.url);
  await expect(page.getByLabel("To, records a second")).toBeHidden();
  await page.getByRole("radio", { name: "Ramp" }).check();
  await page.getByLabel("From, records a second").fill("10");
  await page.getByLabel("To, records a second").fill("1k");
  await expect(composer.summary).toHaveText("This field is required: a time such as 250ms, 30s or 5m.");
  await page.getByLabel("Over", { exact: true }).fill("2s");
  await page.getByRole("radio", { name: "In parallel" }).check();
  await expect(page.getByText("They then share the machine; the report says so.")).toBeVisible();
  await expect(composer.summary).toContainText("10 to 1.00 k a second over 2s");
  await page.getByText("Plan file", { exact: true }).click();
  const plan = page.getByTestId("plan");
  await expect(plan).toContainText('order = "parallel"');
  await expect(plan).toContainText("to = 1000.0");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  expect((await download).suggestedFilename()).toBe("direct-write-plan.toml");
});

test("all errors are shown at their fields, and what was typed stays", async ({ page, app }) => {
  const composer = new Composer(page);
  await composer.open(app.url);
  await page.getByLabel("Records", { exact: true }).last().fill("many");
  await page.getByLabel("Thresholds").fill("speed > 5");
  await composer.writer("zerobus").getByLabel("Streams").fill("1000");
  await composer.run.click();
  await expect(composer.errors).toContainText("3 errors");
  await expect(composer.errors).toBeFocused();
  const records = page.getByLabel("Records", { exact: true }).last();
  await expect(records).toHaveValue("many");
  await expect(records).toHaveAttribute("aria-invalid", "true");
  await expect(page.locator(`[id="${await records.getAttribute("aria-describedby")}"]`)).toContainText("This must be a whole number");
  await composer.errors.getByRole("link", { name: "writer.0.streams" }).click();
  await expect(composer.writer("zerobus").getByLabel("Streams")).toBeFocused();
  await expectGood(page);
  await records.fill("50");
  await page.getByLabel("Thresholds").fill("errors == 0");
  await composer.writer("zerobus").getByLabel("Streams").fill("1");
  await composer.only("sql");
  await composer.start();
});

test("the same writer twice, with other options", async ({ page, app }) => {
  const composer = new Composer(page);
  await composer.open(app.url);
  await page.getByLabel("Records", { exact: true }).last().fill("60");
  await composer.only("sql");
  await page.getByRole("button", { name: "SQL warehouse" }).click();
  await composer.awake();
  const second = composer.writer("sql", 1);
  await expect(second.getByRole("checkbox")).toBeFocused();
  await second.getByLabel("Mode").selectOption("single-row");
  await expect(composer.summary).toHaveText("60 records through 2 writers, one after the other");
  const id = await composer.start();
  const report = await ended(page, app.url, id);
  expect(report.runs).toHaveLength(2);
  await reported(page);
  await page.goto(`${app.url}/?source=generator&from=${id}`);
  await expect(second.getByLabel("Mode")).toHaveValue("single-row");
  await second.getByRole("button", { name: "Remove" }).click();
  await expect(composer.summary).toHaveText("60 records through 1 writer");
});

test("it works before and without the wasm", async ({ browser, app }) => {
  const page = await browser.newPage({ javaScriptEnabled: false });
  const composer = new Composer(page);
  await page.goto(`${app.url}/?source=generator`);
  await page.getByLabel("Records", { exact: true }).last().fill("40");
  await composer.only("zerobus");
  const id = await composer.start();
  const report = await ended(page, app.url, id);
  expect(report.runs.map((run) => run.records.durable)).toEqual([40]);
  await page.close();
});

test("a page of another site cannot start anything", async ({ page, app }) => {
  const form = { table: "main.direct_write.telemetry" };
  const answer = await page.request.post(`${app.url}/workbench/run`, { form, headers: { origin: "http://elsewhere" } });
  expect(answer.status()).toBe(403);
  expect(await answer.text()).toContain("This request came from a page of another site");
});

test("a CSV with two bad rows is previewed, mapped and run", async ({ page, app }) => {
  const composer = new Composer(page);
  await page.goto(`${app.url}/?source=upload`);
  await page.getByLabel("Table", { exact: true }).selectOption("main.direct_write.telemetry");
  await page.getByLabel("Drop a file here, or choose one").setInputFiles({
    name: "devices.csv",
    mimeType: "text/csv",
    buffer: Buffer.from(DEVICES),
  });
  await page.getByRole("button", { name: "Upload and preview" }).click();
  await composer.awake();
  const address = page.url();
  await expect(page.getByTestId("file")).toContainText("devices.csv CSV");
  await expect(page.getByTestId("preview")).toContainText("2 of 4 records break a rule");
  await expect(page.getByTestId("broken-rules")).toContainText("line 3.value");
  await expect(page.getByTestId("broken-rules")).toContainText("line 4.event_time");
  await expect(page.getByLabel("Value", { exact: true })).toHaveValue("value");
  await expect(page.getByLabel("note", { exact: true })).toHaveValue("");
  await expect(page.getByRole("region", { name: "First rows" })).toContainText("d-4");
  await expectGood(page);
  await page.getByLabel("metric", { exact: true }).selectOption("unit");
  await page.getByRole("button", { name: "Preview again" }).click();
  await expect(page.getByTestId("error-summary")).toContainText("Another field goes to unit");
  await page.getByLabel("metric", { exact: true }).selectOption("metric");
  await page.getByRole("button", { name: "Preview again" }).click();
  await expect(page.getByTestId("error-summary")).toHaveCount(0);
  await expect(page.getByTestId("preview")).toBeFocused();
  await composer.only("zerobus", "sql");
  await expect(composer.summary).toHaveText("All records of the file through 2 writers, one after the other");
  await page.getByText("Plan file", { exact: true }).click();
  await expect(page.getByTestId("plan")).toContainText("set source.path to your copy of the file");
  const id = await composer.start();
  const report = await ended(page, app.url, id);
  expect(report.runs.map((run) => run.records.durable)).toEqual([2, 2]);
  await reported(page);
  await page.goto(address);
  await expect(page.getByTestId("refusal")).toContainText("Upload the file again");
});

test("pasted records are taken, and what cannot be read is refused", async ({ page, app }) => {
  await page.goto(`${app.url}/?source=upload`);
  await page.getByRole("button", { name: "Upload and preview" }).click();
  await expect(page.getByTestId("refusal")).toContainText("The upload is empty.");
  await page.getByLabel("Or paste records").fill('[{"product_id": "P1"}, {"product_id"');
  await page.getByLabel("Table", { exact: true }).selectOption("main.direct_write.products");
  await page.getByRole("button", { name: "Upload and preview" }).click();
  await expect(page.getByText("Direct Write", { exact: true })).toBeVisible();
  await page.goto(`${app.url}/?source=upload`);
  await page.getByLabel("Or paste records").fill('{"device_id": "d-1"}\n{"device_id": 7}\n');
  await page.getByRole("button", { name: "Upload and preview" }).click();
  await expect(page.getByTestId("preview")).toContainText("break a rule");
});

test("an upload that is too large is refused in words", async ({ page, app }) => {
  const body = Buffer.alloc(100_000_001, "a");
  const answer = await page.request.post(`${app.url}/api/v1/uploads?name=big.csv`, { data: body, headers: { "content-type": "text/csv" } });
  expect(answer.status()).toBe(413);
  expect((await answer.json()).message).toContain("larger than 100 MB");
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1440, 390]) {
    test(`composer, upload and runs are good in ${colorScheme} at ${width} px`, async ({ page, app }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: width === 390 ? 844 : 1000 });
      const composer = new Composer(page);
      await composer.open(app.url);
      await page.screenshot({ path: `screenshots/composer-${colorScheme}-${width}.png`, fullPage: true });
      await expectGood(page);
      await page.goto(`${app.url}/?source=upload`);
      await page.screenshot({ path: `screenshots/upload-${colorScheme}-${width}.png`, fullPage: true });
      await expectGood(page);
      await page.getByLabel("Or paste records").fill(DEVICES);
      await page.getByRole("button", { name: "Upload and preview" }).click();
      await composer.awake();
      await page.screenshot({ path: `screenshots/mapping-${colorScheme}-${width}.png`, fullPage: true });
      await expectGood(page);
      await page.goto(`${app.url}/runs`);
      await page.screenshot({ path: `screenshots/runs-${colorScheme}-${width}.png`, fullPage: true });
      await expectGood(page);
    });
  }
}
