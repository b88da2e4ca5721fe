// Tests in a browser, against the program that users run. Debian's Chromium is driven; nothing is downloaded.
//
// Each run starts a portal of its own: a demo company in a temporary folder, on a free port of this machine. A test
// file in tests/ needs nothing more than `page.goto("/")`.
import { mkdtempSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

import { defineConfig } from "@playwright/test";

// Workers read this file again and must find the same port and folder: the environment carries them.
process.env.FAIRHOLD_E2E_PORT ??= String(40000 + Math.floor(Math.random() * 20000));
process.env.FAIRHOLD_E2E_DATA ??= mkdtempSync(join(tmpdir(), "fairhold-e2e."));

const target = process.env.CARGO_TARGET_DIR ?? join(homedir(), ".cache/fairhold/target");
const program = process.env.FAIRHOLD_PROGRAM ?? join(target, "debug/fairhold");
const address = `http://127.0.0.1:${process.env.FAIRHOLD_E2E_PORT}`;

const args = [
  "--disable-background-networking",
  "--disable-quic",
  "--disable-component-update",
  "--no-first-run",
];
// Chromium refuses to run as root inside its own sandbox.
if (process.getuid() === 0) args.push("--no-sandbox");

const browser = {
  baseURL: address,
  actionTimeout: 10_000,
  launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args },
};

export default defineConfig({
  testDir: "tests",
  globalTeardown: "./teardown.js",
  forbidOnly: Boolean(process.env.CI),
  retries: 0,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"], ["json", { outputFile: process.env.PLAYWRIGHT_JSON_OUTPUT_NAME ?? "test-results/report.json" }]],
  // Everything works without JavaScript (passkeys excepted), so every test runs both ways; one that is about the
  // browser's own code says `test.skip(({ javaScriptEnabled }) => !javaScriptEnabled, "why")`.
  projects: [
    { name: "with JavaScript", use: browser },
    { name: "without JavaScript", use: { ...browser, javaScriptEnabled: false } },
  ],
  webServer: {
    command: `exec "${program}" demo serve`,
    // The demo's catalog is found from here.
    cwd: join(import.meta.dirname, ".."),
    env: { PORT: process.env.FAIRHOLD_E2E_PORT, DATA_DIR: process.env.FAIRHOLD_E2E_DATA },
    url: `${address}/healthz`,
    timeout: 120_000,
    stdout: "ignore",
    stderr: "pipe",
    reuseExistingServer: false,
    gracefulShutdown: { signal: "SIGTERM", timeout: 5000 },
  },
});
