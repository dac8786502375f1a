// The last words of a run that failed: which test, where, and what was expected. Logs are often cut to their end.
import type { FullResult, Reporter, TestCase, TestResult } from "@playwright/test/reporter";

const COLOURS = /\u001b\[\d+m/g;
const LINES = 12;
const COLUMNS = 300;

export default class Failures implements Reporter {
  private readonly failures: string[] = [];

  onTestEnd(test: TestCase, result: TestResult): void {
    if (result.status === test.expectedStatus || result.status === "skipped") return;
    const [, , ...title] = test.titlePath();
    for (const { message = result.status, location } of result.errors) {
      const where = location ? `:${location.line}` : "";
      const words = message.replace(COLOURS, "").split("\n").filter((line) => line.trim()).slice(0, LINES).map((line) => line.slice(0, COLUMNS));
      this.failures.push([`${title[0]}${where} › ${title.slice(1).join(" › ")}`, ...words].join("\n    "));
    }
  }

  onEnd(_: FullResult): void {
    for (const failure of this.failures) console.log(`\nFAILED ${failure}`);
  }
}
