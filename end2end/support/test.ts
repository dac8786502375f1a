// `test` with an app for each worker, and a page that may not complain.
import { ConsoleMessage, test as base } from "@playwright/test";
import { App } from "./app";
import { Workbench } from "./workbench";

type PerTest = { workbench: Workbench; complaints: string[]; policy: void };
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
