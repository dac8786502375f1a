// The workbench as a person sees it.
import { expect, Locator, Page } from "@playwright/test";

export type Product = Partial<
  Record<"product_id" | "product_name" | "product_price" | "category" | "sale_start_date" | "sale_stop_date", string>
>;

export const SMART_WATCH: Product = {
  product_id: "PROD005",
  product_name: "Smart Watch",
  product_price: "499.99",
  category: "electronics",
};

export const STAGES = ["validated", "encoded", "sent", "durable", "visible"];

export class Workbench {
  readonly process: Locator;
  readonly result: Locator;
  readonly rows: Locator;

  constructor(readonly page: Page) {
    this.process = page.getByRole("button", { name: /^Process (Products Data|Rows)$/ });
    this.result = page.getByTestId("result");
    this.rows = page.getByTestId("rows");
  }

  /** Opens the page and waits until it is awake. */
  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await expect(this.page.locator('[data-hydrated="true"]')).toBeVisible();
  }

  field(column: keyof Product, item = 0): Locator {
    return this.page.locator(`input[name="items[${item}].${column}"]`);
  }

  async fill(product: Product, item = 0): Promise<void> {
    for (const [column, text] of Object.entries(product)) {
      await this.field(column as keyof Product, item).fill(text);
    }
  }

  /** What is said about a field, found the way a screen reader finds it. */
  async errorOf(column: keyof Product, item = 0): Promise<string> {
    const input = this.field(column, item);
    await expect(input).toHaveAttribute("aria-invalid", "true");
    const id = await input.getAttribute("aria-describedby");
    return (await this.page.locator(`[id="${id}"]`).innerText()).trim();
  }

  async choose(writer: "zerobus" | "zerobus-rest" | "sql" | "copy-into"): Promise<void> {
    await this.page.locator(`input[name="writer"][value="${writer}"]`).check();
  }

  stage(name: string): Locator {
    return this.page.locator(`[data-stage="${name}"]`);
  }

  async expectVisible(): Promise<void> {
    await expect(this.result).toHaveAttribute("data-state", "succeeded");
    for (const name of STAGES) {
      await expect(this.stage(name)).toHaveAttribute("data-state", "done");
      await expect(this.stage(name)).toContainText(/\d (µs|ms|s)/);
    }
  }
}
