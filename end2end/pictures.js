// Makes the README's pictures from a running demo: `node pictures.js ADDRESS FOLDER`. scripts/pictures.sh calls it.
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { chromium } from "@playwright/test";

import { PEOPLE, fact } from "./support.js";

const [address, folder] = process.argv.slice(2);

/** Each picture: the page, how wide and high, light or dark. */
const PICTURES = [
  // First, before the other pictures leave looks of their own.
  { file: "who-looked.png", path: "/who-looked", width: 1280, height: 820, colorScheme: "light" },
  { file: "my-data.png", path: "/my-data", width: 1280, height: 900, colorScheme: "light" },
  { file: "my-data-phone.png", path: "/my-data", width: 390, height: 844, colorScheme: "dark" },
  { file: "share.png", path: "/share/your_taste", width: 1280, height: 860, colorScheme: "light" },
  { file: "delete.png", path: "/delete", width: 1280, height: 900, colorScheme: "light" },
  { file: "why.png", path: "/my-data", width: 1280, height: 620, colorScheme: "light", act: openPhone },
];

/** Opens why the phone number is held, so that the picture shows what stands behind each fact. */
async function openPhone(page) {
  const phone = fact(page, "Phone number");
  await phone.locator("summary").click();
  await phone.evaluate((element) => scrollBy(0, element.getBoundingClientRect().top - 120));
}

// The demo may still be starting.
for (let tries = 0; !(await fetch(`${address}/healthz`).catch(() => null))?.ok; tries++) {
  if (tries === 300) throw new Error(`${address} does not answer`);
  await wait(200);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--disable-background-networking", "--no-first-run", ...(process.getuid() === 0 ? ["--no-sandbox"] : [])],
});
const door = await browser.newPage({ baseURL: address });
await door.goto("/log-in");
await door.getByLabel("E-mail address").fill(PEOPLE.ada.email);
await door.getByLabel("Password", { exact: true }).fill(PEOPLE.ada.password);
await door.getByRole("main").getByRole("button", { name: "Log in", exact: true }).click();
await door.waitForURL("**/my-data");
const storageState = await door.context().storageState();

for (const { file, path, width, height, colorScheme, act } of PICTURES) {
  const page = await browser.newPage({ baseURL: address, viewport: { width, height }, colorScheme, storageState });
  await page.goto(path, { waitUntil: "networkidle" });
  await act?.(page);
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(folder, file), animations: "disabled" });
  console.log(join(folder, file));
}
await browser.close();
