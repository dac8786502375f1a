import { App } from "../support/app";
import { Composer, reported } from "../support/composer";
import { expect, test } from "../support/test";

test("runs are listed, filtered, renamed, compared and deleted", async ({ page }) => {
  test.setTimeout(120_000);
  const app = await App.start();
  try {
    await page.goto(`${app.url}/runs`);
    await expect(page.getByTestId("no-runs")).toContainText("No run yet");
    await page.getByRole("link", { name: "Compose a comparison" }).click();
    await expect(page).toHaveURL(/source=generator/);
    const ids: string[] = [];
    for (const [name, ...writers] of [["first", "zerobus"], ["second", "sql"]]) {
      const composer = new Composer(page);
      await composer.open(app.url);
      await page.getByLabel("Records", { exact: true }).last().fill("30");
      await page.getByLabel("Name", { exact: true }).fill(name);
      await composer.only(...writers);
      ids.push(await composer.start());
      await reported(page);
    }

    await page.goto(app.url);
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Runs" }).click();
    const current = page.locator('.rail [aria-current="page"]');
    await expect(current).toHaveText("Runs");
    const rows = page.getByTestId("run");
    await expect(rows).toHaveCount(2);
    await expect(rows.first()).toContainText("second");
    await expect(rows.first()).toContainText("completed");
    await expect(rows.first()).toContainText("held");

    await page.getByLabel("Writer").selectOption("zerobus");
    await page.getByRole("button", { name: "Show" }).click();
    await expect(rows).toHaveCount(1);
    await expect(rows).toContainText("first");
    await expect(page.getByLabel("Writer")).toHaveValue("zerobus");
    await page.getByLabel("Name, table or id").fill("no such run");
    await page.getByRole("button", { name: "Show" }).click();
    await expect(page.getByText("No run fits.")).toBeVisible();
    await page.locator(".nothing").getByRole("link", { name: "Show all" }).click();

    await page.getByLabel("Order").selectOption("name");
    await page.getByRole("button", { name: "Show" }).click();
    await expect(rows.first()).toContainText("first");
    await rows.first().getByText("Rename").click();
    await rows.first().getByLabel("Name", { exact: true }).fill("zebra");
    await rows.first().getByRole("button", { name: "Save name" }).click();
    await expect(page.getByRole("status")).toHaveText("The new name is kept.");
    await expect(rows.last()).toContainText("zebra");
    await expect(page).toHaveURL(/sort=name/);

    for (const box of await page.getByRole("checkbox").all()) await box.check();
    const asked = page.waitForRequest((request) => request.url().includes("/compare?"));
    await page.getByRole("button", { name: "Compare chosen" }).click();
    expect(new URL((await asked).url()).searchParams.getAll("id").sort()).toEqual([...ids].sort());

    await page.goto(`${app.url}/runs`);
    await rows.first().getByText("Delete", { exact: false }).first().click();
    await expect(rows.first()).toContainText("30 rows in main.direct_write.telemetry stay.");
    await rows.first().getByRole("button", { name: "Delete report" }).click();
    await expect(page.getByRole("status")).toContainText("The report is deleted.");
    await expect(rows).toHaveCount(1);
    await page.goto(`${app.url}/runs`);
    await expect(rows).toHaveCount(1);
  } finally {
    await app.stop();
  }
});
