// What the browser is told to keep to: the policy, the origin, no style in an element, nothing that does nothing.
import { expect, islandsRun, test } from "../support.js";

const PAGES = ["/", "/sign-up", "/forgot-password", "/check-your-mail", "/log-in", "/set-password/ended", "/nothing-here", "/demo/outbox"];
const OWN_PAGES = ["/my-data", "/my-data/shop/orders", "/who-looked", "/account", "/account/devices", "/account/contacts", "/account/password", "/still-you"];

test("every page stands by itself and keeps to its policy", async ({ page, logIn }) => {
  // `page` itself fails on a request to another origin, an error in the console, or a refusal by the policy.
  await logIn("ada");
  for (const path of [...PAGES, ...OWN_PAGES]) {
    const answer = await page.goto(path, { waitUntil: "networkidle" });
    const policy = answer.headers()["content-security-policy"];
    expect(policy, path).toMatch(/default-src 'none'; script-src 'nonce-[\w+/]{22}' 'wasm-unsafe-eval'; style-src 'self'/);
    expect(answer.headers()["cache-control"], path).toBe("no-store");
    await expect(page.locator("[style], style, [onclick], [onload], script[src^=http], iframe"), path).toHaveCount(0);
  }
});

test("nothing on a page does nothing", async ({ page, logIn }) => {
  for (const path of [...PAGES, ...OWN_PAGES]) {
    if (path === OWN_PAGES[0]) await logIn("ada");
    await page.goto(path);
    for (const button of await page.getByRole("button").filter({ visible: true }).all()) {
      const sends = await button.evaluate((b) => b.tagName === "SUMMARY" || Boolean(b.form && b.type === "submit"));
      const byScript = (await button.getAttribute("aria-pressed")) !== null;
      expect(sends || byScript, `${path}: ${await button.innerText()}`).toBe(true);
    }
    for (const link of await page.getByRole("link").all()) {
      const leads = await link.evaluate((a) => !a.hash || a.pathname + a.search !== location.pathname + location.search || Boolean(document.querySelector(a.hash)));
      expect(leads, `${path}: ${await link.innerText()}`).toBe(true);
    }
  }
});

test("the islands come to life under the policy", async ({ page, logIn, javaScriptEnabled }) => {
  test.skip(!javaScriptEnabled, "islands are JavaScript");
  await logIn("ben");
  await page.addInitScript(() => {
    window.refused = [];
    document.addEventListener("securitypolicyviolation", (event) => window.refused.push(event.violatedDirective));
  });
  await page.goto("/my-data");
  await islandsRun(page);
  expect(await page.evaluate(() => window.refused)).toEqual([]);
});

test("a script that got into a page would not run", async ({ context, javaScriptEnabled }) => {
  test.skip(!javaScriptEnabled, "without JavaScript no script runs");
  // A page that nobody watches: here a refusal is what is wanted.
  const page = await context.newPage();
  await page.route("/sign-up", async (route) => {
    const answer = await route.fetch();
    const body = (await answer.text()).replace("</main>", "<script>document.title = 'taken'</script></main>");
    await route.fulfill({ response: answer, body });
  });
  const refused = page.waitForEvent("console", (message) => message.text().includes("Content Security Policy"));
  await page.goto("/sign-up");
  await refused;
  await expect(page).not.toHaveTitle("taken");
});
