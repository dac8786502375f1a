// Any table: found, made, and written through Zerobus, as a person does it.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, test } from "../support/test";

const COLUMNS = [
  "record_id STRING",
  "city STRING NOT NULL COMMENT 'where it is'",
  "readings ARRAY<DOUBLE>",
  "place STRUCT<street: STRING, floor: INT, tags: ARRAY<STRING>>",
  "labels MAP<STRING, STRING>",
  "price DECIMAL(38,18)",
  "opened DATE",
  "raw BINARY",
].join("\n");

async function expectNoViolations(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(", ")}`);
  expect(told).toEqual([]);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow, "nothing is wider than the window").toBeLessThanOrEqual(0);
}

/** Pictures in both themes at both widths, each looked over for violations. */
async function pictures(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1440, 390]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: width === 390 ? 844 : 1000 });
      await page.screenshot({ path: `screenshots/${name}-${colorScheme}-${width}.png`, fullPage: true });
      await expectNoViolations(page);
    }
  }
  await page.setViewportSize({ width: 1440, height: 1000 });
}

test("a table with nested columns is made, written through Zerobus and seen", async ({ workbench, page, app, context, complaints }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Tables" }).click();
  await expect(page.getByRole("heading", { name: "Choose a table" })).toBeVisible();
  await pictures(page, "tables-empty");
  const places = page.getByRole("navigation", { name: "Catalogs, schemas and tables" });
  await places.getByRole("link", { name: "main" }).click();
  await places.getByRole("link", { name: "default" }).click();
  await expect(page.getByRole("heading", { name: "No table here" })).toBeVisible();

  await page.getByRole("link", { name: "Create a table" }).click();
  await expect(page.getByLabel("Name")).toHaveValue("main.default.");
  await page.getByLabel("Name").fill("main.default.shops");
  await page.getByLabel("Columns", { exact: true }).fill(`${COLUMNS}\nbroken BLOB`);
  await page.getByRole("button", { name: "Print the statements" }).click();
  await expect(page.getByTestId("error-summary")).toContainText("Line 9: 'BLOB' is no column type");
  expect(complaints.splice(0).join(), "the answer to what is wrong is no success").toContain("422");
  await pictures(page, "new-table-errors");
  await page.getByLabel("Columns", { exact: true }).fill(COLUMNS);
  await page.getByRole("button", { name: "Print the statements" }).click();
  const statements = page.locator("#statements");
  await expect(statements).toContainText("CREATE TABLE `main`.`default`.`shops`");
  await expect(statements).toContainText("GRANT SELECT, MODIFY ON TABLE");
  await pictures(page, "new-table-printed");
  await page.getByRole("button", { name: "Copy" }).click();
  await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("USING DELTA");
  await page.getByRole("button", { name: "Run the statements" }).click();
  await expect(page.getByTestId("outcomes")).toHaveAttribute("data-created", "true");
  await expect(page.getByTestId("outcomes").locator(".outcomes li[data-state=good]")).toHaveCount(4);
  await pictures(page, "new-table-made");

  await page.getByRole("link", { name: "Use in workbench" }).click();
  await expect(page.locator('[data-hydrated="true"]')).toBeVisible();
  await expect(page.locator("#table")).toHaveValue("main.default.shops");
  const row = {
    city: "Zürich",
    readings: [1.5, 2.25],
    place: { street: "Bahnhofstrasse", floor: -1, tags: ["a", "b"] },
    labels: { open: "yes" },
    price: "99999999999999999999.000000000000000001",
    opened: "1969-12-31",
    raw: "AAH/",
  };
  const rows = page.getByLabel("Rows as a JSON array of objects");
  await rows.fill(JSON.stringify([{ ...row, place: { floor: "one", street: "x" } }]));
  await expect(page.locator("#rows-json-error")).toContainText("items[0].place.floor");
  await rows.fill(JSON.stringify([row]));
  await workbench.choose("zerobus");
  await workbench.process.click();
  await workbench.expectVisible();
  await expect(workbench.rows.locator('tr[data-fresh="true"]')).toHaveCount(1);

  await page.goto(`${app.url}/tables?name=main.default.shops`);
  await expect(page.getByTestId("verdict")).toContainText("Zerobus takes this table");
  await expect(page.getByTestId("columns")).toContainText("message { string street; int32 floor; repeated string tags }");
  const found = page.getByTestId("rows").locator("tbody tr");
  await expect(found).toHaveCount(1);
  for (const text of ["Zürich", "[1.5,2.25]", '{"street":"Bahnhofstrasse","floor":-1,"tags":["a","b"]}', row.price, row.opened, row.raw]) {
    await expect(found).toContainText(text);
  }
  await pictures(page, "table");
});

test("any table is chosen by its full name, in the form and for the generator", async ({ workbench, page, app }) => {
  await page.getByText("Another table", { exact: true }).click();
  await page.getByLabel("Full name of another table").fill("main.direct_write.telemetry");
  await page.getByRole("button", { name: "Use it" }).click();
  await expect(page).toHaveURL(/\/\?table=main\.direct_write\.telemetry$/);
  await expect(page.locator('[data-hydrated="true"]')).toBeVisible();
  await expect(page.locator("#table")).toHaveValue("main.direct_write.telemetry");
  await page.goto(`${app.url}/?table=main.direct_write.nothing`);
  await expect(page.getByTestId("refusal")).toContainText("There is no table main.direct_write.nothing");
  await expect(workbench.process).toBeVisible();

  await page.goto(`${app.url}/tables?catalog=main&schema=direct_write&table=products`);
  await page.getByRole("link", { name: "Use in generator" }).click();
  await expect(page.locator("#f-table")).toHaveValue("main.direct_write.products");
  await page.getByText("Another table", { exact: true }).click();
  await page.getByLabel("Full name of another table").fill("main.direct_write.telemetry");
  await page.getByRole("button", { name: "Use it" }).click();
  await expect(page.locator("#f-table")).toHaveValue("main.direct_write.telemetry");
});

test("without scripts tables are looked at, chosen and made", async ({ app, browser }) => {
  const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await page.goto(`${app.url}/tables`);
  await page.getByLabel("Full name of a table").fill("main.direct_write.telemetry");
  await page.getByRole("button", { name: "Open" }).click();
  await expect(page.getByTestId("columns")).toContainText("event_time");
  await page.getByRole("link", { name: "Create a table" }).click();
  await page.getByText("From a sample record").click();
  await page.getByLabel("Name").fill("main.direct_write.without_scripts");
  await page.getByLabel("Sample").fill('{"id": 7, "tags": ["a"], "place": {"floor": 1}}');
  await page.getByRole("button", { name: "Read the columns from it" }).click();
  await expect(page.getByLabel("Columns", { exact: true })).toHaveValue(/tags ARRAY<STRING>/);
  await page.getByRole("button", { name: "Print the statements" }).click();
  await page.getByRole("button", { name: "Run the statements" }).click();
  await page.getByRole("link", { name: "See the table" }).click();
  await expect(page.getByTestId("verdict")).toContainText("Zerobus takes this table");
  await page.context().close();
});
