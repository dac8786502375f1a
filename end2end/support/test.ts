// `test` with an app for each worker, and a page that may not complain.
import { ConsoleMessage, test as base } from "@playwright/test";
import { App } from "./app";
import { Workbench } from "./workbench";

type PerTest = { workbench: Workbench; complaints: string[]; policy: void; leaving: void };
type PerWorker = { app: App };

export const test = base.extend<PerTest, PerWorker>({
  app: [
    async ({}, use) => {
      const app = await App.start();
      await use(app);
      await app.stop();
    },
    { scope: "worker" },
  ],
  // Nothing on any page of any test may be what the page's own policy forbids.
  policy: [
    async ({ context }, use) => {
      const violations: string[] = [];
      context.on("console", (message: ConsoleMessage) => {
        if (/content security policy/i.test(message.text())) violations.push(message.text());
      });
      await use();
      base.expect(violations, "what the policy of the page forbids").toEqual([]);
    },
    { auto: true },
  ],
  // A comparison's page loads itself anew when it becomes the report. A context that is closed at that moment may never
  // be: Chromium waits for the page, the page for Chromium. Pages are left first; those of a failed test stay for its screenshot.
  leaving: [
    async ({ context }, use, info) => {
      await use();
      if (info.status !== info.expectedStatus) return;
      for (const page of context.pages()) {
        // A page that loads itself anew just then breaks the leaving off.
        await base.expect(() => page.goto("about:blank")).toPass();
      }
    },
    { auto: true },
  ],
  complaints: async ({ page }, use) => {
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message: ConsoleMessage) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    await use(complaints);
  },
  workbench: async ({ page, app, complaints }, use) => {
    const workbench = new Workbench(page);
    await workbench.open(app.url);
    await use(workbench);
    base.expect(complaints, "the browser's console").toEqual([]);
  },
});

export { expect } from "@playwright/test";
