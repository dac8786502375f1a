import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { App, AppWithWorkspace } from "../support/app";
import { expect, test } from "../support/test";

async function expectNoViolations(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(", ")}`)).toEqual([]);
}

async function examine(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Run the checks" }).click();
  await expect(page.getByRole("button", { name: "Run the checks" })).toBeEnabled({ timeout: 45_000 });
}

/** Looks at the page in both themes and widths. */
async function look(page: Page, state: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1440, 390]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: width === 390 ? 844 : 1000 });
      await page.screenshot({ path: `screenshots/doctor-${state}-${colorScheme}-${width}.png`, fullPage: true });
      await expectNoViolations(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
    }
  }
}

test("nothing is examined at first, and everything is well with the local lakehouse", async ({ page }) => {
  test.setTimeout(120_000);
  const app = await App.start();
  try {
    await page.goto(app.url);
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Doctor" }).click();
    await expect(page.getByTestId("not-examined")).toContainText("Not examined yet");
    await look(page, "before");
    await page.getByLabel("Also write a file into the volume and remove it").check();
    await examine(page);
    await expect(page.getByTestId("headline")).toContainText("Everything that was checked works.");
    await expect(page.locator('[data-check="volume-write"]')).toHaveAttribute("data-ended", "passed");
    await look(page, "well");
    // The report is there for whoever comes later.
    await page.goto(`${app.url}/doctor`);
    await expect(page.getByTestId("headline")).toContainText("15 of 15 passed");
  } finally {
    await app.stop();
  }
});

test("what failed comes with what to paste, and a button copies it", async ({ page, context }) => {
  test.setTimeout(120_000);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const app = await AppWithWorkspace.start({ DIRECT_WRITE_TABLE: "main.direct_write.offers" });
  try {
    await page.goto(`${app.url}/doctor`);
    await examine(page);
    await expect(page.getByTestId("headline")).toContainText("1 check failed.");
    const table = page.locator('[data-check="table"]');
    await expect(table).toHaveAttribute("data-ended", "failed");
    await expect(table.locator("pre")).toContainText("CREATE TABLE main.direct_write.offers");
    await look(page, "failed");
    await table.getByRole("button", { name: "Copy" }).click();
    await expect(table.getByRole("button")).toHaveText("Copied");
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toBe(await table.locator("pre").textContent());

    await app.stopWorkspace();
    await examine(page);
    await expect(page.locator('[data-check="host"] pre')).toContainText("direct-write lakehouse --addr 127.0.0.1:");
    await expect(page.locator('[data-check="token"]')).toHaveAttribute("data-ended", "skipped");
    await app.startWorkspace();
  } finally {
    await app.stop();
  }
});

test.describe("without scripts", () => {
  test.use({ javaScriptEnabled: false });

  test("the checks run and their report comes by itself", async ({ page }) => {
    test.setTimeout(120_000);
    const app = await App.start();
    try {
      await page.goto(`${app.url}/doctor`);
      await page.getByRole("button", { name: "Run the checks" }).click();
      await expect(page.getByTestId("headline")).toContainText("Everything that was checked works.", { timeout: 45_000 });
      await expect(page.locator(".copy").first()).toBeHidden();
    } finally {
      await app.stop();
    }
  });
});
