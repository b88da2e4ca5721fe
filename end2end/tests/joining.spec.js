// Somebody joins a programme from the shop's page, and from a frame in it.
import { expect, expectNoViolation, fresh, linkTo, test } from "../support.js";

const SHOP = "https://finch-and-rowan.example";

test("a stranger joins with an address, and finds the way back to the shop", async ({ page, javaScriptEnabled }) => {
  const address = fresh();
  await page.goto(`/join/club?return_to=${encodeURIComponent(`${SHOP}/welcome`)}`);
  await page.getByLabel("E-mail address").fill(address);
  await page.getByLabel("Nickname").fill("Wren");
  await page.getByRole("button", { name: "Send me the link" }).click();
  await expect(page.getByRole("heading", { name: "Check your mail" })).toBeVisible();
  await page.goto(await linkTo(page, address));
  await page.getByRole("button", { name: "Yes, I join" }).click();
  await expect(page.getByRole("heading", { name: "You are in" })).toBeVisible();
  // axe itself needs JavaScript.
  if (javaScriptEnabled) await expectNoViolation(page, "joined");
  const back = page.getByRole("link", { name: "Go back to finch-and-rowan.example" });
  await expect(back).toHaveAttribute("href", `${SHOP}/welcome`);
  await page.getByRole("link", { name: "Choose a password" }).click();
  await expect(page.getByRole("heading", { name: "Choose a password" })).toBeVisible();
});

test("a customer joins and leaves with one press each", async ({ page, logIn }) => {
  await logIn("grace");
  await page.goto("/join/club");
  // Another run of this test may have left them in it.
  const leave = page.getByRole("button", { name: "Leave" });
  if (await leave.isVisible()) await leave.click();
  await page.getByRole("button", { name: /^Join/ }).click();
  await expect(page.getByText("You are in.")).toBeVisible();
  await leave.click();
  await expect(page.getByText("you can still spend them")).toBeVisible();
});

/** A page of a shop at this origin, which holds the form in a frame. */
async function shopWithFrame(page, origin, baseURL) {
  const html = `<!DOCTYPE html><title>Shop</title><iframe src="${baseURL}/join/club/embed" title="Join the club" width="100%" height="600"></iframe>`;
  await page.route(`${origin}/**`, (route) => route.fulfill({ contentType: "text/html", body: html }));
  // The portal is on this machine, where Chromium lets pages from elsewhere reach only when it is told to.
  await page.context().grantPermissions(["local-network-access"], { origin });
  const answered = page.waitForResponse(`${baseURL}/join/club/embed`);
  await page.goto(`${origin}/`);
  expect((await answered).status()).toBe(200);
  return page.frameLocator("iframe");
}

// The pages here are not watched as others are: a frame in a page of another origin is what this is about.
test("the form works in a frame of the shop's page", async ({ context, baseURL }) => {
  const address = fresh();
  const page = await context.newPage();
  const frame = await shopWithFrame(page, SHOP, baseURL);
  await frame.getByLabel("E-mail address").fill(address);
  await frame.getByRole("button", { name: "Send me the link to join" }).click();
  await expect(frame.getByRole("heading", { name: "Check your mail" })).toBeVisible();
  expect(await context.cookies()).toEqual([]);
  await page.goto(baseURL + (await linkTo(page, address)));
  await expect(page.getByRole("button", { name: "Yes, I join" })).toBeVisible();
});

test("the form does not show in a frame of anybody else's page", async ({ context, baseURL }) => {
  const page = await context.newPage();
  const refused = page.waitForEvent("console", (said) => said.text().includes("frame-ancestors https://finch-and-rowan.example"));
  const frame = await shopWithFrame(page, "https://evil.example", baseURL);
  await refused;
  await expect(frame.getByLabel("E-mail address")).toHaveCount(0);
});

test("the form in a frame can be used by everybody", async ({ page, javaScriptEnabled }) => {
  test.skip(!javaScriptEnabled, "axe itself needs JavaScript");
  await page.goto("/join/club/embed");
  for (const [width, colorScheme] of [[480, "light"], [320, "dark"]]) {
    await page.setViewportSize({ width, height: 700 });
    await page.emulateMedia({ colorScheme });
    await expectNoViolation(page, `${width} pixels, ${colorScheme}`);
  }
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
});
