import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { longPlan, RunPage, shortPlan, snapshot, start } from "../support/run";
import { expect, test } from "../support/test";

async function expectNoViolations(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(", ")}`);
  expect(told).toEqual([]);
}

async function expectNoOverflow(page: Page): Promise<void> {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
}

test("a comparison is followed while it runs and becomes its report", async ({ page, app, request, complaints }) => {
  // Eight seconds for each run: long enough for the first page a worker opens on a busy machine.
  const id = await start(request, app.url, shortPlan("Two ways in", { source: { kind: "telemetry", records: 4000, seed: 7, rate: 500 } }));
  const run = new RunPage(page, app.url);
  await run.open(id);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Two ways in");
  await expect(page.locator("dl.facts").filter({ hasText: "Started" })).toContainText("main.direct_write.telemetry");
  await expect(run.lanes).toHaveCount(2);
  await expect(run.progress).toContainText("Run 1 of 2: zerobus is ");
  await expect(run.figure("zerobus", "p99 durable")).toHaveText(/\d (µs|ms|s)$/);
  await expect(page.getByTestId("log")).toContainText("zerobus");
  await run.charts.focus();
  await page.keyboard.press("Home");
  await expect(run.readout).toContainText(/after each run began to send.*zerobus.*rows\/s/s);
  await page.keyboard.press("Escape");
  await expect(run.progress).toContainText("Run 2 of 2: sql json-parameter");
  await run.expectReport();

  await expect(page.getByTestId("state")).toContainText("completed");
  await expect(page.getByText("thresholds held")).toBeVisible();
  for (const title of ["Verdict", "Runs", "A record's journey", "Percentiles", "What a million rows cost", "Each run", "Plan"]) {
    await expect(page.getByRole("heading", { name: title, exact: true })).toBeVisible();
  }
  await expect(page.getByText("The table was asked for every row; everything is accounted for.")).toHaveCount(2);
  await page.reload();
  await run.expectReport();
  await expect(run.lanes).toHaveCount(0);
  await run.charts.focus();
  await page.keyboard.press("End");
  await expect(run.readout).toContainText(/sql json-parameter.*rows\/s/s);
  const charts = run.charts.locator(".plot-frame");
  await expect(charts).toHaveCount(4);
  await charts.nth(2).hover();
  await expect(run.readout).toContainText("after each run began to send");
  await expect(run.charts.locator(".crosshair line")).toHaveCount(4);
  expect(complaints, "the browser's console").toEqual([]);
});

test("a report is exported in every form", async ({ page, app, request }) => {
  const id = await start(request, app.url, shortPlan("To be exported"));
  const run = new RunPage(page, app.url);
  await run.open(id);
  await run.expectReport();
  const files: Record<string, (text: string) => void> = {
    JSON: (text) => expect(JSON.parse(text).schema).toBe("direct-write/report/v1"),
    CSV: (text) => expect(text.trim().split("\n")).toHaveLength(3),
    "Values over time, CSV": (text) => expect(text).toContain("sql json-parameter"),
    HTML: (text) => expect(text).toContain("<h1>To be exported</h1>"),
    "Plan file": (text) => expect(text).toContain("[[writer]]"),
  };
  for (const [name, holds] of Object.entries(files)) holds(await run.exported(name));
});

test("a second browser joins, and what it stops ends for both", async ({ page, browser, app, request }) => {
  const id = await start(request, app.url, longPlan("Until it is stopped"));
  const first = new RunPage(page, app.url);
  await first.open(id);
  await expect(first.progress).toContainText("2 of 2 runs are under way at once.");
  await expect(first.figure("zerobus", "Durable")).not.toHaveText("0");
  const context = await browser.newContext();
  const second = new RunPage(await context.newPage(), app.url);
  await second.open(id);
  await expect(second.figure("zerobus", "Durable")).not.toHaveText("0");
  await first.page.reload();
  await expect(first.figure("zerobus", "Durable"), "a reload loses nothing").not.toHaveText("0");
  await second.page.getByRole("button", { name: "Stop comparison" }).click();
  await expect(second.notice("stopping")).toContainText("nothing more is sent");
  for (const run of [first, second]) {
    await run.expectReport();
    await expect(run.page.getByTestId("state")).toContainText("stopped");
  }
  await context.close();
});

test("a paused view stands still while the comparison goes on", async ({ page, app, request }) => {
  const id = await start(request, app.url, longPlan("Paused for a while"));
  const run = new RunPage(page, app.url);
  await run.open(id);
  const sent = run.figure("zerobus", "Sent");
  await expect(sent).not.toHaveText("0");
  await page.getByRole("button", { name: "Pause view" }).click();
  await expect(run.notice("paused")).toContainText("The comparison goes on.");
  const still = await sent.innerText();
  const before = (await snapshot(request, app.url, id)).runs[0].records.sent;
  await expect.poll(async () => (await snapshot(request, app.url, id)).runs[0].records.sent).toBeGreaterThan(before);
  await expect(sent).toHaveText(still);
  await request.post(`${app.url}/api/v1/comparisons/${id}/stop`);
  await expect(run.notice("paused")).toContainText("It has ended meanwhile.");
  await expect(sent, "nothing is taken from a reader who has paused").toHaveText(still);
  await run.notice("paused").getByRole("link", { name: "Show the report" }).click();
  await run.expectReport();
});

test("without events the page asks, and says so when nobody answers", async ({ page, app, request }) => {
  const id = await start(request, app.url, longPlan("Behind a proxy without events"));
  await page.route("**/events", (route) => route.abort());
  const run = new RunPage(page, app.url);
  await run.open(id);
  const sent = run.figure("zerobus", "Sent");
  const first = await sent.innerText();
  await expect(sent).not.toHaveText(first);
  await page.route(`**/api/v1/comparisons/${id}`, (route) => route.abort());
  await expect(run.notice("reconnecting")).toContainText("The values below are the last that came");
  await expect(run.board).toHaveAttribute("data-stale", "true");
  await page.unroute(`**/api/v1/comparisons/${id}`);
  await expect(run.notice("reconnecting")).toHaveCount(0);
  await page.getByRole("button", { name: "Stop comparison" }).click();
  await run.expectReport();
});

test("a report is renamed, run again, compared and deleted", async ({ page, app, request, complaints }) => {
  const id = await start(request, app.url, shortPlan("The first"));
  const run = new RunPage(page, app.url);
  await run.open(id);
  await run.expectReport();
  await page.getByText("Rename", { exact: true }).first().click();
  await page.getByLabel("Name", { exact: true }).fill("Before <the> upgrade");
  await page.getByRole("button", { name: "Rename" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Before <the> upgrade");

  await page.getByRole("button", { name: "Run again" }).click();
  await expect(page).not.toHaveURL(new RegExp(id));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("The first");
  await run.expectReport();
  await page.getByLabel("Compare with").selectOption(id);
  await page.getByRole("button", { name: "Compare" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("The first and Before <the> upgrade");
  const sides = page.getByTestId("side-by-side");
  await expect(sides).toContainText("are the same in all of them");
  await expect(sides.getByRole("table")).toHaveCount(2);
  await expect(sides.getByRole("columnheader", { name: "Change" })).toHaveCount(2);
  await expectNoViolations(page);

  await page.goto(`${app.url}/runs/${id}`);
  await page.getByText("Delete", { exact: true }).click();
  await page.getByRole("button", { name: "Delete report" }).click();
  await expect(page).toHaveURL(new RegExp("/runs\\?done=deleted$"));
  expect(complaints, "the browser's console").toEqual([]);
  await page.goto(`${app.url}/runs/${id}`);
  await expect(page.getByRole("heading", { name: "There is no such comparison" })).toBeVisible();
});

test("costs are made with the prices that are typed, and a text that is no price is told", async ({ page, app, request }) => {
  const id = await start(request, app.url, shortPlan("What it costs"));
  const run = new RunPage(page, app.url);
  await run.open(id);
  await run.expectReport();
  const price = page.getByLabel("Price of a DBU, Jobs Serverless");
  await price.fill("0.35");
  await page.getByLabel("Currency").fill("EUR");
  await page.getByRole("button", { name: "Work out the costs" }).click();
  await expect(page.locator("article.cost").first()).toContainText("EUR");
  await expect(price).toHaveValue("0.35");
  const html = await page.getByTestId("exports").getByRole("link", { name: "HTML" }).getAttribute("href");
  expect(await (await request.get(`${app.url}${html}`)).text()).toContain("EUR");
  await price.fill("cheap");
  await page.getByRole("button", { name: "Work out the costs" }).click();
  await expect(price).toHaveValue("cheap");
  await expect(price).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByText("The default is used below.")).toBeVisible();
});

test("without JavaScript the report, its forms and Stop are there", async ({ browser, app, request }) => {
  const id = await start(request, app.url, longPlan("Plain"));
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  const run = new RunPage(page, app.url);
  await page.goto(`${app.url}/runs/${id}`);
  await expect(run.lanes).toHaveCount(2);
  await page.getByRole("button", { name: "Stop comparison" }).click();
  await expect(page).toHaveURL(`${app.url}/runs/${id}`);
  await expect.poll(async () => (await snapshot(request, app.url, id)).finished).toBe(true);
  await page.reload();
  await expect(run.report).toBeVisible();
  await expect(run.charts.locator("svg.picture").first()).toBeVisible();
  await context.close();
});

test("addresses that lead nowhere say so", async ({ page, app, request }) => {
  const answer = await page.goto(`${app.url}/runs/0190f3a2-0000-7000-8000-000000000000`);
  expect(answer?.status()).toBe(404);
  await expect(page.getByRole("heading", { name: "There is no such comparison" })).toBeVisible();
  await page.goto(`${app.url}/compare`);
  await expect(page.getByRole("heading", { name: "Two reports are needed" })).toBeVisible();
  const missing = await page.goto(`${app.url}/compare?id=a&id=b`);
  expect(missing?.status()).toBe(404);
  await expect(page.getByTestId("troubles")).toContainText("There is no comparison a.");
  const forged = await request.post(`${app.url}/runs/a/delete`, { headers: { "sec-fetch-site": "cross-site" } });
  expect(forged.status()).toBe(403);
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1440, 390]) {
    test(`no violations and no overflow in ${colorScheme} at ${width} px`, async ({ page, app, request }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: width === 390 ? 844 : 1000 });
      const id = await start(request, app.url, longPlan("Telemetry, two ways"));
      const run = new RunPage(page, app.url);
      await run.open(id);
      await expect.poll(async () => (await snapshot(request, app.url, id)).runs[0].series.at_ms.length).toBeGreaterThan(12);
      await page.getByRole("button", { name: "Pause view" }).click();
      await page.screenshot({ path: `screenshots/run-live-${colorScheme}-${width}.png`, fullPage: true });
      await expectNoViolations(page);
      await expectNoOverflow(page);
      await page.getByRole("button", { name: "Stop comparison" }).click();
      await run.notice("paused").getByRole("link", { name: "Show the report" }).click();
      await run.expectReport();
      await run.charts.focus();
      await page.keyboard.press("End");
      await page.keyboard.press("ArrowLeft");
      await page.screenshot({ path: `screenshots/run-report-${colorScheme}-${width}.png`, fullPage: true });
      await expectNoViolations(page);
      await expectNoOverflow(page);
    });
  }
}
