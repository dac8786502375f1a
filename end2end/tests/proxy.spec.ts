// The page behind the platform's proxy.
import { AppWithWorkspace } from "../support/app";
import { Manner, Proxy } from "../support/proxy";
import { RunPage, shortPlan, start } from "../support/run";
import { expect, test } from "../support/test";
import { SMART_WATCH, Workbench } from "../support/workbench";

const PLATFORM = { DATABRICKS_APP_NAME: "direct-write", DATABRICKS_APP_PORT: "0" };

/** Starts the page as the platform does, with its proxy before it. */
async function behind(manner: Manner, work: (proxy: Proxy) => Promise<void>, settings = {}): Promise<void> {
  const app = await AppWithWorkspace.start({ ...PLATFORM, ...settings });
  const proxy = await Proxy.before(app.url.replace("0.0.0.0", "127.0.0.1"), manner);
  try {
    await work(proxy);
  } finally {
    await proxy.stop();
    await app.stop();
  }
}

test("a comparison is followed to its report where the proxy holds all events back", async ({ page, request }) => {
  await behind({ email: "ann@example.com", holdsEvents: true }, async (proxy) => {
    const id = await start(request, proxy.url, shortPlan("Behind a proxy", { source: { kind: "telemetry", records: 10_000, seed: 7, rate: 500 }, order: "parallel" }));
    const run = new RunPage(page, proxy.url);
    await run.open(id);
    await expect(run.figure("zerobus", "p99 durable")).toHaveText(/\d (µs|ms|s)$/);
    const before = await run.lane("zerobus").innerText();
    await expect(async () => expect(await run.lane("zerobus").innerText()).not.toBe(before)).toPass();
    await run.expectReport();
    await expect(page.getByText("ann@example.com").first()).toBeVisible();
    await expect(page.locator("dl.facts").filter({ hasText: "Started by" })).toContainText("ann@example.com");
  });
});

test("a submission is followed to its end where the proxy cuts every stream", async ({ page }) => {
  await behind({ email: "ann@example.com", holdsEvents: true, cutsAfter: 300 }, async (proxy) => {
    const workbench = new Workbench(page);
    await workbench.open(proxy.url);
    await expect(page.getByTestId("user")).toContainText("ann@example.com");
    await workbench.fill(SMART_WATCH);
    await workbench.process.click();
    await workbench.expectVisible();
  });
});

test("who may only look is told so, and what they send is refused in words", async ({ page }) => {
  await behind(
    { email: "ann@example.com" },
    async (proxy) => {
      const workbench = new Workbench(page);
      await workbench.open(proxy.url);
      await expect(page.getByTestId("only-looks")).toContainText("DIRECT_WRITE_RUNNERS=ann@example.com");
      await workbench.fill(SMART_WATCH);
      await workbench.process.click();
      await expect(page.getByTestId("result")).toContainText("may not start or change anything");
    },
    { DIRECT_WRITE_RUNNERS: "bob@example.com" },
  );
});
