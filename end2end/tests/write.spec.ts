import { expect, test } from "../support/test";
import { SMART_WATCH } from "../support/workbench";

for (const writer of ["zerobus", "zerobus-rest", "sql", "copy-into"] as const) {
  test(`a product goes through ${writer} and is found in the table`, async ({ workbench, page }) => {
    await workbench.choose(writer);
    await workbench.fill({ ...SMART_WATCH, product_name: `Smart Watch by ${writer}` });
    await workbench.process.click();
    await workbench.expectVisible();
    await expect(page.getByTestId("figures")).toContainText("main.direct_write.products");
    await expect(page.getByTestId("figures")).toContainText("Local lakehouse");
    const fresh = workbench.rows.locator('tr[data-fresh="true"]');
    await expect(fresh).toHaveCount(1);
    await expect(fresh).toContainText("PROD005");
    await expect(fresh).toContainText(`Smart Watch by ${writer}`);
    await expect(fresh).toContainText("new");
    await page.getByText("Raw JSON answer").click();
    const raw = JSON.parse(await page.getByTestId("answer").innerText());
    expect(raw.status).toBe("success");
    expect(raw.zerobus_integration.writer_name).toBe(writer);
    expect(raw.processed_data[0].product_price).toBe(499.99);
  });
}

test("several products go together, sample data fills the form, clear empties it", async ({ workbench, page }) => {
  await page.getByRole("button", { name: "Load sample data" }).click();
  const ids = page.locator('input[name$=".product_id"]');
  const samples = await ids.count();
  expect(samples).toBeGreaterThan(1);
  await page.getByRole("button", { name: "Add item" }).click();
  await workbench.fill({ product_id: "PROD900", product_name: "One more", product_price: "0", category: "extra" }, samples);
  await page.getByText("JSON", { exact: true }).click();
  const shown = JSON.parse(await page.getByTestId("json").innerText());
  expect(shown.items).toHaveLength(samples + 1);
  expect(shown.items[samples]).toEqual({ product_id: "PROD900", product_name: "One more", product_price: 0, category: "extra" });
  await workbench.process.click();
  await workbench.expectVisible();
  await expect(workbench.rows.locator('tr[data-fresh="true"]')).toHaveCount(samples + 1);
  await page.getByRole("button", { name: "Clear" }).click();
  await expect(ids).toHaveCount(1);
  await expect(ids.first()).toHaveValue("");
});

test("any other table takes rows as JSON, checked against its columns", async ({ workbench, page }) => {
  await page.getByLabel("Table", { exact: true }).selectOption("main.direct_write.telemetry");
  const editor = page.getByLabel("Rows as a JSON array of objects");
  await editor.fill('[{"device_id": 7, "colour": "red"}]');
  await expect(page.locator("#rows-json-error")).toContainText("items[0].device_id");
  await expect(page.locator("#rows-json-error")).toContainText("items[0].colour");
  await page.getByRole("button", { name: "Load sample data" }).click();
  await expect(editor).toHaveValue(/device_id/);
  // The newest come first, and comparisons of other tests write into the same table.
  await editor.fill((await editor.inputValue()).replace(/"event_time": "[^"]*"/g, '"event_time": "2099-01-01T00:00:00Z"'));
  await workbench.process.click();
  await workbench.expectVisible();
  await expect(workbench.rows.locator('tr[data-fresh="true"]').first()).toBeVisible();
});

test("the charts keep the submissions of the session over a reload", async ({ workbench, page, app }) => {
  await workbench.fill(SMART_WATCH);
  await workbench.process.click();
  await workbench.expectVisible();
  await workbench.open(app.url);
  await page.getByText("Show values").first().click();
  await expect(page.getByRole("table").filter({ hasText: "zerobus" }).first()).toBeVisible();
});
