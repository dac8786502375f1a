// What the page costs the browser: until it is there and awake, and while four charts follow four runs.
import type { Browser, CDPSession } from "@playwright/test";
import { longPlan, RunPage, start } from "../support/run";
import { expect, test } from "../support/test";

const ROUNDS = 5;
const WATCHED_SECONDS = 30;
/** All ways in at the same time, which draws the most. */
const FOUR_RUNS = {
  source: { kind: "telemetry", duration: "10m", seed: 7, rate: 200 },
  writer: [
    { kind: "zerobus", encoding: "protobuf" },
    { kind: "zerobus-rest" },
    { kind: "sql", mode: "json-parameter" },
    { kind: "copy-into" },
  ],
};

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function say(what: string, figure: string, asked: string): void {
  console.log(`  ${what.padEnd(46)} ${figure.padStart(12)}   ${asked}`);
}

/** Seconds of processor time since each kind of process began. */
async function processorTimes(browser: CDPSession): Promise<Map<string, number>> {
  const { processInfo } = await browser.send("SystemInfo.getProcessInfo");
  const times = new Map<string, number>();
  for (const { type, cpuTime } of processInfo) times.set(type, (times.get(type) ?? 0) + cpuTime);
  return times;
}

/** Processor seconds of the page's thread so far: all of it, and what of it was script, style and layout. */
async function pageThread(session: CDPSession): Promise<Record<string, number>> {
  const { metrics } = await session.send("Performance.getMetrics");
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}

/** First view, and until the form can be typed into, in milliseconds; bytes over the network. */
async function firstView(browser: Browser, url: string): Promise<{ painted: number; awake: number; bytes: number }> {
  // A context of its own has nothing in its cache.
  const context = await browser.newContext();
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  let bytes = 0;
  session.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.addInitScript(() => {
    const look = () => {
      if (document.querySelector('[data-hydrated="true"]')) performance.mark("awake");
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await page.goto(url);
  // Awake can come before the first frame.
  const moments = ["first-contentful-paint", "awake"];
  await page.waitForFunction((names) => names.every((name) => performance.getEntriesByName(name).length > 0), moments);
  const [painted, awake] = await page.evaluate(
    (names) => names.map((name) => performance.getEntriesByName(name)[0].startTime),
    moments,
  );
  await context.close();
  return { painted, awake, bytes };
}

test("first view from a cold cache", async ({ browser, app }) => {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await firstView(browser, app.url));
  console.log(`\nThe workbench on loopback, cold cache, medians of ${ROUNDS}`);
  say("first contentful paint", `${median(rounds.map(({ painted }) => painted)).toFixed(0)} ms`, "asked: below 1000 ms");
  say("awake (wasm loaded, form open)", `${median(rounds.map(({ awake }) => awake)).toFixed(0)} ms`, "");
  say("everything that was loaded", `${(median(rounds.map(({ bytes }) => bytes)) / 1000).toFixed(0)} kB`, "");
});

test("four live charts", async ({ page, browser, context, app, request }) => {
  const id = await start(request, app.url, { ...longPlan("Watched"), ...FOUR_RUNS });
  const run = new RunPage(page, app.url);
  await run.open(id);
  await expect(run.charts.locator(".plot-frame")).toHaveCount(4);
  let events = 0;
  const [session, whole] = [await context.newCDPSession(page), await browser.newBrowserCDPSession()];
  await session.send("Network.enable");
  session.on("Network.eventSourceMessageReceived", () => events++);
  // Processor time, not time on the clock.
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  // The curves are long enough by then to cost what they will.
  await page.waitForTimeout(15_000);

  const began = performance.now();
  const [before, tasks, seen] = [await processorTimes(whole), await pageThread(session), events];
  await page.waitForTimeout(WATCHED_SECONDS * 1000);
  const [after, tasksAfter, seenAfter] = [await processorTimes(whole), await pageThread(session), events];
  const seconds = (performance.now() - began) / 1000;
  const share = (used: number) => `${((100 * used) / seconds).toFixed(1)} %`;
  console.log(`\nFour live charts of four runs at once, ${seconds.toFixed(0)} s, of one core`);
  say("the page's thread", share(tasksAfter.TaskDuration - tasks.TaskDuration), "asked: below 5 %");
  for (const part of ["Script", "RecalcStyle", "Layout"]) {
    say(`  of it ${part}`, share(tasksAfter[`${part}Duration`] - tasks[`${part}Duration`]), "");
  }
  for (const [type, time] of after) say(`process: ${type}`, share(time - (before.get(type) ?? 0)), "");
  say("updates per second", ((seenAfter - seen) / seconds).toFixed(1), "");
  await request.post(`${app.url}/api/v1/comparisons/${id}/stop`);
});
