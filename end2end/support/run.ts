// The page of a comparison as a person sees it, and the plans that tests start.
import { readFileSync } from "node:fs";
import { APIRequestContext, expect, Locator, Page } from "@playwright/test";

type Plan = Record<string, unknown>;

const WRITERS = [
  { kind: "zerobus", encoding: "protobuf" },
  { kind: "sql", mode: "json-parameter" },
];

/** 5,000 readings of devices through two writers; paced, so that there is something to watch. */
export function shortPlan(name: string, more: Plan = {}): Plan {
  return {
    name,
    table: "main.direct_write.telemetry",
    source: { kind: "telemetry", records: 5000, seed: 7, rate: 2500 },
    writer: WRITERS,
    thresholds: { missing: "== 0" },
    ...more,
  };
}

/** Goes on until somebody stops it. */
export function longPlan(name: string): Plan {
  return shortPlan(name, { source: { kind: "telemetry", duration: "10m", seed: 7, rate: 400 }, order: "parallel" });
}

/** Starts a comparison and answers its id. */
export async function start(request: APIRequestContext, url: string, plan: Plan): Promise<string> {
  const answer = await request.post(`${url}/api/v1/comparisons`, { data: plan });
  expect(answer.status(), await answer.text()).toBe(201);
  return (await answer.json()).id;
}

/** What the server knows of a comparison. */
export async function snapshot(request: APIRequestContext, url: string, id: string) {
  return (await request.get(`${url}/api/v1/comparisons/${id}`)).json();
}

export class RunPage {
  readonly board: Locator;
  readonly lanes: Locator;
  readonly progress: Locator;
  readonly charts: Locator;
  readonly readout: Locator;
  readonly report: Locator;

  constructor(
    readonly page: Page,
    readonly url: string,
  ) {
    this.board = page.getByTestId("board");
    this.lanes = page.getByTestId("lanes").locator("[data-run]");
    this.progress = page.getByTestId("progress");
    this.charts = page.getByTestId("charts");
    this.readout = page.getByTestId("readout");
    this.report = page.getByTestId("report");
  }

  /** Opens the page and waits until it is awake. */
  async open(id: string): Promise<void> {
    await this.page.goto(`${this.url}/runs/${id}`);
    await expect(this.board).toHaveAttribute("data-hydrated", "true");
  }

  lane(writer: string): Locator {
    return this.page.locator(`[data-run="${writer}"]`);
  }

  notice(name: string): Locator {
    return this.page.locator(`[data-notice="${name}"]`);
  }

  /** A figure of a lane, by the words above it. */
  figure(writer: string, name: string): Locator {
    return this.lane(writer).locator("dl > div").filter({ has: this.page.getByText(name, { exact: true }) }).locator("dd");
  }

  /** Text of the file behind a link of a report. */
  async exported(name: string): Promise<string> {
    const coming = this.page.waitForEvent("download");
    await this.page.getByTestId("exports").getByRole("link", { name, exact: true }).click();
    return readFileSync(await (await coming).path(), "utf8");
  }

  /** Waits until the live page has become the report by itself. */
  async expectReport(): Promise<void> {
    // All of the comparison is waited for here.
    await expect(this.report).toBeVisible({ timeout: 90_000 });
    await expect(this.board).toHaveAttribute("data-hydrated", "true");
  }
}
