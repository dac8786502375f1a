import { defineConfig } from "@playwright/test";
import tests from "../playwright.config";

// As the tests, but alone on the machine and with nothing recorded beside what is measured.
export default defineConfig({
  ...tests,
  testDir: ".",
  testMatch: "*.bench.ts",
  outputDir: "../test-results",
  workers: 1,
  timeout: 300_000,
  reporter: [["line"]],
  use: { ...tests.use, screenshot: "off", trace: "off" },
});
