import { AppWithWorkspace } from "../support/app";
import { expect, test } from "../support/test";
import { SMART_WATCH, Workbench } from "../support/workbench";

test("a workspace that stops is said in words, and writing works again when it is back", async ({ page }) => {
  test.setTimeout(180_000);
  const app = await AppWithWorkspace.start();
  try {
    const workbench = new Workbench(page);
    await workbench.open(app.url);
    await workbench.fill(SMART_WATCH);
    await workbench.process.click();
    await workbench.expectVisible();

    await app.stopWorkspace();
    await workbench.process.click();
    const told = page.getByText(/Nothing was written/).first();
    await expect(told).toBeVisible();
    await expect(page.getByTestId("problem")).toContainText("The workspace does not answer");
    await expect(workbench.field("product_id")).toHaveValue("PROD005");

    await app.startWorkspace();
    await expect(page.getByTestId("problem")).toBeHidden();
    for (const writer of ["zerobus", "sql"] as const) {
      await workbench.choose(writer);
      await workbench.process.click();
      await workbench.expectVisible();
      await expect(page.getByTestId("figures")).toContainText(`(${writer})`);
    }
  } finally {
    await app.stop();
  }
});

test("a page opened while the workspace is away says so and wakes up with it", async ({ page }) => {
  test.setTimeout(120_000);
  const app = await AppWithWorkspace.start();
  try {
    await app.stopWorkspace();
    const workbench = new Workbench(page);
    await workbench.open(app.url);
    await expect(page.getByTestId("problem")).toBeVisible();
    await app.startWorkspace();
    await page.getByRole("button", { name: "Retry" }).click();
    await expect(page.getByTestId("problem")).toBeHidden();
    await workbench.fill(SMART_WATCH);
    await workbench.process.click();
    await workbench.expectVisible();
  } finally {
    await app.stop();
  }
});

test("a writer that is not configured is listed with its reason and never replaced", async ({ page }) => {
  const app = await AppWithWorkspace.start({ DATABRICKS_WAREHOUSE_ID: "" });
  try {
    const workbench = new Workbench(page);
    await workbench.open(app.url);
    const card = page.locator('[data-writer="sql"]');
    await expect(card).toContainText("Unavailable");
    await expect(card).toContainText("DATABRICKS_WAREHOUSE_ID is not set");
    await expect(card.getByRole("radio")).toBeDisabled();
    await workbench.fill(SMART_WATCH);
    await workbench.process.click();
    await expect(workbench.result).toHaveAttribute("data-state", "succeeded");
    await expect(workbench.stage("visible")).toHaveAttribute("data-state", "unknown");
    await expect(page.getByText(/Nobody could look: DATABRICKS_WAREHOUSE_ID is not set/).first()).toBeVisible();
  } finally {
    await app.stop();
  }
});
