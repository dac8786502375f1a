import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, test } from "../support/test";
import { SMART_WATCH } from "../support/workbench";

async function expectNoViolations(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(", ")}`);
  expect(told).toEqual([]);
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1440, 390]) {
    test(`no violations and no overflow in ${colorScheme} at ${width} px`, async ({ workbench, page }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: width === 390 ? 844 : 1000 });
      await page.screenshot({ path: `screenshots/empty-${colorScheme}-${width}.png`, fullPage: true });
      await expectNoViolations(page);
      await workbench.process.click();
      await expect(page.getByTestId("error-summary")).toBeVisible();
      await page.screenshot({ path: `screenshots/errors-${colorScheme}-${width}.png`, fullPage: true });
      await expectNoViolations(page);
      await workbench.fill(SMART_WATCH);
      for (const writer of ["zerobus", "sql"] as const) {
        await workbench.choose(writer);
        await workbench.process.click();
        await workbench.expectVisible();
        await expect(page.getByTestId("figures")).toContainText(`(${writer})`);
      }
      await expect(workbench.rows.locator('tr[data-fresh="true"]')).toHaveCount(1);
      await page.screenshot({ path: `screenshots/done-${colorScheme}-${width}.png`, fullPage: true });
      await expectNoViolations(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
      await expect(workbench.process).toBeInViewport();
    });
  }
}

test("320 px and 400 % zoom keep everything reachable", async ({ workbench, page }) => {
  await page.setViewportSize({ width: 320, height: 256 });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
  await workbench.fill(SMART_WATCH);
  await workbench.process.click();
  await workbench.expectVisible();
});

test("the theme that was chosen is kept and there at the first paint", async ({ workbench, page, app }) => {
  await page.emulateMedia({ colorScheme: "light" });
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  await page.getByRole("radio", { name: "Dark" }).check({ force: true });
  const dark = await ground();
  expect(dark).not.toBe(light);
  await page.goto(app.url, { waitUntil: "commit" });
  await page.locator("h1").waitFor();
  expect(await ground()).toBe(dark);
  await workbench.open(app.url);
});

test("everything works with the keyboard alone", async ({ workbench, page }) => {
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: /Skip to the workbench/ });
  await expect(skip).toBeFocused();
  await page.keyboard.press("Enter");
  const reach = async (name: string, target = page.locator(":focus")) => {
    for (let presses = 0; presses < 60; presses += 1) {
      await page.keyboard.press("Tab");
      const focused = await target.evaluate((element) => element.getAttribute("name") ?? element.textContent ?? "");
      if (focused.trim() === name) return;
    }
    throw new Error(`Tab never reached ${name}`);
  };
  await reach("writer");
  for (const next of ["zerobus-rest", "sql"]) {
    await page.keyboard.press("ArrowDown");
    await expect(page.locator(`input[name="writer"][value="${next}"]`)).toBeChecked();
  }
  for (const [column, text] of Object.entries(SMART_WATCH)) {
    await reach(`items[0].${column}`);
    await page.keyboard.type(text);
  }
  await reach("Process Products Data");
  const ring = await page.locator(":focus").evaluate((element) => getComputedStyle(element).outlineStyle);
  expect(ring).not.toBe("none");
  await page.keyboard.press("Enter");
  await workbench.expectVisible();
  await expect(page.getByTestId("figures")).toContainText("(sql)");
});

test("screen readers hear the states and not the ticking numbers", async ({ workbench, page }) => {
  await expect(page.locator("h1")).toHaveCount(1);
  const live = page.getByRole("status").first();
  await workbench.fill(SMART_WATCH);
  await workbench.process.click();
  await workbench.expectVisible();
  await expect(live).toContainText(/Visible after/);
});
