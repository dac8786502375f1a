import { expect, test } from "../support/test";
import { Product, SMART_WATCH } from "../support/workbench";

const MESSAGES: [keyof Product, string, RegExp][] = [
  ["product_id", "", /This field is required\./],
  ["product_id", "x".repeat(51), /At most 50 characters; these are 51\./],
  ["product_name", "", /This field is required\./],
  ["product_name", "x".repeat(201), /At most 200 characters; these are 201\./],
  ["product_price", "", /This field is required\./],
  ["product_price", "cheap", /The price must be a number, such as 499\.99\./],
  ["product_price", "-1", /The price must be 0 or more\./],
  ["product_price", "1e999", /The price must be finite\./],
  ["category", "", /This field is required\./],
  ["category", "x".repeat(51), /At most 50 characters; these are 51\./],
  ["sale_start_date", "2025-02-30", /This must be a day that exists, written YYYY-MM-DD\./],
  ["sale_stop_date", "tomorrow", /This must be a day that exists, written YYYY-MM-DD\./],
];

test("each rule has its message beside its field, and goes when the value is right", async ({ workbench }) => {
  await workbench.fill(SMART_WATCH);
  for (const [column, wrong, message] of MESSAGES) {
    const input = workbench.field(column);
    const right = await input.inputValue();
    // Typed and then left: nobody is told that a field is empty before they have been there.
    await input.fill("x");
    await input.fill(wrong);
    await input.blur();
    expect(await workbench.errorOf(column), `${column} = ${wrong.slice(0, 20)}`).toMatch(message);
    await input.fill(right);
    await expect(input).not.toHaveAttribute("aria-invalid", "true");
  }
  await workbench.fill({ sale_start_date: "2025-06-01", sale_stop_date: "2025-05-31" });
  expect(await workbench.errorOf("sale_stop_date")).toContain("The sale must not stop before it starts (2025-06-01).");
});

test("all errors come at once and the first wrong field gets the focus", async ({ workbench, page }) => {
  await expect(page.locator('[aria-invalid="true"]')).toHaveCount(0);
  await page.getByRole("button", { name: "Add item" }).click();
  await workbench.fill({ product_id: "PROD1" });
  await workbench.fill({ product_price: "-5" }, 1);
  await workbench.process.click();
  await expect(page.getByTestId("error-summary")).toContainText("7 errors in 2 items");
  await expect(workbench.field("product_name")).toBeFocused();
  await expect(page.locator('[aria-invalid="true"]')).toHaveCount(7);
  await expect(workbench.result).toHaveAttribute("data-state", "idle");
});

test("the server refuses what the browser did not know, beside the same fields", async ({ workbench, page }) => {
  await page.route("**/api/page/submit", async (route) => {
    // What a browser with other rules would send.
    const request = route.request().postDataJSON();
    request.submission.items[0].category = "";
    await route.continue({ postData: JSON.stringify(request) });
  });
  await workbench.fill(SMART_WATCH);
  await workbench.process.click();
  expect(await workbench.errorOf("category")).toContain("This field must not be empty.");
  await expect(workbench.field("category")).toBeFocused();
});

test.afterEach(async ({ complaints }) => {
  // Chromium logs every 422 as an error of its own; that is the answer under test, not a fault of the page.
  const expected = complaints.filter((text) => text.includes("422"));
  complaints.splice(0, complaints.length, ...complaints.filter((text) => !expected.includes(text)));
});
