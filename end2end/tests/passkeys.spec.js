// Passkeys and codes in a browser, with Chromium's own virtual authenticator. Browsers allow passkeys at a name, never at
// a bare IP address: so these pages are opened as localhost.
import { randomUUID } from "node:crypto";

import { expect, expectNoViolation, test } from "../support.js";

const home = `http://localhost:${process.env.FAIRHOLD_E2E_PORT}`;
test.use({ baseURL: home });

/** A device with a finger on it. */
async function device(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const options = {
    protocol: "ctap2",
    transport: "internal",
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
  };
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", { options });
  return { session, authenticatorId };
}

const PASSWORD = "a-lamp-in-the-hallway";

/** Somebody new, so that no other test is logged in as them. */
async function newcomer(page) {
  const email = `${randomUUID()}@example.com`;
  await page.goto("/sign-up");
  await page.getByLabel("E-mail address").fill(email);
  await page.getByRole("button", { name: "Send me the link" }).click();
  const mail = page.getByRole("listitem").filter({ hasText: `To ${email}` });
  await expect(async () => {
    await page.goto("/demo/outbox");
    await expect(mail.first()).toBeVisible({ timeout: 500 });
  }).toPass();
  // The mail's link leads to 127.0.0.1 or to localhost: the page is opened where passkeys work.
  const link = new URL(await mail.first().getByRole("link").getAttribute("href"), home);
  await page.goto(link.pathname);
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByRole("button", { name: "Save my password" }).click();
  await logIn(page, email);
  return email;
}

async function logIn(page, email) {
  await page.goto("/log-in");
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
}

test("a passkey is added, logs in alone, and is taken off", async ({ page, javaScriptEnabled }) => {
  test.skip(!javaScriptEnabled, "passkeys need the browser's own code");
  const { session, authenticatorId } = await device(page);
  const email = await newcomer(page);
  await page.getByRole("link", { name: "Your log-in" }).click();
  await page.getByRole("link", { name: "Add a passkey" }).click();
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expectNoViolation(page);
  await page.getByLabel("Name").fill("my laptop");
  await page.getByRole("button", { name: "Make a passkey" }).click();
  await expect(page.getByRole("heading", { name: "Your recovery codes" })).toBeVisible();
  await expect(page.locator(".codes li")).toHaveCount(10);
  await expectNoViolation(page);
  const recovery = await page.locator(".codes li").first().innerText();
  await page.getByRole("button", { name: "I have kept them" }).click();
  const { credentials } = await session.send("WebAuthn.getCredentials", { authenticatorId });
  expect(credentials.map((c) => [c.isResidentCredential, c.rpId])).toEqual([[true, "localhost"]]);

  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("button", { name: "Log in with a passkey" }).click();
  await expectNoViolation(page);
  await page.getByRole("button", { name: "Use my passkey" }).click();
  await expect(page).toHaveURL(`${home}/my-data`);
  await expect(page.getByText(email).first()).toBeVisible();

  // The password alone is not enough any more; a recovery code stands in.
  await page.getByRole("button", { name: "Log out" }).click();
  await logIn(page, email);
  await expect(page.getByRole("heading", { name: "One more step" })).toBeVisible();
  await expectNoViolation(page);
  await page.getByLabel("Code", { exact: true }).fill(recovery);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await expect(page).toHaveURL(`${home}/my-data`);

  await page.goto("/account/passkeys");
  await expect(page.getByRole("heading", { name: "my laptop" })).toBeVisible();
  await expectNoViolation(page);
  await page.getByRole("button", { name: "Take it off: my laptop" }).click();
  await expect(page.getByText("You have no passkey yet.")).toBeVisible();
});

test("a device that gives none is answered in words", async ({ page, javaScriptEnabled }) => {
  test.skip(!javaScriptEnabled, "passkeys need the browser's own code");
  const { session, authenticatorId } = await device(page);
  await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await page.goto("/log-in");
  await page.getByRole("button", { name: "Log in with a passkey" }).click();
  await page.getByRole("button", { name: "Use my passkey" }).click();
  await expect(page.getByRole("alert")).toContainText("Your device gave us no passkey.");
  await expect(page.getByRole("button", { name: "Use my passkey" })).toBeEnabled();
});

test("without JavaScript the page says what is missing", async ({ page, javaScriptEnabled }) => {
  test.skip(javaScriptEnabled, "this is about browsers without it");
  await page.goto("/log-in");
  await page.getByRole("button", { name: "Log in with a passkey" }).click();
  await expect(page.getByText("Passkeys need JavaScript.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Use my passkey" })).toBeHidden();
});

test("an app is set up by its picture or its key", async ({ page, javaScriptEnabled }) => {
  await newcomer(page);
  await page.goto("/account/app");
  await page.getByRole("button", { name: "Set up an app" }).click();
  const picture = page.getByRole("img", { name: "A picture for the app to scan" });
  await expect(picture).toBeVisible();
  expect(await picture.evaluate((img) => img.naturalWidth)).toBeGreaterThan(200);
  await expect(page.locator("code.key")).toHaveText(/^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/);
  await page.getByLabel("Code", { exact: true }).fill("000000");
  await page.getByRole("button", { name: "Turn it on" }).click();
  await expect(page.getByRole("alert")).toContainText("That is not the code");
  if (javaScriptEnabled) await expectNoViolation(page);
});

test("devices are listed and logged out", async ({ page, browser, javaScriptEnabled }) => {
  const email = await newcomer(page);
  const other = await browser.newContext({ baseURL: home, javaScriptEnabled });
  const elsewhere = await other.newPage();
  await logIn(elsewhere, email);
  await page.goto("/account/devices");
  if (javaScriptEnabled) await expectNoViolation(page);
  const buttons = page.getByRole("button", { name: "Log out Chrome" });
  await expect(buttons).toBeVisible();
  await buttons.click();
  await expect(page.getByText("That device is logged out.")).toBeVisible();
  await elsewhere.goto("/my-data");
  await expect(elsewhere).toHaveURL(/\/log-in\?next=/);
  await other.close();
});
