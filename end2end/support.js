// What tests share: who there is, how to be logged in, and a page that is watched.
//
// A test that takes `page` fails when anything comes from another origin, when the browser refuses something by the
// Content-Security-Policy, or when the console shows an error.
import { createHmac } from "node:crypto";

import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect, request } from "@playwright/test";

/** The demo's log-ins that tests use. */
export const PEOPLE = {
  ada: { email: "ada@example.com", password: "a-quiet-harbour-at-dawn" },
  ben: { email: "ben@example.com", password: "one-small-paper-boat" },
  cleo: { email: "cleo@example.net", password: "letters-by-the-window" },
  grace: { email: "grace@example.com", password: "five-thousand-cups-later" },
};

/** The session cookie's name. */
export const COOKIE = "__Host-fairhold";

/** The demo's administrator, and the key from which her app makes codes. */
const ADMINISTRATOR = { email: "abel@staff.example.com", password: "the-heaviest-ring-of-keys", key: "KRSXG5CTMVRXEZLUIFSG22LONFZTCMBV" };

export const test = base.extend({
  /** `await logIn("ada")`: the pages that follow are Ada's. The log-in form is passed once a worker. */
  logIn: async ({ context, sessions }, use) => {
    await use(async (name) => context.addCookies([await sessions(name)]));
  },

  /** `await workHere()`: the pages behind the staff door that follow are the administrator's. */
  workHere: async ({ context, staffSession }, use) => {
    await use(async () => context.addCookies([await staffSession()]));
  },

  staffSession: [
    async ({}, use, { project }) => {
      let known;
      await use(() => (known ??= workSession(project.use.baseURL)));
    },
    { scope: "worker" },
  ],

  page: async ({ page, baseURL }, use) => {
    const wrong = [];
    const visited = new Set();
    page.on("response", (response) => {
      if (response.request().isNavigationRequest()) visited.add(response.url());
    });
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol !== "data:" && origin !== baseURL) wrong.push(`asked another origin: ${request.url()}`);
    });
    // A refusal by the Content-Security-Policy is an error in the console too. Warnings are left out: on a busy machine
    // Chromium warns that it fetched a script before it was used.
    page.on("console", (message) => {
      // A page that answers 404 or 422 is one that a test opened on purpose.
      const ofPage = message.text().startsWith("Failed to load resource") && visited.has(message.location().url);
      if (message.type() === "error" && !ofPage) wrong.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
    await use(page);
    expect(wrong).toEqual([]);
  },

  sessions: [
    async ({}, use, { project }) => {
      const known = {};
      await use((name) => (known[name] ??= session(project.use.baseURL, PEOPLE[name])));
    },
    { scope: "worker" },
  ],
});

/** Logs in without a browser and gives the session's cookie. */
async function session(baseURL, { email, password }) {
  const client = await request.newContext({ baseURL });
  const answer = await client.post("/log-in", { form: { email, password }, maxRedirects: 0 });
  expect(answer.status()).toBe(303);
  const [, value] = answer.headers()["set-cookie"].match(new RegExp(`${COOKIE}=([^;]+)`));
  await client.dispose();
  return { name: COOKIE, value, domain: "127.0.0.1", path: "/", httpOnly: true, secure: true, sameSite: "Lax" };
}

/** Logs the administrator in and gives the session's cookie. Each code counts once, so another worker waits for the next. */
async function workSession(baseURL) {
  const client = await request.newContext({ baseURL });
  const { email, password, key } = ADMINISTRATOR;
  const name = "__Host-fairhold-staff";
  const value = (answer) => answer.headers()["set-cookie"].match(new RegExp(`${name}=([^;]+)`))[1];
  const half = value(await client.post("/staff/log-in", { form: { email, password }, maxRedirects: 0 }));
  let whole;
  await expect(async () => {
    const headers = { cookie: `${name}=${half}` };
    const answer = await client.post("/staff/code", { form: { code: code(key) }, headers, maxRedirects: 0 });
    expect(answer.status()).toBe(303);
    whole = value(answer);
  }).toPass({ intervals: [10_000], timeout: 100_000 });
  await client.dispose();
  return { name, value: whole, domain: "127.0.0.1", path: "/", httpOnly: true, secure: true, sameSite: "Strict" };
}

/** The code that an app shows now for a key in base 32 (RFC 6238). */
function code(key) {
  const bits = [...key].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const secret = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac("sha1", secret).update(step).digest();
  const number = hash.readUInt32BE(hash.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/** A fresh address for each test: two of them run side by side. */
export const fresh = () => `e2e.${Math.random().toString(36).slice(2)}@example.com`;

/** The link to join in the newest mail to an address, from the demo's page of mail. */
export async function linkTo(page, address) {
  let link;
  await expect(async () => {
    await page.goto("/demo/outbox");
    const mail = page.locator("li.card", { hasText: address }).first();
    link = (await mail.innerText({ timeout: 1000 })).match(/\/joining\/\S+/)[0];
  }).toPass();
  return link;
}

/** Waits until the search box of My data narrows the page: from then on the browser's own code runs. */
export async function islandsRun(page) {
  const box = page.getByRole("searchbox");
  await expect(async () => {
    await box.fill("nobodyhasthis");
    await expect(page.getByText("Nothing on this page fits")).toBeVisible({ timeout: 200 });
  }).toPass();
  await box.fill("");
}

/** The fact of this label on My data. */
export function fact(page, label) {
  return page.locator(".fact").filter({ has: page.getByRole("heading", { name: label, exact: true }) });
}

/** Holds a page against WCAG 2.2 AA, as far as axe can tell. */
export async function expectNoViolation(page, where) {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
  // In so few words that a failed test can be read.
  const brief = violations.map(({ help, nodes }) => `${help}: ${nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`);
  expect(brief, where).toEqual([]);
}

/** The card of this heading. */
export function card(page, heading) {
  return page.locator("section.card").filter({ has: page.getByRole("heading", { level: 2, name: heading, exact: true }) });
}

export { expect };
