// The composer and the list of runs as a person sees them.
import { expect, Locator, Page } from "@playwright/test";

export class Composer {
  readonly run: Locator;
  readonly summary: Locator;
  readonly errors: Locator;

  constructor(readonly page: Page) {
    this.run = page.getByRole("button", { name: "Run comparison" });
    this.summary = page.getByTestId("summary");
    this.errors = page.getByTestId("error-summary");
  }

  /** Opens the generator and waits until its island is awake. */
  async open(url: string): Promise<void> {
    await this.page.goto(`${url}/?source=generator`);
    await this.awake();
  }

  async awake(): Promise<void> {
    await expect(this.page.locator('[data-testid="composer-end"][data-hydrated="true"]')).toBeVisible();
  }

  /** The row of a writer; `nth` when there are several of its kind. */
  writer(name: string, nth = 0): Locator {
    return this.page.locator(`.entrant[data-writer="${name}"]`).nth(nth);
  }

  /** Leaves only these writers chosen. */
  async only(...names: string[]): Promise<void> {
    for (const box of await this.page.locator('.entrant[data-ready="true"]').all()) {
      const name = await box.getAttribute("data-writer");
      await box.getByRole("checkbox").setChecked(names.includes(name ?? ""));
    }
  }

  /** Presses the button and answers the id of the comparison that began. */
  async start(): Promise<string> {
    await this.run.click();
    await this.page.waitForURL(/\/runs\/[0-9a-f-]{36}/);
    return new URL(this.page.url()).pathname.split("/")[2];
  }
}

/** Waits until a live page has become its report by itself, so that its reload cannot break off what is opened next. */
export async function reported(page: Page): Promise<void> {
  await expect(page.getByTestId("report")).toBeVisible({ timeout: 60_000 });
}

/** Waits until a comparison has ended, by the API. */
export async function ended(page: Page, url: string, id: string): Promise<{ runs: { state: string; records: { durable: number; failed: number } }[] }> {
  await expect(async () => {
    const answer = await page.request.get(`${url}/api/v1/comparisons/${id}/report.json`);
    expect(answer.status()).toBe(200);
  }).toPass({ timeout: 60_000 });
  return (await page.request.get(`${url}/api/v1/comparisons/${id}/report.json`)).json();
}
